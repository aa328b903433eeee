"""The loss of SiamRPN and SiamRPN++."""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack.boxes import encode_deltas
from dlatrack.losses.terms import LossTerms, check_shapes, classification_loss, per_cell, positive_mean
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig


def siamrpn_loss(
    output: HeadOutput,
    labels: Tensor,
    target_xyxy: Tensor,
    anchors_xyxy: Tensor,
    weights: LossConfig,
    quality: Tensor | None = None,
    weight: Tensor | None = None,
) -> LossTerms:
    """Loss of a head that predicts classes and box deltas of m anchors per cell.

    Deltas are learned at positives: their absolute errors are summed over the four coordinates, averaged over the
    positives of each pair, then over all pairs, negative ones included; with `weight`, over all positives. Arguments,
    result and errors as `Loss`; sample n * m + a is anchor a of cell n.

    Source: SiamRPN (Li et al. 2018) Sec. 3.2, with the plain L1 of pysot.
    """
    check_shapes(output, labels, target_xyxy, "anchors_xyxy", anchors_xyxy, 4)
    logits = _per_anchor(output.cls, 2)  # (B, 2, A)
    deltas = _per_anchor(output.reg, 4).transpose(1, 2)  # (B, A, 4)
    error = (deltas - encode_deltas(anchors_xyxy[None], target_xyxy[:, None])).abs().sum(-1)
    positive = labels == 1
    if weight is None:
        share = positive / (positive.sum(1, keepdim=True) + 1e-6)
        regression = torch.where(positive, error * share, 0).sum() / len(labels)
    else:
        regression = positive_mean(error, positive, weight)
    classification = classification_loss(logits, labels, quality, weights.classification_form)
    return LossTerms.weighted(weights, classification, regression)


def _per_anchor(maps: Tensor | None, values: int) -> Tensor:
    """(B, values * m, H, W), all anchors of a value together -> (B, values, H * W * m), point-major."""
    return per_cell(maps).unflatten(1, (values, -1)).transpose(2, 3).flatten(2)
