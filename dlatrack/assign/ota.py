"""Optimal transport assignment (OTA): labels as the cheapest way to supply every sample."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dlatrack.assign.base import Assignment, Prediction, check_prediction, check_targets, make_labels
from dlatrack.assign.gathering import (
    Gathered,
    gather_answers,
    gather_samples,
    log_complement,
    log_probability,
    predicted_overlap,
)
from dlatrack.assign.geometry import points_around_centre, points_inside
from dlatrack.assign.sampling import KeySource
from dlatrack.grid import POINT_ANCHOR, ScoreGrid

#: Cost added to a sample that is not admissible for the target.
_OUTSIDE_COST = 1e6
#: Number that is added to supplies and demands before their logarithm.
_TINY = 1e-8
#: Smallest IoU in the cost, the single-precision epsilon of the public code.
_LEAST_IOU = torch.finfo(torch.float32).eps


@dataclass(frozen=True)
class OtaAssigner:
    """Positives are the samples that an optimal transport plan supplies from the target rather than the background.

    In order: a sample is admissible if its point lies more than 0.01 px inside the target and less than `radius`
    strides from its centre along x and along y. To supply a sample from the target costs the focal loss of a
    positive, -0.25 (1 - p)^2 ln p, minus `iou_weight` ln(IoU) with the IoU of the predicted box, plus 1e6 if it is
    not admissible; from the background it costs the focal loss of a negative, -0.75 p^2 ln(1 - p). k is the sum of
    the `top` largest IoUs of admissible samples, rounded down, at least 1. The target supplies k of the A samples and
    the background the rest. `rounds` rounds of Sinkhorn's iteration with regularisation `epsilon` give the plan; each
    supplier's row is divided by its maximum, and a sample is positive where the target's row is not smaller. The
    number of positives is near k, not k. All other samples are negative, none is ignored; a negative pair has
    negatives only. Nothing is drawn.

    A target without an admissible sample is `empty`; every sample then costs 1e6 more, k is 1, and the cheapest one
    or few still become positive (all of them, if their costs are exactly equal), as in the public code. `threshold`
    is the target's cost of the dearest positive, NaN without one. `tied` means nothing here and is False.

    Args:
        grid: points of the score map.
        anchor_shapes: m anchor shapes per point, (w, h) px; the rule looks at their number alone.
        radius: half side of the square around the target centre, strides.
        top: IoUs that are summed to k; 1..A samples.
        iou_weight: weight of the IoU cost over the focal loss.
        epsilon: regularisation of the plan, in units of cost; smaller is nearer to the cheapest plan.
        rounds: rounds of Sinkhorn's iteration.

    Raises:
        ValueError: for a value outside its range, naming it.

    Source: OTA (Ge et al., CVPR 2021) Sec. 3, Algorithm 1; Megvii-BaseDetection/OTA: radius 2.5, top 20, IoU weight
    1.5, epsilon 0.1, 50 rounds.
    """

    grid: ScoreGrid
    anchor_shapes: tuple[tuple[float, float], ...] = POINT_ANCHOR
    radius: float = 2.5
    top: int = 20
    iou_weight: float = 1.5
    epsilon: float = 0.1
    rounds: int = 50

    needs_prediction = True

    def __post_init__(self) -> None:
        samples = self.grid.size**2 * len(self.anchor_shapes)
        if not 1 <= self.top <= samples:
            raise ValueError(f"top must be in 1..{samples} (samples), got {self.top}")
        for name in ("radius", "epsilon"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not self.iou_weight >= 0:
            raise ValueError(f"iou_weight must not be negative, got {self.iou_weight}")
        if self.rounds < 1:
            raise ValueError(f"rounds must be at least 1, got {self.rounds}")

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        shapes, points = len(self.anchor_shapes), self.grid.size**2
        prediction = check_prediction(prediction, (len(target), points * shapes), "ota")

        admissible = points_inside(self.grid, target)
        admissible &= points_around_centre(self.grid, target, self.radius * self.grid.stride)
        empty = ~admissible.any(1) & positive_pair
        positive = torch.zeros(len(target), points * shapes, dtype=torch.bool, device=target.device)
        threshold = torch.full_like(target[:, 0], torch.nan)
        # A square of open side 2 r holds at most ceil(2 r) points along each axis; one more is for rounding.
        width = min(self.grid.size, math.ceil(2 * self.radius) + 1) ** 2
        for some, marked, columns in (
            (positive_pair & ~empty, admissible, width),
            (empty, torch.ones_like(admissible), points),
        ):
            rows = some.nonzero()[:, 0]
            if len(rows):
                gathered = gather_samples(marked[rows], shapes, columns)
                chosen, dearest = self._plan(target, prediction, rows, gathered, empty[rows])
                threshold[rows] = dearest
                row, column = chosen.nonzero(as_tuple=True)
                positive[rows[row], gathered.samples[row, column]] = True
        return Assignment(
            labels=make_labels(positive, ~positive),
            eligible=positive.sum(1),
            threshold=threshold,
            empty=empty,
            tied=torch.zeros_like(positive_pair),
        )

    def _plan(
        self, target: Tensor, prediction: Prediction, rows: Tensor, gathered: Gathered, empty: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The positives among the gathered samples of some targets, (b, W) bool, and the dearest one's cost, (b,)."""
        samples, real = gathered
        probability, predicted = gather_answers(prediction, rows, samples)
        overlap = predicted_overlap(predicted, target[rows])
        summed = overlap.masked_fill(~real | empty[:, None], 0).topk(min(self.top, overlap.shape[1]), dim=1)
        k = summed.values.sum(1).floor().clamp(min=1)
        cost = -0.25 * (1 - probability).square() * log_probability(probability)
        cost -= self.iou_weight * overlap.clamp(min=_LEAST_IOU).log()
        gain = (-0.75 * probability.square() * log_complement(probability) - cost) / self.epsilon
        gain.masked_fill_(~real, -torch.inf)

        everything = prediction.probability.shape[1]
        chosen = _transport(gain, k, everything, -_OUTSIDE_COST / self.epsilon * empty, self.rounds) & real
        dearest = cost.masked_fill(~chosen, -torch.inf).amax(1)
        return chosen, dearest + _OUTSIDE_COST * empty


