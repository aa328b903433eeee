"""The loss of SiamCAR."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dlatrack.losses.terms import (
    LossTerms,
    box_targets,
    centerness_targets,
    check_shapes,
    classification_loss,
    ltrb_iou_loss,
    masked_mean,
    per_cell,
    positive_mean,
)
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig


def siamcar_loss(
    output: HeadOutput,
    labels: Tensor,
    target_xyxy: Tensor,
    points: Tensor,
    weights: LossConfig,
    quality: Tensor | None = None,
    weight: Tensor | None = None,
) -> LossTerms:
    """Loss of a head that predicts classes, l, t, r, b and centre-ness at points.

    Boxes and centre-ness are learned at positives alone. A positive whose point lies outside its target (a
    tiny target that a label assigner rescued) is regressed to distances clamped at 0, and so has centre-ness
    0: it teaches the classifier and the centre-ness branch, and has no weight in the regression, where positives
    weigh as much as their centre-ness, or their `weight` if it is given. Arguments, result and errors as `Loss`;
    `points` are (N, 2) with N = H * W.

    Source: SiamCAR (Guo et al. 2020) Sec. 3.2-3.3, Eqs. 4-8; regression weighted by the centre-ness target as
    in the public SiamCAR code.
    """
    if output.centerness is None:
        raise ValueError("the SiamCAR loss needs a head with centre-ness")
    check_shapes(output, labels, target_xyxy, "points", points, 2)
    logits, predicted, centerness = (per_cell(maps) for maps in (output.cls, output.reg, output.centerness))
    positive = labels == 1
    target = box_targets(points, target_xyxy, predicted)  # (B, N, 4)
    central = centerness_targets(target)  # (B, N)

    # Boxes of other cells are free to be anything, huge ones too: they must not reach the logarithm.
    at_positives = torch.where(positive[..., None], predicted.transpose(1, 2), target)
    iou_loss = ltrb_iou_loss(at_positives, target)
    if weight is None:
        share = torch.where(positive, central, 0)
        whole = share.sum()
        regression = (iou_loss * share).sum() / torch.where(whole > 0, whole, 1)
    else:
        regression = positive_mean(iou_loss, positive, weight)
    classification = classification_loss(logits, labels, quality, weights.classification_form)
    entropy = F.binary_cross_entropy_with_logits(centerness[:, 0], central, reduction="none")
    centre = masked_mean(entropy, positive)
    return LossTerms.weighted(weights, classification, regression, centre)
