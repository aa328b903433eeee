"""The SiamBAN loss by hand, and without positives."""

from __future__ import annotations

import pytest
import torch

from dlatrack.losses import siamban_loss
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig

WEIGHTS = LossConfig(regression=1.0, centerness=0.0)
POINTS = torch.tensor([[10.0, 10.0], [20.0, 10.0], [10.0, 20.0], [20.0, 20.0]])
TARGET = torch.tensor([[5.0, 5.0, 25.0, 15.0]])


def test_box_loss_is_one_minus_the_smoothed_iou():
    """Point 0 predicts 5, 5, 15, 5 exactly; point 1 predicts 5, 5, 5, 5: half of the 20 x 10 target."""
    reg = torch.zeros(1, 4, 2, 2)
    reg[0, :, 0, 0] = torch.tensor([5.0, 5.0, 15.0, 5.0])
    reg[0, :, 0, 1] = 5.0
    labels = torch.tensor([[1, 1, 0, -1]], dtype=torch.int8)
    terms = siamban_loss(HeadOutput(torch.zeros(1, 2, 2, 2), reg, None), labels, TARGET, POINTS, WEIGHTS)
    assert terms.regression.item() == pytest.approx((0 + (1 - 101 / 201)) / 2)
    assert terms.classification.item() == pytest.approx(0.6931472)
    assert terms.total.item() == pytest.approx(terms.classification.item() + terms.regression.item())


@pytest.mark.parametrize("value", [0, -1])
def test_without_positives_the_box_loss_is_zero(value):
    reg = torch.full((1, 4, 2, 2), 1e30, requires_grad=True)
    labels = torch.full((1, 4), value, dtype=torch.int8)
    terms = siamban_loss(HeadOutput(torch.zeros(1, 2, 2, 2), reg, None), labels, TARGET, POINTS, WEIGHTS)
    terms.total.backward()
    assert terms.regression.item() == 0
    assert not reg.grad.any()


def test_shapes_are_checked():
    output = HeadOutput(torch.zeros(1, 2, 2, 2), torch.ones(1, 4, 2, 2), None)
    with pytest.raises(ValueError, match=r"points must be \(4, 2\) for this output, got \(3, 2\)"):
        siamban_loss(output, torch.zeros(1, 4, dtype=torch.int8), TARGET, POINTS[:3], WEIGHTS)
