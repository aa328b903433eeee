"""Probabilistic anchor assignment for one target, in plain NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dlatrack.assign.reference.base import ReferenceAssignment, ReferenceRule, needed, plain_iou


@dataclass(frozen=True)
class ReferencePaa(ReferenceRule):
    """Probabilistic anchor assignment, one target at a time; fields as in `PaaAssigner`."""

    candidates: int = 9
    iou_above: float = 0.1
    iou_weight: float = 1.3
    on_empty: str = "strict"

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        candidates, loss = self.second_stage(target_xyxy, needed(probability), needed(boxes_xyxy))
        positive = candidates
        if len(candidates) > 1:
            first, second = log_joint(loss, *fit_plainly(loss)[:3])
            foreground = np.flatnonzero(first >= second)
            density = np.logaddexp(first, second)[foreground]
            # Foreground by rising loss, up to the one that the mixture holds most probable.
            positive = candidates[foreground[: density.argmax() + 1]] if len(foreground) else candidates[:0]
            if len(positive) == 0 and self.on_empty == "candidates":
                positive = candidates
        labels = np.zeros(len(self.anchors), dtype=np.int8)
        labels[positive] = 1
        return ReferenceAssignment(labels)

    def second_stage(
        self, target_xyxy: np.ndarray, probability: np.ndarray, boxes_xyxy: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Samples of the second stage and their losses, the smallest loss first."""
        overlap = plain_iou(self.anchors, target_xyxy)
        first_stage = overlap >= self.iou_above
        first_stage[overlap.argmax()] = True
        kept = np.flatnonzero(first_stage)
        with np.errstate(divide="ignore"):
            surprise = np.minimum(-np.log(probability[kept]), 100)
        loss = 0.25 * (1 - probability[kept]) ** 2 * surprise
        loss = loss + self.iou_weight * (1 - plain_giou(boxes_xyxy[kept], target_xyxy))
        order = np.argsort(loss, kind="stable")[: self.candidates]
        return kept[order], loss[order]


def fit_plainly(loss: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Weights, means and variances of two Gaussians fitted to (K,) losses, each (2,), and the number of rounds."""
    weights, means, variances = np.full(2, 0.5), np.array([loss.min(), loss.max()]), np.ones(2)
    before, rounds, change = -math.inf, 0, math.inf
    while rounds < 100 and change >= 1e-3:
        rounds += 1
        joint = log_joint(loss, weights, means, variances)
        total = np.logaddexp(*joint)
        share = np.exp(joint - total)  # (2, K)
        size = share.sum(1) + 10 * np.finfo(np.float64).eps
        means = share @ loss / size
        variances = share @ loss**2 / size - means**2 + 1e-6
        weights = size / size.sum()
        change, before = abs(total.mean() - before), total.mean()
    return weights, means, variances, rounds


def log_joint(loss: np.ndarray, weights: np.ndarray, means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Logarithm of weight times density of both Gaussians at (K,) losses, (2, K)."""
    scaled = (loss - means[:, None]) ** 2 / variances[:, None]
    return (np.log(weights) - 0.5 * np.log(2 * math.pi * variances))[:, None] - scaled / 2


def plain_giou(boxes_xyxy: np.ndarray, target_xyxy: np.ndarray) -> np.ndarray:
    """Generalised IoU of boxes (..., 4) with one box (4,)."""
    low = np.minimum(boxes_xyxy[..., :2], target_xyxy[:2])
    high = np.maximum(boxes_xyxy[..., 2:], target_xyxy[2:])
    around = np.prod(high - low, axis=-1)
    areas = np.prod(boxes_xyxy[..., 2:] - boxes_xyxy[..., :2], axis=-1)
    areas = areas + np.prod(target_xyxy[2:] - target_xyxy[:2])
    overlap = plain_iou(boxes_xyxy, target_xyxy)
    union = areas / (1 + overlap)  # a + b = union + intersection = union (1 + IoU)
    return overlap - (around - union) / around
