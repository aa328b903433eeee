"""Optimal transport assignment: golden values, the referee, targets without an admissible sample, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from predictions import case, random_predictions
from referees import GRID, assert_batches_agree, differing, random_targets

from dlatrack import boxes
from dlatrack.assign import OtaAssigner, Prediction, build_assigner
from dlatrack.assign.reference import ReferenceOta
from dlatrack.grid import RPN_ANCHORS, ScoreGrid

POSITIVES = {
    "T": [6, 8, 11, 12, 13, 17],
    "G": [286, 288, 311, 312, 313, 314, 337, 338, 339, 361, 362, 363, 386, 388],
}


@pytest.mark.parametrize("name", ["T", "G"])
def test_golden_positives_of_the_public_code(name):
    made = case(name)
    rule = OtaAssigner(made.grid, made.anchor_shapes)
    answer = rule.assign(made.target_xyxy, prediction=made.prediction)
    assert answer.positive[0].nonzero()[:, 0].tolist() == POSITIVES[name]
    assert answer.eligible.item() == len(POSITIVES[name])
    assert not answer.empty.item()


@pytest.mark.parametrize(
    ("name", "k", "largest"),
    [
        (
            "T",
            6,
            {12: 1.000254, 17: 0.998784, 13: 0.976442, 8: 0.969945, 11: 0.957559, 6: 0.714227},
        ),
        (
            "G",
            15,
            {313: 0.999998, 362: 0.999925, 311: 0.999908, 339: 0.998648, 337: 0.998421, 288: 0.998033},
        ),
    ],
)
def test_golden_plan_of_the_referee(name, k, largest):
    made = case(name)
    referee = ReferenceOta(made.grid.size, made.grid.stride, made.grid.offset, made.anchor_shapes)
    target, _ = referee.plan(
        made.target_xyxy[0].double().numpy(),
        made.prediction.probability[0].numpy(),
        made.prediction.boxes_xyxy[0].double().numpy(),
    )
    assert target.sum() == pytest.approx(k, abs=1e-5)
    assert np.argsort(-target)[:6].tolist() == list(largest)
    assert target[list(largest)].tolist() == pytest.approx(list(largest.values()), abs=1e-4)


@pytest.mark.slow
def test_two_thousand_targets_equal_the_referee():
    assert differing("ota", 2000, seed=1) == []
    assert differing("ota", 300, seed=2, anchor_shapes=RPN_ANCHORS) == []


@pytest.mark.parametrize(("count", "options"), [(300, {}), (50, {"anchor_shapes": RPN_ANCHORS})], ids=str)
def test_random_targets_equal_the_referee(count, options):
    assert differing("ota", count, seed=3, **options) == []


@pytest.mark.parametrize(
    "options",
    [
        {"radius": 1.5, "top": 10},
        {"iou_weight": 0.0, "epsilon": 0.3, "rounds": 7},
        {"rounds": 1},
        {"rounds": 2},
        {"radius": 30.0, "top": 625},
    ],
    ids=str,
)
def test_every_option_equals_the_referee(options):
    assert differing("ota", 200, seed=4, **options) == []


def test_a_grid_of_admissible_samples_alone_equals_the_referee():
    """Where all samples are admissible, the background has nothing but what they leave."""
    grid, shapes = ScoreGrid(3, 8, 100), ((20.0, 20.0),)
    target = torch.tensor([[90.0, 90.0, 126.0, 126.0]]).expand(40, 4)
    answers = random_predictions(target, 5, grid.anchors(shapes))
    answer = OtaAssigner(grid, shapes, top=9).assign(target, prediction=answers)
    referee = ReferenceOta(3, 8, 100, shapes, top=9)
    for row in range(40):
        plain = referee.assign(
            target[row].double().numpy(),
            0,
            answers.probability[row].double().numpy(),
            answers.boxes_xyxy[row].double().numpy(),
        )
        assert answer.labels[row].tolist() == plain.labels.tolist()


@pytest.mark.parametrize("shapes", [((64, 64),), RPN_ANCHORS])
def test_neither_order_nor_size_of_a_batch_matters(shapes):
    assert_batches_agree("ota", 1000 if len(shapes) == 1 else 200, anchor_shapes=shapes)


@given(seed=st.integers(0, 10**6), many=st.booleans())
def test_positives_are_admissible_and_never_absent(seed, many):
    shapes = RPN_ANCHORS if many else ((64, 64),)
    target, anchors = random_targets(6, seed), GRID.anchors(shapes)
    answer = OtaAssigner(GRID, shapes).assign(target, prediction=random_predictions(target, seed, anchors))
    centres = boxes.centre(anchors)
    admissible = (centres - boxes.centre(target)[:, None]).abs().amax(-1) < 20
    admissible &= boxes.ltrb(centres, target[:, None]).amin(-1) > 0.01
    assert torch.equal(answer.empty, ~admissible.any(1))
    assert not (answer.positive & ~admissible & ~answer.empty[:, None]).any()
    assert answer.positive.any(1).all()
    assert torch.equal(answer.rescued, answer.empty)
    assert torch.equal(answer.negative, ~answer.positive)


def test_a_target_between_the_points_gets_its_cheapest_sample():
    target = torch.tensor([[97.5, 97.5, 101.5, 101.5]])
    far = torch.tensor([0.0, 0.0, 20.0, 20.0]).expand(1, 625, 4).clone()
    answers = Prediction(torch.full((1, 625), 0.25, dtype=torch.float64), far)
    answers.probability[0, 100], answers.boxes_xyxy[0, 100] = 0.75, target[0]
    for rounds in (1, 50):
        answer = OtaAssigner(GRID, rounds=rounds).assign(target, prediction=answers)
        assert answer.empty.item()
        assert answer.positive[0].nonzero()[:, 0].tolist() == [100]
        assert answer.threshold.item() == pytest.approx(1e6 - 0.25 * 0.25**2 * np.log(0.75), abs=1e-9)


def test_a_negative_pair_has_negatives_only():
    target, pair = random_targets(20, seed=5), torch.arange(20) % 2 == 0
    answers = random_predictions(target, 6, GRID.anchors(((64, 64),)))
    answer = OtaAssigner(GRID).assign(target, pair, prediction=answers)
    assert (answer.labels[1::2] == 0).all()
    assert not (answer.empty | answer.tied)[1::2].any()
    assert answer.positive[::2].any(1).all()
    nobody = Prediction(answers.probability[:0], answers.boxes_xyxy[:0])
    assert OtaAssigner(GRID).assign(target[:0], prediction=nobody).labels.shape == (0, 625)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius": -1}, "radius must be positive, got -1"),
        ({"epsilon": 0}, "epsilon must be positive, got 0"),
        ({"epsilon": float("nan")}, "epsilon must be a finite number, got nan"),
        ({"top": 626}, r"top must be in 1\.\.625 \(samples\), got 626"),
        ({"top": 0}, "got 0"),
        ({"iou_weight": -0.5}, r"iou_weight must not be negative, got -0\.5"),
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        ({"iterations": 50}, "label assigner ota.*iterations"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_assigner("ota", GRID, **options)
