"""The fixed rules: counts on four targets, geometry, caps, negative pairs, bad input."""

from __future__ import annotations

import pytest
import torch
from targets import any_targets, training_targets

from dlatrack import boxes
from dlatrack.assign import ASSIGNERS, IGNORE, NEGATIVE, POSITIVE, build_assigner
from dlatrack.grid import RPN_ANCHORS, ScoreGrid

GRID = ScoreGrid()
TARGETS = torch.tensor(
    [(95, 95, 159, 159), (100, 90, 150, 170), (98.3, 104.1, 171.6, 152.9), (60.5, 70.25, 103.25, 156)],
    dtype=torch.float64,
)
FIXED = ["circle", "iou", "rectangle", "ellipse", "inside"]


def assign(name: str, target=TARGETS, pair=None, offset: float = 31, **options):
    assigner = build_assigner(name, ScoreGrid(offset=offset), **options)
    return assigner.assign(target, pair, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "options", "offset", "eligible"),
    [
        ("iou", {}, 31, [9, 11, 13, 13]),
        ("rectangle", {}, 31, [9, 8, 9, 8]),
        ("rectangle", {}, 32, [9, 8, 9, 10]),
        ("rectangle", {"center_ratio": 0.6}, 31, [25, 24, 20, 18]),
        ("rectangle", {"center_ratio": 0.6}, 32, [25, 24, 15, 21]),
        ("ellipse", {}, 31, [9, 12, 11, 10]),
        ("inside", {}, 31, [49, 60, 54, 66]),
        ("inside", {}, 32, [64, 60, 54, 55]),
        ("circle", {}, 31, [13, 13, 10, 13]),
        ("circle", {}, 32, [11, 13, 11, 12]),
    ],
)
def test_golden_counts_of_positives(name, options, offset, eligible):
    assert assign(name, offset=offset, **options).eligible.tolist() == eligible


def test_golden_counts_of_negatives():
    overlap = assign("iou").iou
    assert (overlap < 0.3).sum(1).tolist() == [2918, 2965, 2934, 2968]
    assert assign("iou").negative.sum(1).tolist() == [48] * 4
    assert (assign("ellipse").distance > 1).sum(1).tolist() == [576, 577, 581, 580]
    assert assign("ellipse").negative.sum(1).tolist() == [48] * 4
    assert assign("rectangle").negative.sum(1).tolist() == [616, 617, 616, 617]


def test_caps_keep_sixteen_of_many_positives():
    many = torch.tensor([[91, 91, 163, 163]], dtype=torch.float64)
    for name, options in (("ellipse", {"inner": 1.0}), ("iou", {"positive_above": 0.3})):
        answer = assign(name, many, **options)
        assert answer.eligible.item() > 16
        assert answer.positive.sum() == 16
        assert answer.negative.sum() == 48


def test_negatives_may_fill_up_to_the_samples():
    """The four targets have 9, 10 ... positives of 16 allowed; a target without any gets 64 negatives."""
    fixed, fill = assign("iou"), assign("iou", negatives="fill")
    assert torch.equal(fixed.positive, fill.positive)
    assert (fill.positive.sum(1) + fill.negative.sum(1)).tolist() == [64] * 4
    assert not (fixed.negative & ~fill.negative).any(), "the same draw, only longer"
    tiny = torch.tensor([[100, 100, 104, 104]], dtype=torch.float64)
    none = assign("iou", tiny, negatives="fill")
    assert (none.positive.sum().item(), none.negative.sum().item()) == (0, 64)
    many = torch.tensor([[91, 91, 163, 163]], dtype=torch.float64)
    full = assign("iou", many, positive_above=0.3, negatives="fill")
    assert (full.positive.sum().item(), full.negative.sum().item()) == (16, 48)
    pair = torch.tensor([True, False, True, False])
    assert assign("iou", pair=pair, negatives="fill").negative.sum(1).tolist() == [55, 16, 51, 16]


def test_the_draw_of_capped_positives_is_uniform():
    target = torch.tensor([[91, 91, 163, 163]], dtype=torch.float64).expand(4000, 4)
    answer = assign("ellipse", target, inner=1.0)
    pool = answer.distance[0] < 1
    share = answer.positive[:, pool].double().mean(0)
    expected = 16 / int(pool.sum())
    assert share.mean().item() == pytest.approx(expected)
    assert (share - expected).abs().max() < 5 * (expected * (1 - expected) / 4000) ** 0.5
    together = torch.corrcoef(answer.positive[:, pool].double().T).fill_diagonal_(0)
    assert together.abs().max() < 0.12  # -1 / (pool - 1) in expectation, plus noise of 1 / sqrt(4000)


