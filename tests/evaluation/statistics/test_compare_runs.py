"""Differences of trackers with several runs: by hand, calibrated, and no surer than their sequences allow."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.evaluation.statistics.runs import compare_runs


def no_difference(
    rng: np.random.Generator, sequences: int, runs: int, interaction: float, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two trackers that are equally good in the mean: sequence effects, and noise of runs."""
    common = rng.uniform(0.1, 0.9, sequences) + rng.normal(0, noise, (runs, sequences))
    own = rng.normal(0, interaction, (2, 1, sequences)) + rng.normal(0, noise, (2, runs, sequences))
    return common + own[0], common + own[1]


def test_a_constant_gain_by_hand() -> None:
    scores = np.random.default_rng(0).random((4, 9))
    found = compare_runs(scores + 0.25, scores, paired=True, resamples=199)
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    assert (found.p, found.better, found.worse) == (2 / 2**9, 1, 0)
    assert (found.sequences, found.runs, found.paired_runs) == (9, (4, 4), True)


def test_the_same_runs_twice() -> None:
    scores = np.random.default_rng(0).random((3, 20))
    found = compare_runs(scores, scores, paired=True)
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)
    apart = compare_runs(scores, scores, paired=False)
    assert apart.low < 0 < apart.high, "unpaired runs are other runs of both"


@pytest.mark.parametrize("paired", [True, False])
def test_against_a_plain_referee(paired: bool) -> None:
    """Sequence by sequence and run by run, with other random numbers; quartiles, which few resamples give well."""
    a, b = no_difference(np.random.default_rng(8), 6, 3, 0.05, 0.1)
    sequences, runs, rng = 6, 3, np.random.default_rng(9)
    cells = [a - b] if paired else [a, -b]
    of_runs = sum(np.mean([np.var(each[:, s], ddof=1) for s in range(sequences)]) / runs for each in cells)
    means = [a[:, s].mean() - b[:, s].mean() for s in range(sequences)]
    kept = max(0, 1 - of_runs / np.var(means, ddof=1)) ** 0.5
    resampled = []
    for _ in range(4000):
        deviation = 0.0
        for s in rng.integers(0, sequences, sequences):
            deviation += kept * (6 / 5) ** 0.5 * (means[s] - np.mean(means)) / sequences
            for each in cells:
                drawn = np.mean([each[rng.integers(runs), s] for _ in range(runs)])
                deviation += (3 / 2) ** 0.5 * (drawn - each[:, s].mean()) / sequences
        deviation *= (5 / rng.chisquare(5)) ** 0.5
        resampled += [np.mean(means) + deviation, np.mean(means) - deviation]
    found = compare_runs(a, b, paired=paired, resamples=20_000, confidence=0.5)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(resampled, (0.25, 0.75))), abs=0.003)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("interaction", [0.0, 0.1])
def test_the_variance_is_that_of_the_sequences(interaction: float, paired: bool) -> None:
    """Resampling runs as well does not count their noise twice."""
    a, b = no_difference(np.random.default_rng(3), 200, 8, interaction, 0.05)
    found = compare_runs(a, b, paired=paired, resamples=20_000)
    deviation = (a - b).mean(0).std(ddof=1) / 200**0.5
    expected = (
        (a - b).var(0, ddof=1).mean() / 8 if paired else (a.var(0, ddof=1) + b.var(0, ddof=1)).mean() / 8
    )
    least = max(deviation, (expected / 200) ** 0.5)
    assert (found.high - found.low) / 2 / 1.972 == pytest.approx(least, rel=0.04)


def test_one_run_is_a_bootstrap_with_the_tails_of_t() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.random((2, 400))
    plain, found = paired_bootstrap(a, b), compare_runs(a[None], b[None], paired=False)
    assert found.value == plain.value
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), rel=0.03, abs=0.002)


def test_the_other_way_round() -> None:
    a, b = no_difference(np.random.default_rng(5), 12, 4, 0.1, 0.05)
    for paired in (True, False):
        one, other = (compare_runs(*pair, paired=paired, resamples=20_000) for pair in ((a, b), (b, a)))
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=0.004)
    assert compare_runs(a, b[:2], paired=False).runs == (4, 2)


@pytest.mark.parametrize("runs", [1, 8])
@pytest.mark.parametrize(("sequences", "interaction"), [(4, 0.1), (10, 0.02), (40, 0.1)])
def test_calibration(runs: int, sequences: int, interaction: float) -> None:
    """Trackers that do not differ are called different at most as often as the level says, and a bit for chance."""
    trials = 300
    wrong = 0
    for trial in range(trials):
        rng = np.random.default_rng((trial, sequences, runs))
        scores = no_difference(rng, sequences, runs, interaction, 0.05)
        wrong += compare_runs(*scores, paired=True, resamples=399, seed=trial).distinguishable
    assert wrong / trials <= 0.05 + 2 * (0.05 * 0.95 / trials) ** 0.5


def test_a_true_difference_is_found() -> None:
    a, b = no_difference(np.random.default_rng(6), 60, 8, 0.02, 0.05)
    assert compare_runs(a + 0.03, b, paired=True).distinguishable


@pytest.mark.parametrize(
    ("a", "b", "paired", "message"),
    [
        (np.zeros(4), np.zeros((1, 4)), False, r"must have shape \(N, S\).*got \(4,\) and \(1, 4\)"),
        (
            np.zeros((2, 4)),
            np.zeros((2, 3)),
            True,
            r"with the same S >= 2 sequences; got \(2, 4\) and \(2, 3\)",
        ),
        (np.zeros((2, 1)), np.zeros((2, 1)), True, "S >= 2"),
        (
            np.zeros((2, 4)),
            np.zeros((3, 4)),
            True,
            "paired runs must be as many of both trackers, got 2 and 3",
        ),
        (np.zeros((2, 4)), np.array([[0, 0, np.nan, 0]]), False, "run 0 on sequence 2 has the score nan"),
    ],
)
def test_bad_input(a: np.ndarray, b: np.ndarray, paired: bool, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare_runs(a, b, paired=paired)
