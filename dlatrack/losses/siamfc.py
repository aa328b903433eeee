"""The loss of SiamFC."""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack.losses.terms import LossTerms, check_shapes, classification_loss, per_cell
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig


def siamfc_loss(
    output: HeadOutput,
    labels: Tensor,
    target_xyxy: Tensor,
    points: Tensor,
    weights: LossConfig,
    quality: Tensor | None = None,
    weight: Tensor | None = None,
) -> LossTerms:
    """Logistic loss of a head that predicts one score per point; positives and negatives weigh the same.

    Arguments, result and errors as `Loss`; `points` are (N, 2) with N = H * W, and neither the targets nor `weight`
    are used.

    Source: SiamFC (Bertinetto et al. 2016) Eqs. 2-3 and Sec. 3.1 (balance of the classes).
    """
    check_shapes(output, labels, target_xyxy, "points", points, 2, classes=1)
    score = per_cell(output.cls)
    # The sigmoid of a score is the softmax of the pair (0, score).
    logits = torch.cat([torch.zeros_like(score), score], 1)
    classification = classification_loss(logits, labels, quality, weights.classification_form)
    return LossTerms.weighted(weights, classification)
