"""The SiamRPN++ loss: by hand, against a plain loop, and its edge cases."""

from __future__ import annotations

import math

import pytest
import torch

from dlatrack import boxes
from dlatrack.grid import RPN_ANCHORS, ScoreGrid
from dlatrack.losses import siamrpn_loss
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig

WEIGHTS = LossConfig(classification=1.0, regression=1.2, centerness=0.0)
GRID = ScoreGrid(size=2, stride=8, offset=100)
ANCHORS = GRID.anchors(RPN_ANCHORS)
TARGET = torch.tensor([[90.0, 80.0, 130.0, 140.0], [60.0, 70.0, 170.0, 120.0]], dtype=torch.float64)


def output(seed: int = 0) -> HeadOutput:
    generator = torch.Generator().manual_seed(seed)
    cls, reg = (torch.randn(2, 5 * n, 2, 2, generator=generator, dtype=torch.float64) for n in (2, 4))
    return HeadOutput(cls, reg, None)


def labels(seed: int = 0) -> torch.Tensor:
    return torch.randint(-1, 2, (2, 20), generator=torch.Generator().manual_seed(seed)).to(torch.int8)


def test_deltas_by_hand():
    anchor = torch.tensor([0.0, 0.0, 40.0, 80.0])
    box = torch.tensor([10.0, 20.0, 90.0, 60.0])  # centre 50, 40; 80 x 40
    expected = [30 / 40, 0, math.log(2), math.log(0.5)]
    assert boxes.encode_deltas(anchor, box).tolist() == pytest.approx(expected)
    assert boxes.decode_deltas(anchor, boxes.encode_deltas(anchor, box)).tolist() == pytest.approx(
        box.tolist()
    )


def test_equals_a_plain_loop():
    found, given = output(), labels()
    terms = siamrpn_loss(found, given, TARGET, ANCHORS, WEIGHTS)
    entropy: dict[int, list[float]] = {0: [], 1: []}
    loc = 0.0
    for b in range(2):
        positives = [s for s in range(20) if given[b, s] == 1]
        for s in range(20):
            cell, anchor = divmod(s, 5)
            j, i = divmod(cell, 2)
            label = int(given[b, s])
            if label >= 0:
                logits = torch.stack([found.cls[b, anchor, j, i], found.cls[b, 5 + anchor, j, i]])
                entropy[label].append(-logits.log_softmax(0)[label].item())
            if label == 1:
                deltas = boxes.encode_deltas(ANCHORS[s], TARGET[b])
                error = sum(
                    abs(found.reg[b, 5 * k + anchor, j, i].item() - deltas[k].item()) for k in range(4)
                )
                loc += error / len(positives)
    expected = sum(0.5 * sum(side) / len(side) for side in entropy.values())
    assert terms.classification.item() == pytest.approx(expected, rel=1e-6)
    assert terms.regression.item() == pytest.approx(loc / 2, rel=1e-5)
    assert terms.total.item() == pytest.approx(expected + 1.2 * loc / 2, rel=1e-5)
    assert terms.centerness.item() == 0


def test_a_perfect_head_costs_nothing():
    given = labels(1)
    cls, reg = (
        torch.zeros(2, 2, 5, 4),
        boxes.encode_deltas(ANCHORS[None], TARGET[:, None]).reshape(2, 4, 5, 4),
    )
    right = given.reshape(2, 4, 5).transpose(1, 2)
    cls[:, 1] = torch.where(right == 1, 50.0, -50.0)
    reg = reg.permute(0, 3, 2, 1).reshape(2, 20, 2, 2)
    terms = siamrpn_loss(HeadOutput(cls.reshape(2, 10, 2, 2), reg, None), given, TARGET, ANCHORS, WEIGHTS)
    assert terms.total.item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("value", [-1, 0])
def test_without_positives_there_is_no_regression(value):
    found = output()
    found.reg.requires_grad_()
    terms = siamrpn_loss(found, torch.full((2, 20), value, dtype=torch.int8), TARGET, ANCHORS, WEIGHTS)
    terms.total.backward()
    assert terms.regression.item() == 0
    assert torch.isfinite(terms.total)
    assert not found.reg.grad.any()


def test_negative_pairs_count_in_the_mean():
    found, given = output(), labels(2)
    given[1] = torch.where(given[1] == 1, -1, given[1])
    both = siamrpn_loss(found, given, TARGET, ANCHORS, WEIGHTS).regression
    alone = siamrpn_loss(
        HeadOutput(found.cls[:1], found.reg[:1], None), given[:1], TARGET[:1], ANCHORS, WEIGHTS
    )
    assert both.item() == pytest.approx(alone.regression.item() / 2)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"labels must be \(2, 20\)"):
        siamrpn_loss(output(), labels()[:, :4], TARGET, ANCHORS, WEIGHTS)
    with pytest.raises(ValueError, match=r"anchors_xyxy must be \(20, 4\)"):
        siamrpn_loss(output(), labels(), TARGET, ANCHORS[:4], WEIGHTS)
