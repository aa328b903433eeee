"""Better, or noise? Trackers compared on the same sequences of a benchmark.

The AUC and the precision of a benchmark are means over its sequences, so that resampling sequences resamples the
benchmark score itself. For a score that is no such mean use `bootstrap_statistic`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.difference import (
    Difference,
    Estimate,
    effect_size,
    holm_corrected,
    sentence,
)
from dlatrack.evaluation.statistics.resampling import (
    bootstrap_statistic,
    draw_sequences,
    interval,
    unbiased_weights,
    without_rounding,
)

__all__ = [
    "Difference",
    "Estimate",
    "bootstrap_statistic",
    "by_attribute",
    "compare_all",
    "paired_bootstrap",
    "sentence",
]

#: Names of two trackers, the score of the second subtracted from that of the first.
TrackerPair = tuple[str, str]


def paired_bootstrap(
    a: np.ndarray, b: np.ndarray, *, resamples: int = 10_000, seed: int = 0, confidence: float = 0.95
) -> Difference:
    """Compare two trackers on the same sequences; what a, b and the answer mean is told in `compare_all`.

    Args:
        a: (S,) scores of the sequences, or (R, S) for R training seeds.
        b: (S,) or (R', S), the same sequences in the same order.
        resamples: how often the sequences are drawn.
        seed: same seed, same answer.
        confidence: of the interval.

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
    holm: bool = False,
) -> dict[TrackerPair, Difference]:
    """Compare every tracker with every other, all on the same resamples of the sequences.

    Interval and p-value are those of `resampling`. With several training seeds each resample draws the sequences
    once for all trackers and, for each tracker by itself, as many of its seeds as it has; a seed is drawn for all
    sequences at once, because a training run decides about all of them. The interval then covers both another choice
    of sequences and another training, and errs to the wide side (Owen, Annals of Applied Statistics 1 (2007) 386).
    With one seed it says nothing about other trainings.

    Args:
        scores: (S,) scores of the sequences by tracker, or (R, S) for R training seeds; the same S >= 2 sequences in
            the same order. R may differ.
        resamples: how often the sequences are drawn.
        seed: same seed, same answer.
        confidence: of the interval.
        holm: whether to add `p_holm`, corrected for all the pairs.

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
    for (a, b), low, high, p in zip(pairs, *ends, strict=True):
        differences = without_rounding(checked[a].mean(0) - checked[b].mean(0), size)  # (S,)
        answer[a, b] = Difference(
            value=float(differences.mean()),
            low=float(low),
            high=float(high),
            p=float(p),
            effect=effect_size(differences, size),
            better=float((differences > 0).mean()),
            worse=float((differences < 0).mean()),
            sequences=differences.size,
            seeds=(len(checked[a]), len(checked[b])),
            resamples=resamples,
            confidence=confidence,
        )
    return _corrected({"": answer})[""] if holm else answer


def by_attribute(
    scores: Mapping[str, np.ndarray],
    members: Mapping[str, np.ndarray],
    *,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
    holm: bool = False,
) -> dict[str, dict[TrackerPair, Difference]]:
    """`compare_all` on the sequences of each attribute alone.

    Args:
        scores: as in `compare_all`.
        members: (S,) bool by attribute, which sequences have it.
        resamples: how often the sequences of an attribute are drawn.
        seed: same seed, same answer.
        confidence: of the intervals.
        holm: whether to add `p_holm`, corrected for all pairs of all attributes.

    Raises:
        InputError: as in `compare_all`; naming the attribute, if its flags do not fit or it has one sequence or none.
    """
    count = next(iter(_checked(scores).values())).shape[1]
    answer = {}
    for attribute, flags in members.items():
        if np.shape(flags) != (count,) or np.asarray(flags).dtype != bool:
            raise InputError(
                f"attribute {attribute} needs {count} bool, one per sequence, got {np.shape(flags)} "
                f"{np.asarray(flags).dtype}"
            )
        if (having := int(np.sum(flags))) < 2:
            raise InputError(
                f"attribute {attribute} has {having} of {count} sequences; resampling needs 2: leave it out"
            )
        part = {name: np.asarray(values)[..., flags] for name, values in scores.items()}
        answer[attribute] = compare_all(part, resamples=resamples, seed=seed, confidence=confidence)
    return _corrected(answer) if holm else answer


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


def _corrected(
    answer: Mapping[str, Mapping[TrackerPair, Difference]],
) -> dict[str, dict[TrackerPair, Difference]]:
    corrected = iter(holm_corrected([item.p for pairs in answer.values() for item in pairs.values()]))
    return {
        part: {pair: replace(item, p_holm=next(corrected)) for pair, item in pairs.items()}
        for part, pairs in answer.items()
    }


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
