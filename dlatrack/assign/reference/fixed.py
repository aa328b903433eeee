"""The fixed rules for one target, in plain NumPy; positive pairs only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlatrack.assign.reference.base import ReferenceAssignment, ReferenceRule, plain_iou, random_order
from dlatrack.grid import RPN_ANCHORS


@dataclass(frozen=True)
class ReferenceCircle(ReferenceRule):
    """The circle of SiamFC; fields as in `CircleAssigner`."""

    inner: float = 16
    outer: float = 16

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        dx, dy = _from_centre(self.centres, target_xyxy)
        distance = np.sqrt(dx**2 + dy**2)
        return _labels(distance <= self.inner, distance > self.outer)


@dataclass(frozen=True)
class ReferenceRectangle(ReferenceRule):
    """The rectangle of SiamCAR; fields as in `RectangleAssigner`."""

    center_ratio: float = 0.4

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        x, y = _in_half_sides(self.centres, target_xyxy)
        positive = np.maximum(abs(x), abs(y)) < self.center_ratio
        return _labels(positive, ~positive)


@dataclass(frozen=True)
class ReferenceEllipse(ReferenceRule):
    """The two ellipses of SiamBAN; fields as in `EllipseAssigner`."""

    inner: float = 0.5
    max_positives: int = 16
    max_samples: int = 64

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        x, y = _in_half_sides(self.centres, target_xyxy)
        radius = np.sqrt(x**2 + y**2)
        most = self.max_samples - self.max_positives
        return _labels(_drawn(radius < self.inner, self.max_positives, key), _drawn(radius > 1, most, key))


@dataclass(frozen=True)
class ReferenceInside(ReferenceRule):
    """The whole box of SiamFC++; fields as in `InsideAssigner`."""

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        positive = self.inside(target_xyxy, margin=0)
        return _labels(positive, ~positive)


@dataclass(frozen=True)
class ReferenceIoU(ReferenceRule):
    """The IoU thresholds of SiamRPN and SiamRPN++; fields as in `IoUAssigner`."""

    anchor_shapes: tuple[tuple[float, float], ...] = RPN_ANCHORS
    positive_above: float = 0.6
    negative_below: float = 0.3
    max_positives: int = 16
    max_samples: int = 64
    negatives: str = "fixed"

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        overlap = plain_iou(self.anchors, target_xyxy)
        positive = _drawn(overlap > self.positive_above, self.max_positives, key)
        taken = positive.sum() if self.negatives == "fill" else self.max_positives
        return _labels(positive, _drawn(overlap < self.negative_below, self.max_samples - taken, key))


def _from_centre(points: np.ndarray, target_xyxy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets in px of points (N, 2) from the target centre along x and y."""
    x1, y1, x2, y2 = target_xyxy
    return points[:, 0] - (x1 + x2) / 2, points[:, 1] - (y1 + y2) / 2


def _in_half_sides(points: np.ndarray, target_xyxy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same offsets in halves of the target's width and height: 1 on its border."""
    (dx, dy), (x1, y1, x2, y2) = _from_centre(points, target_xyxy), target_xyxy
    return dx / ((x2 - x1) / 2), dy / ((y2 - y1) / 2)


def _drawn(pool: np.ndarray, count: int, key: int) -> np.ndarray:
    """(A,) bool, the first `count` samples of a pool in the random order of the key."""
    order = np.argsort(random_order(key, len(pool)), kind="stable")
    drawn = np.zeros(len(pool), dtype=bool)
    drawn[order[pool[order]][:count]] = True
    return drawn


def _labels(positive: np.ndarray, negative: np.ndarray) -> ReferenceAssignment:
    """1 where positive, 0 where negative, -1 elsewhere."""
    return ReferenceAssignment(np.where(positive, 1, np.where(negative, 0, -1)).astype(np.int8))
