"""AutoAssign: the centre prior and the qualities, the referee, properties, bad input."""

from __future__ import annotations

import math

import pytest
import torch
from cases import CASE_G, CASE_T, disagreements, random_predictions, some_targets
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack import boxes
from dlatrack.assign import Prediction, build_assigner
from dlatrack.assign.reference import ReferenceAutoAssign
from dlatrack.grid import RPN_ANCHORS, ScoreGrid
from dlatrack.losses.soft import auto_assign_losses

GRID = ScoreGrid()
#: A target between the points, and one that holds (103, 103) alone.
TINY = torch.tensor([[96.0, 96.0, 99.0, 99.0], [101.0, 101.0, 105.0, 106.0]])


@pytest.mark.parametrize(
    ("case", "inside", "prior"), [(CASE_T, 9, 4.897641), (CASE_G, 70, 6.279282)], ids="TG"
)
def test_the_centre_prior_is_that_of_the_public_code(case, inside, prior):
    rule = build_assigner("autoassign", case.grid, anchor_shapes=case.anchor_shapes)
    answer = rule.assign(case.target_xyxy, prediction=case.prediction)
    assert answer.positive.sum().item() == answer.eligible.item() == inside
    assert answer.weight.sum().item() == pytest.approx(prior, abs=1e-5)
    assert answer.quality.amax().item() == 1


@pytest.mark.parametrize(
    ("case", "positive", "negative", "divided", "centre"),
    [(CASE_T, 0.364487, 1.168186, 0.238520, 0.153135), (CASE_G, 0.284494, 13.289663, 2.116431, 0.119440)],
    ids="TG",
)
def test_the_losses_are_those_of_the_public_code(case, positive, negative, divided, centre):
    rule = build_assigner("autoassign", case.grid, anchor_shapes=case.anchor_shapes)
    answer = rule.assign(case.target_xyxy, prediction=case.prediction)
    soft = (answer.labels, answer.quality, answer.weight)
    predicted = case.prediction.boxes_xyxy
    certain = torch.full_like(case.logits, 100.0)
    for objectness in (None, certain):
        losses = auto_assign_losses(case.logits.double(), objectness, predicted, case.target_xyxy, *soft)
        assert losses.positive.item() == pytest.approx(positive, abs=1e-5)
        assert losses.negative.item() == pytest.approx(divided, abs=1e-5)
        assert losses.negative.item() * answer.weight.sum().item() == pytest.approx(negative, abs=1e-5)
        assert losses.centre.item() == pytest.approx(centre, abs=1e-5)
    twice = (each.expand(2, *each.shape[1:]) for each in (case.logits, predicted, case.target_xyxy, *soft))
    logits, *others = twice
    again = auto_assign_losses(logits.double(), None, *others)
    assert again.positive.item() == pytest.approx(positive, abs=1e-5)
    assert again.negative.item() == pytest.approx(divided, abs=1e-5)
    assert again.centre.item() == pytest.approx(centre, abs=1e-5)


