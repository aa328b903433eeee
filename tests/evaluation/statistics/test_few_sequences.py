"""Few sequences: the exact test and Student's t by hand, against SciPy and full enumeration, and calibrated."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from coverage_of_intervals import COUNTS, coverage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import permutation_test, ttest_1samp

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.evaluation.statistics.difference import sentence
from dlatrack.evaluation.statistics.few_sequences import (
    ENOUGH,
    EXACT,
    FEWEST,
    sign_flip_p,
    sign_patterns,
    student_interval,
)
from dlatrack.evaluation.statistics.resampling import difference_of, draw_sequences

differences = st.integers(2, EXACT - 1).flatmap(
    lambda count: arrays(
        float, count, elements=st.floats(-1, 1, allow_subnormal=False).map(lambda v: round(v, 6))
    )
)


def test_signs_by_hand():
    """1 + 2 + 3 is reached by +++ and --- alone of eight; 3 - 1 - 2 by all."""
    assert sign_flip_p(np.array([1.0, 2, 3])) == 2 / 8
    assert sign_flip_p(np.array([-1.0, -2, 3])) == 1
    assert sign_flip_p(np.array([1.0, 1, 0])) == 4 / 8, "a zero has no sign"
    assert sign_flip_p(np.zeros(4)) == 1
    assert sign_patterns(3).astype(int).tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 1], [1, 0, 0]]


def test_six_are_the_fewest_that_reach_five_percent():
    for count in range(2, EXACT):
        assert sign_flip_p(np.ones(count)) == 2 / 2**count
        assert (sign_flip_p(np.ones(count)) <= 0.05) == (count >= FEWEST)


@given(differences)
@settings(max_examples=60, deadline=None)
def test_every_pattern_of_signs(values: np.ndarray):
    sums = [np.dot(signs, values) for signs in product((1, -1), repeat=len(values))]
    assert sign_flip_p(values) == pytest.approx(np.mean(np.abs(sums) >= abs(values.sum()) - 1e-9))
    assert sign_flip_p(-values) == sign_flip_p(values) == sign_flip_p(values[::-1])
    assert sign_flip_p(1e-3 * values) == sign_flip_p(values)


@pytest.mark.parametrize("count", [3, 7, 11])
def test_scipy_as_a_referee(count: int):
    values = np.random.default_rng(count).normal(0.2, 1, count)
    wanted = permutation_test(
        (values,), lambda sample, axis: sample.mean(axis), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(values) == pytest.approx(wanted.pvalue)
    theirs = ttest_1samp(values, 0)
    low, high, p = student_interval(values.mean(), values.std(ddof=1) / count**0.5, count, 0.9)
    assert (low, high, p) == pytest.approx((*theirs.confidence_interval(0.9), theirs.pvalue))


def test_p_is_never_below_what_signs_can_show():
    assert student_interval(1.0, 0.0, 20, 0.95) == (1, 1, 2 / 2**20)
    assert student_interval(0.0, 0.0, 20, 0.95) == (0, 0, 1)


@pytest.mark.parametrize("count", [2, 5, FEWEST, EXACT - 1, EXACT, ENOUGH - 1, ENOUGH])
def test_a_clear_gain_on_any_number_of_sequences(count: int):
    gain = 0.1 + 0.01 * np.random.default_rng(0).random(count)
    found = paired_bootstrap(gain, np.zeros(count))
    text = sentence(found, "x", "y")
    assert found.low > 0 or count == 2
    assert found.distinguishable == (count >= FEWEST) == ("improves on" in text)
    assert ("too few for a verdict" in text) == (count < FEWEST)


def test_sequences_and_their_swaps_of_any_statistic():
    """A ratio of sums: the swap of the two trackers is that of their scores."""
    first, second, frames = np.random.default_rng(1).random((3, 8))

    def difference(kept: np.ndarray) -> float:
        return float(np.where(kept, first - second, second - first).sum() / frames.sum())

    drawn = draw_sequences(8, resamples=10_000, seed=0)
    values = (first - second)[drawn].sum(1) / frames[drawn].sum(1)
    found = difference_of(difference(np.ones(8, bool)), values, 8, difference)
    assert found.p == sign_flip_p(first - second)
    reach = 2.364624 * (8 / 7) ** 0.5 * values.std()
    assert (found.low, found.high) == pytest.approx((found.value - reach, found.value + reach))
    with pytest.raises(InputError, match="swapped on some sequences the difference is not finite"):
        difference_of(found.value, values, 8, lambda kept: difference(kept) if kept.all() else np.nan)


@pytest.mark.parametrize("kind", ["normal", "heavy-tailed", "both lose some"])
@pytest.mark.parametrize("count", [3, 8, 20])
def test_intervals_cover(kind: str, count: int):
    """The table of `docs/evaluation.md` in small."""
    student, percentile = (coverage(kind, count, samples=1500, method=each) for each in ("t", "percentile"))
    assert student >= 0.95 - 2 * (0.05 * 0.95 / 1500) ** 0.5
    assert percentile < student


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("normal |", "normal"),
        ("heavy-tailed", "heavy-tailed"),
        ("both lose", "both lose some"),
        ("one loses", "one loses some"),
    ],
)
def test_the_table_of_the_page(row: str, kind: str):
    page = (paths.root() / "docs" / "evaluation.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith(f"| {row}")]
    printed = [float(cell.split()[0]) for cell in line.split("|")[2:-1]]
    assert printed == [round(100 * coverage(kind, count, samples=20_000, method="t"), 1) for count in COUNTS]


def test_the_exact_test_keeps_its_level():
    """Of 1,500 comparisons of trackers without a difference at most 5 % and a bit for chance are called one."""
    rng = np.random.default_rng(2)
    for count in (6, 9, 11):
        p = np.array([sign_flip_p(values) for values in rng.standard_t(2, (500, count))])
        assert (p <= 0.05).mean() <= 0.05 + 2 * (0.05 * 0.95 / 500) ** 0.5
