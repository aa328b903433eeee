"""Comparison of a DLA tracker with its fixed twin, target by target and clip by clip."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.evaluation.statistics.difference import Difference, Estimate, sentence
from dlatrack.evaluation.statistics.power import detectable_difference
from dlatrack.evaluation.statistics.resampling import difference_of, draw_sequences


@dataclass(frozen=True, eq=False)
class TwinComparison:
    """AUC of a DLA tracker minus that of its fixed twin."""

    dynamic: str  #: label of the DLA tracker
    fixed: str  #: label of its twin
    differences: pd.Series[float]  #: AUC of DLA minus that of the twin, by target, the largest first
    by_target: Difference  #: mean difference, with targets resampled as if each were a video of its own
    #: mean difference, with whole clips resampled, as the targets of a clip share its camera; None: every target has
    #: a clip of its own, or there is one clip
    by_clip: Estimate | None

    @property
    def spread(self) -> float:
        """Standard deviation (n - 1) of the differences."""
        return float(self.differences.std(ddof=1))

    @property
    def summary(self) -> Difference:
        """`by_target`, with the wider interval and the larger p-value of `by_target` and `by_clip`."""
        one, other = self.by_target, self.by_clip
        if other is None:
            return one
        return replace(
            one, low=min(one.low, other.low), high=max(one.high, other.high), p=max(one.p, other.p)
        )


def compare_twins(
    auc: pd.DataFrame, pairs: Iterable[tuple[str, str]], *, seed: int = 0
) -> list[TwinComparison]:
    """Compare every DLA tracker with its fixed twin.

    Args:
        auc: AUC by target (rows, at least two) and tracker (columns).
        pairs: labels of the fixed twin and of the DLA tracker, e.g. by `recipes.twins.label_pairs`.
        seed: seed of the resamples.

    Raises:
        InputError: if there is no pair of twins, or a single target.
    """
    found = []
    for fixed, dynamic in pairs:
        differences = (auc[dynamic] - auc[fixed]).sort_values(ascending=False, kind="stable")
        by_target = paired_bootstrap(auc[dynamic].to_numpy(), auc[fixed].to_numpy(), seed=seed)
        found.append(TwinComparison(dynamic, fixed, differences, by_target, _by_clip(differences, seed)))
    if not found:
        raise InputError(f"there is no pair of twins among {', '.join(map(str, auc.columns))}")
    return found


def verdict(found: TwinComparison) -> str:
    """Sentences on the difference, by the wider interval, and on the difference that could have been found."""
    lines = [sentence(found.summary, found.dynamic, found.fixed)]
    if found.by_clip is not None:
        lines.append(
            f"  95 % interval by target {_ends(found.by_target)}; by clip, as targets of one clip share its camera, "
            f"{_ends(found.by_clip)} ({found.by_clip.sequences} clips). The wider ends count."
        )
    count = found.by_target.sequences
    lines.append(
        f"  {count} targets with this spread ({found.spread:.3f}) find a difference of "
        f"{detectable_difference(count, found.spread):.3f} with a chance of 80 %, smaller ones more rarely."
    )
    return "\n".join(lines)


def clip_of(target: str) -> str:
    """Name of the clip that a target is from: `read_folder` calls the further targets of a clip NAME-1, NAME-2."""
    return re.sub(r"-\d+$", "", target)


def _ends(estimate: Estimate) -> str:
    return f"{estimate.low:.3f} to {estimate.high:.3f}"


def _by_clip(differences: pd.Series[float], seed: int) -> Estimate | None:
    clips = [group.to_numpy() for _, group in differences.groupby(clip_of, sort=True)]
    if len(clips) < 2 or len(clips) == len(differences):
        return None
    totals, sizes = np.array([(clip.sum(), len(clip)) for clip in clips]).T
    drawn = draw_sequences(len(clips), resamples=10_000, seed=seed)
    means = totals[drawn].sum(1) / sizes[drawn].sum(1)
    value = float(totals.sum() / sizes.sum())
    return difference_of(
        value, means, len(clips), lambda kept: float(np.where(kept, totals, -totals).sum() / sizes.sum())
    )
