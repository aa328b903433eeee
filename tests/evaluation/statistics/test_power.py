"""How many sequences a difference needs: by hand, by published tables, and by drawing samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, ttest_1samp

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.power import detectable_difference, power_of, sequences_needed


def test_by_hand_for_many_sequences():
    """With 10,000 sequences t is normal: 0.028 / 0.1 * 100 = 2.8 standard errors, Phi(2.8 - 1.96) = 0.7995."""
    (found,) = power_of(np.array([10_000]), 0.0028, 0.1)
    assert found == pytest.approx(0.7995, abs=5e-4)
    assert found == pytest.approx(norm.cdf(0.28 * 10 - norm.ppf(0.975)), abs=5e-4)


def test_without_a_difference_the_level_is_left():
    assert power_of(np.array([2, 30, 1000]), 0.0, 0.1) == pytest.approx(0.05)
    assert power_of(np.array([2, 30]), 0.0, 0.1, confidence=0.9) == pytest.approx(0.1)


@pytest.mark.parametrize(("effect", "sequences"), [(0.8, 15), (0.5, 34), (0.2, 199), (0.1, 787)])
def test_sequences_are_those_of_published_tables(effect, sequences):
    """Paired t test, two-sided, level 0.05, power 0.8: the sizes that common power programs print."""
    assert sequences_needed(effect, 1.0) == sequences
    assert sequences_needed(-effect / 10, 0.1) == sequences, "sign and unit do not matter"


def test_power_and_smallest_difference_are_those_of_statsmodels():
    """statsmodels 0.15, TTestPower with 29 observations: power of an effect of 0.4, and the effect of power 0.8."""
    assert float(power_of(np.array(29), 0.04, 0.1)) == pytest.approx(0.5477506062, abs=1e-9)
    assert detectable_difference(29, 0.1) == pytest.approx(0.0538958565, abs=1e-8)


@given(st.floats(0.003, 3), st.floats(0.3, 0.95), st.floats(0.8, 0.99))
@settings(max_examples=40, deadline=None)
def test_the_fewest_are_found(effect: float, power: float, confidence: float):
    count = sequences_needed(effect, 1.0, power=power, confidence=confidence)
    assert float(power_of(np.array(count), effect, 1.0, confidence=confidence)) >= power
    if count > 2:
        assert float(power_of(np.array(count - 1), effect, 1.0, confidence=confidence)) < power
        # the count is between those that find exactly this difference
        assert detectable_difference(count, 1.0, power=power, confidence=confidence) <= effect * (1 + 1e-9)
        assert detectable_difference(count - 1, 1.0, power=power, confidence=confidence) > effect


@given(st.integers(2, 5000), st.floats(0, 2), st.floats(0.01, 3))
@settings(max_examples=60, deadline=None)
def test_more_sequences_and_larger_differences_show_more_often(count: int, difference: float, spread: float):
    found, more = power_of(np.array([count, 2 * count]), difference, spread)
    assert 0 <= found <= more + 1e-9 <= 1 + 2e-9
    assert float(power_of(np.array(count), 1.5 * difference, spread)) >= found - 1e-9
    assert float(power_of(np.array(count), -difference, spread)) == pytest.approx(found)


def test_samples_are_found_as_often():
    """3,000 benchmarks of 40 sequences with a true difference of 0.04 and a spread of 0.1."""
    drawn = np.random.default_rng(0).normal(0.04, 0.1, (3000, 40))
    share = float((ttest_1samp(drawn, 0, axis=1).pvalue < 0.05).mean())
    assert float(power_of(np.array(40), 0.04, 0.1)) == pytest.approx(share, abs=0.025)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: power_of(np.array([30, 1]), 0.01, 0.1), "at least 2 sequences, got 1"),
        (lambda: power_of(np.array([30]), math.nan, 0.1), "difference must be finite, got nan"),
        (lambda: power_of(np.array([30]), 0.01, 0.0), "spread must be finite and above 0, got 0.0"),
        (
            lambda: power_of(np.array([30]), 0.01, 0.1, confidence=1),
            "confidence must lie between 0 and 1, got 1",
        ),
        (lambda: sequences_needed(0.0, 0.1), "a difference other than 0 .* got 0.0 and 0.8"),
        (lambda: sequences_needed(0.1, 0.1, power=1.0), "power between 0 and 1 are needed, got 0.1 and 1.0"),
        (lambda: sequences_needed(1e-9, 1.0), "needs over 1000000000 sequences"),
        (lambda: detectable_difference(30, 0.1, power=0.05), "power must lie between 0.05 and 1, got 0.05"),
        (lambda: detectable_difference(1, 0.1), "at least 2 sequences, got 1"),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str):
    with pytest.raises(InputError, match=message):
        call()
