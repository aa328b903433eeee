"""SimOTA: golden values, the referee, properties, bad input."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from predictions import case, random_predictions
from referees import GRID, assert_batches_agree, differing, random_targets

from dlatrack import boxes
from dlatrack.assign import Prediction, SimOtaAssigner, build_assigner
from dlatrack.grid import RPN_ANCHORS

YOLOX = {"radius": 1.5, "variant": "yolox"}


@pytest.mark.parametrize(
    ("name", "options", "positives"),
    [
        ("T", {}, [6, 7, 8, 11, 12, 13, 17]),
        ("T", {"radius": 1.5}, [6, 8, 11, 12, 13, 17]),
        ("T", YOLOX, [6, 8, 11, 12, 13, 17]),
        ("G", {}, [286, 288, 311, 313, 314, 337, 339, 362]),
        ("G", {"radius": 1.5}, [311, 312, 313, 336, 337, 338, 362, 363]),
        ("G", YOLOX, [311, 312, 313, 336, 337, 338, 362]),
    ],
)
def test_golden_positives_of_mmdet_and_yolox(name, options, positives):
    made = case(name)
    rule = SimOtaAssigner(made.grid, made.anchor_shapes, **options)
    answer = rule.assign(made.target_xyxy, prediction=made.prediction)
    assert answer.positive[0].nonzero()[:, 0].tolist() == positives
    assert answer.eligible.item() == len(positives)
    assert (answer.quality, answer.weight) == (None, None)


@pytest.mark.parametrize(
    ("name", "overlaps"),
    [
        ("T", [0.773426, 0.710943, 0.859514, 0.821695, 0.777265, 0.788751, 0.777265]),
        ("G", [0.872665, 0.878063, 0.913085, 0.84777, 0.779741, 0.770946, 0.784897, 0.797194]),
    ],
)
def test_a_soft_label_is_the_overlap_of_the_predicted_box(name, overlaps):
    made = case(name)
    rule = SimOtaAssigner(made.grid, made.anchor_shapes, soft=True)
    answer = rule.assign(made.target_xyxy, prediction=made.prediction)
    assert answer.quality[0][answer.positive[0]].tolist() == pytest.approx(overlaps, abs=1e-6)
    assert (answer.quality[~answer.positive] == 0).all()
    assert answer.mean_quality.item() == pytest.approx(sum(overlaps) / len(overlaps), abs=1e-6)


@pytest.mark.parametrize(("name", "cost"), [("T", 0.856127), ("G", 0.433429)])
def test_the_threshold_is_the_cost_of_the_dearest_positive(name, cost):
    """With top = 1, k is 1 and the one positive is the cheapest sample, whose cost is golden."""
    made = case(name)
    rule = SimOtaAssigner(made.grid, made.anchor_shapes, top=1)
    answer = rule.assign(made.target_xyxy, prediction=made.prediction)
    assert answer.eligible.item() == 1
    assert answer.threshold.item() == pytest.approx(cost, abs=2e-6)


@pytest.mark.slow
def test_three_thousand_targets_equal_the_referee():
    assert differing("simota", 3000, seed=1) == []
    assert differing("simota", 500, seed=2, anchor_shapes=RPN_ANCHORS) == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"anchor_shapes": RPN_ANCHORS},
        {**YOLOX, "soft": True},
        {**YOLOX, "anchor_shapes": RPN_ANCHORS, "soft": True},
        {"radius": 0.3, "iou_weight": 0.0, "top": 3},
        {"top": 625, "radius": 9.0},
    ],
    ids=str,
)
def test_every_option_equals_the_referee(options):
    assert differing("simota", 500, seed=3, **options) == []


@pytest.mark.parametrize("shapes", [((64, 64),), RPN_ANCHORS])
def test_neither_order_nor_size_of_a_batch_matters(shapes):
    assert_batches_agree("simota", 2000 if len(shapes) == 1 else 300, anchor_shapes=shapes, soft=True)


@given(seed=st.integers(0, 10**6), top=st.integers(1, 30), yolox=st.booleans(), many=st.booleans())
def test_k_valid_samples_are_positive(seed, top, yolox, many):
    """k is the sum of the `top` largest IoUs rounded down, at least 1 and at most the valid samples."""
    shapes = RPN_ANCHORS if many else ((64, 64),)
    target = random_targets(6, seed)
    anchors = GRID.anchors(shapes)
    answers = random_predictions(target, seed, anchors)
    rule = SimOtaAssigner(GRID, shapes, top=top, **(YOLOX if yolox else {}))
    answer = rule.assign(target, prediction=answers)

    centres = boxes.centre(anchors)
    valid = (centres - boxes.centre(target)[:, None]).abs().amax(-1) < 8 * rule.radius
    if not yolox:
        valid |= boxes.ltrb(centres, target[:, None]).amin(-1) > 0
    assert not (answer.positive & ~valid).any()
    overlap = boxes.iou(answers.boxes_xyxy.double(), target[:, None]) * valid
    best = overlap.sort(1, descending=True).values[:, :top].sum(1)
    k = torch.minimum(best.long().clamp(min=1), valid.sum(1))
    assert torch.equal(answer.positive.sum(1), k)
    assert torch.equal(answer.eligible, k)
    assert torch.equal(answer.empty, ~valid.any(1))
    assert torch.equal(answer.threshold.isnan(), answer.empty)
    assert torch.equal(answer.negative, ~answer.positive)


def test_of_equal_costs_the_smaller_number_wins_and_the_target_is_tied():
    target = torch.tensor([[95.0, 95, 159, 159]])
    answers = Prediction(torch.full((1, 625), 0.5), target.expand(1, 625, 4))
    answer = SimOtaAssigner(GRID).assign(target, prediction=answers)
    # 25 points lie inside and near the centre at (12, 12); ten of IoU 1 are positive, row by row from (10, 10)
    first = [row * 25 + column for row in (10, 11) for column in range(10, 15)]
    assert answer.positive[0].nonzero()[:, 0].tolist() == first
    assert answer.tied.item()
    some = SimOtaAssigner(GRID, top=9, radius=1.5).assign(target, prediction=answers)
    assert not some.tied.item(), "nine samples, nine positives"


def test_a_certain_answer_has_a_finite_cost():
    """ln 0 counts as -100, so that an impossible sample with a good box is still ranked by its box."""
    target = torch.tensor([[95.0, 95, 159, 159]])
    answers = Prediction(torch.zeros(1, 625), target.expand(1, 625, 4))
    answer = SimOtaAssigner(GRID).assign(target, prediction=answers)
    assert answer.threshold.item() == pytest.approx(100, abs=1e-5)


def test_a_negative_pair_has_negatives_only():
    target, pair = random_targets(20, seed=5), torch.arange(20) % 2 == 0
    answers = random_predictions(target, 6, GRID.anchors(((64, 64),)))
    answer = SimOtaAssigner(GRID, soft=True).assign(target, pair, prediction=answers)
    assert (answer.labels[1::2] == 0).all()
    assert (answer.quality[1::2] == 0).all()
    assert not (answer.empty | answer.tied)[1::2].any()
    assert answer.positive[::2].any()
    none = SimOtaAssigner(GRID).assign(target, torch.zeros(20, dtype=torch.bool), prediction=answers)
    assert (none.labels == 0).all()
    assert none.threshold.isnan().all()
    nobody = Prediction(answers.probability[:0], answers.boxes_xyxy[:0])
    assert SimOtaAssigner(GRID).assign(target[:0], prediction=nobody).labels.shape == (0, 625)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius": 0}, r"radius must be positive \(strides\), got 0"),
        ({"top": 0}, r"top must be in 1\.\.625 \(samples\), got 0"),
        ({"top": 626}, "got 626"),
        ({"top": 3126, "anchor_shapes": RPN_ANCHORS}, r"in 1\.\.3125 \(samples\), got 3126"),
        ({"iou_weight": -1}, "iou_weight must not be negative, got -1"),
        ({"variant": "yolov8"}, "variant must be one of mmdet, yolox, got 'yolov8'"),
        ({"center_ratio": 0.4}, "label assigner simota.*center_ratio"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_assigner("simota", GRID, **options)


@pytest.mark.parametrize("name", ["simota", "ota"])
@pytest.mark.parametrize(
    ("probability", "box", "message"),
    [
        (1.2, [0, 0, 9, 9], r"the probability of sample 7 of target 1 must be in 0\.\.1, got 1\.2"),
        (float("nan"), [0, 0, 9, 9], "probability of sample 7 of target 1 .*got nan"),
        (0.5, [0, 0, 9, 0], r"box of sample 7 of target 1 is \[0\.0, 0\.0, 9\.0, 0\.0\]; .*y2 > y1"),
        (0.5, [0, 0, float("nan"), 9], "box of sample 7 of target 1 .*finite corners"),
    ],
)
def test_bad_predictions_are_named(name, probability, box, message):
    target = random_targets(2, seed=7)
    answers = random_predictions(target, 8, GRID.anchors(((64, 64),)))
    answers.probability[1, 7] = probability
    answers.boxes_xyxy[1, 7] = torch.tensor(box, dtype=torch.float32)
    with pytest.raises(ValueError, match=f"{name}: .*{message}"):
        build_assigner(name, GRID).assign(target, prediction=answers)


@pytest.mark.parametrize("name", ["simota", "ota"])
def test_a_missing_or_misshapen_prediction_is_named(name):
    target = random_targets(2, seed=9)
    with pytest.raises(ValueError, match=f"the {name} rule needs the predictions of a network"):
        build_assigner(name, GRID).assign(target)
    answers = random_predictions(target, 8, GRID.anchors(((64, 64),)))
    with pytest.raises(
        ValueError, match=rf"{name}: prediction.probability must be floating point of shape \(2, 3125\)"
    ):
        build_assigner(name, GRID, anchor_shapes=RPN_ANCHORS).assign(target, prediction=answers)
