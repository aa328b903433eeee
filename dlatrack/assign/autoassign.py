"""AutoAssign: every point inside the target is a positive, and every sample a negative, to the degree it deserves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign.base import Assignment, Prediction, check_prediction, check_targets, make_labels
from dlatrack.assign.geometry import centre_offset, points_inside, stored_by_column
from dlatrack.assign.sampling import KeySource
from dlatrack.grid import POINT_ANCHOR, ScoreGrid


@dataclass(frozen=True)
class AutoAssigner:
    """All points inside the target are positive, weighted by a prior of the centre and by their predicted boxes.

    A point inside the target, at a distance of d strides from the target centre moved by `offset`, has the prior G
    = exp(-d^2 / (2 width^2)), which is its `weight`. With u = 1 / max(1 - IoU, 1e-12) of its predicted box and the
    target, its `quality` is (u - min u + 1e-12) / (max u - min u + 1e-12) over the points inside: 1 for the best
    box; what remains to 1 is the weight of the point as a negative. Both are 0 outside, where all points are
    negative; none is ignored. The loss `dlatrack.losses.soft.auto_assign_losses` makes the weights of positives
    from them and from the predictions.

    The prior's place and width are fixed at the values from which the public code starts to learn them: so network,
    optimiser and checkpoint remain those of the twin, and the rule is all that differs.

    `threshold` is NaN and `tied` False, as no value is compared with a threshold.

    Args:
        grid: points of the score map.
        anchor_shapes: one box per point.
        offset: centre of the prior to the right of and below the target centre, strides.
        width: standard deviation of the prior in strides, positive.
        top: number of points of largest prior that a target without a point inside gets, 0..points; 0 leaves it
            without positives, as the public code does by default (it has 9 in force_topk).

    Raises:
        ValueError: for several anchors per point or for a value outside its range, naming it.

    Source: AutoAssign (Zhu et al. 2020) Sec. 3; mmdet's autoassign_head.py and its defaults.
    """

    grid: ScoreGrid
    anchor_shapes: tuple[tuple[float, float], ...] = POINT_ANCHOR
    offset: float = 0.0
    width: float = 1.0
    top: int = 0

    needs_prediction = True

    def __post_init__(self) -> None:
        if len(self.anchor_shapes) != 1:
            raise ValueError(
                f"the rule is defined for points; an RPN head has m anchors per point, "
                f"got {len(self.anchor_shapes)} anchor_shapes"
            )
        if not math.isfinite(self.offset):
            raise ValueError(f"offset must be a finite number, got {self.offset}")
        if not 0 < self.width < math.inf:
            raise ValueError(f"width must be a positive number, got {self.width}")
        points = self.grid.size**2
        if not 0 <= self.top <= points:
            raise ValueError(f"top must be in 0..{points} (grid points), got {self.top}")

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`. Nothing is drawn."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        points = self.grid.points.to(target.device)
        prediction = check_prediction(prediction, (len(target), len(points)), "autoassign")
        inside = points_inside(self.grid, target, margin=0)
        eligible = inside.sum(1)
        empty = (eligible == 0) & positive_pair
        steps = centre_offset(points, target) / self.grid.stride - self.offset
        prior = (-(steps[..., 0].square() + steps[..., 1].square()) / (2 * self.width**2)).exp()
        if self.top:
            first = prior.sort(dim=1, descending=True, stable=True).indices[:, : self.top]
            inside = inside | (empty[:, None] & torch.zeros_like(inside).scatter_(1, first, True))
        inside = inside & positive_pair[:, None]

        overlap = boxes.iou(stored_by_column(prediction.boxes_xyxy), target[:, None])
        sharp = 1 / (1 - overlap).clamp(min=1e-12)
        low = sharp.masked_fill(~inside, torch.inf).amin(1, keepdim=True)
        high = sharp.masked_fill(~inside, -torch.inf).amax(1, keepdim=True)
        return Assignment(
            labels=make_labels(inside, ~inside),
            eligible=eligible.masked_fill(~positive_pair, 0),
            threshold=torch.full_like(target[:, 0], torch.nan),
            empty=empty,
            tied=torch.zeros_like(positive_pair),
            quality=torch.where(inside, (sharp - low + 1e-12) / (high - low + 1e-12), 0),
            weight=torch.where(inside, prior, 0),
        )
