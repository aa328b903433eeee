"""Task-aligned labels: published numbers, the referee, properties, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cases import CASE_G, CASE_T, Case, Given, disagreements, random_predictions, some_targets
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack import boxes
from dlatrack.assign import Assignment, Prediction, build_assigner
from dlatrack.assign.reference import ReferenceTal
from dlatrack.assign.reference.base import plain_iou
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid

GRID = ScoreGrid()
SQUARE = torch.tensor([[95.0, 95.0, 159.0, 159.0]])


def one(case: Case, **options) -> Assignment:
    rule = build_assigner("tal", case.grid, anchor_shapes=case.anchor_shapes, **options)
    return rule.assign(case.target_xyxy, prediction=case.prediction)


@pytest.mark.parametrize(
    ("case", "positive", "quality", "smallest"),
    [
        (
            CASE_T,
            [6, 7, 8, 11, 12, 13, 16, 17, 18],
            [0.411679, 0.228811, 0.859514, 0.674356, 0.68762, 0.573807, 0.119928, 0.598108, 0.111313],
            0.03229197,
        ),
        (
            CASE_G,
            [263, 286, 288, 311, 312, 313, 314, 334, 336, 337, 338, 339, 362],
            [
                *(0.549941, 0.600059, 0.683398, 0.913085, 0.315902, 0.616144, 0.317824, 0.365953, 0.34529),
                *(0.329338, 0.334197, 0.365921, 0.419583),
            ],
            0.17074154,
        ),
    ],
    ids=["T", "G"],
)
def test_labels_and_qualities_are_those_of_the_public_code(case, positive, quality, smallest):
    answer = one(case)
    assert answer.positive[0].nonzero()[:, 0].tolist() == positive
    assert answer.quality[0, positive].tolist() == pytest.approx(quality, abs=1e-5)
    assert answer.threshold.item() == pytest.approx(smallest, abs=1e-6)
    assert torch.equal(answer.quality, answer.weight)
    assert answer.mean_quality.item() == pytest.approx(sum(quality) / len(quality), abs=1e-5)
    assert answer.eligible.item() == len(positive)


def undecided(referee: ReferenceTal, given: Given) -> bool:
    """Whether rounding may decide a label of this target: a near-tie of the last place."""
    alignment = given.probability**referee.alpha * plain_iou(given.boxes, given.target) ** referee.beta
    last, after = np.sort(alignment)[::-1][[referee.top - 1, referee.top]]
    return last - after < 1e-9


@pytest.mark.parametrize(
    ("shapes", "count", "options"),
    [
        (POINT_ANCHOR, 1000, {}),
        (RPN_ANCHORS, 300, {}),
        (POINT_ANCHOR, 500, {"top": 1}),
        (POINT_ANCHOR, 500, {"top": 40, "alpha": 0.5, "beta": 2.0}),
        (POINT_ANCHOR, 500, {"alpha": 0.0}),
        pytest.param(POINT_ANCHOR, 3000, {}, marks=pytest.mark.slow),
        pytest.param(RPN_ANCHORS, 1000, {}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_batch_equals_the_referee_target_by_target(shapes, count, options):
    referee = ReferenceTal(anchor_shapes=shapes, **options)
    rule = build_assigner("tal", GRID, anchor_shapes=shapes, **options)
    different = disagreements(rule, referee, count, seed=2)
    assert all(undecided(referee, given) for given in different)
    assert len(different) <= count / 1000


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=20)
def test_positives_lie_inside_and_have_the_quality(seed, top):
    target, pair = some_targets(30, seed), torch.arange(30) % 3 > 0
    prediction = random_predictions(target, 1, seed)
    answer = build_assigner("tal", GRID, top=top).assign(target, pair, prediction=prediction)
    inside = boxes.ltrb(GRID.points, target[:, None]).amin(-1) > 0.01
    assert (inside | ~answer.positive).all()
    assert torch.equal(answer.positive.sum(1), torch.where(pair, answer.eligible, 0))
    assert (answer.eligible <= top).all()
    assert torch.equal(answer.positive, answer.quality > 0)
    assert torch.equal(answer.positive | answer.negative, torch.ones_like(inside))
    # The best positive is to answer the largest IoU of the positives, up to the 1e-7 in the divisor.
    overlap = torch.where(answer.positive, boxes.iou(prediction.boxes_xyxy, target[:, None]), 0).amax(1)
    assert (answer.quality.amax(1) <= overlap).all()
    assert not answer.tied.any()
    assert not answer.empty[~pair].any()
    assert torch.equal(answer.empty, pair & (answer.eligible == 0))
    assert answer.threshold.isnan().equal(~answer.positive.any(1))


def test_of_equal_samples_the_first_are_taken():
    prediction = Prediction(torch.full((1, 625), 0.5), SQUARE[:, None].expand(1, 625, 4))
    answer = build_assigner("tal", GRID, top=300).assign(SQUARE, prediction=prediction)
    inside = (boxes.ltrb(GRID.points, SQUARE[0]).amin(-1) > 0.01).nonzero()[:, 0]
    assert answer.candidates[0].tolist() == list(range(300))
    assert answer.positive[0].nonzero()[:, 0].tolist() == inside[inside < 300].tolist()


def test_predictions_without_overlap_make_the_target_empty():
    far = torch.tensor([0.0, 0.0, 5.0, 5.0]).expand(1, 625, 4)
    answer = build_assigner("tal", GRID).assign(SQUARE, prediction=Prediction(torch.ones(1, 625), far))
    assert answer.empty.item()
    assert not answer.positive.any()
    assert answer.quality.sum() == 0
    assert answer.threshold.isnan().item()
    # One sample with a little overlap is positive; the twelve other places repeat it.
    few = far.clone()
    few[0, 312] = torch.tensor([150.0, 150.0, 170.0, 170.0])
    answer = build_assigner("tal", GRID).assign(SQUARE, prediction=Prediction(torch.ones(1, 625), few))
    assert answer.candidates[0].tolist() == [312] * 13
    assert answer.positive[0].nonzero()[:, 0].tolist() == [312]
    overlap = boxes.iou(few[0, 312], SQUARE[0]).double().item()
    assert answer.quality[0, 312].item() == pytest.approx(overlap**7 / (overlap**6 + 1e-7), rel=1e-6)


def test_thin_and_tiny_targets_and_an_empty_batch():
    target = torch.tensor(
        [[50.0, 100.0, 192.0, 120.0], [96.0, 96.0, 97.0, 97.0], [102.5, 102.5, 103.5, 103.5]]
    )
    prediction = Prediction(torch.full((3, 625), 0.7), target[:, None].expand(3, 625, 4))
    answer = build_assigner("tal", GRID, top=625).assign(target, prediction=prediction)
    assert answer.positive.sum(1).tolist() == [18 * 3, 0, 1]
    assert answer.empty.tolist() == [False, True, False]
    nothing = Prediction(torch.zeros(0, 625), torch.zeros(0, 625, 4))
    for name in ("tal", "paa", "autoassign"):
        answer = build_assigner(name, GRID).assign(torch.zeros(0, 4), prediction=nothing)
        assert answer.labels.shape == (0, 625)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": 0}, r"top must be in 1\.\.625 \(samples\), got 0"),
        ({"top": 3126, "anchor_shapes": RPN_ANCHORS}, r"1\.\.3125 \(samples\), got 3126"),
        ({"alpha": -1}, "alpha must be a number that is not negative, got -1"),
        ({"beta": 0}, "beta must be a positive number, got 0"),
        ({"beta": float("nan")}, "beta must be a finite number, got nan"),
        ({"gamma": 2}, "label assigner tal: .*gamma"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_assigner("tal", GRID, **options)


@pytest.mark.parametrize("name", ["tal", "paa", "autoassign"])
@pytest.mark.parametrize(
    ("probability", "predicted", "message"),
    [
        (None, None, "the {} rule needs the predictions of a network; pass prediction="),
        (
            torch.full((1, 625), 1.2),
            None,
            "{}: the probability of sample 0 of target 0 must be in 0..1, got 1.2",
        ),
        (torch.full((1, 625), torch.nan), None, "{}: the probability of sample 0 of target 0 .* got nan"),
        (torch.zeros(1, 624), None, r"{}: prediction.probability must be floating point of shape \(1, 625\)"),
        (None, torch.zeros(1, 625, 4), "{}: the predicted box of sample 0 of target 0 is .*x2 > x1"),
        (None, torch.full((1, 625, 4), torch.nan), "{}: the predicted box of sample 0 of target 0 is .*nan"),
    ],
)
def test_bad_predictions_are_named(name, probability, predicted, message):
    prediction = None
    if probability is not None or predicted is not None:
        probability = torch.full((1, 625), 0.5) if probability is None else probability
        predicted = SQUARE[:, None].expand(1, 625, 4) if predicted is None else predicted
        prediction = Prediction(probability, predicted)
    with pytest.raises(ValueError, match=message.format(name)):
        build_assigner(name, GRID).assign(SQUARE, prediction=prediction)


def test_a_referee_without_predictions_says_so():
    with pytest.raises(ValueError, match="this rule needs predictions"):
        ReferenceTal().assign(SQUARE[0].numpy())
