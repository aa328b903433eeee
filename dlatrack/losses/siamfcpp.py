"""The loss of SiamFC++."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dlatrack.boxes import ltrb
from dlatrack.losses.soft import quality_focal_loss
from dlatrack.losses.terms import (
    LossTerms,
    box_targets,
    check_shapes,
    focal_loss,
    masked_mean,
    per_cell,
    positive_mean,
)
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig

#: Keeps the centre-ness of a point on a corner finite, px squared.
_EPSILON = 1e-5


def siamfcpp_loss(
    output: HeadOutput,
    labels: Tensor,
    target_xyxy: Tensor,
    points: Tensor,
    weights: LossConfig,
    quality: Tensor | None = None,
    weight: Tensor | None = None,
) -> LossTerms:
    """Loss of a head that predicts one logit, l, t, r, b and centre-ness at points.

    Classes: focal loss. Boxes: -ln(IoU) of boxes that are one px wider than their corners are apart, at positives.
    Centre-ness: cross-entropy less the entropy of its target, so that the best value is 0, at positives. In a pair
    without positives (a negative pair) centre-ness is also learned at the labelled points inside the distractor, as
    in the public code. Each term is divided by the number of its samples. Arguments, result and errors as
    `Loss`; `points` are (N, 2) with N = H * W.

    Source: SiamFC++ (Xu et al. 2020) Sec. 3.3, Eqs. 2-3; "+ 1" and the entropy as in video_analyst.
    """
    check_shapes(output, labels, target_xyxy, "points", points, 2, classes=1)
    logits, predicted, centerness = (per_cell(maps) for maps in (output.cls, output.reg, output.centerness))
    predicted = predicted.transpose(1, 2)
    positive = labels == 1
    sides = box_targets(points, target_xyxy, predicted)  # (B, N, 4)

    at_positives = torch.where(positive[..., None], predicted, sides)  # others may be huge
    regression = positive_mean(_pixel_iou_loss(at_positives, sides), positive, weight)
    if quality is None:
        classification = focal_loss(logits[:, 0], labels)
    else:
        classification = quality_focal_loss(logits[:, 0], quality, labels)

    inside = ltrb(points[None], target_xyxy[:, None]).amin(-1) > 0
    of_distractor = (labels == 0) & ~positive.any(1, keepdim=True)
    central = _centerness(sides)
    entropy = F.binary_cross_entropy_with_logits(centerness[:, 0], central, reduction="none")
    least = torch.special.entr(central) + torch.special.entr(1 - central)
    centre = masked_mean(entropy - least, inside & (positive | of_distractor))
    return LossTerms.weighted(weights, classification, regression, centre)


def _centerness(sides: Tensor) -> Tensor:
    """(..., 4) l, t, r, b -> (...), 1 in the middle of the box and 0 on its border."""
    first, second = sides[..., :2], sides[..., 2:]
    shorter, longer = torch.minimum(first, second).prod(-1), torch.maximum(first, second).prod(-1)
    return (shorter / (longer + _EPSILON)).sqrt()


def _pixel_iou_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """-ln(IoU) of boxes around a common point, (..., 4) l, t, r, b each; a box covers its last pixel too."""
    intersection = _pixel_area(torch.minimum(predicted, target))
    union = _pixel_area(predicted) + _pixel_area(target) - intersection
    return union.log() - intersection.log()


def _pixel_area(sides: Tensor) -> Tensor:
    return (sides[..., 0] + sides[..., 2] + 1) * (sides[..., 1] + sides[..., 3] + 1)
