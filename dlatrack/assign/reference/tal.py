"""Task-aligned labels for one target, in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlatrack.assign.reference.base import ReferenceAssignment, ReferenceRule, needed, plain_iou


@dataclass(frozen=True)
class ReferenceTal(ReferenceRule):
    """Task-aligned learning, one target at a time; fields as in `TalAssigner`."""

    alpha: float = 1.0
    beta: float = 6.0
    top: int = 13

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        overlap = plain_iou(needed(boxes_xyxy), target_xyxy)
        alignment = needed(probability) ** self.alpha * overlap**self.beta
        # The largest of all samples are taken first, and filtered afterwards.
        taken = np.argsort(-alignment, kind="stable")[: self.top]
        positive = taken[(alignment[taken] > 0) & self.inside(target_xyxy)[taken]]
        labels, quality = np.zeros(len(overlap), dtype=np.int8), np.zeros(len(overlap))
        if len(positive):
            labels[positive] = 1
            largest = alignment[positive].max()
            quality[positive] = alignment[positive] / (largest + 1e-7) * overlap[positive].max()
        return ReferenceAssignment(labels, quality=quality, weight=quality)