def test_a_ring_between_the_circles_is_ignored():
    answer = assign("circle", outer=24)
    inner, outer = answer.distance <= 16, answer.distance <= 24
    assert torch.equal(answer.labels == POSITIVE, inner)
    assert torch.equal(answer.labels == IGNORE, outer & ~inner)
    assert torch.equal(answer.labels == NEGATIVE, ~outer)


@pytest.mark.parametrize("name", FIXED)
def test_labels_are_one_zero_or_minus_one_and_positives_lie_inside(name):
    target = torch.cat([training_targets(500, seed=1), any_targets(500, seed=2)])
    answer = assign(name, target)
    assert answer.labels.dtype == torch.int8
    assert set(answer.labels.unique().tolist()) <= {POSITIVE, NEGATIVE, IGNORE}
    if name in ("rectangle", "ellipse", "inside"):
        margin = boxes.ltrb(GRID.points, target[:, None]).amin(-1)
        assert (margin[answer.positive] > 0).all()
    assert torch.equal(answer.empty, answer.eligible == 0)


@pytest.mark.parametrize("name", FIXED)
def test_a_batch_equals_its_targets_alone(name):
    target = training_targets(40, seed=3)
    keys = torch.arange(40) * 977
    assigner = build_assigner(name, GRID)
    together = assigner.assign(target, generator=keys).labels
    alone = torch.cat(
        [assigner.assign(target[i : i + 1], generator=keys[i : i + 1]).labels for i in range(40)]
    )
    assert torch.equal(together, alone)


@pytest.mark.slow
def test_mean_positives_of_the_fixed_rules_on_training_targets():
    """Published means for LaSOT's aspect ratios, ln(w / h) with standard deviation 0.572."""
    target = training_targets(5000, seed=4, aspect_std=0.572)
    for name, options, mean in (
        ("rectangle", {}, 9.7),
        ("rectangle", {"center_ratio": 0.6}, 21.8),
        ("ellipse", {}, 11.9),
        ("circle", {}, 12.6),
        ("iou", {}, 10.7),
    ):
        assert assign(name, target, **options).positive.sum(1).double().mean().item() == pytest.approx(
            mean, abs=0.35
        )


def test_negative_pairs():
    pair = torch.tensor([True, False, True, False])
    answer = assign("iou", pair=pair)
    assert answer.positive.sum(1).tolist() == [9, 0, 13, 0]
    assert answer.negative.sum(1).tolist() == [48, 16, 48, 16]
    answer = assign("ellipse", pair=pair)
    assert answer.positive.sum(1).tolist() == [9, 0, 11, 0]
    assert answer.negative.sum(1).tolist() == [48, 12, 48, 10]
    answer = assign("inside", pair=pair)
    assert answer.positive.sum(1).tolist() == [49, 0, 54, 0]
    assert answer.negative.sum(1).tolist() == [576, 60, 571, 66]
    assert not answer.empty.any()


def test_the_window_of_a_negative_pair_is_clipped_at_the_border():
    corner = torch.tensor([[0, 0, 40, 40]], dtype=torch.float64)
    answer = assign("iou", corner, torch.tensor([False]))
    # centre cell 12 + ceil((20 - 127) / 8 + 0.5) = 0: only cells 0..3 are left of the window -3..3
    cell = answer.negative[0].nonzero()[:, 0] // len(RPN_ANCHORS)
    assert (cell // 25).max() <= 3
    assert (cell % 25).max() <= 3


@pytest.mark.parametrize("name", ["circle", "rectangle"])
def test_rules_without_a_label_for_negative_pairs_say_so(name):
    with pytest.raises(ValueError, match=f"the {name} rule has no label for negative pairs"):
        assign(name, pair=torch.tensor([True, True, False, True]))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("circle", {"inner": 20, "outer": 16}, "0 < inner <= outer, got 20 and 16"),
        ("iou", {"negative_below": 0.7}, "got 0.7 and 0.6"),
        ("iou", {"max_positives": 0}, "0 < max_positives <= max_samples"),
        ("iou", {"negatives": "all"}, "negatives must be one of fixed, fill, got 'all'"),
        ("ellipse", {"max_positives": 65}, "0 < max_positives <= max_samples"),
        ("rectangle", {"center_ratio": 0}, r"center_ratio must be in \(0, 1\], got 0"),
        ("ellipse", {"inner": 2}, r"inner must be in \(0, 1\], got 2"),
        ("inside", {"ratio": 1}, "label assigner inside: .*ratio"),
        ("square", {}, "there is no label assigner 'square'; choose from dla,"),
    ],
)
def test_bad_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        build_assigner(name, GRID, **options)


def test_every_rule_refuses_a_box_without_area():
    for name in ASSIGNERS:
        with pytest.raises(ValueError, match="target 0 is"):
            assign(name, torch.tensor([[5.0, 5.0, 5.0, 9.0]]))
