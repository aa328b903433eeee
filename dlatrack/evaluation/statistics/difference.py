"""What a difference of two trackers amounts to, in numbers and in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Sequences below which a bootstrap interval is too narrow, see `resampling`; and what to say then.
ENOUGH = 30
TOO_FEW = f"With fewer than about {ENOUGH} sequences an interval is too narrow."


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A statistic of a benchmark with what resampling its sequences says about it.

    Args:
        value: of the benchmark as it is.
        low: lower end of the confidence interval.
        high: upper end.
        p: two-sided p-value of the statistic being zero, in 0 (excluded) to 1; see `interval`.
        sequences: number of sequences.
        resamples: number of resamples.
        confidence: of the interval, e.g. 0.95.
        p_holm: `p` corrected for all comparisons made together (`holm`); None: not corrected.
    """

    value: float
    low: float
    high: float
    p: float
    sequences: int
    resamples: int
    confidence: float
    p_holm: float | None = None

    @property
    def distinguishable(self) -> bool:
        """Whether the interval excludes zero and, if corrected for many comparisons, so does the corrected p."""
        excludes = self.low > 0 or self.high < 0
        return excludes and (self.p_holm is None or self.p_holm <= 1 - self.confidence)


@dataclass(frozen=True, kw_only=True)
class Difference(Estimate):
    """Mean difference of two trackers over S sequences, a minus b: an `Estimate`, and how large and how common it is.

    Args:
        effect: Cohen's d_z, the mean of the S differences over their standard deviation (n - 1). Infinite where all
            differences are the same, 0 where all are zero.
        better: share of sequences on which a is better.
        worse: share of sequences on which b is better.
        seeds: training seeds of a and of b.
    """

    effect: float
    better: float
    worse: float
    seeds: tuple[int, int] = (1, 1)

    @property
    def mean(self) -> float:
        """Mean difference, the difference of the two benchmark scores."""
        return self.value


def effect_size(differences: np.ndarray, size: float) -> float:
    """Cohen's d_z of (S,) differences between scores of about `size`, as `Difference.effect`."""
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
    if deviation <= 1e-12 * size:
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / deviation


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
    """Say in one sentence what a difference of two trackers, a minus b, amounts to.

    It speaks of better or worse only if the difference is `distinguishable`. Where a falls behind, size and interval
    say by how much.

    Args:
        estimate: of score of a minus score of b, at best a `Difference`.
        name_a: tracker a.
        name_b: tracker b.
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
        f"{estimate.sequences} sequences",
    ]
    if estimate.p_holm is not None:
        facts.insert(2, _p_text("corrected p", estimate.p_holm))
    if isinstance(estimate, Difference) and max(estimate.seeds) > 1:
        facts.append(f"{estimate.seeds[0]} and {estimate.seeds[1]} training seeds")
    if not estimate.distinguishable:
        verdict = f"is not distinguishable from {name_b}: difference {estimate.value:.{digits}f}"
    else:
        verb = "improves on" if estimate.value > 0 else "falls behind"
        verdict = f"{verb} {name_b} by {abs(estimate.value):.{digits}f}"
    return f"{name_a} {verdict} {metric} ({', '.join(facts)})."


def _p_text(name: str, p: float) -> str:
    return f"{name} < 0.001" if p < 0.001 else f"{name} = {p:.3f}"
