"""Statistical power: how many sequences a benchmark needs to show a difference of two trackers."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq
from scipy.stats import ncf, t

from dlatrack.errors import InputError

_MOST = 10**9  # sequences


def power_of(
    sequences: np.ndarray, difference: float, spread: float, *, confidence: float = 0.95
) -> np.ndarray:
    """Chance that a two-sided paired t test finds a true difference of two trackers.

    The paired bootstrap of `compare` asks the same question and, from some twenty sequences on, nearly agrees.

    Args:
        sequences: numbers of sequences, any shape, each at least 2.
        difference: true mean difference, in the unit of the score.
        spread: standard deviation (n - 1) of the differences of single sequences, above 0.
        confidence: confidence of the test, e.g. 0.95 for a level of 0.05.

    Returns:
        Chances in 0..1, of the shape of `sequences`.

    Raises:
        InputError: naming the number that is out of range.

    Source: the noncentral t distribution with S - 1 degrees of freedom and noncentrality sqrt(S) difference / spread;
    Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), chapter 2.
    """
    counts = np.asarray(sequences)
    _check(difference, spread, confidence)
    if counts.size and counts.min() < 2:
        raise InputError(f"a paired test needs at least 2 sequences, got {counts.min()}")
    degrees = counts - 1
    shift = np.sqrt(counts) * abs(difference) / spread
    critical = t.ppf((1 + confidence) / 2, degrees)
    # The square of a noncentral t is a noncentral F, which SciPy computes for any shift but 0.
    found: np.ndarray = ncf.sf(critical**2, 1, degrees, np.maximum(shift, 1e-6) ** 2)
    return found


def sequences_needed(
    difference: float, spread: float, *, power: float = 0.8, confidence: float = 0.95
) -> int:
    """Fewest sequences on which a true difference is found with the wanted chance.

    Args:
        difference: true mean difference, in the unit of the score, not 0.
        spread: as in `power_of`.
        power: the wanted chance, in 0..1, both excluded.
        confidence: as in `power_of`.

    Raises:
        InputError: naming the number that is out of range, or if more than 10^9 sequences would be needed.

    Source: as `power_of`, solved for S; the chance grows with S.
    """
    if difference == 0 or not 0 < power < 1:
        raise InputError(
            f"a difference other than 0 and a power between 0 and 1 are needed, got {difference} and {power}"
        )
    _check(difference, spread, confidence)
    low, high = 1, 2  # low is too few
    while power_of(np.array(high), difference, spread, confidence=confidence) < power:
        low, high = high, 2 * high
        if high > _MOST:
            raise InputError(
                f"a difference of {difference} with a spread of {spread} needs over {_MOST} sequences"
            )
    while high - low > 1:
        middle = (low + high) // 2
        enough = power_of(np.array(middle), difference, spread, confidence=confidence) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def detectable_difference(
    sequences: int, spread: float, *, power: float = 0.8, confidence: float = 0.95
) -> float:
    """Smallest true difference that a number of sequences finds with the wanted chance.

    Args:
        sequences: number of sequences, at least 2.
        spread: as in `power_of`.
        power: the wanted chance, above 1 - confidence, below 1.
        confidence: as in `power_of`.

    Returns:
        The difference, in the unit of `spread`.

    Raises:
        InputError: naming the number that is out of range.

    Source: as `power_of`, solved for the difference.
    """
    _check(0.0, spread, confidence)
    if not 1 - confidence < power < 1:
        raise InputError(f"power must lie between {1 - confidence:g} and 1, got {power}")

    def lacking(difference: float) -> float:
        found = power_of(np.array(sequences), difference, spread, confidence=confidence)
        return float(found) - power

    high = spread
    while lacking(high) < 0:
        high *= 2
    return float(brentq(lacking, 0.0, high, xtol=1e-12 * spread))


def _check(difference: float, spread: float, confidence: float) -> None:
    if not math.isfinite(difference):
        raise InputError(f"the difference must be finite, got {difference}")
    if not (math.isfinite(spread) and spread > 0):
        raise InputError(f"the spread must be finite and above 0, got {spread}")
    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1, got {confidence}")
