"""Loss of SiamFC."""

from __future__ import annotations

import math

import pytest
import torch

from dlatrack.losses import siamfc_loss
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig

WEIGHTS = LossConfig(regression=0, centerness=0)
TARGET, POINTS = torch.tensor([[0.0, 0.0, 9.0, 9.0]]), torch.zeros(4, 2)


def test_by_hand() -> None:
    scores = torch.tensor([[[[2.0, -1.0], [0.0, 50.0]]]], requires_grad=True)
    labels = torch.tensor([[1, 0, 0, -1]], dtype=torch.int8)
    terms = siamfc_loss(HeadOutput(scores, None, None), labels, TARGET, POINTS, WEIGHTS)
    positive = math.log(1 + math.exp(-2))
    negative = (math.log(1 + math.exp(-1)) + math.log(2)) / 2
    assert terms.total.item() == pytest.approx(0.5 * positive + 0.5 * negative)
    assert terms.regression.item() == terms.centerness.item() == 0
    terms.total.backward()
    assert scores.grad[0, 0, 1, 1] == 0, "an ignored point teaches nothing"


def test_shapes_are_checked() -> None:
    output = HeadOutput(torch.zeros(1, 1, 2, 2), None, None)
    with pytest.raises(ValueError, match=r"labels must be \(1, 4\) for this output, got \(1, 3\)"):
        siamfc_loss(output, torch.zeros(1, 3, dtype=torch.int8), TARGET, POINTS, WEIGHTS)