def _transport(gain: Tensor, k: Tensor, everything: int, start: Tensor, rounds: int) -> Tensor:
    """Whether each sample is supplied by the target, by Sinkhorn's iteration between the target and the background.

    With two suppliers the iteration has one unknown, the difference d of their potentials over epsilon: after the
    update of the samples' potentials, the target supplies the share sigmoid(gain + d) of a sample. That of a sample
    that is not admissible is exp(-1e6 / epsilon), exactly 0 in double precision; such samples therefore enter only
    as a number in the sum of the background.

    Args:
        gain: (b, W), what a sample costs less from the target than from the background, over epsilon; minus infinity
            where the target supplies nothing.
        k: (b,) float64, supply of the target.
        everything: number A of samples, those that are not among the W included.
        start: (b,) first value of d.
        rounds: rounds of the iteration.

    Returns:
        (b, W) bool.
    """
    supplies = torch.log(k + _TINY) - torch.log(everything - k + _TINY)
    difference = start
    for _ in range(rounds - 1):
        supplied, left = _log_supplies(gain + difference[:, None], everything)
        difference = difference + supplies + left - supplied
    shifted = gain + difference[:, None]
    target, background = F.logsigmoid(shifted), F.logsigmoid(-shifted)
    largest = background.amax(1, keepdim=True) if everything == gain.shape[1] else 0
    return target - target.amax(1, keepdim=True) >= background - largest


def _log_supplies(shifted: Tensor, everything: int) -> tuple[Tensor, Tensor]:
    """Logarithms of what the target and the background supply in all, (b, W) -> (b,) and (b,).

    They sum to the number of samples, so that one sum of shares gives both, unless one of them is too small for that.
    """
    supplied = shifted.sigmoid().sum(1)
    large = (supplied > 1e-6) & (supplied < 0.9 * everything)
    target, background = supplied.log(), (everything - supplied).log()
    if bool(large.all()):
        return target, background
    others = everything - shifted.shape[1]
    beyond = torch.full_like(supplied, math.log(others) if others else -math.inf)
    small = torch.logaddexp(F.logsigmoid(-shifted).logsumexp(1), beyond)
    # By row, so that the bits of a target do not depend on its batch.
    return (
        torch.where(large, target, F.logsigmoid(shifted).logsumexp(1)),
        torch.where(large, background, small),
    )