def test_prior_and_quality_by_hand():
    """(103, 103) lies half a stride left of and 0.5 px above the centre of a target of 12 x 5 px."""
    target = torch.tensor([[101.0, 101.0, 113.0, 106.0]])
    prediction = Prediction(torch.full((1, 625), 0.5), target[:, None].repeat(1, 625, 1))
    first, second = 9 * 25 + 9, 9 * 25 + 10  # (103, 103) and (111, 103)
    prediction.boxes_xyxy[0, first, 2] = 107  # IoU 1/2, u = 2
    prediction.boxes_xyxy[0, second, 2] = 104  # IoU 1/4, u = 4/3
    answer = build_assigner("autoassign", GRID).assign(target, prediction=prediction)
    assert answer.positive[0].nonzero()[:, 0].tolist() == [first, second]
    expected = math.exp(-((4 / 8) ** 2 + (0.5 / 8) ** 2) / 2)
    assert answer.weight[0, [first, second]].tolist() == pytest.approx([expected, expected])
    assert answer.quality[0, [first, second]].tolist() == pytest.approx([1, 0], abs=1e-11)
    moved = build_assigner("autoassign", GRID, offset=0.5, width=2.0).assign(target, prediction=prediction)
    expected = math.exp(-(1 + (0.5 / 8 + 0.5) ** 2) / 8)
    assert moved.weight[0, first].item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("count", "options"),
    [
        (1000, {}),
        (500, {"top": 9}),
        (500, {"offset": -0.5, "width": 2.5}),
        pytest.param(3000, {}, marks=pytest.mark.slow),
        pytest.param(3000, {"top": 9}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_batch_equals_the_referee_target_by_target(count, options):
    plain = {"centre_offset" if name == "offset" else name: value for name, value in options.items()}
    rule = build_assigner("autoassign", GRID, **options)
    assert not disagreements(rule, ReferenceAutoAssign(**plain), count, seed=3)


def test_a_target_between_the_points_is_empty_or_gets_the_nearest_points():
    prediction = random_predictions(TINY, 1, seed=0)
    answer = build_assigner("autoassign", GRID).assign(TINY, prediction=prediction)
    assert answer.empty.tolist() == [True, False]
    assert answer.positive.sum(1).tolist() == [0, 1]
    assert answer.weight[0].sum() == 0
    # A single point inside has the whole quality, whatever its box.
    assert answer.quality[1, 9 * 25 + 9].item() == 1
    rescued = build_assigner("autoassign", GRID, top=4).assign(TINY, prediction=prediction)
    assert rescued.rescued.tolist() == [True, False]
    # (97.5, 97.5) lies between (95, 95), (103, 95), (95, 103) and (103, 103)
    assert rescued.positive[0].nonzero()[:, 0].tolist() == [8 * 25 + 8, 8 * 25 + 9, 9 * 25 + 8, 9 * 25 + 9]
    assert (rescued.weight[0][rescued.positive[0]] > 0.6).all()
    assert rescued.quality[0].amax().item() == 1
    assert torch.equal(rescued.labels[1], answer.labels[1])
    negative = build_assigner("autoassign", GRID, top=4).assign(
        TINY, torch.tensor([False, False]), prediction=prediction
    )
    assert not negative.positive.any()
    assert not negative.empty.any()
    assert negative.weight.sum() == 0
    assert negative.quality.sum() == 0


@given(st.integers(0, 10_000), st.integers(0, 20))
@settings(max_examples=20)
def test_all_points_inside_are_positive_and_the_rest_is_negative(seed, top):
    target, pair = some_targets(30, seed), torch.arange(30) % 3 > 0
    rule = build_assigner("autoassign", GRID, top=top)
    answer = rule.assign(target, pair, prediction=random_predictions(target, 1, seed))
    inside = boxes.ltrb(GRID.points, target[:, None]).amin(-1) > 0
    assert torch.equal(answer.positive[~answer.empty], (inside & pair[:, None])[~answer.empty])
    assert (answer.positive.sum(1)[answer.empty] == top).all()
    assert torch.equal(answer.positive | answer.negative, torch.ones_like(inside))
    assert torch.equal(answer.quality.amax(1), answer.positive.any(1).double())
    assert (answer.quality >= 0).all()
    for soft in (answer.quality, answer.weight):
        assert (soft[~answer.positive] == 0).all()
    assert torch.equal(answer.empty, pair & ~inside.any(1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"anchor_shapes": RPN_ANCHORS},
            "the rule is defined for points; an RPN head has m anchors per point, got 5 anchor_shapes",
        ),
        ({"width": 0}, "width must be a positive number, got 0"),
        ({"offset": float("inf")}, "offset must be a finite number, got inf"),
        ({"top": 626}, r"top must be in 0\.\.625 \(grid points\), got 626"),
        ({"top": -1}, "got -1"),
        ({"sigma": 1}, "label assigner autoassign: .*sigma"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_assigner("autoassign", GRID, **options)
