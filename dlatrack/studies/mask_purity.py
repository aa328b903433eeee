"""Which samples the rules choose: the share that lies on the target's pixels, and the share that two rules have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from dlatrack.assign import Assignment, Prediction
from dlatrack.evaluation.statistics.resampling import draw_sequences, estimate_of
from dlatrack.grid import ScoreGrid
from dlatrack.studies.label_assignment import every_rule
from dlatrack.studies.masked_regions import MaskedRegions
from dlatrack.studies.mechanism import ANCHOR_SHAPES

_RESAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class Chosen:
    """What one rule calls positive in B search regions."""

    positive: np.ndarray  #: (B, A) bool
    weight: np.ndarray  #: (B, A) how much a sample counts as a positive; 1 at the positives of hard rules
    empty: np.ndarray  #: (B,) bool, no sample satisfied the rule
    predicts: bool  #: whether the rule looks at the predictions of a network

    @classmethod
    def of(cls, found: Assignment, predicts: bool) -> Chosen:
        """What an assignment says."""
        positive = found.positive
        weight = positive.double() if found.weight is None else torch.where(positive, found.weight, 0)
        return cls(positive.numpy(), weight.numpy(), found.empty.numpy(), predicts)


def choose(
    regions: MaskedRegions, answers: Mapping[str, Prediction], *, seed: int = 0
) -> dict[str, dict[str, Chosen]]:
    """The positives of every rule, by head and title.

    Args:
        regions: B search regions.
        answers: predictions for them by head, for the rules that look at some.
        seed: seed of the rules that draw.
    """
    found: dict[str, dict[str, Chosen]] = {}
    for head in ANCHOR_SHAPES:
        found[head] = {}
        for title, rule in every_rule(head, ScoreGrid()).items():
            generator = torch.Generator().manual_seed(seed)
            labels = rule.assign(regions.target_xyxy, generator=generator, prediction=answers[head])
            found[head][title] = Chosen.of(labels, rule.needs_prediction)
    return found


def purity_table(
    regions: MaskedRegions, chosen: Mapping[str, Mapping[str, Chosen]], *, seed: int = 0
) -> pd.DataFrame:
    """The share of positives that lie on visible pixels of the target, with a 95 % interval over the videos.

    Args:
        regions: the search regions.
        chosen: positives by head and title of the rule.
        seed: seed of the resamples.

    Returns:
        A row per head and rule: `looks at predictions`; `purity`, `low`, `high`; `weighted purity`, where samples
        count by their weight; `positives` and `on the target`, means per region; and `empty`, the share of regions
        in which no sample satisfied the rule. Purity is that of all positives together, so that a region with many
        counts for more; the point of an anchor is its centre.
    """
    rows = []
    for head, rules in chosen.items():
        on_target = regions.on_target(ScoreGrid().points).repeat(len(ANCHOR_SHAPES[head]), 1)
        for title, found in rules.items():
            hits = (found.positive & on_target).sum(1)
            counts = found.positive.sum(1)
            weight = found.weight.sum()
            weighted = float((found.weight * on_target).sum() / weight) if weight > 0 else np.nan
            purity = _share(hits, counts, regions.video, seed)
            means = (float(counts.mean()), float(hits.mean()), float(found.empty.mean()))
            rows.append((head, title, found.predicts, *purity, weighted, *means))
    columns = ["head", "rule", "looks at predictions", "purity", "low", "high", "weighted purity"]
    return pd.DataFrame(rows, columns=[*columns, "positives", "on the target", "empty"])


def _share(hits: np.ndarray, counts: np.ndarray, video: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Share of hits, and the ends of its interval; NaN for a share of nothing, and for the interval of one video."""
    numbers, place = np.unique(video, return_inverse=True)
    by_video = np.stack([np.bincount(place, values, len(numbers)) for values in (hits, counts)])  # (2, V)
    total = by_video.sum(1)
    share = float(total[0] / total[1]) if total[1] else np.nan
    if len(numbers) < 2 or not total[1]:
        return share, np.nan, np.nan
    drawn = by_video[:, draw_sequences(len(numbers), resamples=_RESAMPLES, seed=seed)].sum(2)
    # A resample of videos without any positive says nothing about their share.
    resampled = np.divide(drawn[0], drawn[1], out=np.full(_RESAMPLES, share), where=drawn[1] > 0)
    found = estimate_of(share, resampled, len(numbers))
    return share, max(found.low, 0.0), min(found.high, 1.0)


def agreement(rules: Mapping[str, Chosen]) -> pd.DataFrame:
    """For each rule (rows), the share of its positives that another rule (columns) has as well, over all regions.

    A rule without any positive has NaN.
    """
    flat = np.stack([found.positive.ravel() for found in rules.values()]).astype(np.float64)  # (R, B A)
    shared, counts = flat @ flat.T, flat.sum(1, keepdims=True)
    shares = np.divide(shared, counts, out=np.full_like(shared, np.nan), where=counts > 0)
    titles = list(rules)
    return pd.DataFrame(shares, index=pd.Index(titles, name="of the positives of"), columns=titles)
