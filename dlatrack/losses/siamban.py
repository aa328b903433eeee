"""The loss of SiamBAN."""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack.losses.terms import (
    LossTerms,
    box_targets,
    check_shapes,
    classification_loss,
    per_cell,
    positive_mean,
    smoothed_iou,
)
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig


def siamban_loss(
    output: HeadOutput,
    labels: Tensor,
    target_xyxy: Tensor,
    points: Tensor,
    weights: LossConfig,
    quality: Tensor | None = None,
    weight: Tensor | None = None,
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
    classification = classification_loss(per_cell(output.cls), labels, quality, weights.classification_form)
    regression = positive_mean(1 - smoothed_iou(at_positives, target), positive, weight)
    return LossTerms.weighted(weights, classification, regression)
