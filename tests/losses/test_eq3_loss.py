"""SiamDLA's Eq. 3 as printed, as far as it can be trained: by hand, its properties, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid
from dlatrack.losses import LOSSES
from dlatrack.losses.terms import balanced_cross_entropy, classification_loss, whole_map_cross_entropy
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig

GRID = ScoreGrid(size=2, stride=8, offset=100)
TARGET = torch.tensor([[90.0, 92.0, 122.0, 116.0]])
WEIGHTS = LossConfig(classification=1.0, regression=0.0, centerness=0.0, classification_form="eq3")


def test_by_hand() -> None:
    """Probabilities of the target 1/2, 1/4, 4/5 and 1/3; positive, negative, ignored, negative."""
    logits = torch.tensor([[[0.0, math.log(3), 0.0, math.log(2)], [0.0, 0.0, math.log(4), 0.0]]])
    labels = torch.tensor([[1, 0, -1, 0]])
    expected = -(math.log(1 / 2) + math.log(3 / 4) + math.log(1 / 5) + math.log(2 / 3)) / 4
    assert whole_map_cross_entropy(logits, labels).item() == pytest.approx(expected, rel=1e-6)
    twice = whole_map_cross_entropy(logits.repeat(2, 1, 1), labels.repeat(2, 1))
    assert twice.item() == pytest.approx(expected, rel=1e-6), "a mean over the pairs"
    assert whole_map_cross_entropy(logits[:0], labels[:0]).item() == 0


@pytest.mark.parametrize("head", ["fc", "rpn", "car", "ban", "nano"])
def test_every_head_with_a_cross_entropy_takes_it(head: str) -> None:
    shapes = RPN_ANCHORS if head == "rpn" else POINT_ANCHOR
    samples, logits = len(shapes), 1 if head == "fc" else 2
    draws = torch.Generator().manual_seed(1)
    maps = [torch.randn(1, width, 2, 2, generator=draws) for width in (logits * samples, 4 * samples, 1)]
    output = HeadOutput(maps[0], maps[1].exp(), maps[2])
    labels = torch.zeros(1, 4 * samples, dtype=torch.int8)
    labels[0, 0], labels[0, 2] = 1, -1
    given = output, labels, TARGET, GRID.anchors(shapes).float()
    total = LOSSES[head](*given, WEIGHTS).total
    by_hand = 0.0
    for sample in range(4 * samples):
        cell, anchor = divmod(sample, samples)
        values = maps[0][0, :, cell // 2, cell % 2].double()
        score = values[0] if head == "fc" else values[samples + anchor] - values[anchor]
        by_hand += math.log(1 + math.exp(-score if sample == 0 else score)) / (4 * samples)
    assert total.item() == pytest.approx(by_hand, rel=1e-5)
    balanced = LOSSES[head](*given, LossConfig(regression=0.0, centerness=0.0)).total
    assert balanced.item() != pytest.approx(by_hand, rel=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 3))
def test_properties(seed: int, pairs: int) -> None:
    """Ignored samples count as negatives; the divisor is the map; gradients lower F everywhere but at positives."""
    draws = torch.Generator().manual_seed(seed)
    logits = torch.randn(pairs, 2, 30, generator=draws, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(-1, 2, (pairs, 30), generator=draws)
    loss = whole_map_cross_entropy(logits, labels)
    assert loss > 0
    assert loss.item() == whole_map_cross_entropy(logits, labels.clamp(min=0)).item()
    loss.backward()
    assert torch.equal(logits.grad[:, 1] < 0, labels == 1)  # type: ignore[index]
    # Each side weighs as many samples as it has, where the balanced form gives half to each.
    positive = labels == 1
    sides = [
        whole_map_cross_entropy(logits[:, :, :1].expand(-1, -1, 30), torch.full_like(labels, value))
        for value in (0, 1)
    ]
    mixed = whole_map_cross_entropy(logits[:, :, :1].expand(-1, -1, 30)[:1], labels[:1])
    if pairs == 1:
        share = positive.double().mean()
        assert mixed.item() == pytest.approx(((1 - share) * sides[0] + share * sides[1]).item())


def test_the_usual_form_is_the_balanced_one() -> None:
    logits = torch.randn(2, 2, 9, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[1, 0, -1, 0, 0, 1, -1, -1, 0]] * 2)
    assert LossConfig().classification_form == "balanced"
    usual = classification_loss(logits, labels, None, "balanced")
    assert torch.equal(usual, balanced_cross_entropy(logits, labels))
    assert torch.equal(
        classification_loss(logits, labels, None, "eq3"), whole_map_cross_entropy(logits, labels)
    )


def test_soft_labels_are_refused() -> None:
    logits, labels = torch.zeros(1, 2, 3), torch.tensor([[1, 0, 0]])
    with pytest.raises(InputError, match="classification=eq3 takes hard labels"):
        classification_loss(logits, labels, torch.zeros(1, 3), "eq3")
