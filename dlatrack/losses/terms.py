"""What a loss takes and returns, and the terms that several losses share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from dlatrack.boxes import ltrb
from dlatrack.errors import InputError
from dlatrack.losses.soft import quality_focal_loss
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import ClassificationForm, LossConfig


@dataclass(frozen=True)
class LossTerms:
    """Losses of a batch, 0-d tensors; the terms are unweighted."""

    total: Tensor  #: weighted sum of the terms, to differentiate
    classification: Tensor  #: loss of target against background
    regression: Tensor  #: loss of boxes; 0 in SiamFC, which predicts none
    centerness: Tensor  #: loss of centre-ness; 0 for heads without it

    @classmethod
    def weighted(
        cls,
        weights: LossConfig,
        classification: Tensor,
        regression: Tensor | None = None,
        centerness: Tensor | None = None,
    ) -> Self:
        """The terms and their weighted sum; a term that a head does not have is 0."""
        nothing = torch.zeros_like(classification)
        terms = [nothing if term is None else term for term in (classification, regression, centerness)]
        factors = (weights.classification, weights.regression, weights.centerness)
        first, second, third = (factor * term for factor, term in zip(factors, terms, strict=True))
        return cls(first + second + third, *terms)


class Loss(Protocol):
    """Training loss of a head, for a batch of B pairs with A labelled samples each."""

    def __call__(
        self,
        output: HeadOutput,
        labels: Tensor,
        target_xyxy: Tensor,
        places: Tensor,
        weights: LossConfig,
        quality: Tensor | None = None,
        weight: Tensor | None = None,
        /,
    ) -> LossTerms:
        """Compute the loss.

        Args:
            output: maps of the head with H x W cells and m samples per cell, A = H * W * m.
            labels: (B, A) int8, 1 positive, 0 negative, -1 ignored; row-major, the samples of a cell together.
            target_xyxy: (B, 4), search-region px; a distractor's box in a negative pair.
            places: (A, 4) xyxy anchors, or (A, 2) x then y points, in search-region px and the order of the labels.
            weights: weights of the terms.
            quality: (B, A) in 0..1, what the classifier should answer; then its loss is `quality_focal_loss`. None:
                hard labels, with the loss of the family.
            weight: (B, A), weight of a positive in the loss of boxes; then its divisor is their sum, at least 1.
                None: as the family weighs positives.

        Returns:
            The terms and their weighted sum. A term without samples is 0 and gives zero gradients.

        Raises:
            ValueError: when the shapes disagree, or the head lacks maps that the loss needs.
        """


def centerness_targets(ltrb: Tensor) -> Tensor:
    """How central a point lies in its box: 1 at the centre, 0 on a side and outside.

    Args:
        ltrb: (..., 4) distances from the point to the left, top, right and bottom side, px.

    Returns:
        (...): sqrt(min(l, r) / max(l, r) * min(t, b) / max(t, b)).

    Source: SiamCAR (Guo et al. 2020) Eq. 6, after FCOS (Tian et al. 2019) Eq. 3.
    """
    sides = ltrb.clamp(min=0)
    first, second = sides[..., :2], sides[..., 2:]
    longer = torch.maximum(first, second)
    ratio = torch.minimum(first, second) / torch.where(longer > 0, longer, 1)
    return ratio.prod(-1).sqrt()


def classification_loss(
    logits: Tensor, labels: Tensor, quality: Tensor | None, form: ClassificationForm
) -> Tensor:
    """Loss of classes from two logits (B, 2, N): a cross-entropy, or quality focal loss for soft labels.

    Raises:
        InputError: if the form is that of Eq. 3 and the labels are soft.
    """
    if quality is not None:
        if form == "eq3":
            raise InputError("classification=eq3 takes hard labels; the label assigner answers soft ones")
        return quality_focal_loss(logits[:, 1] - logits[:, 0], quality, labels)
    return (whole_map_cross_entropy if form == "eq3" else balanced_cross_entropy)(logits, labels)


def positive_mean(values: Tensor, positive: Tensor, weight: Tensor | None) -> Tensor:
    """Mean of `values` over the positives; with a weight, their weighted sum over the sum of weights, at least 1."""
    if weight is None:
        return masked_mean(values, positive)
    share = torch.where(positive, weight.to(values.dtype), 0)
    return (share * torch.where(positive, values, 0)).sum() / share.sum().clamp(min=1)


def balanced_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Half the mean cross-entropy of the positives plus half that of the negatives.

    Args:
        logits: (B, 2, N), background then foreground.
        labels: (B, N) in 1 (positive), 0 (negative), -1 (ignored).

    Returns:
        0-d; a side without samples contributes 0.

    Source: SiamDLA Eq. 3, read as the host trackers compute it: the printed formula lacks a minus sign, the
    complement in its second term and the mask of ignored samples, and divides by all samples of the map.
    """
    log_probability = logits.log_softmax(1)
    negative = masked_mean(-log_probability[:, 0], labels == 0)
    positive = masked_mean(-log_probability[:, 1], labels == 1)
    return 0.5 * positive + 0.5 * negative


