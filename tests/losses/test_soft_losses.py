"""Losses of soft label assignment: values by hand, gradients, extreme logits. Published: `tests/assign`."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.losses.soft import auto_assign_losses, quality_focal_loss

TARGET = torch.tensor([[10.0, 10, 30, 50], [0, 0, 20, 20], [5, 5, 25, 45]], dtype=torch.float64)
#: Three pairs: two positives with an ignored sample, none, all positive.
LABELS = torch.tensor([[1, 0, 1, -1], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=torch.int8)
QUALITY = torch.tensor([[1.0, 0, 0.2, 0], [0, 0, 0, 0], [0.5, 1, 1e-12, 0.9]], dtype=torch.float64)
WEIGHT = torch.tensor([[0.9, 0, 0.3, 0], [0, 0, 0, 0], [1, 1e-5, 1e-200, 0.5]], dtype=torch.float64)


def answers(dtype: torch.dtype = torch.float64, scale: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Logits of target and objectness, (3, 4), and predicted boxes, (3, 4, 4), with gradient."""
    generator = torch.Generator().manual_seed(0)
    logits, objectness = scale * torch.randn(2, 3, 4, generator=generator, dtype=torch.float64)
    shift = 4 * torch.randn(3, 4, 4, generator=generator, dtype=torch.float64)
    leaves = (logits, objectness, TARGET[:, None] + shift)
    first, second, third = (leaf.to(dtype).requires_grad_() for leaf in leaves)
    return first, second, third


