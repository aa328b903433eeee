"""What the plain rules share: their grid, their answer, and the arithmetic of one target's boxes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dlatrack.grid import POINT_ANCHOR


class ReferenceAssignment(NamedTuple):
    """Labels of one target with A samples, and the statistics that its rule has."""

    labels: np.ndarray  #: (A,) int8, 1 positive, 0 negative, -1 ignored
    mean: float = float("nan")  #: mean IoU of the candidates
    std: float = float("nan")  #: their standard deviation
    quality: np.ndarray | None = None  #: (A,), as in `Assignment`
    weight: np.ndarray | None = None  #: (A,), as in `Assignment`


@dataclass(frozen=True)
class ReferenceRule(ABC):
    """A rule for one target at a time, on a square score map with m anchors per point."""

    size: int = 25  #: cells per side
    stride: float = 8  #: search-region px between neighbouring points
    offset: float = 31  #: search-region px of the first point
    anchor_shapes: tuple[tuple[float, float], ...] = POINT_ANCHOR  #: width and height of the m anchors, px

    @cached_property
    def points(self) -> np.ndarray:
        """(N, 2), x then y, row-major."""
        axis = self.offset + self.stride * np.arange(self.size)
        return np.stack([np.tile(axis, self.size), np.repeat(axis, self.size)], 1)

    @cached_property
    def anchors(self) -> np.ndarray:
        """(N * m, 4) xyxy."""
        half = np.array(self.anchor_shapes) / 2
        corners = np.concatenate([self.points[:, None] - half, self.points[:, None] + half], 2)
        return corners.reshape(-1, 4)

    @property
    def centres(self) -> np.ndarray:
        """(N * m, 2), the point of each sample."""
        return np.repeat(self.points, len(self.anchor_shapes), 0)

    def inside(self, target_xyxy: np.ndarray, margin: float = 0.01) -> np.ndarray:
        """(N * m,) bool, samples whose point lies more than `margin` px within the target."""
        return self.side_distance(target_xyxy) > margin

    def side_distance(self, target_xyxy: np.ndarray) -> np.ndarray:
        """(N * m,) px from the point of each sample to the nearest side of the target, negative outside."""
        low, high = self.centres - target_xyxy[:2], target_xyxy[2:] - self.centres
        return np.concatenate([low, high], 1).min(1)

    @abstractmethod
    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target.

        Args:
            target_xyxy: (4,), search-region px.
            key: 64-bit key of the target for random draws.
            probability: (N * m,), predicted probability of the target, for rules that look at it.
            boxes_xyxy: (N * m, 4), predicted boxes, for rules that look at them.
        """


def random_order(key: int, samples: int) -> np.ndarray:
    """The ranks of `sampling.draw_order` for one key, (samples,) int32, in unsigned arithmetic."""
    number = np.arange(samples, dtype=np.uint32)
    state = (number * np.uint32(0x9E3779B9)) ^ np.uint32(key & 0xFFFFFFFF)
    for word in (np.uint32(0), np.uint32(key >> 32 & 0xFFFFFFFF)):
        state = state + word
        state = (state ^ (state >> np.uint32(16))) * np.uint32(0x7FEB352D)
        state = (state ^ (state >> np.uint32(15))) * np.uint32(0x846CA68B)
        state = state ^ (state >> np.uint32(16))
    return state.view(np.int32)


def needed(predicted: np.ndarray | None) -> np.ndarray:
    """Predictions that a rule looks at.

    Raises:
        ValueError: if there are none.
    """
    if predicted is None:
        raise ValueError("this rule needs predictions; pass probability and boxes_xyxy")
    return predicted


def plain_iou(boxes_xyxy: np.ndarray, target_xyxy: np.ndarray) -> np.ndarray:
    """IoU of boxes (..., 4) with one box (4,)."""
    low = np.maximum(boxes_xyxy[..., :2], target_xyxy[:2])
    high = np.minimum(boxes_xyxy[..., 2:], target_xyxy[2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = np.prod(boxes_xyxy[..., 2:] - boxes_xyxy[..., :2], axis=-1)
    return shared / (areas + np.prod(target_xyxy[2:] - target_xyxy[:2]) - shared)
