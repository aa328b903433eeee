"""Twins trained with several seeds: by hand, and whether the interval keeps its promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import t

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.evaluation.statistics.difference import sentence
from dlatrack.evaluation.statistics.seeds import compare_seeds, spread_of_seeds

scores_of = st.tuples(st.integers(2, 4), st.integers(2, 6)).flatmap(
    lambda shape: arrays(float, (2, *shape), elements=st.floats(0, 1, allow_subnormal=False))
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_two_seeds_on_two_sequences_by_hand():
    """Differences 0.1, 0.3 with one seed and 0.0, 0.2 with the other: seeds add 0.1, sequences 0.2."""
    a, b = np.array([[0.5, 0.7], [0.5, 0.6]]), np.array([[0.4, 0.4], [0.5, 0.4]])
    spread = spread_of_seeds(a, b)
    assert spread.seed == pytest.approx(0.1 / 2**0.5)
    assert spread.sequence == pytest.approx(0.2 / 2**0.5)
    assert spread.rest == pytest.approx(0, abs=1e-12)
    assert (spread.a, spread.b) == pytest.approx((0.05 / 2**0.5, 0.05 / 2**0.5))
    difference = compare_seeds(a, b, rng())
    assert difference.value == pytest.approx(0.15)
    assert (difference.seeds, difference.sequences, difference.better) == ((2, 2), 2, 1)
    assert sentence(difference, "A", "B").endswith(
        "2 sequences, too few for a verdict, 2 and 2 training seeds)."
    )


def test_seeds_that_agree_leave_the_interval_of_the_sequences():
    """As `test_two_sequences_by_hand` of the paired bootstrap: 1/2 -+ sqrt(1/2)."""
    a, b = np.array([[0.2, 1.0]] * 3), np.array([[0.2, 0.0]] * 3)
    difference = compare_seeds(a, b, rng())
    assert (difference.low, difference.high) == pytest.approx((0.5 - 0.5**0.5, 0.5 + 0.5**0.5))
    assert spread_of_seeds(a, b).seed == 0


def test_seeds_alone_give_about_the_interval_of_student():
    """Sequences that agree: 8 seeds whose differences have a known t interval."""
    of_seeds = rng(1).normal(0.02, 0.03, 8)
    a, b = np.repeat(of_seeds[:, None], 5, axis=1), np.zeros((8, 5))
    difference = compare_seeds(a, b, rng(), resamples=50_000)
    half = t.ppf(0.975, 7) * of_seeds.std(ddof=1) / 8**0.5
    assert difference.high - difference.low == pytest.approx(2 * half, rel=0.1)
    assert spread_of_seeds(a, b).seed == pytest.approx(of_seeds.std(ddof=1))
    assert spread_of_seeds(a, b).sequence == pytest.approx(0, abs=1e-12)


def test_the_same_tracker_twice():
    scores = rng(2).random((3, 20))
    difference = compare_seeds(scores, scores, rng())
    assert (difference.value, difference.low, difference.high, difference.p) == (0, 0, 0, 1)
    assert spread_of_seeds(scores, scores)[2:] == (0, 0, 0)


@given(scores_of, st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_properties(scores: np.ndarray, seed: int):
    a, b = scores
    one, other = (compare_seeds(*pair, rng(seed), resamples=199) for pair in ((a, b), (b, a)))
    assert (one.value, one.low, one.high, one.p) == (-other.value, -other.high, -other.low, other.p)
    assert one == compare_seeds(a, b, rng(seed), resamples=199), "same generator, same answer"
    assert one.low <= one.high
    assert one.distinguishable == (one.p <= 0.05)
    assert one.value == pytest.approx(a.mean() - b.mean(), abs=1e-12)
    spread = tuple(spread_of_seeds(a, b))
    assert min(spread) >= 0
    for other_order in (spread_of_seeds(a[::-1], b[::-1]), spread_of_seeds(a[:, ::-1] + 0.25, b[:, ::-1])):
        assert tuple(other_order) == pytest.approx(spread, abs=1e-7)


def test_parts_of_the_variance_against_a_regression():
    """Mean squares of a least-squares fit with a constant for every seed and every sequence."""
    cells = rng(3).normal(0, 0.1, (4, 7)) + rng(4).normal(0, 0.2, (4, 1)) + rng(5).normal(0, 0.3, 7)
    seeds, sequences = (grid.ravel() for grid in np.indices(cells.shape))

    def left(*factors: np.ndarray) -> float:
        """Sum of squares that these factors do not explain."""
        columns = [np.ones(28), *(factor == level for factor in factors for level in range(factor.max() + 1))]
        design = np.stack(columns, 1).astype(float)
        return float(((cells.ravel() - design @ np.linalg.lstsq(design, cells.ravel())[0]) ** 2).sum())

    rest = left(seeds, sequences) / 18
    of_seeds = (left(sequences) - left(seeds, sequences)) / 3
    of_sequences = (left(seeds) - left(seeds, sequences)) / 6
    spread = spread_of_seeds(cells, np.zeros((4, 7)))
    assert spread.rest**2 == pytest.approx(rest)
    assert spread.seed**2 == pytest.approx((of_seeds - rest) / 7)
    assert spread.sequence**2 == pytest.approx((of_sequences - rest) / 4)


@pytest.mark.parametrize(("of_seeds", "of_sequences"), [(0.03, 0.0), (0.02, 0.05), (0.0, 0.05)])
def test_three_seeds_cover_what_they_promise(of_seeds: float, of_sequences: float):
    generator = rng(6)
    covered: dict[str, list[bool]] = {"ours": [], "plain": []}
    for _ in range(300):
        cells = generator.normal(0, of_seeds, (3, 1)) + generator.normal(0, of_sequences, 30)
        cells = cells + generator.normal(0, 0.02, (3, 30))
        found = compare_seeds(cells, np.zeros((3, 30)), generator, resamples=399)
        covered["ours"].append(found.low <= 0 <= found.high)
        plain = paired_bootstrap(cells, np.zeros((3, 30)), resamples=399)
        covered["plain"].append(plain.low <= 0 <= plain.high)
    assert 0.91 <= np.mean(covered["ours"]) <= 1
    if not of_sequences:
        assert np.mean(covered["plain"]) < 0.87, "which is why the tails are Student's"


FINE = np.full((2, 3), 0.5)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (FINE, FINE[:, :2], r"the same shape \(R, S\), got \(2, 3\) and \(2, 2\)"),
        (FINE[0], FINE[0], r"the same shape \(R, S\), got \(3,\) and \(3,\)"),
        (FINE[:1], FINE[:1], "at least 2 seeds and 2 sequences, got 1 and 3"),
        (FINE, np.where([[1, 1, 0], [1, 1, 1]], 0.5, np.nan), "of b: seed 0, sequence 2 is nan; every score"),
    ],
)
@pytest.mark.parametrize("call", [spread_of_seeds, lambda a, b: compare_seeds(a, b, rng())])
def test_bad_input_is_named(call: Callable[..., Any], a: np.ndarray, b: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        call(a, b)


def test_too_few_resamples_are_named():
    with pytest.raises(InputError, match=r"0\.95 needs at least 39 resamples, got 38"):
        compare_seeds(FINE, FINE, rng(), resamples=38)
