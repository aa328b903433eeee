"""The loss of a student that learns from the maps of a teacher, beside that of its labels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dlatrack.assign import Prediction
from dlatrack.boxes import ltrb
from dlatrack.losses.terms import ltrb_iou_loss, per_cell
from dlatrack.models.heads import HeadOutput

#: Weight of boxes beside classes.
_BOX_WEIGHT = 2.0

#: A teacher's box counts where its own probability is larger.
_SURE_ABOVE = 0.3


def taught_loss(output: HeadOutput, points: Tensor, taught: Prediction) -> Tensor:
    """Loss of a head that predicts a box at each point against what a teacher answers at the same points.

    With p of the teacher and s of the student, the classes add half the mean of -ln(s) weighted by p and half the
    mean of -ln(1 - s) weighted by 1 - p, both over all cells of the batch: soft targets, balanced like hard labels.
    Boxes add twice the mean of -ln(IoU) with the teacher's box, weighted by p where p > 0.3. Each sum of weights
    counts as 1 at least.

    Args:
        output: maps of the student, (B, C, H, W).
        points: (N, 2) x then y, N = H * W, search-region px, row-major.
        taught: the teacher's answers at these points, (B, N) and (B, N, 4).

    Returns:
        0-d, to differentiate; the teacher gets no gradient.

    Raises:
        ValueError: if the shapes disagree.

    Source: soft targets as in Hinton et al., Distilling the knowledge in a neural network (2015); balance and boxes
    are ours.
    """
    logits, sides = per_cell(output.cls), per_cell(output.reg).transpose(1, 2)
    probability = taught.probability.detach().to(sides)
    if probability.shape != sides.shape[:2]:
        raise ValueError(
            f"a teacher of shape {tuple(probability.shape)} for cells of {tuple(sides.shape[:2])}"
        )
    logit = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
    target = _weighted(-F.logsigmoid(logit), probability)
    background = _weighted(-F.logsigmoid(-logit), 1 - probability)

    sure = probability > _SURE_ABOVE
    theirs = ltrb(points.to(sides), taught.boxes_xyxy.detach().to(sides)).clamp(min=0)
    # Boxes of other cells are free to be anything: they must not reach the logarithm.
    own = torch.where(sure[..., None], sides, theirs)
    boxes = _weighted(ltrb_iou_loss(own, theirs), torch.where(sure, probability, 0))
    return (target + background) / 2 + _BOX_WEIGHT * boxes


def _weighted(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of values by weights, whose sum counts as 1 at least."""
    return (values * weights).sum() / weights.sum().clamp(min=1)