def whole_map_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """SiamDLA Eq. 3 as printed, as far as it can be trained: mean cross-entropy of all samples of the map.

    -1 / (w h m) * sum of y ln F + (1 - y) ln(1 - F), with F the probability of the target and y = 1 at positives and
    0 everywhere else; its mean over the pairs. The divisor w h m, all samples, is the printed one, and no sample is
    masked. Three parts of the printed formula cannot be trained:

    - Without the minus sign descent drives F to 0 everywhere, and the loss falls without bound.
    - With ln F in its second term, too, the two add up to ln F whatever y is: labels would have no influence.
    - With y = -1 at an ignored sample its term is ln F - 2 ln(1 - F), which falls without bound as F approaches 0.
      Descent on it lowers F as at a negative; ignored samples therefore count as negatives, with y = 0.

    Args:
        logits: (B, 2, N), background then foreground; N = w h m.
        labels: (B, N) in 1 (positive), 0 (negative), -1 (ignored).

    Returns:
        0-d; 0 without pairs.

    Source: SiamDLA Eq. 3.
    """
    log_probability = logits.log_softmax(1)
    own = torch.where(labels == 1, log_probability[:, 1], log_probability[:, 0])
    return -own.sum() / max(own.numel(), 1)


def focal_loss(logits: Tensor, labels: Tensor, alpha: float = 0.75, gamma: float = 2.0) -> Tensor:
    """Focal loss of one logit per sample, summed and divided by the number of positives (1 if there is none).

    Args:
        logits: (B, N).
        labels: (B, N) in 1 (positive), 0 (negative), -1 (ignored).
        alpha: weight of positives; negatives have 1 - alpha.
        gamma: exponent of the probability of the wrong answer.

    Returns:
        0-d.

    Source: Lin et al. 2017 Eq. 5; alpha and normalisation of SiamFC++ in video_analyst.
    """
    sign = torch.where(labels == 1, 1.0, -1.0)
    weight = torch.where(labels == 1, alpha, 1 - alpha)
    wrong = (-sign * logits).sigmoid()  # probability of the other class
    loss = -weight * wrong**gamma * F.logsigmoid(sign * logits)
    return torch.where(labels >= 0, loss, 0).sum() / (labels == 1).sum().clamp(min=1)


def ltrb_iou_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """-ln((intersection + 1) / (union + 1)) of two boxes given by their distances from a common point.

    Args:
        predicted: (..., 4) left, top, right, bottom, px, not negative.
        target: (..., 4), the same.

    Returns:
        (...), not negative.

    Source: UnitBox (Yu et al. 2016) Sec. 3.1, with the "+ 1" of the public SiamCAR code.
    """
    return -smoothed_iou(predicted, target).log()


def smoothed_iou(predicted: Tensor, target: Tensor) -> Tensor:
    """(intersection + 1) / (union + 1) of boxes given by their distances from a common point."""
    intersection = _area(torch.minimum(predicted, target))
    return (intersection + 1) / (_area(predicted) + _area(target) - intersection + 1)


def box_targets(points: Tensor, target_xyxy: Tensor, like: Tensor) -> Tensor:
    """Distances from every point to the sides of its target, (N, 2) x (B, 4) -> (B, N, 4), in the dtype of `like`.

    They are clamped at 0 for points outside: a positive lies there only if a label assigner rescued a tiny target.
    """
    return ltrb(points[None], target_xyxy[:, None]).to(like.dtype).clamp(min=0)


def per_cell(maps: Tensor | None) -> Tensor:
    """(B, C, H, W) -> (B, C, N), in single precision at least.

    Raises:
        ValueError: when the head has no such maps.
    """
    if maps is None:
        raise ValueError("this loss needs maps that the head does not have")
    return maps.flatten(2).to(torch.promote_types(maps.dtype, torch.float32))


def check_shapes(
    output: HeadOutput,
    labels: Tensor,
    target_xyxy: Tensor,
    name: str,
    places: Tensor,
    width: int,
    classes: int = 2,
) -> None:
    """Check the shapes of the arguments of a `Loss`.

    Args:
        output: maps of the head; `cls` has `classes` channels per sample.
        labels: (B, A).
        target_xyxy: (B, 4).
        name: argument name of `places`, for the message.
        places: (A, width).
        width: 2 for points, 4 for anchors.
        classes: channels of `cls` per sample.

    Raises:
        ValueError: naming the argument with the wrong shape, and the right one.
    """
    batch, channels, height, columns = output.cls.shape
    samples = channels // classes * height * columns
    for what, value, shape in (
        ("labels", labels, (batch, samples)),
        ("target_xyxy", target_xyxy, (batch, 4)),
        (name, places, (samples, width)),
    ):
        if value.shape != shape:
            raise ValueError(f"{what} must be {shape} for this output, got {tuple(value.shape)}")


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` where `mask` is True, 0 if it is nowhere; without a sync between host and device."""
    return torch.where(mask, values, 0).sum() / mask.sum().clamp(min=1)


def _area(sides: Tensor) -> Tensor:
    return (sides[..., 0] + sides[..., 2]) * (sides[..., 1] + sides[..., 3])
