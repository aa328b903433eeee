"""The whole box: the rule of SiamFC++."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dlatrack.assign.base import Assignment, Prediction, check_targets, make_labels
from dlatrack.assign.geometry import box_distance
from dlatrack.assign.sampling import KeySource
from dlatrack.grid import POINT_ANCHOR, ScoreGrid


@dataclass(frozen=True)
class InsideAssigner:
    """Points strictly inside the target are positive, all others negative.

    In a negative pair the points inside the distractor are negative and all others ignored.

    Source: video_analyst, dense box targets; SiamFC++ Sec. 3.2; SiamDLA Sec. 2.
    """

    grid: ScoreGrid

    anchor_shapes = POINT_ANCHOR
    needs_prediction = False

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`. Nothing is drawn."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        distance = box_distance(self.grid.points.to(target.device), target)
        inside, pair = distance < 1, positive_pair[:, None]
        eligible = inside.sum(1)
        return Assignment(
            labels=make_labels(inside & pair, inside != pair),
            eligible=eligible,
            threshold=torch.ones_like(target[:, 0]),
            empty=(eligible == 0) & positive_pair,
            tied=torch.zeros_like(positive_pair),
            distance=distance,
        )
