"""Algorithm 1 for one target, in plain NumPy and in the order of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlatrack.assign.reference.base import ReferenceAssignment, ReferenceRule, plain_iou, random_order


@dataclass(frozen=True)
class ReferenceDLA(ReferenceRule):
    """Dynamic label assignment, one target at a time; fields as in `DynamicLabelAssigner`."""

    candidates: int = 9
    negatives_per_positive: int = 4
    positive_scope: str = "candidates"
    std: str = "unbiased"
    tolerance: float = 1e-6
    on_empty: str = "best"
    max_positives: int = 0
    max_negatives: int = 0

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        shapes, samples = len(self.anchor_shapes), len(self.anchors)
        # Line 3: the K points nearest to the target centre, all anchors of each.
        x, y = (target_xyxy[0] + target_xyxy[2]) / 2, (target_xyxy[1] + target_xyxy[3]) / 2
        squared = (self.points[:, 0] - x) ** 2 + (self.points[:, 1] - y) ** 2
        nearest = np.argsort(squared, kind="stable")[: self.candidates]
        candidates = (nearest[:, None] * shapes + np.arange(shapes)).ravel()
        # Lines 4-8: their IoU with the target, its mean and standard deviation, T.
        overlap = plain_iou(self.anchors[candidates], target_xyxy)
        mean = overlap.mean()
        std = overlap.std(ddof=int(self.std == "unbiased")) if len(overlap) > 1 else 0.0
        # Lines 9-13: IoU >= T and the centre inside the target.
        pool = candidates if self.positive_scope == "candidates" else np.arange(samples)
        reached = plain_iou(self.anchors[pool], target_xyxy) >= mean + std - self.tolerance
        positive = pool[reached & self.inside(target_xyxy)[pool]]
        if len(positive) == 0 and self.on_empty == "best":
            positive = self._best(candidates, overlap, target_xyxy)
        # Line 15: four negatives per positive from the rest; what remains is ignored.
        labels = np.full(samples, -1, dtype=np.int8)
        order = np.argsort(random_order(key, samples), kind="stable")
        chosen, rest = order[np.isin(order, positive)], order[~np.isin(order, positive)]
        kept = chosen[: self.max_positives or samples]
        labels[kept] = 1
        count = min(self.negatives_per_positive * len(kept), self.max_negatives or samples)
        labels[rest[:count]] = 0
        return ReferenceAssignment(labels, float(mean), float(std))

    def _best(self, candidates: np.ndarray, overlap: np.ndarray, target_xyxy: np.ndarray) -> np.ndarray:
        """The inside candidate with the largest IoU, the nearest of equals; the nearest of all if none is inside."""
        inside = self.inside(target_xyxy)[candidates]
        if not inside.any():
            return candidates[:1]
        candidates, overlap = candidates[inside], overlap[inside]
        return candidates[overlap >= overlap.max() - self.tolerance][:1]
