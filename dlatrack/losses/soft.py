"""Losses of soft label assignment, from the quality and the weight that a rule gives to each sample."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from dlatrack.boxes import giou

#: Smallest sum by which AutoAssign divides its weights.
_LEAST = 1e-12
#: Smallest weight of a positive: the smallest normal float64, whose logarithm is finite.
_TINY = torch.finfo(torch.float64).tiny


def quality_focal_loss(logits: Tensor, quality: Tensor, labels: Tensor) -> Tensor:
    """Quality focal loss with beta 2: (y - p)^2 BCE(p, y), summed and divided by the sum of the qualities y.

    Args:
        logits: (B, A), of the target.
        quality: (B, A) in 0..1, what p should answer; without gradient.
        labels: (B, A) in 1 (positive), 0 (negative), -1 (ignored); ignored samples do not count.

    Returns:
        0-d; the divisor is at least 1.

    Source: GFL (Li et al. 2020) Eq. 4; divisor of TOOD (Feng et al. 2021) in mmdet.
    """
    logits = _single(logits)
    quality = torch.where(labels >= 0, quality, 0).detach().to(logits.dtype)
    entropy = F.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    loss = (quality - logits.sigmoid()).square() * entropy
    return torch.where(labels >= 0, loss, 0).sum() / quality.sum().clamp(min=1)


class AutoAssignLosses(NamedTuple):
    """Terms of AutoAssign's loss, 0-d tensors, with their public weights applied; the loss is their sum."""

    positive: Tensor  #: weight 0.25, divided by the number of targets with positives
    negative: Tensor  #: weight 0.75, divided by the sum of the centre prior, at least 1
    centre: Tensor  #: weight 0.75; it has no gradient while the centre prior is fixed


def auto_assign_losses(
    logits: Tensor,
    objectness_logits: Tensor | None,
    predicted_xyxy: Tensor,
    target_xyxy: Tensor,
    labels: Tensor,
    quality: Tensor,
    weight: Tensor,
    *,
    temperature: float = 3.0,
    box_factor: float = 5.0,
) -> AutoAssignLosses:
    """Losses of AutoAssign, whose positives weight each other by what the network predicts.

    With o = 1 where a head has no objectness, a positive has P+ = p o exp(-box_factor (1 - GIoU)) and the weight
    w+ = exp(temperature P+) G / max(sum, 1e-12), both with gradient. Its target adds -0.25 ln(sum of w+ P+), and
    every sample 0.75 q^2 (-ln(1 - q)) with q = p o (1 - quality). A pair without positives adds to the negative loss
    only. Computed in logarithms, large logits keep a loss and a gradient, which the public code loses beyond 100.

    Args:
        logits: (B, A), of the target.
        objectness_logits: (B, A) of the implicit objectness, for instance of a centre-ness map; None: o = 1.
        predicted_xyxy: (B, A, 4) predicted boxes, search-region px; they count at positives alone.
        target_xyxy: (B, 4), search-region px.
        labels: (B, A) in 1 (positive), 0 (negative), -1 (ignored); ignored samples do not count.
        quality: (B, A) in 0..1, the assignment's; without gradient.
        weight: (B, A), the assignment's: the centre prior G, not negative; without gradient.
        temperature: factor of P+ in its exponential weight.
        box_factor: factor of the box loss 1 - GIoU in the exponent of P+.

    Returns:
        The three terms. The centre loss is the mean of 1 / sum of G over the targets with positives, times 0.75.

    Source: AutoAssign (Zhu et al. 2020) Sec. 3, Eqs. 3-7, with the constants of mmdet's autoassign_head.py.
    """
    logits = _single(logits)
    log_p, log_wrong = F.logsigmoid(logits), F.logsigmoid(-logits)  # ln(p o) and ln(1 - p o)
    if objectness_logits is not None:
        objectness = objectness_logits.to(logits.dtype)
        log_wrong = torch.logaddexp(log_wrong, log_p + F.logsigmoid(-objectness))
        log_p = log_p + F.logsigmoid(objectness)
    positive = labels == 1
    prior = torch.where(positive, weight, 0).detach().double()
    target = target_xyxy.to(logits.dtype)[:, None]
    # Boxes of other cells are free to be anything: they must not reach a division.
    similarity = giou(torch.where(positive[..., None], predicted_xyxy.to(logits.dtype), target), target)
    log_good = log_p - box_factor * (1 - similarity)
    missed = _missed(log_good, temperature, prior, positive)

    best = torch.where(positive, quality, 0).detach().to(logits.dtype)
    log_wrong = torch.logaddexp(log_wrong, best.log() + log_p)  # ln(1 - q) with q = p o (1 - quality)
    negative = torch.where(labels >= 0, (log_p.exp() * (1 - best)).square() * -log_wrong, 0).sum()
    sums, has = prior.sum(1), positive.any(1)
    targets = has.sum().clamp(min=1)
    inverse = torch.where(has, 1 / sums.clamp(min=_LEAST), 0).to(logits.dtype)
    return AutoAssignLosses(
        0.25 * missed.sum() / targets,
        0.75 * negative / sums.sum().clamp(min=1).to(logits.dtype),
        0.75 * inverse.sum() / targets,
    )


def _missed(log_good: Tensor, temperature: float, prior: Tensor, positive: Tensor) -> Tensor:
    """-ln(sum of w+ P+) of each target, (B,), from ln P+ and G, (B, A) each; 0 for pairs without positives."""
    has = positive.any(1)
    log_weight = temperature * log_good.exp() + prior.clamp(min=_TINY).log().to(log_good.dtype)
    # A pair without positives takes part with all its samples here, so that its gradient is 0 and not NaN.
    log_weight = log_weight.masked_fill(~positive & has[:, None], -torch.inf)
    log_sum = log_weight.logsumexp(1).clamp(min=math.log(_LEAST))
    return torch.where(has, log_sum - (log_weight + log_good).logsumexp(1), 0)


def _single(values: Tensor) -> Tensor:
    """In single precision at least."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
