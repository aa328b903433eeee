"""Dynamic label assignment: golden values, properties over many targets, the referee, bad input."""

from __future__ import annotations

import pytest
import torch
from targets import any_targets, training_targets

from dlatrack import boxes
from dlatrack.assign import DynamicLabelAssigner, build_assigner
from dlatrack.assign.reference import ReferenceDLA
from dlatrack.grid import RPN_ANCHORS, ScoreGrid

GRID = ScoreGrid()
SQUARE = (95, 95, 159, 159)
TALL = (100, 90, 150, 170)
WIDE = (98.3, 104.1, 171.6, 152.9)
OFF_CENTRE = (60.5, 70.25, 103.25, 156)


def one(target: tuple[float, ...], **options):
    assigner = build_assigner(options.pop("name", "dla_points"), GRID, **options)
    return assigner.assign(torch.tensor([target], dtype=torch.float64), generator=torch.Generator())


def cells(assignment, shapes: int = 1) -> set[tuple[int, ...]]:
    found = assignment.positive[0].nonzero()[:, 0].tolist()
    if shapes == 1:
        return {(s // 25, s % 25) for s in found}
    return {(s // shapes // 25, s // shapes % 25, s % shapes) for s in found}


@pytest.mark.parametrize(
    ("target", "points", "mean", "unbiased", "biased", "positives"),
    [
        (SQUARE, 9, 0.732458, 0.127551, 0.120256, {(12, 12)}),
        (SQUARE, 7, 0.764517, 0.127658, 0.118189, {(12, 12)}),
        (TALL, 7, 0.628744, 0.031307, 0.028985, set()),
        (TALL, 9, 0.619879, 0.033246, 0.031345, {(12, 12), (13, 12), (12, 11), (13, 11)}),
        (WIDE, 9, 0.633935, 0.034922, 0.032925, {(12, 13), (13, 13)}),
        (OFF_CENTRE, 9, 0.538006, 0.015620, 0.014726, set()),
    ],
)
def test_golden_values_of_points(target, points, mean, unbiased, biased, positives):
    answer = one(target, candidates=points, on_empty="strict")
    assert answer.mean.item() == pytest.approx(mean, abs=5e-7)
    assert answer.std.item() == pytest.approx(unbiased, abs=5e-7)
    assert answer.threshold.item() == pytest.approx(mean + unbiased, abs=1.01e-6)
    assert cells(answer) == positives
    assert answer.empty.item() == (not positives)
    assert one(target, candidates=points, std="biased").std.item() == pytest.approx(biased, abs=5e-7)


@pytest.mark.parametrize(
    ("target", "mean", "unbiased", "biased", "positives"),
    [
        (
            SQUARE,
            0.512056,
            0.138387,
            0.136841,
            {(j, i, 2) for j, i in ((12, 12), (11, 12), (12, 11), (12, 13), (13, 12))},
        ),
        (TALL, 0.491810, 0.151017, 0.149330, {(j, i, a) for j in (12, 13) for i in (11, 12) for a in (2, 3)}),
        (
            WIDE,
            0.496381,
            0.132522,
            0.131042,
            {
                *((12, 13, 1), (12, 13, 2), (13, 13, 1), (13, 13, 2), (12, 12, 1)),
                *((12, 14, 1), (11, 13, 2), (13, 12, 1), (13, 14, 1)),
            },
        ),
        (
            OFF_CENTRE,
            0.469669,
            0.175647,
            0.173684,
            {(j, i, a) for j in (10, 11) for i in (6, 7) for a in (3, 4)} | {(9, 6, 3)},
        ),
    ],
)
def test_golden_values_of_anchors(target, mean, unbiased, biased, positives):
    answer = one(target, name="dla_anchors", on_empty="strict")
    assert answer.mean.item() == pytest.approx(mean, abs=5e-7)
    assert answer.std.item() == pytest.approx(unbiased, abs=5e-7)
    assert cells(answer, 5) == positives
    assert answer.negative.sum() == 4 * len(positives)
    assert one(target, name="dla_anchors", std="biased").std.item() == pytest.approx(biased, abs=5e-7)


def test_an_empty_target_gets_its_best_inside_candidate():
    answer = one(TALL, candidates=7)
    assert answer.empty.item()
    assert answer.rescued.item()
    assert answer.eligible.item() == 0
    # (12, 12), (13, 12), (12, 11) and (13, 11) share the largest IoU, 0.653595; (12, 12) is nearest to (125, 130)
    assert cells(answer) == {(12, 12)}
    assert answer.negative.sum() == 4


def test_a_target_between_the_points_gets_the_nearest_candidate():
    answer = one((98, 98, 101, 101))  # the nearest point is 103, 103
    assert cells(answer) == {(9, 9)}
    assert answer.rescued.item()


def test_a_plateau_of_equal_overlaps_is_marked_as_tied():
    plateau = one((62, 117, 192, 137))  # 130 x 20: every candidate overlaps it by 64 x 20
    assert plateau.tied.item()
    assert plateau.std.item() == pytest.approx(0, abs=1e-12)
    assert not one(SQUARE).tied.item()


def test_one_candidate_has_no_spread():
    answer = one(SQUARE, candidates=1)
    assert answer.std.item() == 0
    assert answer.mean.item() == pytest.approx(1)
    assert cells(answer) == {(12, 12)}


def test_scope_all_adds_positives_beyond_the_candidates():
    target = training_targets(2000, seed=3)
    among = build_assigner("dla_points", GRID).assign(target, generator=torch.Generator())
    everywhere = build_assigner("dla_points", GRID, positive_scope="all").assign(
        target, generator=torch.Generator()
    )
    assert torch.equal(among.threshold, everywhere.threshold)
    assert (everywhere.positive | ~among.positive).all()
    assert everywhere.eligible.sum() > among.eligible.sum()


def test_a_positive_may_have_its_centre_outside_when_asked():
    """All nine candidates hold a box of 3 x 10 px between the points whole: equal IoUs, which all reach T."""
    target = (98, 85, 101, 95)
    usual, free = one(target), one(target, positive_centre="anywhere")
    assert usual.rescued.item()
    assert (usual.eligible.item(), free.eligible.item()) == (0, 9)
    assert not free.empty.item()
    assert torch.equal(usual.threshold, free.threshold)
    wide = training_targets(300, seed=21)
    inside, anywhere = (
        build_assigner("dla_points", GRID, positive_scope="all", positive_centre=where).assign(
            wide, generator=torch.Generator()
        )
        for where in ("inside", "anywhere")
    )
    assert (anywhere.positive | ~inside.positive | inside.rescued[:, None]).all()


@pytest.mark.parametrize("name", ["dla_points", "dla_anchors"])
@pytest.mark.parametrize("pool", ["rest", "outside_target", "low_iou"])
def test_negatives_come_from_the_chosen_pool(name, pool):
    target = training_targets(200, seed=4)
    assigner = build_assigner(name, GRID, negative_pool=pool)
    answer = assigner.assign(target, generator=torch.Generator())
    anchors = GRID.anchors(assigner.anchor_shapes)
    inside = boxes.ltrb(boxes.centre(anchors), target[:, None]).amin(-1) > 0.01
    high = boxes.iou(anchors, target[:, None]) >= 0.3
    forbidden = {"rest": answer.positive, "outside_target": inside, "low_iou": high}[pool]
    assert not (answer.negative & forbidden).any()
    assert torch.equal(answer.negative.sum(1), 4 * answer.positive.sum(1))


def test_caps_of_positives_and_negatives_by_hand():
    """TALL has four positives at K = 9, and so sixteen negatives."""
    four = {(12, 12), (13, 12), (12, 11), (13, 11)}
    two = one(TALL, max_positives=2)
    assert cells(two) < four
    assert (two.positive.sum().item(), two.negative.sum().item(), two.eligible.item()) == (2, 8, 4)
    dropped = [row * 25 + column for row, column in four - cells(two)]
    assert (two.labels[0, dropped] == -1).all(), "a positive beyond the cap is ignored, and never a negative"
    few = one(TALL, max_negatives=5)
    assert cells(few) == four
    assert few.negative.sum() == 5
    assert torch.equal(one(TALL, max_positives=4, max_negatives=16).labels, one(TALL).labels)
    assert one((100, 100, 101, 101), max_positives=2).positive.sum() == 1, "a rescued one stays"


@pytest.mark.parametrize("pool", ["rest", "outside_target", "low_iou"])
def test_the_caps_of_siamrpnpp_hold_for_every_target(pool):
    target = training_targets(400, seed=31)
    wide = {"candidates": 40, "positive_scope": "all", "positive_centre": "anywhere", "negative_pool": pool}
    free, capped = (
        build_assigner("dla_anchors", GRID, **wide, **caps).assign(target, generator=torch.Generator())
        for caps in ({}, {"max_positives": 16, "max_negatives": 48})
    )
    assert (free.positive.sum(1) > 16).any()
    assert torch.equal(capped.eligible, free.eligible)
    assert torch.equal(capped.positive.sum(1), free.positive.sum(1).clamp(max=16))
    assert torch.equal(capped.negative.sum(1), (4 * capped.positive.sum(1)).clamp(max=48))
    assert not (capped.positive & ~free.positive).any()
    assert not (capped.negative & free.positive).any()
    pair = torch.arange(400) % 2 == 0
    usual, other = (
        build_assigner("dla_anchors", GRID, **caps).assign(target, pair, torch.Generator())
        for caps in ({}, {"max_negatives": 4})
    )
    assert torch.equal(usual.labels[~pair], other.labels[~pair]), "negative pairs keep their negatives"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("dla_points", 20_000), ("dla_anchors", 4000)])
@pytest.mark.parametrize("scope", ["candidates", "all"])
def test_properties_hold_for_many_targets(name, count, scope):
    assigner = build_assigner(name, GRID, positive_scope=scope)
    generator = torch.Generator().manual_seed(5)
    anchors = GRID.anchors(assigner.anchor_shapes)
    for chunk in torch.cat([training_targets(count // 2, seed=6), any_targets(count // 2, seed=7)]).split(
        2000
    ):
        answer = assigner.assign(chunk, generator=generator)
        positives, negatives = answer.positive.sum(1), answer.negative.sum(1)
        assert (positives >= 1).all()
        assert torch.equal(negatives, torch.minimum(4 * positives, len(anchors) - positives))
        margin = boxes.ltrb(boxes.centre(anchors), chunk[:, None]).amin(-1)
        none_inside = (margin.gather(1, answer.candidates) <= 0.01).all(1)
        assert ((margin > 0.01) | ~answer.positive | none_inside[:, None]).all()
        assert (answer.iou >= 0).all()
        assert (answer.iou <= 1).all()
        assert (answer.iou.amax(1) >= answer.mean - 1e-12).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shapes", "count"), [("dla_points", ((64, 64),), 10_000), ("dla_anchors", RPN_ANCHORS, 2000)]
)
def test_a_batch_equals_the_referee_target_by_target(name, shapes, count):
    target = torch.cat([training_targets(count // 2, seed=8), any_targets(count // 2, seed=9)])
    keys = torch.randint(2**63 - 1, (count,), generator=torch.Generator().manual_seed(10))
    assigner, referee = build_assigner(name, GRID), ReferenceDLA(anchor_shapes=shapes)
    for chunk, chunk_keys in zip(target.split(1000), keys.split(1000), strict=True):
        labels = assigner.assign(chunk, generator=chunk_keys).labels.numpy()
        for got, box, key in zip(labels, chunk.numpy(), chunk_keys.tolist(), strict=True):
            assert (got == referee.assign(box, key).labels).all(), f"target {box.tolist()} key {key}"


@pytest.mark.parametrize("name", ["dla_points", "dla_anchors"])
@pytest.mark.parametrize(
    "options",
    [
        {"std": "biased"},
        {"positive_scope": "all"},
        {"on_empty": "strict"},
        {"candidates": 23},
        {"candidates": 1},
        {"negatives_per_positive": 7, "tolerance": 0.01},
        {"max_positives": 2, "candidates": 23},
        {"max_negatives": 5, "on_empty": "strict"},
        {"max_positives": 16, "max_negatives": 48, "positive_scope": "all"},
    ],
    ids=str,
)
def test_every_option_equals_the_referee(name, options):
    target = torch.cat([training_targets(300, seed=11), any_targets(300, seed=12)])
    keys = torch.randint(2**63 - 1, (600,), generator=torch.Generator().manual_seed(13))
    assigner = build_assigner(name, GRID, **options)
    referee = ReferenceDLA(anchor_shapes=assigner.anchor_shapes, **options)
    answer = assigner.assign(target, generator=keys)
    for row, (box, key) in enumerate(zip(target.numpy(), keys.tolist(), strict=True)):
        expected = referee.assign(box, key)
        assert (answer.labels[row].numpy() == expected.labels).all(), f"target {box.tolist()}"
        assert answer.mean[row].item() == pytest.approx(expected.mean, abs=1e-12)
        assert answer.std[row].item() == pytest.approx(expected.std, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (
            "candidates",
            {5: 2.57, 7: 2.90, 9: 3.43, 11: 3.23, 13: 3.39, 15: 3.71, 17: 3.54, 19: 3.44, 21: 3.84, 23: 4.14},
        ),
        (
            "all",
            {5: 5.23, 7: 4.85, 9: 4.84, 11: 4.07, 13: 3.97, 15: 4.07, 17: 3.64, 19: 3.36, 21: 3.74, 23: 4.01},
        ),
    ],
)
def test_mean_positives_over_k_as_simulated_for_figure_9(scope, expected):
    """The default reading, and positives from all samples without the rescue, for ln(w / h) ~ N(0, 0.7)."""
    target = training_targets(10_000, seed=20)
    on_empty = "best" if scope == "candidates" else "strict"
    for points, mean in expected.items():
        assigner = build_assigner(
            "dla_points",
            GRID,
            candidates=points,
            positive_scope=scope,
            on_empty=on_empty,
            negatives_per_positive=0,
        )
        answer = assigner.assign(target, generator=torch.Generator())
        assert answer.positive.sum(1).double().mean().item() == pytest.approx(mean, abs=0.1), f"K = {points}"
        if scope == "candidates":
            assert 0.26 <= answer.empty.double().mean().item() <= 0.34, f"K = {points}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": 0}, r"candidates must be in 1\.\.625 \(grid points\), got 0"),
        ({"candidates": 626}, "got 626"),
        ({"std": "population"}, "std must be one of unbiased, biased, got 'population'"),
        ({"on_empty": "skip"}, "on_empty must be one of best, strict"),
        ({"positive_scope": "some"}, "positive_scope must be one of"),
        ({"positive_centre": "near"}, "positive_centre must be one of inside, anywhere, got 'near'"),
        ({"negative_pool": "far"}, "negative_pool must be one of"),
        ({"negatives_per_positive": -1}, "must not be negative"),
        (
            {"max_positives": -1},
            r"max_positives and max_negatives must not be negative \(0: no cap\), got -1 and 0",
        ),
        ({"max_negatives": -4}, "got 0 and -4"),
        ({"max_positives": 2.5}, "max_positives must be a whole number, got 2.5"),
        ({"top_k": 9}, "label assigner dla_points: .*top_k"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_assigner("dla_points", GRID, **options)


@pytest.mark.parametrize(
    ("target", "generator", "message"),
    [
        ([[10, 10, 10, 20]], torch.Generator(), r"target 0 is \[10.0, 10.0, 10.0, 20.0\].*x2 > x1"),
        ([SQUARE, (0, 0, float("nan"), 5)], torch.Generator(), "target 1 is .*finite"),
        ([SQUARE], None, "pass a torch.Generator or one int64 key per target"),
        ([SQUARE], torch.zeros(3, dtype=torch.int64), r"keys must be int64 of shape \(1,\)"),
        ([SQUARE[:3]], torch.Generator(), r"must have shape \(B, 4\)"),
    ],
)
def test_bad_targets_are_named(target, generator, message):
    with pytest.raises(ValueError, match=message):
        DynamicLabelAssigner(GRID).assign(torch.tensor(target, dtype=torch.float64), generator=generator)


def test_a_pair_flag_of_the_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"positive_pair must be bool of shape \(1,\)"):
        DynamicLabelAssigner(GRID).assign(
            torch.tensor([SQUARE]), torch.ones(2, dtype=torch.bool), torch.Generator()
        )
