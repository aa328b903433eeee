"""The difference of two trackers in numbers and in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlatrack.evaluation.statistics.few_sequences import FEWEST


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A statistic of a benchmark with its confidence interval and p-value from its sequences."""

    value: float  #: statistic of the benchmark as it is
    low: float  #: lower end of the confidence interval
    high: float  #: upper end
    #: two-sided p-value of the statistic being zero, in 0 (excluded) to 1; see `resampling.interval` and, for few
    #: sequences, `few_sequences`
    p: float
    sequences: int  #: number of sequences
    resamples: int  #: number of resamples
    confidence: float  #: confidence of the interval, e.g. 0.95.
    #: `p` corrected for all comparisons made together, see `holm_corrected`; None: not corrected
    p_holm: float | None = None

    @property
    def distinguishable(self) -> bool:
        """Whether interval and p-value, if corrected for many comparisons the corrected one, both exclude zero.

        Never on fewer than `few_sequences.FEWEST` sequences.
        """
        level = 1 - self.confidence + 1e-9  # 1 - 0.95 is a little more than 0.05
        excludes = (self.low > 0 or self.high < 0) and (
            self.p if self.p_holm is None else self.p_holm
        ) <= level
        return excludes and self.sequences >= FEWEST


@dataclass(frozen=True, kw_only=True)
class Difference(Estimate):
    """Mean difference of two trackers over S sequences, a minus b, with its size and how often it occurs."""

    #: Cohen's d_z, the mean of the S differences over their standard deviation (n - 1). Infinite where all
    #: differences are the same, 0 where all are zero.
    effect: float
    better: float  #: share of sequences on which a is better
    worse: float  #: share of sequences on which b is better
    seeds: tuple[int, int] = (1, 1)  #: numbers of training seeds of a and of b
    #: numbers of runs of a and of b on each sequence, resampled too; None: one plain run of both
    runs: tuple[int, int] | None = None
    paired_runs: bool = (
        False  #: whether runs of one number started from the same boxes, and were resampled together
    )

    @classmethod
    def of(
        cls,
        differences: np.ndarray,
        found: tuple[float, float, float],
        size: float,
        *,
        seeds: tuple[int, int],
        resamples: int,
        confidence: float,
    ) -> Difference:
        """The difference with given (S,) differences of single sequences.

        Args:
            differences: (S,) score of a minus score of b, without rounding errors.
            found: low, high and p, as in `Estimate`.
            size: largest score, relative to which deviations count as rounding errors.
            seeds: as in `Difference`.
            resamples: as in `Estimate`.
            confidence: as in `Estimate`.
        """
        mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
        same = deviation <= 1e-12 * size
        return cls(
            value=mean,
            low=found[0],
            high=found[1],
            p=found[2],
            effect=(math.copysign(math.inf, mean) if mean else 0.0) if same else mean / deviation,
            better=float((differences > 0).mean()),
            worse=float((differences < 0).mean()),
            sequences=differences.size,
            seeds=seeds,
            resamples=resamples,
            confidence=confidence,
        )


def holm_corrected(p_values: Sequence[float]) -> list[float]:
    """Correct the p-values of comparisons made together, so that one false finding among them all stays rare.

    The i-th smallest of m becomes the largest of (m - j + 1) p_j over j <= i, at most 1.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65.
    """
    values = np.asarray(p_values, float)
    order = np.argsort(values, kind="stable")
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return [min(float(value), 1.0) for value in corrected]


def sentence(estimate: Estimate, name_a: str, name_b: str, *, metric: str = "AUC") -> str:
    """A sentence on the difference of two trackers, a minus b.

    It says "improves on" or "falls behind" only if the difference is `distinguishable`; where a falls behind, size
    and interval are positive. Of fewer than `few_sequences.FEWEST` sequences it gives the numbers alone.

    Args:
        estimate: score of a minus score of b; that of a `Difference` includes the numbers of seeds.
        name_a: name of tracker a.
        name_b: name of tracker b.
        metric: name of the score, with its unit if it has one.
    """
    digits = 3
    if estimate.distinguishable:  # an end of the interval that prints as zero would contradict the words
        while round(min(abs(estimate.low), abs(estimate.high)), digits) == 0 and digits < 9:
            digits += 1
    low, high = estimate.low, estimate.high
    if estimate.distinguishable and estimate.value < 0:  # how far behind, as in the words
        low, high = -high, -low
    facts = [
        f"{100 * estimate.confidence:g} % interval {low:.{digits}f} to {high:.{digits}f}",
        _p_text("p", estimate.p),
        f"{estimate.sequences} sequences{'' if estimate.sequences >= FEWEST else ', too few for a verdict'}",
    ]
    if estimate.p_holm is not None:
        facts.insert(2, _p_text("corrected p", estimate.p_holm))
    if isinstance(estimate, Difference) and max(estimate.seeds) > 1:
        facts.append(f"{estimate.seeds[0]} and {estimate.seeds[1]} training seeds")
    if isinstance(estimate, Difference) and estimate.runs is not None:
        facts.append(
            f"{estimate.runs[0]} runs from the same first boxes"
            if estimate.paired_runs
            else f"{estimate.runs[0]} and {estimate.runs[1]} runs"
        )
    if estimate.sequences < FEWEST:
        verdict = f"minus {name_b} is {estimate.value:.{digits}f}"
    elif not estimate.distinguishable:
        verdict = f"is not distinguishable from {name_b}: difference {estimate.value:.{digits}f}"
    else:
        verb = "improves on" if estimate.value > 0 else "falls behind"
        verdict = f"{verb} {name_b} by {abs(estimate.value):.{digits}f}"
    return f"{name_a} {verdict} {metric} ({', '.join(facts)})."


def _p_text(name: str, p: float) -> str:
    return f"{name} < 0.001" if p < 0.001 else f"{name} = {p:.3f}"
