"""Dynamic label assignment (SiamDLA Algorithm 1), for anchors (Sec. 3.1) and points (Sec. 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign.base import Assignment, Prediction, check_targets, make_labels
from dlatrack.assign.geometry import anchors_of, centre_inside, nearest_points
from dlatrack.assign.sampling import KeySource, distractor_window, draw, draw_keys, draw_order
from dlatrack.grid import POINT_ANCHOR, ScoreGrid

#: Negatives drawn from the window of a negative pair, as in the host tracker SiamRPN++.
NEGATIVES_OF_NEGATIVE_PAIR = 16


@dataclass(frozen=True)
class DynamicLabelAssigner:
    """Positives are the candidates that overlap the target by at least mean + standard deviation of their IoUs.

    Step 1 takes as candidates all anchors of the K grid points nearest to the target centre. Steps 2-4 measure
    their IoU with the target and set T = mean + std. In step 5 those with IoU >= T and their centre inside the target
    become positive. Step 6 draws four negatives per positive from all other samples; the rest is ignored.

    Args:
        grid: points of the score map.
        anchor_shapes: m anchor shapes per point, (w, h) px; one 64 x 64 box for anchor-free heads.
        candidates: grid points kept by step 1, the paper's K; 1..N.
        negatives_per_positive: the ratio of step 6.
        positive_scope: samples that may become positive: the "candidates" (Algorithm 1 line 9) or "all", with the
            threshold still from the candidates.
        positive_centre: where the centre of a positive lies: "inside" the target (line 9) or "anywhere" (ablation).
        std: "unbiased" divides by n - 1, "biased" by n; the paper does not say.
        tolerance: IoU by which a sample may miss T. Equal IoUs can round below their own mean.
        on_empty: for a target without positives, "best" takes its best inside candidate (the nearest one if none is
            inside); "strict" leaves it without labels, as Algorithm 1 does literally.
        negative_pool: step 6 draws from the "rest" (literal), from the rest "outside_target", or from the rest with
            "low_iou" (below 0.3).
        negative_pairs: the host tracker's rule for pairs that show another object: "window" draws 16 negatives
            around the distractor (SiamRPN++), "inside" makes all samples in its box negative (SiamFC++).
        crop_centre: px, centre of the search region, for the window of negative pairs.
        max_positives: positives kept per target, drawn at random, 16 in SiamRPN++; the others are ignored. 0: all.
        max_negatives: negatives kept per target of step 6, 48 in SiamRPN++; 0: all. Negative pairs keep theirs.

    Raises:
        ValueError: for a value outside its range, naming it.

    Source: SiamDLA Sec. 3.1-3.2, Eq. 2, Algorithm 1.
    """

    grid: ScoreGrid
    anchor_shapes: tuple[tuple[float, float], ...] = POINT_ANCHOR
    candidates: int = 9
    negatives_per_positive: int = 4
    positive_scope: Literal["candidates", "all"] = "candidates"
    positive_centre: Literal["inside", "anywhere"] = "inside"
    std: Literal["unbiased", "biased"] = "unbiased"
    tolerance: float = 1e-6
    on_empty: Literal["best", "strict"] = "best"
    negative_pool: Literal["rest", "outside_target", "low_iou"] = "rest"
    negative_pairs: Literal["window", "inside"] = "window"
    crop_centre: float = 127
    max_positives: int = 0
    max_negatives: int = 0

    needs_prediction = False

    def __post_init__(self) -> None:
        points = self.grid.size**2
        if not 1 <= self.candidates <= points:
            raise ValueError(f"candidates must be in 1..{points} (grid points), got {self.candidates}")
        if self.negatives_per_positive < 0 or self.tolerance < 0:
            raise ValueError(
                f"negatives_per_positive and tolerance must not be negative, "
                f"got {self.negatives_per_positive} and {self.tolerance}"
            )
        if self.max_positives < 0 or self.max_negatives < 0:
            raise ValueError(
                f"max_positives and max_negatives must not be negative (0: no cap), "
                f"got {self.max_positives} and {self.max_negatives}"
            )
        for name, allowed in (
            ("positive_scope", ("candidates", "all")),
            ("positive_centre", ("inside", "anywhere")),
            ("std", ("unbiased", "biased")),
            ("on_empty", ("best", "strict")),
            ("negative_pool", ("rest", "outside_target", "low_iou")),
            ("negative_pairs", ("window", "inside")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")

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
        """Run Algorithm 1 on a batch of targets; arguments and errors as `LabelAssigner.assign`.

        Negative pairs get no positives, and negatives around the distractor by the rule of the host tracker.
        """
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        keys = draw_keys(generator, len(target), target.device)
        anchors = self._anchors.to(target.device)

        nearest = nearest_points(self.grid, target, self.candidates)
        candidates = anchors_of(nearest, len(self.anchor_shapes))  # (B, K m)
        overlap = boxes.iou(anchors[candidates], target[:, None])
        mean = overlap.mean(1)
        several = overlap.shape[1] > 1
        std = overlap.std(1, correction=int(self.std == "unbiased")) if several else torch.zeros_like(mean)
        threshold = mean + std

        inside = self._allowed(anchors[candidates], target)
        positive = self._positives(target, anchors, candidates, overlap, inside, threshold)
        eligible = positive.sum(1)
        empty = (eligible == 0) & positive_pair
        if self.on_empty == "best":
            best = candidates.gather(1, self._best(overlap, inside)[:, None])
            positive = positive | (empty[:, None] & torch.zeros_like(positive).scatter_(1, best, True))
        positive &= positive_pair[:, None]

        rest = ~positive
        if self.max_positives:
            most = torch.full_like(eligible, self.max_positives)
            positive = draw(positive, most, draw_order(keys, positive.shape[1]))
        negative = self._negatives(target, anchors, positive, rest, positive_pair, keys)
        tied = overlap.amax(1) - overlap.amin(1) <= self.tolerance
        return Assignment(
            labels=make_labels(positive, negative),
            eligible=eligible,
            threshold=threshold,
            empty=empty,
            tied=tied & positive_pair,
            candidates=candidates,
            iou=overlap,
            mean=mean,
            std=std,
        )

    def _positives(
        self,
        target: Tensor,
        anchors: Tensor,
        candidates: Tensor,
        overlap: Tensor,
        inside: Tensor,
        threshold: Tensor,
    ) -> Tensor:
        """Lines 9-13, (B, A) bool."""
        bound = threshold[:, None] - self.tolerance
        if self.positive_scope == "all":
            return (boxes.iou(anchors, target[:, None]) >= bound) & self._allowed(anchors, target)
        chosen = (overlap >= bound) & inside
        positive = torch.zeros(len(target), len(anchors), dtype=torch.bool, device=target.device)
        return positive.scatter_(1, candidates, chosen)

    def _allowed(self, anchors: Tensor, target: Tensor) -> Tensor:
        """Whether anchors may be positive by the position of their centre; shapes as `_inside`."""
        inside = centre_inside(anchors, target)
        return inside if self.positive_centre == "inside" else torch.ones_like(inside)

    def _best(self, overlap: Tensor, inside: Tensor) -> Tensor:
        """Position among the candidates, (B,), of the largest inside IoU, otherwise of the nearest candidate.

        Candidates come nearest first, so that the first of those within the tolerance is the nearest one.
        """
        score = overlap.masked_fill(~inside, -1)
        return (score >= score.amax(1, keepdim=True) - self.tolerance).to(torch.int8).argmax(1)

    def _negatives(
        self,
        target: Tensor,
        anchors: Tensor,
        positive: Tensor,
        rest: Tensor,
        positive_pair: Tensor,
        keys: Tensor,
    ) -> Tensor:
        """Line 15, from the `rest` (B, A), and, in negative pairs, samples around the distractor, (B, A) bool."""
        if not self.negatives_per_positive and positive_pair.all():
            return torch.zeros_like(positive)
        pool = rest
        if self.negative_pool == "outside_target":
            pool = pool & ~centre_inside(anchors, target)
        elif self.negative_pool == "low_iou":
            pool = pool & (boxes.iou(anchors, target[:, None]) < 0.3)
        count = positive.sum(1) * self.negatives_per_positive
        if self.max_negatives:
            count = count.clamp(max=self.max_negatives)
        if not positive_pair.all():
            if self.negative_pairs == "window":
                near = distractor_window(self.grid, len(self.anchor_shapes), target, self.crop_centre)
                most = NEGATIVES_OF_NEGATIVE_PAIR
            else:
                near, most = centre_inside(anchors, target, margin=0), len(anchors)
            pool = torch.where(positive_pair[:, None], pool, near)
            count = torch.where(positive_pair, count, most)
        return draw(pool, count, draw_order(keys, pool.shape[1]))
