"""SimOTA, the simplified optimal transport assignment of YOLOX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from dlatrack.assign.base import Assignment, Prediction, check_prediction, check_targets, make_labels
from dlatrack.assign.gathering import gather_answers, gather_samples, log_probability, predicted_overlap
from dlatrack.assign.geometry import points_around_centre, points_inside
from dlatrack.assign.sampling import KeySource
from dlatrack.grid import POINT_ANCHOR, ScoreGrid

#: Cost added by mmdet to a valid sample that is not both inside the target and near its centre.
_OUTSIDE_COST = 1e5


@dataclass(frozen=True)
class SimOtaAssigner:
    """Positives are the k samples of least cost, with k from the IoU of the best predicted boxes.

    In order: a sample is valid if its point lies inside the target or less than `radius` strides from its centre
    along x and along y. Its cost is -ln p - `iou_weight` ln(IoU + 1e-7) with the IoU of the predicted box, plus 1e5
    unless it is both inside and near the centre. k is the sum of the `top` largest IoUs of valid samples, rounded
    down, at least 1. The k cheapest valid samples are positive, of equal ones those with the smaller number; all
    others are negative and none is ignored. A target is `empty` only if no sample is valid. A negative pair has
    negatives only. Nothing is drawn.

    `threshold` is the cost of the dearest positive, NaN without one; `tied` says that a valid sample of the same
    cost is negative.

    Args:
        grid: points of the score map.
        anchor_shapes: m anchor shapes per point, (w, h) px; the rule looks at their number alone.
        radius: half side of the square around the target centre, strides.
        top: IoUs that are summed to k; 1..A samples.
        iou_weight: weight of the IoU cost over that of the probability.
        variant: "mmdet" as above; "yolox": only samples near the centre are valid, none costs 1e5 more, the square
            root of p takes the place of p (the objectness being 1) and 1e-8 that of 1e-7. YOLOX uses radius 1.5.
        soft: whether `quality` is the IoU of the predicted box at positives and 0 elsewhere, as the class target of
            YOLOX; otherwise there is no quality and labels are 1 and 0.

    Raises:
        ValueError: for a value outside its range, naming it.

    Source: YOLOX (Ge et al., 2021) Sec. 2.1; mmdet 3.3.0 (radius 2.5) and Megvii-BaseDetection/YOLOX (radius 1.5),
    both top 10 and IoU weight 3. With one target no two targets compete for a sample.
    """

    grid: ScoreGrid
    anchor_shapes: tuple[tuple[float, float], ...] = POINT_ANCHOR
    radius: float = 2.5
    top: int = 10
    iou_weight: float = 3.0
    variant: Literal["mmdet", "yolox"] = "mmdet"
    soft: bool = False

    needs_prediction = True

    def __post_init__(self) -> None:
        if not self.radius > 0:
            raise ValueError(f"radius must be positive (strides), got {self.radius}")
        samples = self.grid.size**2 * len(self.anchor_shapes)
        if not 1 <= self.top <= samples:
            raise ValueError(f"top must be in 1..{samples} (samples), got {self.top}")
        if not self.iou_weight >= 0:
            raise ValueError(f"iou_weight must not be negative, got {self.iou_weight}")
        if self.variant not in ("mmdet", "yolox"):
            raise ValueError(f"variant must be one of mmdet, yolox, got {self.variant!r}")

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        shapes = len(self.anchor_shapes)
        size = (len(target), self.grid.size**2 * shapes)
        prediction = check_prediction(prediction, size, "simota")

        near = points_around_centre(self.grid, target, self.radius * self.grid.stride)
        inside = points_inside(self.grid, target, margin=0)
        valid = near if self.variant == "yolox" else near | inside
        samples, real = gather_samples(valid & positive_pair[:, None], shapes)
        rows = torch.arange(len(target), device=target.device)
        probability, predicted = gather_answers(prediction, rows, samples)
        overlap = predicted_overlap(predicted, target).masked_fill_(~real, 0)
        cost = self._cost(probability, overlap)
        if self.variant == "mmdet":
            cost += _OUTSIDE_COST * ~(near & inside).gather(1, samples // shapes)
        cost.masked_fill_(~real, torch.inf)

        k = self._count(overlap, real)
        chosen, dearest, tied = _cheapest(cost, k)
        positive = torch.zeros(size, dtype=torch.bool, device=target.device)
        row, column = chosen.nonzero(as_tuple=True)
        positive[row, samples[row, column]] = True
        quality = None
        if self.soft:
            quality = torch.zeros(size, dtype=torch.float64, device=target.device)
            quality[row, samples[row, column]] = overlap[row, column]
        return Assignment(
            labels=make_labels(positive, ~positive),
            eligible=k,
            threshold=dearest,
            empty=(k == 0) & positive_pair,
            tied=tied,
            quality=quality,
        )

    def _cost(self, probability: Tensor, overlap: Tensor) -> Tensor:
        """-ln p - w ln(IoU + a small number), (B, W)."""
        yolox = self.variant == "yolox"
        answer = log_probability(probability.sqrt() if yolox else probability)
        return -answer - self.iou_weight * torch.log(overlap + (1e-8 if yolox else 1e-7))

    def _count(self, overlap: Tensor, real: Tensor) -> Tensor:
        """The rule's k, (B,) int64: 0 where no sample is valid.

        Rows are filled up with zeros to `top` columns, so that the order of the sum does not depend on the batch.
        """
        best = overlap.new_zeros(len(overlap), self.top)
        width = min(self.top, overlap.shape[1])
        best[:, :width] = overlap.topk(width, dim=1).values
        return torch.minimum(best.sum(1).long().clamp(min=1), real.sum(1))


def _cheapest(cost: Tensor, k: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The k cheapest samples of each row, of equal ones those that come first.

    Args:
        cost: (B, W), infinite where a row is filled up.
        k: (B,) int64, at most the number of finite costs.

    Returns:
        The choice (B, W) bool; the cost of the dearest chosen sample (B,), NaN where k is 0; and whether a sample of
        that cost is not chosen (B,) bool.
    """
    most = int(k.max()) if len(k) else 0
    if most == 0:
        none = torch.zeros_like(cost, dtype=torch.bool)
        return none, torch.full_like(k, torch.nan, dtype=torch.float64), torch.zeros_like(k, dtype=torch.bool)
    # Only the values are used here; their order among equals does not matter.
    least = cost.topk(most, dim=1, largest=False).values
    dearest = least.gather(1, (k - 1).clamp(min=0)[:, None]).masked_fill_(k[:, None] == 0, torch.nan)
    cheaper, equal = cost < dearest, cost == dearest
    free = k - cheaper.sum(1)
    chosen = cheaper | (equal & (equal.cumsum(1) <= free[:, None]))
    return chosen, dearest[:, 0], equal.sum(1) > free
