"""A circle of fixed radius: the rule of SiamFC."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dlatrack.assign.base import Assignment, Prediction, check_targets, make_labels, require_positive_pairs
from dlatrack.assign.geometry import centre_offset
from dlatrack.assign.sampling import KeySource
from dlatrack.grid import POINT_ANCHOR, ScoreGrid


@dataclass(frozen=True)
class CircleAssigner:
    """Points within `inner` px of the target centre are positive, up to `outer` ignored, the rest negative.

    Args:
        grid: points of the score map.
        inner: px, the paper's R1; a point on the circle is positive.
        outer: px, the paper's R2; if it equals `inner`, no point is ignored.

    Raises:
        ValueError: if the radii are out of order, or at a negative pair, which SiamFC never trains with.

    Source: bertinetto/siamese-fc (16 px, no ring); SiamDLA Sec. 1 and Fig. 1 (a).
    """

    grid: ScoreGrid
    inner: float = 16
    outer: float = 16

    anchor_shapes = POINT_ANCHOR
    needs_prediction = False

    def __post_init__(self) -> None:
        if not 0 < self.inner <= self.outer:
            raise ValueError(f"needs 0 < inner <= outer, got {self.inner} and {self.outer}")

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`. Nothing is drawn."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        require_positive_pairs(positive_pair, "circle")
        offset = centre_offset(self.grid.points.to(target.device), target)
        distance = torch.linalg.vector_norm(offset, dim=-1)
        positive = distance <= self.inner
        eligible = positive.sum(1)
        return Assignment(
            labels=make_labels(positive, distance > self.outer),
            eligible=eligible,
            threshold=torch.full_like(target[:, 0], self.inner),
            empty=eligible == 0,
            tied=torch.zeros_like(positive_pair),
            distance=distance,
        )
