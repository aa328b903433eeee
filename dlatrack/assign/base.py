"""The interface of label assigners, and their result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from dlatrack.assign.sampling import KeySource
from dlatrack.grid import ScoreGrid

POSITIVE, NEGATIVE, IGNORE = 1, 0, -1


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network answers for B search regions with A samples each, without gradient.

    Sample n * m + a is anchor a of grid point n, as in `Assignment`.
    """

    probability: Tensor  #: (B, A) floating point in 0..1, probability that the sample is the target
    boxes_xyxy: Tensor  #: (B, A, 4) floating point, predicted boxes, search-region px


@dataclass(frozen=True, eq=False)
class Assignment:
    """Labels of a batch of B targets on a grid of A samples, with the statistics behind each decision.

    A sample is an anchor (or, in a point head, a point); sample n * m + a is anchor a of grid point n.
    Every tensor lives on the device of the targets.

    Args:
        labels: (B, A) int8, 1 positive, 0 negative, -1 ignored.
        eligible: (B,) number of samples that were positive by the rule before any cap.
        threshold: (B,) float64, threshold of `iou` or `distance`.
        candidates: (B, C) int64, samples whose overlap was measured, nearest first; None: all, in order.
        iou: (B, C) float64, overlap of the candidates with the target, for rules that measure overlap.
        distance: (B, A) float64, the rule's own distance of each point from the target centre, for geometric rules.
        mean: (B,) float64, mean IoU of the candidates (dynamic label assignment).
        std: (B,) float64, their standard deviation.
        empty: (B,) bool, no sample satisfied the rule (positive pairs only).
        tied: (B,) bool, all candidates have the same IoU, so that the threshold cannot tell them apart.
        quality: (B, A) float64 in 0..1, what the classifier should answer, for soft rules; None: 1 at positives and 0
            at negatives.
        weight: (B, A) float64, not negative, how much a sample counts as a positive, for soft rules; None: all
            positives alike.
    """

    labels: Tensor
    eligible: Tensor
    threshold: Tensor
    empty: Tensor
    tied: Tensor
    candidates: Tensor | None = None
    iou: Tensor | None = None
    distance: Tensor | None = None
    mean: Tensor | None = None
    std: Tensor | None = None
    quality: Tensor | None = None
    weight: Tensor | None = None

    @property
    def positive(self) -> Tensor:
        """(B, A) bool."""
        return self.labels == POSITIVE

    @property
    def negative(self) -> Tensor:
        """(B, A) bool."""
        return self.labels == NEGATIVE

    @property
    def rescued(self) -> Tensor:
        """(B,) bool, targets for which no sample satisfied the rule and the best candidate became positive."""
        return self.empty & self.positive.any(1)

    @property
    def mean_quality(self) -> Tensor:
        """(B,) float64, mean of `quality` over the positives: 1 for hard labels, 0 without a positive."""
        positive = self.positive
        count = positive.sum(1)
        if self.quality is None:
            return (count > 0).double()
        return torch.where(positive, self.quality, 0).double().sum(1) / count.clamp(min=1)


