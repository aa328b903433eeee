"""Algorithm 1 for one target, in plain NumPy and in the order of the paper.

It is slow and independent of the batched assigner: the tests compare the two, and `dlatrack bench assign` times both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dlatrack.grid import POINT_ANCHOR


class ReferenceAssignment(NamedTuple):
    """Labels (A,) int8 of one target, with the statistics of its candidates."""

    labels: np.ndarray
    mean: float
    std: float


@dataclass(frozen=True)
class ReferenceDLA:
    """Dynamic label assignment, one target at a time; fields as in `DynamicLabelAssigner`."""

    size: int = 25
    stride: float = 8
    offset: float = 31
    anchor_shapes: tuple[tuple[float, float], ...] = POINT_ANCHOR
    candidates: int = 9
    negatives_per_positive: int = 4
    positive_scope: str = "candidates"
    std: str = "unbiased"
    tolerance: float = 1e-6
    on_empty: str = "best"

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

    def assign(self, target_xyxy: np.ndarray, key: int) -> ReferenceAssignment:
        """Label the samples for one target (4,) xyxy; `key` is its 64-bit key for the draw of negatives."""
        shapes, samples = len(self.anchor_shapes), len(self.anchors)
        # Line 3: the K points nearest to the target centre, all anchors of each.
        x, y = (target_xyxy[0] + target_xyxy[2]) / 2, (target_xyxy[1] + target_xyxy[3]) / 2
        squared = (self.points[:, 0] - x) ** 2 + (self.points[:, 1] - y) ** 2
        nearest = np.argsort(squared, kind="stable")[: self.candidates]
        candidates = (nearest[:, None] * shapes + np.arange(shapes)).ravel()
        # Lines 4-8: their IoU with the target, its mean and standard deviation, T.
        overlap = _iou(self.anchors[candidates], target_xyxy)
        mean = overlap.mean()
        std = overlap.std(ddof=int(self.std == "unbiased")) if len(overlap) > 1 else 0.0
        # Lines 9-13: IoU >= T and the centre inside the target.
        pool = candidates if self.positive_scope == "candidates" else np.arange(samples)
        reached = _iou(self.anchors[pool], target_xyxy) >= mean + std - self.tolerance
        positive = pool[reached & self._inside(pool, target_xyxy)]
        if len(positive) == 0 and self.on_empty == "best":
            positive = self._best(candidates, overlap, target_xyxy)
        # Line 15: four negatives per positive from the rest; what remains is ignored.
        labels = np.full(samples, -1, dtype=np.int8)
        labels[positive] = 1
        order = np.argsort(random_order(key, samples), kind="stable")
        labels[order[labels[order] != 1][: self.negatives_per_positive * len(positive)]] = 0
        return ReferenceAssignment(labels, float(mean), float(std))

    def _inside(self, samples: np.ndarray, target_xyxy: np.ndarray) -> np.ndarray:
        centre = self.points[samples // len(self.anchor_shapes)]
        return ((centre - target_xyxy[:2] > 0.01) & (target_xyxy[2:] - centre > 0.01)).all(1)

    def _best(self, candidates: np.ndarray, overlap: np.ndarray, target_xyxy: np.ndarray) -> np.ndarray:
        """The inside candidate with the largest IoU, the nearest of equals; the nearest of all if none is inside."""
        inside = self._inside(candidates, target_xyxy)
        if not inside.any():
            return candidates[:1]
        candidates, overlap = candidates[inside], overlap[inside]
        return candidates[overlap >= overlap.max() - self.tolerance][:1]


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


def _iou(boxes_xyxy: np.ndarray, target_xyxy: np.ndarray) -> np.ndarray:
    low = np.maximum(boxes_xyxy[:, :2], target_xyxy[:2])
    high = np.minimum(boxes_xyxy[:, 2:], target_xyxy[2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1)
    return shared / (areas + np.prod(target_xyxy[2:] - target_xyxy[:2]) - shared)
