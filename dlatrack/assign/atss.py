"""Adaptive training sample selection (ATSS), the rule that dynamic label assignment comes from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign.base import Assignment, Prediction, check_targets, make_labels
from dlatrack.assign.geometry import anchors_of, centre_inside, nearest_points
from dlatrack.assign.sampling import KeySource
from dlatrack.grid import POINT_ANCHOR, ScoreGrid


@dataclass(frozen=True)
class AtssAssigner:
    """Positives are the nearest samples that overlap the target by at least mean + standard deviation of their IoUs.

    In order: the K samples nearest to the target centre are the candidates; T is the mean of their IoU with the
    target plus the standard deviation (n - 1); candidates with IoU >= T whose centre lies more than 0.01 px inside
    the target are positive. All other samples are negative: none is ignored, and a target without positives gets
    none. A negative pair has negatives only. Nothing is drawn.

    `tied` says that all candidates have the same IoU, as nine boxes that cover a thin target have: their standard
    deviation is 0, and all those inside are positive.

    Args:
        grid: points of the score map.
        anchor_shapes: m anchor shapes per point, (w, h) px; one 64 x 64 box for anchor-free heads.
        candidates: K; 1..A samples, or 1..N points if counted by point.
        counted: "singly" takes the K nearest samples, where the m anchors of a point count as m and an anchor with a
            smaller number comes first (mmdet); "by_point" takes all anchors of the K nearest points (SiamDLA).
        tolerance: IoU by which a sample may miss T. Equal IoUs can round below their own mean.

    Raises:
        ValueError: for a value outside its range, naming it.

    Source: ATSS (Zhang et al., CVPR 2020) Sec. 3.3, Algorithm 1, K = 9; counted as in mmdet 3.3.0, which decides in
    single precision without a tolerance.
    """

    grid: ScoreGrid
    anchor_shapes: tuple[tuple[float, float], ...] = POINT_ANCHOR
    candidates: int = 9
    counted: Literal["singly", "by_point"] = "singly"
    tolerance: float = 1e-6

    needs_prediction = False

    def __post_init__(self) -> None:
        if self.counted not in ("singly", "by_point"):
            raise ValueError(f"counted must be one of singly, by_point, got {self.counted!r}")
        points = self.grid.size**2
        most, what = (
            (points, "grid points")
            if self.counted == "by_point"
            else (points * len(self.anchor_shapes), "samples")
        )
        if not 1 <= self.candidates <= most:
            raise ValueError(f"candidates must be in 1..{most} ({what}), got {self.candidates}")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must not be negative, got {self.tolerance}")

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
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        anchors = self._anchors.to(target.device)
        candidates = self._candidates(target)
        overlap = boxes.iou(anchors[candidates], target[:, None])
        mean = overlap.mean(1)
        std = overlap.std(1) if overlap.shape[1] > 1 else torch.zeros_like(mean)
        threshold = mean + std

        chosen = overlap >= threshold[:, None] - self.tolerance
        chosen &= centre_inside(anchors[candidates], target) & positive_pair[:, None]
        positive = torch.zeros(len(target), len(anchors), dtype=torch.bool, device=target.device)
        positive.scatter_(1, candidates, chosen)
        eligible = chosen.sum(1)
        return Assignment(
            labels=make_labels(positive, ~positive),
            eligible=eligible,
            threshold=threshold,
            empty=(eligible == 0) & positive_pair,
            tied=(overlap.amax(1) - overlap.amin(1) <= self.tolerance) & positive_pair,
            candidates=candidates,
            iou=overlap,
            mean=mean,
            std=std,
        )

    def _candidates(self, target: Tensor) -> Tensor:
        """Sample numbers of the candidates, (B, C), nearest first, those of a point together."""
        shapes = len(self.anchor_shapes)
        if self.counted == "by_point":
            return anchors_of(nearest_points(self.grid, target, self.candidates), shapes)
        points = nearest_points(self.grid, target, -(-self.candidates // shapes))
        return anchors_of(points, shapes)[:, : self.candidates]
