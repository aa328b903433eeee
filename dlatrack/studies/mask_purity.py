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
    """The share of positives that lie on visible pixels of the target, with 95 % intervals over the videos.

    Purity is that of all positives together, so that a region with many counts for more; the point of an anchor is
    its centre.

    Args:
        regions: the search regions.
        chosen: positives by head and title of the rule.
        seed: seed of the resamples.

    Returns:
        A row per head and rule: `looks at predictions`; `purity` and the ends `low` and `high` of its interval;
        `less DLA`, its difference from DLA's with the same head, `difference low` and `difference high`;
        `weighted purity`, where samples count by their weight; `positives` and `on the target`, means per region; and
        `empty`, the share of regions in which no sample satisfied the rule. NaN for a rule without any positive,
        and for intervals of a single video.
    """
    rows = []
    for head, rules in chosen.items():
        on_target = regions.on_target(ScoreGrid().points).repeat(len(ANCHOR_SHAPES[head]), 1)
        shares = {
            title: _Share.of(found.positive & on_target, found.positive, regions.video, seed)
            for title, found in rules.items()
        }
        for title, found in rules.items():
            weight = found.weight.sum()
            weighted = float((found.weight * on_target).sum() / weight) if weight > 0 else np.nan
            ends = (*shares[title].interval(0.0), *shares[title].less(shares["DLA"]).interval(-1.0))
            hits = float((found.positive & on_target).sum(1).mean())
            means = (float(found.positive.sum(1).mean()), hits, float(found.empty.mean()))
            rows.append((head, title, found.predicts, *ends, weighted, *means))
    columns = ["head", "rule", "looks at predictions", "purity", "low", "high"]
    columns += ["less DLA", "difference low", "difference high", "weighted purity", "positives"]
    return pd.DataFrame(rows, columns=[*columns, "on the target", "empty"])


def joined(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of several kinds of video below each other, with the kind as the first column, `video`."""
    return pd.concat([table.assign(video=kind) for kind, table in tables.items()], ignore_index=True)[
        ["video", *next(iter(tables.values()))]
    ]


@dataclass(frozen=True, eq=False)
class _Share:
    """A share of V videos, and its values in the resamples of the videos, the same ones for every rule."""

    value: float
    resampled: np.ndarray  #: (R,); empty for fewer than two videos
    videos: int

    @classmethod
    def of(cls, hits: np.ndarray, all_: np.ndarray, video: np.ndarray, seed: int) -> _Share:
        """The share of the True of `all_` (B, A) that are True in `hits` (B, A); `video` (B,) are their videos."""
        numbers, place = np.unique(video, return_inverse=True)
        by_video = np.stack([np.bincount(place, part.sum(1), len(numbers)) for part in (hits, all_)])
        total = by_video.sum(1)
        value = float(total[0] / total[1]) if total[1] else np.nan
        if len(numbers) < 2:
            return cls(value, np.empty(0), len(numbers))
        drawn = by_video[:, draw_sequences(len(numbers), resamples=_RESAMPLES, seed=seed)].sum(2)
        # A resample of videos without any positive says nothing about their share.
        resampled = np.divide(drawn[0], drawn[1], out=np.full(_RESAMPLES, value), where=drawn[1] > 0)
        return cls(value, resampled, len(numbers))

    def less(self, other: _Share) -> _Share:
        """The difference of two shares of the same videos."""
        return _Share(self.value - other.value, self.resampled - other.resampled, self.videos)

    def interval(self, least: float) -> tuple[float, float, float]:
        """The value and the ends of its 95 % interval, within `least`..1."""
        if not len(self.resampled) or np.isnan(self.value):
            return self.value, np.nan, np.nan
        found = estimate_of(self.value, self.resampled, self.videos)
        return self.value, max(found.low, least), min(found.high, 1.0)


def agreement(rules: Mapping[str, Chosen]) -> pd.DataFrame:
    """For each rule (rows), the share of its positives that another rule (columns) has as well, over all regions.

    A rule without any positive has NaN.
    """
    flat = np.stack([found.positive.ravel() for found in rules.values()]).astype(np.float64)  # (R, B A)
    shared, counts = flat @ flat.T, flat.sum(1, keepdims=True)
    shares = np.divide(shared, counts, out=np.full_like(shared, np.nan), where=counts > 0)
    titles = list(rules)
    return pd.DataFrame(shares, index=pd.Index(titles, name="of the positives of"), columns=titles)


def agreement_pairs(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The tables of `agreement` by head as rows: `head`, `of the positives of`, `positive by`, `share` (4 digits)."""
    rows = [
        (head, one, other, round(float(share), 4))
        for head, table in tables.items()
        for one, shares in table.iterrows()
        for other, share in shares.items()
        if one != other
    ]
    return pd.DataFrame(rows, columns=["head", "of the positives of", "positive by", "share"])
