"""Probabilistic anchor assignment: a mixture of two Gaussians tells good candidates from bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign.base import Assignment, Prediction, check_prediction, check_targets, make_labels
from dlatrack.assign.gathering import log_probability
from dlatrack.assign.geometry import stored_by_column
from dlatrack.assign.mixture import fit_mixture
from dlatrack.assign.ranking import largest
from dlatrack.assign.sampling import KeySource
from dlatrack.grid import POINT_ANCHOR, ScoreGrid


@dataclass(frozen=True)
class PaaAssigner:
    """Positives are the candidates of small loss, as a mixture of two Gaussians fitted to their losses divides them.

    The first stage keeps the anchors that overlap the target, and always the best one (the first of equals). The
    loss of each is L = 0.25 (1 - p)^2 (-ln p) + `iou_weight` (1 - GIoU) of its predicted box, with -ln p at most 100.
    The anchors with the smallest losses are the candidates; ties by sample number. Two Gaussians are fitted to the
    candidates' losses. Foreground is where the one that started at the smallest loss is the more probable, and the
    foreground candidates up to and including the one of largest density are positive. A single candidate is positive
    as it is. All other samples are negative, none is ignored.

    `candidates` come by loss, the smallest first (repeating the first where there are fewer), `threshold` is the
    largest loss of a positive (NaN without one), `empty` means that there is no foreground, and `tied` that all of
    several candidates have the same loss up to 1e-6, so that no mixture can divide them.

    Args:
        grid: points of the score map.
        anchor_shapes: m anchor shapes per point, (w, h) px; one 64 x 64 box for anchor-free heads.
        candidates: candidates of the second stage, 1..samples.
        iou_above: IoU of anchor and target from which on the first stage keeps an anchor, 0..1.
        iou_weight: weight of 1 - GIoU in the loss, not negative.
        on_empty: for a target without foreground, "strict" leaves it without positives (mmdet); "candidates" makes
            all candidates positive (the authors' code).

    Raises:
        ValueError: for a value outside its range, naming it.

    Source: PAA (Kim and Lee 2020) Sec. 3.1-3.2, Fig. 3 (c); mmdet's paa_head.py and its defaults.
    """

    grid: ScoreGrid
    anchor_shapes: tuple[tuple[float, float], ...] = POINT_ANCHOR
    candidates: int = 9
    iou_above: float = 0.1
    iou_weight: float = 1.3
    on_empty: Literal["strict", "candidates"] = "strict"

    needs_prediction = True

    def __post_init__(self) -> None:
        samples = self.grid.size**2 * len(self.anchor_shapes)
        if not 1 <= self.candidates <= samples:
            raise ValueError(f"candidates must be in 1..{samples} (samples), got {self.candidates}")
        if not 0 <= self.iou_above <= 1:
            raise ValueError(f"iou_above must be in 0..1, got {self.iou_above}")
        if not 0 <= self.iou_weight < float("inf"):
            raise ValueError(f"iou_weight must be a number that is not negative, got {self.iou_weight}")
        if self.on_empty not in ("strict", "candidates"):
            raise ValueError(f"on_empty must be one of strict, candidates, got {self.on_empty!r}")

    @cached_property
    def _anchors(self) -> Tensor:
        return stored_by_column(self.grid.anchors(self.anchor_shapes))

    def assign(
        self,
        target_xyxy: Tensor,
        positive_pair: Tensor | None = None,
        generator: KeySource = None,
        prediction: Prediction | None = None,
    ) -> Assignment:
        """Label a batch of targets; arguments and errors as `LabelAssigner.assign`. Nothing is drawn."""
        target, positive_pair = check_targets(target_xyxy, positive_pair)
        prediction = check_prediction(prediction, (len(target), len(self._anchors)), "paa")
        first_stage = self._first_stage(target)
        cost = self._cost(prediction, target, first_stage)
        candidates, valid = largest(-cost, self.candidates, first_stage)
        losses = cost.gather(1, candidates)

        foreground, log_density = self._foreground(losses, valid)
        best = log_density.masked_fill(~foreground, -torch.inf).argmax(1, keepdim=True)
        place = torch.arange(self.candidates, device=target.device)
        several = valid.sum(1, keepdim=True) > 1
        chosen = torch.where(several, foreground & (place <= best), valid)
        eligible = chosen.sum(1)
        empty = (eligible == 0) & positive_pair
        if self.on_empty == "candidates":
            chosen = chosen | (empty[:, None] & valid)
        chosen = chosen & positive_pair[:, None]

        # Places that repeat the first candidate must not overwrite its label.
        counts = torch.zeros(cost.shape, dtype=torch.int8, device=target.device)
        positive = counts.scatter_add_(1, candidates, chosen.to(torch.int8)) > 0
        dearest = losses.masked_fill(~chosen, -torch.inf).amax(1)
        spread = torch.where(valid, losses, losses[:, :1]).amax(1) - losses[:, 0]
        return Assignment(
            labels=make_labels(positive, ~positive),
            eligible=eligible.masked_fill(~positive_pair, 0),
            threshold=dearest.masked_fill(~chosen.any(1), torch.nan),
            empty=empty,
            tied=several[:, 0] & (spread <= 1e-6) & positive_pair,
            candidates=candidates,
        )

    def _first_stage(self, target: Tensor) -> Tensor:
        """Anchors that overlap the target enough and the best one, (B, A) bool."""
        overlap = boxes.iou(self._anchors.to(target.device), target[:, None])
        kept = overlap >= self.iou_above
        return kept.scatter_(1, overlap.argmax(1, keepdim=True), True)

    def _cost(self, prediction: Prediction, target: Tensor, first_stage: Tensor) -> Tensor:
        """The loss L of the samples of the first stage if they were positive, (B, A); 0 for the others."""
        kept = first_stage.flatten().nonzero()[:, 0]
        probability = prediction.probability.flatten()[kept].double()
        classification = 0.25 * (1 - probability).square() * -log_probability(probability)
        predicted = stored_by_column(prediction.boxes_xyxy.flatten(0, 1)[kept])
        similarity = boxes.giou(predicted, target[kept // first_stage.shape[1]])
        cost = torch.zeros(first_stage.numel(), dtype=target.dtype, device=target.device)
        cost[kept] = classification + self.iou_weight * (1 - similarity)
        return cost.view(first_stage.shape)

    @staticmethod
    def _foreground(losses: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Candidates of the component of small loss, (B, K) bool, and the log density of the mixture, (B, K)."""
        joint = fit_mixture(losses, valid).log_joint(losses)
        foreground = (joint[..., 0] >= joint[..., 1]) & valid
        return foreground, torch.logaddexp(joint[..., 0], joint[..., 1])
