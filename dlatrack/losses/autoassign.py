"""The loss of AutoAssign, for every head that predicts a box at each point."""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack.losses.soft import auto_assign_losses
from dlatrack.losses.terms import LossTerms, check_shapes, per_cell
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig


def autoassign_loss(
    output: HeadOutput,
    labels: Tensor,
    target_xyxy: Tensor,
    points: Tensor,
    weights: LossConfig,
    quality: Tensor | None = None,
    weight: Tensor | None = None,
) -> LossTerms:
    """Loss of positives, of classes and boxes together, and loss of negatives, with the weights of the rule's own.

    A centre-ness branch is trained as the implicit objectness of the rule, which online tracking multiplies with the
    probability all the same. In the terms, `regression` is the loss of positives and `classification` that of
    negatives; `weights` of the family are not used. The loss of the centre prior is left out: the prior of
    `AutoAssigner` is fixed, so that it has no gradient. Arguments, result and errors as `Loss`; `points` are (N, 2)
    with N = H * W.

    Raises:
        ValueError: also when `quality` or `weight` is missing: the labels are not AutoAssign's.

    Source: AutoAssign (Zhu et al. 2020) Sec. 3, with the factors of its public code.
    """
    if quality is None or weight is None:
        raise ValueError("the loss of AutoAssign needs the quality and the weight that its rule assigns")
    check_shapes(output, labels, target_xyxy, "points", points, 2, classes=output.cls.shape[1])
    logits, sides = per_cell(output.cls), per_cell(output.reg).transpose(1, 2)
    probable = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
    objectness = None if output.centerness is None else per_cell(output.centerness)[:, 0]
    places = points.to(sides.dtype)
    predicted = torch.cat([places - sides[..., :2], places + sides[..., 2:]], -1)
    positive, negative, _ = auto_assign_losses(
        probable, objectness, predicted, target_xyxy, labels, quality, weight
    )
    return LossTerms(positive + negative, negative, positive, torch.zeros_like(positive))