def literal(logits: Tensor, objectness: Tensor | None, predicted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three terms as they are printed, pair by pair."""
    positive_loss = negative_loss = centre = torch.zeros(())
    p = logits.sigmoid() * (1 if objectness is None else objectness.sigmoid())
    targets = int((LABELS == 1).any(1).sum())
    for pair, labels in enumerate(LABELS):
        q = p[pair] * (1 - QUALITY[pair])
        negative_loss = negative_loss + (q**2 * -(1 - q).log())[labels >= 0].sum()
        inside = labels == 1
        if inside.any():
            good = p[pair] * torch.exp(-5 * (1 - boxes.giou(predicted[pair], TARGET[pair][None])))
            weight = (torch.exp(3 * good) * WEIGHT[pair])[inside]
            positive_loss = positive_loss - (weight / weight.sum() * good[inside]).sum().log() / targets
            centre = centre + 1 / WEIGHT[pair].sum() / targets
    return 0.25 * positive_loss, 0.75 * negative_loss / max(1, WEIGHT.sum()), 0.75 * centre


@pytest.mark.parametrize("implicit", [True, False])
def test_the_losses_are_those_of_the_printed_formulas(implicit: bool) -> None:
    logits, objectness, predicted = answers()
    given = objectness if implicit else None
    got = auto_assign_losses(logits, given, predicted, TARGET, LABELS, QUALITY, WEIGHT)
    torch.testing.assert_close(tuple(got), literal(logits, given, predicted), rtol=1e-10, atol=1e-12)
    single = auto_assign_losses(
        *(None if leaf is None else leaf.float() for leaf in (logits, given, predicted)),
        *(TARGET.float(), LABELS, QUALITY, WEIGHT),
    )
    for one, two in zip(single, got, strict=True):
        assert one.dtype == torch.float32
        assert one.item() == pytest.approx(two.item(), rel=1e-5)


@pytest.mark.parametrize("implicit", [True, False])
def test_gradients_are_right(implicit: bool) -> None:
    logits, objectness, predicted = answers()

    def total(one: Tensor, two: Tensor, three: Tensor) -> Tensor:
        given = two if implicit else None
        return torch.stack(auto_assign_losses(one, given, three, TARGET, LABELS, QUALITY, WEIGHT)).sum()

    assert torch.autograd.gradcheck(total, (logits, objectness, predicted))
    assert torch.autograd.gradcheck(lambda one: quality_focal_loss(one, QUALITY, LABELS), (logits,))


def test_boxes_count_at_positives_alone_and_qualities_have_no_gradient() -> None:
    logits, objectness, predicted = answers()
    quality, weight = QUALITY.clone().requires_grad_(), WEIGHT.clone().requires_grad_()
    losses = auto_assign_losses(logits, objectness, predicted, TARGET, LABELS, quality, weight)
    torch.stack(losses).sum().backward()
    assert quality.grad is None
    assert weight.grad is None
    assert (predicted.grad[LABELS != 1] == 0).all()
    assert (predicted.grad[LABELS == 1] != 0).any(1)[WEIGHT[LABELS == 1] > 1e-12].all()
    assert logits.grad[0, 3] == 0, "ignored"
    assert (logits.grad[1] > 0).all(), "negatives become less probable"
    wild = predicted.detach().clone()
    wild[LABELS != 1] = torch.tensor([torch.nan, -torch.inf, torch.inf, 0.0], dtype=torch.float64)
    again = auto_assign_losses(logits, objectness, wild.requires_grad_(), TARGET, LABELS, QUALITY, WEIGHT)
    assert again == losses
    torch.stack(again).sum().backward()
    assert wild.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [30.0, 1e3, 1e5])
def test_extreme_logits_have_finite_losses_and_gradients(dtype: torch.dtype, scale: float) -> None:
    leaves = answers(dtype, scale)
    losses = auto_assign_losses(*leaves, TARGET, LABELS, QUALITY, WEIGHT)
    focal = quality_focal_loss(leaves[0], QUALITY, LABELS)
    (torch.stack(losses).sum() + focal).backward()
    assert all(value.isfinite() for value in (*losses, focal))
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves)
    assert leaves[0].grad.abs().sum() > 0


def test_a_hopeless_positive_still_learns() -> None:
    """-ln(p) of a logit of -1000 is 1000, and its gradient -1; probabilities in single precision have neither."""
    logits = torch.full((1, 1), -1000.0, requires_grad=True)
    labels, one = torch.ones(1, 1, dtype=torch.int8), torch.ones(1, 1)
    box = torch.tensor([[[0.0, 0, 4, 4]]])
    losses = auto_assign_losses(logits, None, box, box[:, 0], labels, one, one)
    assert losses.positive.item() == pytest.approx(250)
    losses.positive.backward()
    assert logits.grad.item() == pytest.approx(-0.25)


def test_a_sum_of_weights_below_the_smallest_divisor_is_replaced_by_it() -> None:
    """A rescued point far from its target has a prior of almost nothing; its weight is then no longer 1."""
    labels, one = torch.ones(1, 1, dtype=torch.int8), torch.ones(1, 1)
    box = torch.tensor([[[0.0, 0, 4, 4]]])
    losses = auto_assign_losses(torch.zeros(1, 1), None, box, box[:, 0], labels, one, 1e-14 * one)
    assert losses.positive.item() == pytest.approx(
        -0.25 * math.log(math.exp(1.5) * 1e-14 / 1e-12 * 0.5), rel=1e-5
    )
    assert losses.centre.item() == pytest.approx(0.75e12)


def test_pairs_without_positives_add_to_the_negative_loss_only() -> None:
    logits, objectness, predicted = answers()
    none = torch.zeros(3, 4, dtype=torch.int8)
    losses = auto_assign_losses(logits, objectness, predicted, TARGET, none, 0 * QUALITY, 0 * WEIGHT)
    assert losses.positive == losses.centre == 0
    q = logits.sigmoid() * objectness.sigmoid()
    assert losses.negative.item() == pytest.approx(0.75 * (q**2 * -(1 - q).log()).sum().item())
    torch.stack(losses).sum().backward()
    assert (predicted.grad == 0).all()
    full = auto_assign_losses(logits, objectness, predicted, TARGET, LABELS, QUALITY, WEIGHT)
    without = [0, 2]
    part = auto_assign_losses(
        *(each[without] for each in (logits, objectness, predicted, TARGET, LABELS, QUALITY, WEIGHT))
    )
    assert full.positive.item() == pytest.approx(part.positive.item())
    assert full.centre.item() == pytest.approx(part.centre.item())
    assert full.negative > part.negative


def test_quality_focal_loss_by_hand() -> None:
    logits = torch.tensor([[0.0, 0.0, math.log(3), 5.0]])
    quality = torch.tensor([[0.75, 0.0, 0.75, 0.3]])
    labels = torch.tensor([[1, 0, 1, -1]], dtype=torch.int8)
    # 0.25^2 ln 2 at the first, 0.5^2 ln 2 at the second; the third answers its quality; the fourth is ignored.
    expected = (0.25**2 + 0.5**2) * math.log(2) / 1.5
    assert quality_focal_loss(logits, quality, labels).item() == pytest.approx(expected)
    alone = quality_focal_loss(logits[:, :1], quality[:, :1], labels[:, :1])
    assert alone.item() == pytest.approx(0.25**2 * math.log(2)), "divided by 1 at least"
    none = quality_focal_loss(logits, quality, -torch.ones_like(labels))
    assert none.item() == 0


def test_half_precision_is_computed_in_single() -> None:
    logits, objectness, predicted = answers()
    halves = [each.detach().to(torch.bfloat16) for each in (logits, objectness, predicted)]
    assert quality_focal_loss(halves[0], QUALITY, LABELS).dtype == torch.float32
    losses = auto_assign_losses(*halves, TARGET, LABELS, QUALITY, WEIGHT)
    assert all(value.dtype == torch.float32 for value in losses)
    assert quality_focal_loss(logits.float(), QUALITY, LABELS).dtype == torch.float32
