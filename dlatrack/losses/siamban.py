"""The loss of SiamBAN."""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack.losses.terms import (
    LossTerms,
    balanced_cross_entropy,
    box_targets,
    check_shapes,
    masked_mean,
    per_cell,
    smoothed_iou,
)
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig


def siamban_loss(
    output: HeadOutput, labels: Tensor, target_xyxy: Tensor, points: Tensor, weights: LossConfig
) -> LossTerms:
    """Loss of a head that predicts classes and l, t, r, b at points, without centre-ness.

    The box loss is 1 - (intersection + 1) / (union + 1), its mean over all positives of the batch. Arguments, result
    and errors as `Loss`; `points` are (N, 2) with N = H * W.

    Source: SiamBAN (Chen et al. 2020) Sec. 3.4; "+ 1" as in its public code.
    """
    check_shapes(output, labels, target_xyxy, "points", points, 2)
    predicted = per_cell(output.reg).transpose(1, 2)
    positive = labels == 1
    target = box_targets(points, target_xyxy, predicted)
    at_positives = torch.where(positive[..., None], predicted, target)
    classification = balanced_cross_entropy(per_cell(output.cls), labels)
    regression = masked_mean(1 - smoothed_iou(at_positives, target), positive)
    return LossTerms.weighted(weights, classification, regression)
