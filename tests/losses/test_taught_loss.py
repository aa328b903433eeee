"""What a student learns from a teacher: by hand, at its best, and where the teacher is not sure."""

from __future__ import annotations

import math

import pytest
import torch

from dlatrack.assign import Prediction
from dlatrack.losses.taught import taught_loss
from dlatrack.models.heads import HeadOutput

POINTS = torch.tensor([[10.0, 10.0], [20.0, 10.0], [10.0, 20.0], [20.0, 20.0]])
BOX = torch.tensor([5.0, 5.0, 25.0, 15.0])


def taught(*probabilities: float) -> Prediction:
    return Prediction(torch.tensor([probabilities]), BOX.expand(1, 4, 4))


def student(logits: list[float], sides: float = 5.0) -> HeadOutput:
    """One logit for the target, as the difference of two; the same sides at every point."""
    target = torch.tensor(logits).reshape(1, 1, 2, 2)
    reg = torch.full((1, 4, 2, 2), sides)
    return HeadOutput(torch.cat([torch.zeros_like(target), target], 1), reg, None)


def test_a_batch_by_hand():
    """Two cells are sure of the target, at (10, 10) and (20, 10).

    Logits of 0 cost ln 2 in each half. Sides of 5 px make 10 x 10 boxes around the two points, each half of the
    teacher's 20 x 10: -ln(101 / 201).
    """
    loss = taught_loss(student([0, 0, 0, 0]), POINTS, taught(1.0, 1.0, 0.0, 0.0))
    assert loss.item() == pytest.approx(math.log(2) + 2 * math.log(201 / 101), rel=1e-6)


def test_soft_targets_by_hand():
    """s = 3/4 at the first cell, p = 0.8 and 0.2 at the first two: a mean by p, and one by 1 - p."""
    logit = math.log(3)
    found = taught_loss(student([logit, 0, 0, 0]), POINTS, taught(0.8, 0.2, 0.0, 0.0))
    half = math.log(2)
    target = (0.8 * -math.log(0.75) + 0.2 * half) / 1.0
    background = (0.2 * -math.log(0.25) + (0.8 + 2) * half) / 3.0
    box = math.log(201 / 101)  # of the first cell alone: 0.2 is not sure; its weight of 0.8 counts as 1
    assert found.item() == pytest.approx((target + background) / 2 + 2 * 0.8 * box, rel=1e-6)


def test_one_logit_is_the_difference_of_two():
    two = student([1.5, -0.5, 0.2, 3.0])
    one = HeadOutput(two.cls[:, 1:], two.reg, None)
    answers = taught(0.9, 0.1, 0.6, 0.3)
    assert taught_loss(one, POINTS, answers).item() == pytest.approx(taught_loss(two, POINTS, answers).item())


def test_the_teachers_own_answer_is_the_best_box():
    def loss(scale: float) -> float:
        output = student([3.0, 3.0, -3.0, -3.0])
        output.reg[0] = scale * torch.tensor(
            [[5.0, 15, 5, 15], [5, 5, 15, 15], [15, 5, 15, 5], [5, 5, 0, 0]]
        ).view(4, 2, 2)
        return taught_loss(output, POINTS, taught(1.0, 1.0, 0.0, 0.0)).item()

    assert loss(1.0) < min(loss(0.9), loss(1.1))


def test_nothing_is_learned_where_the_teacher_is_not_sure():
    """Boxes without end elsewhere reach neither loss nor gradient, and nothing pulls a cell to the target."""
    output = student([0.0, 0.0, 0.0, 0.0], 1e30)
    maps = [part.requires_grad_() for part in output[:2]]
    loss = taught_loss(HeadOutput(maps[0], maps[1], None), POINTS, taught(0.001, 0.0, 0.0, 0.0))
    loss.backward()
    assert torch.isfinite(loss)
    assert not maps[1].grad.any()
    assert (maps[0].grad[0, 1] > 0).all(), "every logit of the target falls"


def test_the_teacher_has_no_gradient():
    answers = Prediction(
        torch.full((1, 4), 0.5, requires_grad=True), BOX.expand(1, 4, 4).clone().requires_grad_()
    )
    output = student([0.0] * 4)
    taught_loss(HeadOutput(output.cls.requires_grad_(), output.reg, None), POINTS, answers).backward()
    assert answers.probability.grad is None
    assert answers.boxes_xyxy.grad is None


def test_shapes_are_checked():
    answers = Prediction(torch.zeros(1, 9), BOX.expand(1, 9, 4))
    with pytest.raises(ValueError, match=r"a teacher of shape \(1, 9\) for cells of \(1, 4\)"):
        taught_loss(student([0.0] * 4), POINTS, answers)
