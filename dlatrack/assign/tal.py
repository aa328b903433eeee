"""Task-aligned learning: soft labels for samples that classify and localise well at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign.base import Assignment, Prediction, check_prediction, check_targets, make_labels
from dlatrack.assign.geometry import centre_inside, stored_by_column
from dlatrack.assign.ranking import largest
from dlatrack.assign.sampling import KeySource
from dlatrack.grid import POINT_ANCHOR, ScoreGrid


@dataclass(frozen=True)
class TalAssigner:
    """Positives are the samples whose probability and predicted box agree best with the target, with soft labels.

    The alignment of a sample is t = p^alpha IoU^beta, of the probability and of the predicted box with the target.
    Of the `top` samples with the largest t (ties by sample number), those with t > 0 and their centre inside the
    target are positive; as they are filtered after the choice, fewer may remain. All others are negative, none is
    ignored.

    `quality` of a positive is t / (max t + 1e-7) times the largest IoU of the positives, and 0 elsewhere; `weight`
    is the same tensor. `candidates` are the `top` samples with t > 0 (repeating the first where there are fewer),
    `threshold` is the smallest t of the positives (NaN without one), and `tied` is always False, as no value is
    compared with a threshold.

    Args:
        grid: points of the score map.
        anchor_shapes: m anchor shapes per point, (w, h) px; they only name the samples of a point.
        alpha: exponent of the probability, not negative.
        beta: exponent of the IoU, positive.
        top: samples of largest t that may become positive, 1..samples.

    Raises:
        ValueError: for a value outside its range, naming it.

    Source: TOOD (Feng et al. 2021) Sec. 3.2, Eqs. 5-6; mmdet's task_aligned_assigner.py and its defaults. Left out:
    the public code trains its first four epochs with ATSS.
    """

    grid: ScoreGrid
    anchor_shapes: tuple[tuple[float, float], ...] = POINT_ANCHOR
    alpha: float = 1.0
    beta: float = 6.0
    top: int = 13

    needs_prediction = True

    def __post_init__(self) -> None:
        samples = self.grid.size**2 * len(self.anchor_shapes)
        if not 0 <= self.alpha < math.inf:
            raise ValueError(f"alpha must be a number that is not negative, got {self.alpha}")
        if not 0 < self.beta < math.inf:
            raise ValueError(f"beta must be a positive number, got {self.beta}")
        if not 1 <= self.top <= samples:
            raise ValueError(f"top must be in 1..{samples} (samples), got {self.top}")

    @cached_property
    def _anchors(self) -> Tensor:
        return self.grid.anchors(self.anchor_shapes)

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`. Nothing is drawn."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        anchors = self._anchors.to(target.device)
        prediction = check_prediction(prediction, (len(target), len(anchors)), "tal")
        overlap = boxes.iou(stored_by_column(prediction.boxes_xyxy), target[:, None])
        alignment = prediction.probability.double() ** self.alpha * overlap**self.beta

        candidates, valid = largest(alignment, self.top, alignment > 0)
        chosen = valid & centre_inside(anchors[candidates], target)
        eligible = chosen.sum(1)
        chosen_pair = chosen & positive_pair[:, None]
        value, best = (
            torch.where(chosen_pair, each.gather(1, candidates), 0) for each in (alignment, overlap)
        )
        soft = value / (value.amax(1, keepdim=True) + 1e-7) * best.amax(1, keepdim=True)
        # Places that repeat the first candidate add 0 to its label and to its quality.
        quality = torch.zeros_like(alignment).scatter_add_(1, candidates, soft)
        counts = torch.zeros(alignment.shape, dtype=torch.int8, device=target.device)
        positive = counts.scatter_add_(1, candidates, chosen_pair.to(torch.int8)) > 0
        smallest = value.masked_fill(~chosen_pair, torch.inf).amin(1)
        return Assignment(
            labels=make_labels(positive, ~positive),
            eligible=eligible.masked_fill(~positive_pair, 0),
            threshold=smallest.masked_fill(~chosen_pair.any(1), torch.nan),
            empty=(eligible == 0) & positive_pair,
            tied=torch.zeros_like(positive_pair),
            candidates=candidates,
            quality=quality,
            weight=quality,
        )
