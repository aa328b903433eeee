"""Probabilities and boxes of a head's answer, sample by sample."""

from __future__ import annotations

import math

import pytest
import torch

from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid
from dlatrack.models.heads import HeadOutput
from dlatrack.models.predictions import predict
from dlatrack.models.siamese import build_model
from dlatrack.recipes import recipe

GRID = ScoreGrid(size=2, stride=8, offset=100)


def test_a_point_head_by_hand():
    cls = torch.zeros(1, 2, 2, 2)
    cls[0, 1, 0, 1] = math.log(3)  # the second point: 3 to 1 for the target
    reg = torch.ones(1, 4, 2, 2)
    reg[0, :, 1, 0] = torch.tensor([1.0, 2, 3, 4])  # the third point, at (100, 108)
    found = predict("car", HeadOutput(cls, reg, None), GRID.anchors(POINT_ANCHOR))
    assert found.probability[0].tolist() == pytest.approx([0.5, 0.75, 0.5, 0.5])
    assert found.boxes_xyxy[0, 2].tolist() == [99, 106, 103, 112]
    assert found.boxes_xyxy[0, 1].tolist() == [107, 99, 109, 101]


def test_one_logit_is_its_own_answer():
    output = HeadOutput(torch.full((1, 1, 2, 2), math.log(4)), torch.ones(1, 4, 2, 2), None)
    found = predict("fcpp", output, GRID.anchors(POINT_ANCHOR))
    assert found.probability[0].tolist() == pytest.approx([0.8] * 4)


def test_an_rpn_head_by_hand():
    """Anchor 3 of the last point, 40 x 80 at (108, 108): moved by a quarter of its size and doubled in height."""
    cls, reg = torch.zeros(1, 10, 2, 2), torch.zeros(1, 20, 2, 2)
    cls[0, 5 + 3, 1, 1] = math.log(9)
    for value, delta in enumerate((0.25, -0.25, 0, math.log(2))):
        reg[0, 5 * value + 3, 1, 1] = delta
    anchors = GRID.anchors(RPN_ANCHORS)
    found = predict("rpn", HeadOutput(cls, reg, None), anchors)
    assert found.probability[0].tolist() == pytest.approx([0.5] * 18 + [0.9, 0.5])
    # centre 108 + 10, 108 - 20; 40 x 160
    assert found.boxes_xyxy[0, 18].tolist() == pytest.approx([98, 8, 138, 168])
    assert torch.allclose(found.boxes_xyxy[0, :18], anchors[:18].float())


@pytest.mark.parametrize("name", ["siamcar_small", "siamrpnpp_small", "siamban", "nanotrack_v3"])
@pytest.mark.parametrize("value", [1e30, -1e30, math.inf, -math.inf, math.nan])
def test_every_box_has_an_area_whatever_the_head_says(name, value):
    chosen = recipe(name)
    shapes = RPN_ANCHORS if chosen.net.head == "rpn" else POINT_ANCHOR
    cells, samples = chosen.net.score_size, len(shapes)
    maps = (torch.full((1, count * samples, cells, cells), value) for count in (2, 4))
    found = predict(chosen.net.head, HeadOutput(*maps, None), chosen.grid.anchors(shapes))
    size = found.boxes_xyxy[..., 2:] - found.boxes_xyxy[..., :2]
    assert torch.isfinite(found.boxes_xyxy).all()
    assert (size > 0).all()
    assert ((found.probability >= 0) & (found.probability <= 1)).all()


def test_predictions_carry_no_gradient():
    chosen = recipe("siamcar_small")
    output = build_model(chosen)(torch.rand(1, 3, 127, 127), torch.rand(1, 3, 255, 255))
    found = predict("car", output, chosen.grid.anchors(POINT_ANCHOR))
    assert output.cls.requires_grad
    assert not found.probability.requires_grad
    assert not found.boxes_xyxy.requires_grad


def test_a_head_without_boxes_is_named():
    with pytest.raises(ValueError, match="the head 'fc' predicts no boxes"):
        predict("fc", HeadOutput(torch.zeros(1, 1, 2, 2), None, None), GRID.anchors(POINT_ANCHOR))
