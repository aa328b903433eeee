"""ATSS: golden values, the referee, thin targets, properties, bad input."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from predictions import case
from referees import GRID, assert_batches_agree, differing, random_targets

from dlatrack import boxes
from dlatrack.assign import AtssAssigner, build_assigner
from dlatrack.grid import RPN_ANCHORS


@pytest.mark.parametrize(
    ("name", "candidates", "mean", "std", "positives"),
    [
        ("T", [6, 7, 8, 11, 12, 13, 16, 17, 18], 0.444984, 0.183103, [12]),
        ("G", [311, 312, 313, 336, 337, 338, 339, 362, 363], 0.659826, 0.073544, [312, 337]),
    ],
)
def test_golden_values_of_mmdet(name, candidates, mean, std, positives):
    made = case(name)
    answer = AtssAssigner(made.grid, made.anchor_shapes).assign(made.target_xyxy)
    assert sorted(answer.candidates[0].tolist()) == candidates
    assert answer.mean.item() == pytest.approx(mean, abs=1e-6)
    assert answer.std.item() == pytest.approx(std, abs=1e-6)
    assert answer.threshold.item() == pytest.approx(mean + std, abs=1e-6)
    assert answer.positive[0].nonzero()[:, 0].tolist() == positives
    assert answer.eligible.item() == len(positives)


@pytest.mark.slow
def test_three_thousand_targets_equal_the_referee():
    assert differing("atss", 3000, seed=1) == []
    assert differing("atss", 500, seed=2, anchor_shapes=RPN_ANCHORS) == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"anchor_shapes": RPN_ANCHORS},
        {"anchor_shapes": RPN_ANCHORS, "counted": "by_point"},
        {"anchor_shapes": RPN_ANCHORS, "candidates": 17, "tolerance": 0.01},
        {"candidates": 1},
        {"candidates": 625},
    ],
    ids=str,
)
def test_every_option_equals_the_referee(options):
    assert differing("atss", 500, seed=3, **options) == []


@pytest.mark.parametrize("shapes", [((64, 64),), RPN_ANCHORS])
def test_neither_order_nor_size_of_a_batch_matters(shapes):
    assert_batches_agree("atss", 2000 if len(shapes) == 1 else 300, anchor_shapes=shapes)


def test_anchors_are_counted_singly_or_by_point():
    target = torch.tensor([[95.0, 95, 159, 159]])  # centred on point (12, 12), number 312
    singly, by_point = (
        AtssAssigner(GRID, RPN_ANCHORS, counted=how).assign(target).candidates[0].tolist()
        for how in ("singly", "by_point")
    )
    assert singly == [
        *range(1560, 1565),
        *range(1435, 1439),
    ]  # all of 312 and four of 287, the first of its equals
    assert len(by_point) == 45
    assert by_point[:9] == singly
    assert len({sample // 5 for sample in by_point}) == 9


def test_by_point_the_positives_are_those_of_dynamic_label_assignment_without_its_rescue():
    target = random_targets(400, seed=4)
    for shapes in (((64, 64),), RPN_ANCHORS):
        ours = AtssAssigner(GRID, shapes, counted="by_point").assign(target)
        dla = build_assigner("dla", GRID, anchor_shapes=shapes, on_empty="strict")
        assert torch.equal(ours.positive, dla.assign(target, generator=torch.Generator()).positive)
        assert torch.equal(ours.negative, ~ours.positive), "ATSS ignores nothing"


@given(x=st.floats(90, 150), y=st.floats(90, 150), width=st.floats(142, 240), height=st.floats(1, 20))
def test_a_thin_target_ties_all_nine_candidates(x, y, width, height):
    """Each of the nine 64 x 64 boxes covers 64 px of the length and all of the height: T is their equal IoU."""
    target = boxes.cxcywh_to_xyxy(torch.tensor([[x, y, width, height]], dtype=torch.float64))
    answer = AtssAssigner(GRID).assign(target)
    assert answer.tied.item()
    assert answer.std.item() == pytest.approx(0, abs=1e-12)
    assert answer.iou.amin().item() == pytest.approx(64 * height / (64 * 64 + (width - 64) * height))
    inside = boxes.ltrb(GRID.points[answer.candidates[0]], target).amin(-1) > 0.01
    assert torch.equal(answer.positive[0, answer.candidates[0]], inside)


@given(seed=st.integers(0, 10**6), candidates=st.integers(1, 40), many=st.booleans())
def test_positives_are_inside_candidates_that_reach_the_threshold(seed, candidates, many):
    shapes = RPN_ANCHORS if many else ((64, 64),)
    target = random_targets(6, seed)
    answer = AtssAssigner(GRID, shapes, candidates).assign(target)
    anchors = GRID.anchors(shapes)
    margin = boxes.ltrb(boxes.centre(anchors), target[:, None]).amin(-1)
    assert (margin[answer.positive] > 0.01).all()
    among = answer.positive.gather(1, answer.candidates)
    assert torch.equal(among.sum(1), answer.positive.sum(1))
    assert ((answer.iou >= answer.threshold[:, None] - 1e-6) | ~among).all()
    assert torch.equal(answer.empty, answer.eligible == 0)
    assert not answer.rescued.any()


def test_a_negative_pair_has_negatives_only():
    answer = AtssAssigner(GRID).assign(random_targets(20, seed=5), torch.arange(20) % 2 == 0)
    assert (answer.labels[1::2] == 0).all()
    assert not (answer.empty | answer.tied)[1::2].any()
    assert answer.positive[::2].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": 0}, r"candidates must be in 1\.\.625 \(samples\), got 0"),
        ({"candidates": 626}, "got 626"),
        ({"candidates": 3126, "anchor_shapes": RPN_ANCHORS}, r"in 1\.\.3125 \(samples\), got 3126"),
        (
            {"candidates": 626, "anchor_shapes": RPN_ANCHORS, "counted": "by_point"},
            r"in 1\.\.625 \(grid points\), got 626",
        ),
        ({"counted": "twice"}, "counted must be one of singly, by_point, got 'twice'"),
        ({"tolerance": -1.0}, r"tolerance must not be negative, got -1\.0"),
        ({"on_empty": "best"}, "label assigner atss.*on_empty"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_assigner("atss", GRID, **options)
