"""Two ellipses: the rule of SiamBAN."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dlatrack.assign.base import Assignment, Prediction, check_targets, make_labels
from dlatrack.assign.geometry import ellipse_distance
from dlatrack.assign.sampling import KeySource, draw, draw_keys, draw_order
from dlatrack.grid import POINT_ANCHOR, ScoreGrid


@dataclass(frozen=True)
class EllipseAssigner:
    """Points inside the inner ellipse are positive, outside the outer one negative, between them ignored.

    The outer ellipse touches the sides of the target, the inner one has half its axes; both comparisons are strict.
    At most 16 positives and 64 - 16 negatives are kept. A negative pair gets up to 16 negatives inside the inner
    ellipse of the distractor and nothing else.

    Args:
        grid: points of the score map.
        inner: semi-axes of the inner ellipse over those of the outer one, in (0, 1].
        max_positives: positives kept per pair, drawn at random.
        max_samples: positives and negatives per pair; max_samples - max_positives negatives are kept.

    Raises:
        ValueError: for a value out of range.

    Source: the public SiamBAN code, point targets; SiamBAN Sec. 3.3; SiamDLA Sec. 2.
    """

    grid: ScoreGrid
    inner: float = 0.5
    max_positives: int = 16
    max_samples: int = 64

    anchor_shapes = POINT_ANCHOR
    needs_prediction = False

    def __post_init__(self) -> None:
        if not 0 < self.inner <= 1:
            raise ValueError(f"inner must be in (0, 1], got {self.inner}")
        if not 0 < self.max_positives <= self.max_samples:
            raise ValueError(
                f"needs 0 < max_positives <= max_samples, got {self.max_positives} and {self.max_samples}"
            )

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        distance = ellipse_distance(self.grid.points.to(target.device), target)
        order = draw_order(draw_keys(generator, len(target), target.device), distance.shape[1])
        core, pair = distance < self.inner, positive_pair[:, None]
        eligible = core.sum(1)

        most_negatives = torch.where(positive_pair, self.max_samples - self.max_positives, self.max_positives)
        positive = draw(core & pair, torch.full_like(eligible, self.max_positives), order)
        negative = draw(torch.where(pair, distance > 1, core), most_negatives, order)
        return Assignment(
            labels=make_labels(positive, negative),
            eligible=eligible,
            threshold=torch.full_like(target[:, 0], self.inner),
            empty=(eligible == 0) & positive_pair,
            tied=torch.zeros_like(positive_pair),
            distance=distance,
        )
