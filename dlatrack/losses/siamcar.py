"""The loss of SiamCAR."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dlatrack.losses.terms import (
    LossTerms,
    balanced_cross_entropy,
    box_targets,
    centerness_targets,
    check_shapes,
    ltrb_iou_loss,
    masked_mean,
    per_cell,
)
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig


def siamcar_loss(
    output: HeadOutput, labels: Tensor, target_xyxy: Tensor, points: Tensor, weights: LossConfig
) -> LossTerms:
    """Loss of a head that predicts classes, l, t, r, b and centre-ness at points.

    Boxes and centre-ness are learned at positives alone. A positive whose point lies outside its target (a
    tiny target that a label assigner rescued) is regressed to distances clamped at 0, and so has centre-ness
    0: it teaches the classifier and the centre-ness branch, and has no weight in the regression. Arguments, result
    and errors as `Loss`; `points` are (N, 2) with N = H * W.

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
    weight = torch.where(positive, central, 0)
    weight_sum = weight.sum()
    classification = balanced_cross_entropy(logits, labels)
    regression = (iou_loss * weight).sum() / torch.where(weight_sum > 0, weight_sum, 1)
    entropy = F.binary_cross_entropy_with_logits(centerness[:, 0], central, reduction="none")
    centre = masked_mean(entropy, positive)
    return LossTerms.weighted(weights, classification, regression, centre)
