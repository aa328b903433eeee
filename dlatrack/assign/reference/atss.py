"""ATSS for one target, in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlatrack.assign.reference.base import ReferenceAssignment, ReferenceRule, plain_iou


@dataclass(frozen=True)
class ReferenceAtss(ReferenceRule):
    """Adaptive training sample selection, one target at a time; fields as in `AtssAssigner`."""

    candidates: int = 9
    counted: str = "singly"
    tolerance: float = 1e-6

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        x, y = (target_xyxy[0] + target_xyxy[2]) / 2, (target_xyxy[1] + target_xyxy[3]) / 2
        squared = (self.centres[:, 0] - x) ** 2 + (self.centres[:, 1] - y) ** 2
        count = self.candidates * (len(self.anchor_shapes) if self.counted == "by_point" else 1)
        candidates = np.argsort(squared, kind="stable")[:count]
        overlap = plain_iou(self.anchors[candidates], target_xyxy)
        mean = overlap.mean()
        std = overlap.std(ddof=1) if count > 1 else 0.0
        reached = (overlap >= mean + std - self.tolerance) & self.inside(target_xyxy)[candidates]
        labels = np.zeros(len(self.anchors), dtype=np.int8)
        labels[candidates[reached]] = 1
        return ReferenceAssignment(labels, float(mean), float(std))
