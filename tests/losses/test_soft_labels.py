"""Quality and weight in the losses of all families: by hand, and what stays as it is without them."""

from __future__ import annotations

import math

import pytest
import torch

from dlatrack.boxes import centre
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid
from dlatrack.losses import LOSSES, autoassign_loss, loss_of
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig, recipe

GRID = ScoreGrid(size=2, stride=8, offset=100)  # points at (100, 100), (108, 100), (100, 108), (108, 108)
WEIGHTS = LossConfig(classification=1.0, regression=2.0, centerness=0.0)
TARGET = torch.tensor([[90.0, 92.0, 122.0, 116.0]])
SHAPES = {"rpn": RPN_ANCHORS}
HEADS = ("car", "ban", "nano", "fcpp", "rpn")


def answer(head: str, *, dtype: torch.dtype = torch.float64) -> HeadOutput:
    generator = torch.Generator().manual_seed(3)
    samples = len(SHAPES.get(head, POINT_ANCHOR))
    logits = 1 if head in ("fcpp", "fc") else 2

    def maps(channels: int) -> torch.Tensor:
        return torch.randn(1, channels, 2, 2, generator=generator, dtype=dtype)

    reg = maps(4) if head == "rpn" else maps(4).exp() * 10
    if head == "rpn":
        reg = maps(4 * samples)
    return HeadOutput(maps(logits * samples), reg, maps(1) if head in ("car", "fcpp") else None)


def labelled(head: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Labels, quality and weight: sample 0 and 3 positive, 2 ignored, the rest negative."""
    samples = 4 * len(SHAPES.get(head, POINT_ANCHOR))
    labels = torch.zeros(1, samples, dtype=torch.int8)
    labels[0, [0, 3]], labels[0, 2] = 1, -1
    quality, weight = torch.zeros(2, 1, samples, dtype=torch.float64)
    quality[0, [0, 3]] = torch.tensor([0.9, 0.4], dtype=torch.float64)
    weight[0, [0, 3]] = torch.tensor([3.0, 1.0], dtype=torch.float64)
    return labels, quality, weight


def anchors(head: str) -> torch.Tensor:
    return GRID.anchors(SHAPES.get(head, POINT_ANCHOR))


@pytest.mark.parametrize("head", HEADS)
def test_the_classifier_is_asked_for_the_quality(head):
    """|y - p|^2 BCE(p, y) at every labelled sample, over the sum of y = 1.3."""
    output, (labels, quality, _) = answer(head), labelled(head)
    terms = LOSSES[head](output, labels, TARGET, anchors(head), WEIGHTS, quality, None)
    samples = len(SHAPES.get(head, POINT_ANCHOR))
    by_hand = 0.0
    for sample in range(4 * samples):
        if labels[0, sample] < 0:
            continue
        cell, anchor = divmod(sample, samples)
        row, column = divmod(cell, 2)
        if head == "fcpp":
            logit = output.cls[0, 0, row, column].item()
        else:
            logit = (output.cls[0, samples + anchor, row, column] - output.cls[0, anchor, row, column]).item()
        p, y = 1 / (1 + math.exp(-logit)), quality[0, sample].item()
        by_hand += (y - p) ** 2 * -(y * math.log(p) + (1 - y) * math.log(1 - p))
    assert terms.classification.item() == pytest.approx(by_hand / 1.3, rel=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_positives_weigh_what_the_rule_says(head):
    """Weights 3 and 1: three quarters of the box loss of sample 0 alone and a quarter of that of sample 3."""
    output, (labels, _, weight) = answer(head), labelled(head)
    alone = []
    for sample in (0, 3):
        one = torch.where(torch.arange(labels.shape[1]) == sample, labels, 0)
        single = torch.where(one == 1, 1.0, 0.0).double()
        alone.append(
            LOSSES[head](output, one, TARGET, anchors(head), WEIGHTS, None, single).regression.item()
        )
    both = LOSSES[head](output, labels, TARGET, anchors(head), WEIGHTS, None, weight).regression.item()
    assert both == pytest.approx((3 * alone[0] + alone[1]) / 4)
    assert alone[0] != pytest.approx(alone[1])


@pytest.mark.parametrize("head", HEADS)
def test_small_weights_are_not_blown_up(head):
    """The divisor is at least 1, so that a pair of poor predictions teaches little."""
    output, (labels, _, weight) = answer(head), labelled(head)
    full, little = (
        LOSSES[head](output, labels, TARGET, anchors(head), WEIGHTS, None, factor * weight).regression.item()
        for factor in (1.0, 0.025)
    )
    assert little == pytest.approx(0.1 * full)


@pytest.mark.parametrize("head", HEADS)
def test_no_positives_give_no_loss_of_boxes_and_no_nan(head):
    output = answer(head)
    labels = torch.zeros_like(labelled(head)[0])
    nothing = torch.zeros(labels.shape, dtype=torch.float64)
    terms = LOSSES[head](output, labels, TARGET, anchors(head), WEIGHTS, nothing, nothing)
    assert terms.regression.item() == 0
    assert torch.isfinite(terms.total)


@pytest.mark.parametrize("head", ["car", "ban", "nano", "fcpp"])
def test_autoassign_stands_in_the_place_of_the_heads_loss(head):
    output, (labels, quality, weight) = answer(head), labelled(head)
    quality, weight = torch.where(labels == 1, quality, 0), torch.where(labels == 1, weight / 3, 0)
    names = {"car": "siamcar", "ban": "siamban", "nano": "nanotrack_v3", "fcpp": "siamfcpp"}
    chosen = recipe(names[head]).with_assigner("autoassign")
    terms = loss_of(chosen)(output, labels, TARGET, anchors(head), chosen.loss, quality, weight)
    again = autoassign_loss(output, labels, TARGET, centre(anchors(head)), chosen.loss, quality, weight)
    assert terms.total.item() == again.total.item() == (terms.classification + terms.regression).item()
    # The positive term by hand: P+ = p o exp(-5 (1 - GIoU)), w+ = exp(3 P+) G / sum.
    joint, prior = [], []
    for sample in (0, 3):
        row, column = divmod(sample, 2)
        x, y = 100 + 8 * column, 100 + 8 * row
        left, top, right, bottom = output.reg[0, :, row, column].tolist()
        box = (x - left, y - top, x + right, y + bottom)
        logits = output.cls[0, :, row, column].tolist()
        p = 1 / (1 + math.exp(-(logits[0] if head == "fcpp" else logits[1] - logits[0])))
        if output.centerness is not None:
            p /= 1 + math.exp(-output.centerness[0, 0, row, column].item())
        joint.append(p * math.exp(-5 * (1 - _giou(box, TARGET[0].tolist()))))
        prior.append(weight[0, sample].item())
    grown = [math.exp(3 * p) * g for p, g in zip(joint, prior, strict=True)]
    mixed = sum(w * p for w, p in zip(grown, joint, strict=True)) / sum(grown)
    assert terms.regression.item() == pytest.approx(-0.25 * math.log(mixed), rel=1e-5)


def _giou(a, b) -> float:
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    whole = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return shared / union - (whole - union) / whole


def test_autoassign_needs_the_labels_of_its_rule():
    labels, quality, _ = labelled("car")
    with pytest.raises(ValueError, match="needs the quality and the weight that its rule assigns"):
        autoassign_loss(answer("car"), labels, TARGET, centre(anchors("car")), WEIGHTS, quality, None)
