"""Training losses: what the labelled samples of a batch cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dlatrack.boxes import centre, encode_deltas, ltrb
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig


@dataclass(frozen=True)
class LossTerms:
    """Losses of a batch, 0-d tensors; the terms are unweighted.

    Attributes:
        total: the weighted sum, to differentiate.
        classification: balanced cross-entropy.
        regression: centre-ness-weighted IoU loss.
        centerness: binary cross-entropy.
    """

    total: Tensor
    classification: Tensor
    regression: Tensor
    centerness: Tensor


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
    negative = _masked_mean(-log_probability[:, 0], labels == 0)
    positive = _masked_mean(-log_probability[:, 1], labels == 1)
    return 0.5 * positive + 0.5 * negative


def ltrb_iou_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """-ln((intersection + 1) / (union + 1)) of two boxes given by their distances from a common point.

    Args:
        predicted: (..., 4) left, top, right, bottom, px, not negative.
        target: (..., 4), the same.

    Returns:
        (...), not negative.

    Source: UnitBox (Yu et al. 2016) Sec. 3.1, with the "+ 1" of the public SiamCAR code.
    """
    return -_smoothed_iou(predicted, target).log()


def siamcar_loss(
    output: HeadOutput, labels: Tensor, target_xyxy: Tensor, points: Tensor, weights: LossConfig
) -> LossTerms:
    """Loss of a head that predicts classes, l, t, r, b and centre-ness at points.

    Boxes and centre-ness are learned at positives alone. A positive whose point lies outside its target (a
    tiny target that a label assigner rescued) is regressed to distances clamped at 0, and so has centre-ness
    0: it teaches the classifier and the centre-ness branch, and has no weight in the regression.

    Args:
        output: of a point head with H x W cells, N = H * W.
        labels: (B, N) int8, 1 positive, 0 negative, -1 ignored, row-major.
        target_xyxy: (B, 4), search-region px.
        points: (N, 2), x then y, search-region px, row-major.
        weights: of the three terms.

    Returns:
        The terms and their weighted sum. Terms without samples are 0 and give zero gradients.

    Raises:
        ValueError: when the shapes disagree, or the head has no centre-ness.

    Source: SiamCAR (Guo et al. 2020) Sec. 3.2-3.3, Eqs. 4-8; regression weighted by the centre-ness target as
    in the public SiamCAR code.
    """
    if output.centerness is None:
        raise ValueError("the SiamCAR loss needs a head with centre-ness")
    _check_shapes(output, labels, target_xyxy, "points", points, 2)
    logits, predicted, centerness = (_per_cell(maps) for maps in (output.cls, output.reg, output.centerness))
    positive = labels == 1
    target = ltrb(points[None], target_xyxy[:, None]).to(predicted.dtype).clamp(min=0)  # (B, N, 4)
    central = centerness_targets(target)  # (B, N)

    # Boxes of other cells are free to be anything, huge ones too: they must not reach the logarithm.
    at_positives = torch.where(positive[..., None], predicted.transpose(1, 2), target)
    iou_loss = ltrb_iou_loss(at_positives, target)
    weight = torch.where(positive, central, 0)
    weight_sum = weight.sum()
    classification = balanced_cross_entropy(logits, labels)
    regression = (iou_loss * weight).sum() / torch.where(weight_sum > 0, weight_sum, 1)
    entropy = F.binary_cross_entropy_with_logits(centerness[:, 0], central, reduction="none")
    centre = _masked_mean(entropy, positive)
    total = (
        weights.classification * classification
        + weights.regression * regression
        + weights.centerness * centre
    )
    return LossTerms(total, classification, regression, centre)


def siamrpn_loss(
    output: HeadOutput, labels: Tensor, target_xyxy: Tensor, anchors_xyxy: Tensor, weights: LossConfig
) -> LossTerms:
    """Loss of a head that predicts classes and box deltas of m anchors per cell.

    Deltas are learned at positives: their absolute errors are summed over the four coordinates, averaged over the
    positives of each pair, then over all pairs, negative ones included.

    Args:
        output: of an anchor head with H x W cells.
        labels: (B, A) int8 with A = H * W * m, point-major: sample n * m + a is anchor a of cell n.
        target_xyxy: (B, 4), search-region px.
        anchors_xyxy: (A, 4), search-region px, in the same order.
        weights: of the terms; there is no centre-ness.

    Returns:
        The terms and their weighted sum.

    Raises:
        ValueError: when the shapes disagree.

    Source: SiamRPN (Li et al. 2018) Sec. 3.2, with the plain L1 of pysot.
    """
    _check_shapes(output, labels, target_xyxy, "anchors_xyxy", anchors_xyxy, 4)
    logits, deltas = (
        _per_anchor(output.cls, 2),
        _per_anchor(output.reg, 4).transpose(1, 2),
    )  # (B, 2, A), (B, A, 4)
    error = (deltas - encode_deltas(anchors_xyxy[None], target_xyxy[:, None])).abs().sum(-1)
    positive = labels == 1
    share = positive / (positive.sum(1, keepdim=True) + 1e-6)
    classification = balanced_cross_entropy(logits, labels)
    regression = torch.where(positive, error * share, 0).sum() / len(labels)
    total = weights.classification * classification + weights.regression * regression
    return LossTerms(total, classification, regression, torch.zeros_like(total))


def siamban_loss(
    output: HeadOutput, labels: Tensor, target_xyxy: Tensor, points: Tensor, weights: LossConfig
) -> LossTerms:
    """Loss of a head that predicts classes and l, t, r, b at points, without centre-ness.

    The box loss is 1 - (intersection + 1) / (union + 1), its mean over all positives of the batch.

    Args:
        output: of a point head with H x W cells, N = H * W.
        labels: (B, N) int8, row-major.
        target_xyxy: (B, 4), search-region px.
        points: (N, 2), x then y, search-region px, row-major.
        weights: of the terms; there is no centre-ness.

    Returns:
        The terms and their weighted sum; without positives the box loss is 0.

    Raises:
        ValueError: when the shapes disagree.

    Source: SiamBAN (Chen et al. 2020) Sec. 3.4; "+ 1" as in its public code.
    """
    _check_shapes(output, labels, target_xyxy, "points", points, 2)
    predicted = _per_cell(output.reg).transpose(1, 2)
    positive = labels == 1
    target = ltrb(points[None], target_xyxy[:, None]).to(predicted.dtype).clamp(min=0)
    at_positives = torch.where(positive[..., None], predicted, target)
    classification = balanced_cross_entropy(_per_cell(output.cls), labels)
    regression = _masked_mean(1 - _smoothed_iou(at_positives, target), positive)
    total = weights.classification * classification + weights.regression * regression
    return LossTerms(total, classification, regression, torch.zeros_like(total))


#: The loss of each head, with anchors (A, 4) xyxy in search-region px as its fourth argument.
LOSSES: dict[str, Callable[[HeadOutput, Tensor, Tensor, Tensor, LossConfig], LossTerms]] = {
    "car": lambda output, labels, target, anchors, weights: siamcar_loss(
        output, labels, target, centre(anchors), weights
    ),
    "rpn": siamrpn_loss,
    "ban": lambda output, labels, target, anchors, weights: siamban_loss(
        output, labels, target, centre(anchors), weights
    ),
}


def _smoothed_iou(predicted: Tensor, target: Tensor) -> Tensor:
    """(intersection + 1) / (union + 1) of boxes given by their distances from a common point."""
    intersection = _area(torch.minimum(predicted, target))
    return (intersection + 1) / (_area(predicted) + _area(target) - intersection + 1)


def _per_anchor(maps: Tensor, values: int) -> Tensor:
    """(B, values * m, H, W), all anchors of a value together -> (B, values, H * W * m), point-major."""
    batch, channels = maps.shape[:2]
    return _per_cell(maps).reshape(batch, values, channels // values, -1).transpose(2, 3).flatten(2)


def _check_shapes(
    output: HeadOutput, labels: Tensor, target_xyxy: Tensor, name: str, places: Tensor, width: int
) -> None:
    """Labels (B, A), targets (B, 4) and the A places of an output of A / (H W) samples per cell."""
    batch, channels, height, columns = output.cls.shape
    samples = channels // 2 * height * columns
    for what, value, shape in (
        ("labels", labels, (batch, samples)),
        ("target_xyxy", target_xyxy, (batch, 4)),
        (name, places, (samples, width)),
    ):
        if value.shape != shape:
            raise ValueError(f"{what} must be {shape} for this output, got {tuple(value.shape)}")


def _per_cell(maps: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, N), in single precision at least."""
    return maps.flatten(2).to(torch.promote_types(maps.dtype, torch.float32))


def _area(sides: Tensor) -> Tensor:
    return (sides[..., 0] + sides[..., 2]) * (sides[..., 1] + sides[..., 3])


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` where `mask`, 0 where nothing is; without a sync between host and device."""
    return torch.where(mask, values, 0).sum() / mask.sum().clamp(min=1)
