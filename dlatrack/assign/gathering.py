"""Gather the few samples that a prediction-based rule looks at, and what the network answers there."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign.base import Prediction
from dlatrack.assign.geometry import anchors_of

#: Smallest logarithm of a probability, as in torch's `binary_cross_entropy`.
LEAST_LOG = -100.0


class Gathered(NamedTuple):
    """Samples of B targets, by number, in rows of equal width W; a short row is filled up with sample 0."""

    samples: Tensor  #: (B, W) int64, sample numbers, ascending
    real: Tensor  #: (B, W) bool, False where a row is filled up


def gather_samples(points: Tensor, per_point: int, width: int | None = None) -> Gathered:
    """The samples of the marked grid points, all anchors of a point together.

    Args:
        points: (B, N) bool.
        per_point: the m anchors of a point.
        width: points in a row, at least the largest number marked; None: that number. With a fixed width a sum
            along a row has the same order, hence the same bits, in every batch.
    """
    count = points.sum(1)
    if width is None:
        width = int(count.max()) if len(count) else 0
    number = torch.zeros(len(points), width, dtype=torch.int64, device=points.device)
    row, point = points.nonzero(as_tuple=True)
    first = count.cumsum(0) - count
    number[row, torch.arange(len(row), device=row.device) - first[row]] = point
    real = torch.arange(width, device=points.device) < count[:, None]
    return Gathered(anchors_of(number, per_point), real.repeat_interleave(per_point, 1))


def gather_answers(prediction: Prediction, targets: Tensor, samples: Tensor) -> tuple[Tensor, Tensor]:
    """What the network answers at some samples of some targets.

    Args:
        prediction: answers for a batch.
        targets: (b,) int64, rows of the batch.
        samples: (b, W) int64, sample numbers.

    Returns:
        Probabilities (b, W) and boxes (b, W, 4) xyxy, both float64.
    """
    count = prediction.probability.shape[1]
    index = (targets[:, None] * count + samples).flatten()
    probability = prediction.probability.flatten()[index].view(samples.shape)
    predicted = prediction.boxes_xyxy.flatten(0, 1)[index].view(*samples.shape, 4)
    return probability.double(), predicted.double()


def predicted_overlap(predicted_xyxy: Tensor, target_xyxy: Tensor) -> Tensor:
    """IoU of the boxes predicted for each target with the target, (b, W, 4) x (b, 4) -> (b, W)."""
    return boxes.iou(predicted_xyxy, target_xyxy[:, None])


def log_probability(probability: Tensor) -> Tensor:
    """Natural logarithm, not below -100."""
    return probability.log().clamp(min=LEAST_LOG)


def log_complement(probability: Tensor) -> Tensor:
    """Natural logarithm of 1 - p, not below -100."""
    return torch.log1p(-probability).clamp(min=LEAST_LOG)
