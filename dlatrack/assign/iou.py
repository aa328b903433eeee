"""Fixed IoU thresholds with caps: the rule of SiamRPN and SiamRPN++."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign.base import Assignment, Prediction, check_targets, make_labels
from dlatrack.assign.sampling import KeySource, distractor_window, draw, draw_keys, draw_order
from dlatrack.grid import RPN_ANCHORS, ScoreGrid


@dataclass(frozen=True)
class IoUAssigner:
    """Anchors with IoU > 0.6 are positive, those with IoU < 0.3 negative; at most 16 and 48 of them are kept.

    The caps are 16 and 64 - 16 whatever the number of positives, as in the public code; with `negatives="fill"`
    negatives fill up to 64, as the text of SiamRPN may be read. A target that no anchor overlaps enough keeps its
    negatives and gets no positive. A negative pair gets up to 16 negatives from a window of 7 x 7 cells around the
    distractor, and nothing else.

    Args:
        grid: points of the score map.
        anchor_shapes: m anchor shapes per point, (w, h) px.
        positive_above: IoU above which, strictly, an anchor is positive.
        negative_below: IoU below which, strictly, an anchor is negative.
        max_positives: positives kept per pair, drawn at random.
        max_samples: positives and negatives per pair, as `negatives` divides them.
        crop_centre: px, centre of the search region, for negative pairs.
        negatives: number of negatives kept per positive pair: "fixed" is max_samples - max_positives, "fill" is
            max_samples less the positives that are kept.

    Raises:
        ValueError: if the thresholds or caps are out of order.

    Source: pysot, anchor targets; SiamRPN Sec. 4.1, SiamRPN++ Sec. 4; SiamDLA Fig. 1 (b).
    """

    grid: ScoreGrid
    anchor_shapes: tuple[tuple[float, float], ...] = RPN_ANCHORS
    positive_above: float = 0.6
    negative_below: float = 0.3
    max_positives: int = 16
    max_samples: int = 64
    crop_centre: float = 127
    negatives: Literal["fixed", "fill"] = "fixed"

    needs_prediction = False

    def __post_init__(self) -> None:
        if not 0 <= self.negative_below <= self.positive_above <= 1:
            raise ValueError(
                f"needs 0 <= negative_below <= positive_above <= 1, "
                f"got {self.negative_below} and {self.positive_above}"
            )
        if not 0 < self.max_positives <= self.max_samples:
            raise ValueError(
                f"needs 0 < max_positives <= max_samples, got {self.max_positives} and {self.max_samples}"
            )
        if self.negatives not in ("fixed", "fill"):
            raise ValueError(f"negatives must be one of fixed, fill, got {self.negatives!r}")

    @cached_property
    def _anchors(self) -> Tensor:
        return self.grid.anchors(self.anchor_shapes)

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        order = draw_order(draw_keys(generator, len(target), target.device), len(self._anchors))
        overlap = boxes.iou(self._anchors.to(target.device), target[:, None])  # (B, A)
        above = overlap > self.positive_above
        eligible = above.sum(1)

        pool = above & positive_pair[:, None]
        most = torch.full_like(eligible, self.max_positives)
        positive = draw(pool, most, order)
        window = distractor_window(self.grid, len(self.anchor_shapes), target, self.crop_centre)
        pool = torch.where(positive_pair[:, None], overlap < self.negative_below, window)
        taken = positive.sum(1) if self.negatives == "fill" else most
        negative = draw(pool, torch.where(positive_pair, self.max_samples - taken, self.max_positives), order)
        return Assignment(
            labels=make_labels(positive, negative),
            eligible=eligible,
            threshold=torch.full_like(target[:, 0], self.positive_above),
            empty=(eligible == 0) & positive_pair,
            tied=torch.zeros_like(positive_pair),
            iou=overlap,
        )
