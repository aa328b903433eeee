"""Optimal transport assignment for one target, in plain NumPy: Sinkhorn's iteration on the whole cost matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlatrack.assign.reference.base import ReferenceAssignment, ReferenceRule, plain_iou


@dataclass(frozen=True)
class ReferenceOta(ReferenceRule):
    """Optimal transport assignment, one target at a time; fields as in `OtaAssigner`."""

    radius: float = 2.5
    top: int = 20
    iou_weight: float = 1.5
    epsilon: float = 0.1
    rounds: int = 50

    def assign(
        self,
        target_xyxy: np.ndarray,
        key: int = 0,
        probability: np.ndarray | None = None,
        boxes_xyxy: np.ndarray | None = None,
    ) -> ReferenceAssignment:
        """Label the samples for one target; arguments as `ReferenceRule.assign`."""
        if probability is None or boxes_xyxy is None:
            raise ValueError("the ota rule needs the predictions of a network")
        plan = self.plan(target_xyxy, probability, boxes_xyxy)
        target, background = plan / plan.max(1, keepdims=True)
        return ReferenceAssignment((target >= background).astype(np.int8))

    def plan(self, target_xyxy: np.ndarray, probability: np.ndarray, boxes_xyxy: np.ndarray) -> np.ndarray:
        """The transport plan, (2, A): how much the target and the background supply of each sample."""
        centre = (target_xyxy[:2] + target_xyxy[2:]) / 2
        admissible = abs(self.centres - centre).max(1) < self.radius * self.stride
        admissible &= self.inside(target_xyxy)
        overlap = plain_iou(boxes_xyxy, target_xyxy)
        with np.errstate(divide="ignore"):  # ln 0 is clamped to -100
            positive = -0.25 * (1 - probability) ** 2 * np.maximum(np.log(probability), -100)
            negative = -0.75 * probability**2 * np.maximum(np.log1p(-probability), -100)
        positive = positive - self.iou_weight * np.log(np.maximum(overlap, np.finfo(np.float32).eps))
        cost = np.stack([positive + 1e6 * ~admissible, negative])

        k = max(1, int(np.sort(overlap * admissible)[::-1][: self.top].sum()))
        supplies = np.log(np.array([k, len(overlap) - k]) + 1e-8)
        demand = np.log(1 + 1e-8)
        u, v = np.ones(2), np.ones(len(overlap))
        for _ in range(self.rounds):
            v = v + self.epsilon * (demand - _logsumexp(self._exponent(cost, u, v), axis=0))
            u = u + self.epsilon * (supplies - _logsumexp(self._exponent(cost, u, v), axis=1))
        return np.exp(self._exponent(cost, u, v))

    def _exponent(self, cost: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Logarithm of the plan, (2, A)."""
        return (-cost + u[:, None] + v) / self.epsilon


def _logsumexp(values: np.ndarray, axis: int) -> np.ndarray:
    """Ln of the sum of exp along an axis."""
    largest = values.max(axis, keepdims=True)
    return largest.squeeze(axis) + np.log(np.exp(values - largest).sum(axis))
