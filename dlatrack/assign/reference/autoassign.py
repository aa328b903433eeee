"""AutoAssign for one target, in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlatrack.assign.reference.base import ReferenceAssignment, ReferenceRule, needed, plain_iou


@dataclass(frozen=True)
class ReferenceAutoAssign(ReferenceRule):
    """AutoAssign with a fixed centre prior, one target at a time; its other fields are those of `AutoAssigner`."""

    centre_offset: float = 0.0  #: `offset` of `AutoAssigner`; here the grid has a field of that name
    width: float = 1.0
    top: int = 0

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        centre = (target_xyxy[:2] + target_xyxy[2:]) / 2
        steps = (self.points - centre) / self.stride - self.centre_offset
        prior = np.exp(-(steps**2).sum(1) / (2 * self.width**2))
        inside = self.inside(target_xyxy, margin=0)
        if not inside.any():
            inside[np.argsort(-prior, kind="stable")[: self.top]] = True
        quality = np.zeros(len(prior))
        if inside.any():
            sharp = 1 / np.maximum(1 - plain_iou(needed(boxes_xyxy)[inside], target_xyxy), 1e-12)
            quality[inside] = (sharp - sharp.min() + 1e-12) / (sharp.max() - sharp.min() + 1e-12)
        return ReferenceAssignment(inside.astype(np.int8), quality=quality, weight=prior * inside)
