"""A centred rectangle: the rule of SiamCAR."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dlatrack.assign.base import Assignment, Prediction, check_targets, make_labels, require_positive_pairs
from dlatrack.assign.geometry import box_distance
from dlatrack.assign.sampling import KeySource
from dlatrack.grid import CODE_RECTANGLE, POINT_ANCHOR, ScoreGrid


@dataclass(frozen=True)
class RectangleAssigner:
    """Points inside the central part of the target are positive, all others negative.

    Args:
        grid: points of the score map.
        center_ratio: side of the positive rectangle over the side of the target, in (0, 1]. The public SiamCAR code
            uses 0.4, its description in SiamDLA Sec. 3.2 says 0.6.

    Raises:
        ValueError: if `center_ratio` is out of range, or at a negative pair, which SiamCAR never trains with.

    Source: the public SiamCAR code; SiamDLA Sec. 3.2, Fig. 1 (c).
    """

    grid: ScoreGrid
    center_ratio: float = CODE_RECTANGLE

    anchor_shapes = POINT_ANCHOR
    needs_prediction = False

    def __post_init__(self) -> None:
        if not 0 < self.center_ratio <= 1:
            raise ValueError(f"center_ratio must be in (0, 1], got {self.center_ratio}")

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`. Nothing is drawn."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        require_positive_pairs(positive_pair, "rectangle")
        distance = box_distance(self.grid.points.to(target.device), target)
        positive = distance < self.center_ratio
        eligible = positive.sum(1)
        return Assignment(
            labels=make_labels(positive, ~positive),
            eligible=eligible,
            threshold=torch.full_like(target[:, 0], self.center_ratio),
            empty=eligible == 0,
            tied=torch.zeros_like(positive_pair),
            distance=distance,
        )
