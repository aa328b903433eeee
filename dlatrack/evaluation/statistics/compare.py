"""Comparison of trackers on the same sequences of a benchmark, with intervals and p-values.

The AUC and the precision of a benchmark are means over its sequences, so that resampling sequences resamples the
benchmark score itself. For a score that is no such mean, like the EAO of VOT, use `bootstrap_statistic`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.difference import Difference, sentence
from dlatrack.evaluation.statistics.few_sequences import ENOUGH, small_sample
from dlatrack.evaluation.statistics.resampling import (
    draw_sequences,
    interval,
    unbiased_weights,
    without_rounding,
)

__all__ = ["Difference", "TrackerPair", "compare_all", "paired_bootstrap", "sentence"]

#: Names of two trackers, the score of the second subtracted from that of the first.
TrackerPair = tuple[str, str]


def paired_bootstrap(
    a: np.ndarray, b: np.ndarray, *, resamples: int = 10_000, seed: int = 0, confidence: float = 0.95
) -> Difference:
    """Compare two trackers on the same sequences, score of a minus score of b; see `compare_all`.

    Args:
        a: (S,) scores of the sequences, or (R, S) for R training seeds.
        b: (S,) or (R', S), the same sequences in the same order.
        resamples: number of resamples.
        seed: seed of the resamples; the same seed gives the same answer.
        confidence: confidence of the interval.

    Raises:
        InputError: as in `compare_all`.
    """
    scores = {"a": a, "b": b}
    return compare_all(scores, resamples=resamples, seed=seed, confidence=confidence)["a", "b"]


def compare_all(
    scores: Mapping[str, np.ndarray],
    *,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[TrackerPair, Difference]:
    """Compare every tracker with every other, all on the same resamples of the sequences.

    Interval and p-value are those of `resampling`, on fewer than `few_sequences.ENOUGH` sequences those of
    `few_sequences`. With several training seeds each resample draws the sequences once for all trackers and, for
    each tracker by itself, as many of its seeds as it has; a seed is drawn for all sequences at once, because a
    training run decides about all of them. The interval then covers both another choice of sequences and another
    training, and errs to the wide side (Owen, Annals of Applied Statistics 1 (2007) 386); on few sequences the
    deviation of the resamples is the standard error, and p is Student's. With one seed the interval says nothing
    about other trainings.

    Args:
        scores: (S,) scores of the sequences by tracker, or (R, S) for R training seeds; the same S >= 2 sequences in
            the same order. R may differ.
        resamples: number of resamples.
        seed: seed of the resamples; the same seed gives the same answer.
        confidence: confidence of the intervals.

    Returns:
        `(a, b)`: score of a minus score of b, for every pair in the order of `scores`.

    Raises:
        InputError: naming the tracker, for fewer than two trackers or sequences, other shapes, scores that are not
            finite, or too few resamples for the confidence.
    """
    checked = _checked(scores)
    means = _resampled_means(checked, resamples, seed)
    size = max(float(np.abs(values).max()) for values in checked.values())
    pairs = list(combinations(checked, 2))
    resampled = np.stack([means[a] - means[b] for a, b in pairs])  # (pairs, resamples)
    ends = interval(without_rounding(resampled, size), confidence)
    answer = {}
    for (a, b), means_of_pair, low, high, p in zip(pairs, resampled, *ends, strict=True):
        differences = without_rounding(checked[a].mean(0) - checked[b].mean(0), size)  # (S,)
        count, plain = len(differences), len(checked[a]) == len(checked[b]) == 1
        found = (float(low), float(high), float(p))
        if count < ENOUGH:
            error = differences.std(ddof=1) / count**0.5 if plain else means_of_pair.std()
            found = small_sample(differences, float(error), confidence, exact=plain)
        answer[a, b] = Difference.of(
            differences,
            found,
            size,
            seeds=(len(checked[a]), len(checked[b])),
            resamples=resamples,
            confidence=confidence,
        )
    return answer


def _resampled_means(checked: Mapping[str, np.ndarray], resamples: int, seed: int) -> dict[str, np.ndarray]:
    """(resamples,) benchmark scores by tracker."""
    count = next(iter(checked.values())).shape[1]
    weights = unbiased_weights(draw_sequences(count, resamples=resamples, seed=seed))  # (resamples, S)
    means = {}
    for number, (name, values) in enumerate(checked.items(), 1):
        if len(values) == 1:
            means[name] = weights @ values[0]
            continue
        generator = np.random.default_rng((seed, number))
        of_seeds = unbiased_weights(generator.integers(0, len(values), (resamples, len(values))))
        means[name] = np.einsum("bs,bs->b", of_seeds @ values, weights)
    return means


def _checked(scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """(R, S) float64 scores by tracker."""
    if len(scores) < 2:
        raise InputError(f"a comparison needs at least two trackers, got {list(scores)}")
    checked: dict[str, np.ndarray] = {}
    for name, given in scores.items():
        values = np.asarray(given, float)
        if values.ndim not in (1, 2) or values.size == 0:
            raise InputError(f"scores of {name} must have shape (S,) or (R, S), got {values.shape}")
        values = np.atleast_2d(values)
        first, count = next(iter(scores)), next(iter(checked.values()), values).shape[1]
        if values.shape[1] != count:
            raise InputError(
                f"scores of {name} are of {values.shape[1]} sequences, those of {first} of {count}"
            )
        if count < 2:
            raise InputError(f"scores of {name} are of 1 sequence; a comparison needs at least 2")
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            raise InputError(
                f"scores of {name}: sequence {column} is {values[row, column]}; every score must be finite"
            )
        checked[name] = values
    return checked
