"""SimOTA for one target, in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlatrack.assign.reference.base import ReferenceAssignment, ReferenceRule, plain_iou


@dataclass(frozen=True)
class ReferenceSimOta(ReferenceRule):
    """Simplified optimal transport assignment, one target at a time; fields as in `SimOtaAssigner`."""

    radius: float = 2.5
    top: int = 10
    iou_weight: float = 3.0
    variant: str = "mmdet"
    soft: bool = False

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        if probability is None or boxes_xyxy is None:
            raise ValueError("the simota rule needs the predictions of a network")
        inside = self.side_distance(target_xyxy) > 0
        centre = (target_xyxy[:2] + target_xyxy[2:]) / 2
        near = abs(self.centres - centre).max(1) < self.radius * self.stride
        overlap = plain_iou(boxes_xyxy, target_xyxy)
        with np.errstate(divide="ignore"):  # ln 0 is clamped to -100
            if self.variant == "yolox":
                valid = np.flatnonzero(near)
                cost = -np.maximum(np.log(np.sqrt(probability)), -100)
                cost = cost - self.iou_weight * np.log(overlap + 1e-8)
            else:
                valid = np.flatnonzero(near | inside)
                cost = -np.maximum(np.log(probability), -100)
                cost = cost - self.iou_weight * np.log(overlap + 1e-7) + 1e5 * ~(near & inside)

        labels = np.zeros(len(cost), dtype=np.int8)
        if len(valid):
            best = np.sort(overlap[valid])[::-1][: self.top]
            k = max(1, int(best.sum()))
            labels[valid[np.argsort(cost[valid], kind="stable")[:k]]] = 1
        return ReferenceAssignment(labels, quality=np.where(labels == 1, overlap, 0) if self.soft else None)