class LabelAssigner(Protocol):
    """A rule that decides which samples of a search region are trained as target, as background, or not at all."""

    @property
    def grid(self) -> ScoreGrid:
        """Points of the score map."""
        ...

    @property
    def anchor_shapes(self) -> tuple[tuple[float, float], ...]:
        """Width and height in px of the m anchors of each point; one box for point heads."""
        ...

    @property
    def needs_prediction(self) -> bool:
        """Whether the rule looks at what the network answers; `assign` then raises without a `prediction`."""
        ...

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label every sample for a batch of targets.

        Args:
            target_xyxy: (B, 4) boxes in search-region px.
            positive_pair: (B,) bool, False where the search region does not show the template's object and the
                box is a distractor's; None: all True.
            generator: source of random draws, for rules that draw: a CPU `torch.Generator`, or (B,) int64
                keys, one per target, of which the draw is a pure function.
            prediction: the network's answers for these search regions, for rules with `needs_prediction`; the others
                take no notice of it.

        Returns:
            The assignment, on the device of `target_xyxy`.

        Raises:
            ValueError: if a box is not finite or has no area, if a needed argument is absent, or a prediction has
                another shape or a value that is not finite.
        """
        ...


def check_targets(target_xyxy: Tensor, positive_pair: Tensor | None) -> tuple[Tensor, Tensor]:
    """Targets as (B, 4) float64 and the pair flags as (B,) bool on the same device.

    Statistics are computed in double precision, so that a batch, a single target, a CPU and a GPU decide alike.

    Raises:
        ValueError: naming the first bad row.
    """
    if target_xyxy.ndim != 2 or target_xyxy.shape[1] != 4:
        raise ValueError(f"target_xyxy must have shape (B, 4), got {tuple(target_xyxy.shape)}")
    target = target_xyxy.double()
    bad = ~(torch.isfinite(target).all(1) & (target[:, 2:] > target[:, :2]).all(1))
    if bad.any():
        row = int(bad.nonzero()[0, 0])
        raise ValueError(
            f"target {row} is {target[row].tolist()}; a box needs finite corners with x2 > x1 and y2 > y1"
        )
    if positive_pair is None:
        return target, torch.ones(len(target), dtype=torch.bool, device=target.device)
    if positive_pair.shape != (len(target),) or positive_pair.dtype != torch.bool:
        raise ValueError(
            f"positive_pair must be bool of shape ({len(target)},), "
            f"got {positive_pair.dtype} of shape {tuple(positive_pair.shape)}"
        )
    return target, positive_pair.to(target.device)


def check_prediction(prediction: Prediction | None, shape: tuple[int, int], rule: str) -> Prediction:
    """The answers of a network, checked and without gradient.

    Args:
        prediction: answers for a batch.
        shape: numbers B of targets and A of samples.
        rule: name of the rule, for messages.

    Raises:
        ValueError: if there are none; or naming the value of a wrong shape, or the first target and sample with a
            probability outside 0..1, a box without area, or a value that is not finite.
    """
    if not isinstance(prediction, Prediction):
        raise ValueError(
            f"the {rule} rule needs the predictions of a network; pass prediction=Prediction(...)"
        )
    probability, predicted = prediction.probability, prediction.boxes_xyxy
    for name, value, wanted in (
        ("probability", probability, shape),
        ("boxes_xyxy", predicted, (*shape, 4)),
    ):
        if not isinstance(value, Tensor):
            raise ValueError(f"{rule}: prediction.{name} must be a tensor, got {type(value).__name__}")
        if value.shape != wanted or not value.is_floating_point():
            raise ValueError(
                f"{rule}: prediction.{name} must be floating point of shape {wanted}, "
                f"got {value.dtype} of shape {tuple(value.shape)}"
            )
    probability, predicted = probability.detach(), predicted.detach()
    if 0 in shape:
        return Prediction(probability, predicted)
    size = predicted[..., 2:] - predicted[..., :2]
    # The smallest and the largest value are NaN as soon as one value is.
    if not (probability.amin() >= 0 and probability.amax() <= 1):
        row, sample = _first(~((probability >= 0) & (probability <= 1)))
        raise ValueError(
            f"{rule}: the probability of sample {sample} of target {row} must be in 0..1, "
            f"got {float(probability[row, sample])}"
        )
    if not (size.amin() > 0 and size.amax() < math.inf):
        row, sample = _first(~((size > 0) & (size < math.inf)).all(-1))
        raise ValueError(
            f"{rule}: the predicted box of sample {sample} of target {row} is {predicted[row, sample].tolist()}; "
            f"a box needs finite corners with x2 > x1 and y2 > y1"
        )
    return Prediction(probability, predicted)


def _first(wrong: Tensor) -> tuple[int, int]:
    """Target and sample of the first True of (B, A)."""
    row, sample = wrong.nonzero()[0].tolist()
    return row, sample


def make_labels(positive: Tensor, negative: Tensor) -> Tensor:
    """Turn disjoint (B, A) bool masks into int8 labels; samples in neither are ignored."""
    return positive.to(torch.int8) - (~positive & ~negative).to(torch.int8)


def require_positive_pairs(positive_pair: Tensor, rule: str) -> None:
    """Raise for negative pairs, for which a rule has no label.

    Raises:
        ValueError: naming the rule.
    """
    if not positive_pair.all():
        raise ValueError(f"the {rule} rule has no label for negative pairs; train with negative_pairs = 0")
