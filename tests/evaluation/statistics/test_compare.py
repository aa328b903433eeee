from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kstest

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.results import find_results, read_result_boxes
from dlatrack.evaluation.statistics.compare import compare_all, paired_bootstrap
from dlatrack.evaluation.statistics.difference import Difference, holm_corrected, sentence
from dlatrack.evaluation.statistics.resampling import (
    bootstrap_statistic,
    draw_sequences,
    interval,
    unbiased_weights,
)

scores_of = st.integers(2, 12).flatmap(
    lambda count: arrays(float, (2, count), elements=st.floats(0, 1, allow_subnormal=False))
)


def test_two_sequences_by_hand():
    """Differences 0 and 1: mean 1/2, standard error 1/2; one of four patterns of signs has a mean of 1/2 or more."""
    difference = paired_bootstrap(np.array([0.2, 1.0]), np.array([0.2, 0.0]))
    assert difference.value == 0.5
    reach = np.tan(0.475 * np.pi) / 2  # Student's t with one degree of freedom is Cauchy's distribution
    assert (difference.low, difference.high) == pytest.approx((0.5 - reach, 0.5 + reach))
    assert difference.p == 1, "all four patterns of signs, of which two turn the 0, are as far from zero"
    assert difference.effect == pytest.approx(0.5 / 0.5**0.5)
    assert (difference.better, difference.worse, difference.sequences) == (0.5, 0, 2)
    assert not difference.distinguishable


def test_three_sequences_by_hand():
    """Mean 0.1, deviation 0.1, 4.303 standard errors; of eight patterns +++, ---, -++ and +-- reach a sum of 0.3."""
    difference = paired_bootstrap(np.array([0.0, 0.1, 0.2]), np.zeros(3))
    reach = 4.302653 * 0.1 / 3**0.5
    assert (difference.low, difference.high) == pytest.approx((0.1 - reach, 0.1 + reach))
    assert difference.p == 0.5


def test_thirty_sequences_are_resampled():
    """The percentiles of the resamples, spread by sqrt(30 / 29), as before."""
    d = np.random.default_rng(7).normal(0.01, 0.05, 30)
    drawn = draw_sequences(30, resamples=999, seed=0)
    means = np.sort(d.mean() + (30 / 29) ** 0.5 * (d[drawn].mean(1) - d.mean()))
    difference = paired_bootstrap(d, np.zeros(30), resamples=999)
    assert (difference.low, difference.high) == pytest.approx((means[24], means[-25]))
    fewer = min((means <= 0).sum(), (means >= 0).sum())
    assert difference.p == pytest.approx(2 * (fewer + 1) / 1000)


def test_the_same_tracker_twice():
    scores = np.random.default_rng(0).random(100)
    difference = paired_bootstrap(scores, scores)
    assert (difference.value, difference.low, difference.high, difference.p) == (0, 0, 0, 1)
    assert (difference.effect, difference.better, difference.worse) == (0, 0, 0)


def test_always_better_by_the_same():
    scores = np.random.default_rng(0).random(50)
    difference = paired_bootstrap(scores + 0.1, scores, resamples=999)
    assert (difference.low, difference.high) == pytest.approx((0.1, 0.1))
    assert difference.p == 2 / 1000, "never zero"
    assert (difference.effect, difference.better) == (np.inf, 1)
    assert paired_bootstrap(scores, scores + 0.1).effect == -np.inf


def test_scores_that_differ_by_rounding_are_the_same():
    difference = paired_bootstrap(np.array([0.1 + 0.2, 0.7, 0.1 + 0.7]), np.array([0.3, 0.7, 0.8]))
    assert (difference.value, difference.low, difference.high, difference.p) == (0, 0, 0, 1)
    assert (difference.effect, difference.better, difference.worse) == (0, 0, 0)


def test_weights_have_the_unbiased_variance():
    """Over all 27 resamples of 3 sequences the variance of the mean is s^2 / 3, with s^2 divided by n - 1."""
    d = np.array([1.0, 2.0, 6.0])
    weights = unbiased_weights(np.array(list(product(range(3), repeat=3))))
    assert weights.sum(1) == pytest.approx(1)
    assert (weights @ d).var() == pytest.approx(d.var(ddof=1) / 3)
    assert unbiased_weights(np.zeros((5, 1), int)).tolist() == [[1.0]] * 5


def test_the_interval_is_made_of_order_statistics():
    """Of 99 resamples, 90 % lie between the fifth from below and the fifth from above."""
    values = np.random.default_rng(0).permutation(np.arange(1.0, 100))
    low, high, p = interval(np.stack([values, values - 5, values - 4]), 0.9)
    assert (low[0], high[0]) == (5, 95)
    assert p.tolist() == pytest.approx([2 / 100, 12 / 100, 10 / 100])
    assert (low > 0).tolist() == [True, False, True]


@given(scores_of, st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_properties(scores: np.ndarray, seed: int):
    a, b = scores
    one, other = (paired_bootstrap(*pair, resamples=199, seed=seed) for pair in ((a, b), (b, a)))
    assert (one.value, one.low, one.high, one.effect) == (
        -other.value,
        -other.high,
        -other.low,
        -other.effect,
    )
    assert (one.p, one.better, one.worse) == (other.p, other.worse, other.better)
    assert one == paired_bootstrap(a, b, resamples=199, seed=seed), "same seed, same answer"
    assert one.low <= one.high
    assert 2 / 2 ** len(a) <= one.p <= 1
    assert not one.distinguishable or (one.p <= 0.05 and one.sequences >= 6)
    assert one.value == pytest.approx(a.mean() - b.mean(), abs=1e-12)
    shifted = paired_bootstrap(a + 0.25, b + 0.25, resamples=199, seed=seed)
    assert (shifted.low, shifted.high) == pytest.approx((one.low, one.high), abs=1e-12)


def test_every_pair_is_that_of_the_two_alone():
    generator = np.random.default_rng(1)
    scores = {name: generator.random(40) for name in "xyz"}
    answer = compare_all(scores)
    assert list(answer) == [("x", "y"), ("x", "z"), ("y", "z")]
    assert answer["y", "z"] == paired_bootstrap(scores["y"], scores["z"])
    assert answer["x", "y"].value + answer["y", "z"].value == pytest.approx(answer["x", "z"].value)


def test_holm_by_hand():
    assert holm_corrected([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_corrected([0.5, 0.9]) == [1, 1]


def test_one_seed_is_the_plain_comparison():
    a, b = np.random.default_rng(3).random((2, 25))
    assert paired_bootstrap(a[None], b[None]) == paired_bootstrap(a, b)


def test_seeds_widen_the_interval():
    """Trainings that differ by +-0.05 on every sequence; sequences alone would say that nothing is uncertain."""
    level = np.linspace(0.4, 0.8, 50)
    a = level + 0.01 + np.array([[-0.05], [0.05]])
    b = level + np.array([[-0.05], [0.0], [0.05]])
    difference = paired_bootstrap(a, b)
    assert difference.value == pytest.approx(0.01)
    assert difference.seeds == (2, 3)
    # 3.7 % of the draws take a's lower seed twice (1/4) and of b the upper one thrice or beside the middle (4/27)
    assert difference.low == pytest.approx(0.01 - 0.05 * 2**0.5 - 0.05 * 1.5**0.5 * 2 / 3)
    assert not difference.distinguishable
    assert paired_bootstrap(a.mean(0), b.mean(0)).distinguishable


def test_coverage_and_uniform_p_under_the_null():
    generator = np.random.default_rng(4)
    answers = []
    for _ in range(500):
        a = generator.normal(0.6, 0.2, 60)
        answers.append(paired_bootstrap(a + generator.normal(0, 0.05, 60), a, resamples=999))
    covered = np.mean([answer.low <= 0 <= answer.high for answer in answers])
    assert covered == pytest.approx(0.95, abs=0.025)  # 2.5 standard errors
    assert kstest([answer.p for answer in answers], "uniform").pvalue > 0.01


def test_coverage_with_seeds():
    """The interval covers the choice of sequences and of seeds; one that averages the seeds away does not."""
    generator = np.random.default_rng(5)
    covered: dict[str, list[bool]] = {"both": [], "sequences alone": []}
    for _ in range(300):
        a, b = generator.normal(0, 0.03, (2, 1, 40)) + generator.normal(0, 0.02, (2, 5, 1))
        for kind, pair in {"both": (a, b), "sequences alone": (a.mean(0), b.mean(0))}.items():
            answer = paired_bootstrap(*pair, resamples=399)
            covered[kind].append(answer.low <= 0 <= answer.high)
    assert np.mean(covered["both"]) == pytest.approx(0.93, abs=0.04)
    assert np.mean(covered["sequences alone"]) < 0.8


def test_a_statistic_that_is_a_mean_gives_the_paired_bootstrap():
    a, b = np.random.default_rng(6).random((2, 30))
    estimate = bootstrap_statistic(lambda drawn: a[drawn].mean() - b[drawn].mean(), 30, resamples=500, seed=3)
    difference = paired_bootstrap(a, b, resamples=500, seed=3)
    found = (estimate.value, estimate.low, estimate.high, estimate.p)
    assert found == pytest.approx((difference.value, difference.low, difference.high, difference.p))
    assert (estimate.sequences, estimate.resamples) == (30, 500)


def test_a_statistic_that_is_no_mean():
    """Failures per frame over all sequences, a ratio of sums: sequences of 10 frames fail once, those of 90 never."""
    frames, failures = np.array([10, 90] * 10), np.array([1, 0] * 10)
    estimate = bootstrap_statistic(
        lambda drawn: failures[drawn].sum() / frames[drawn].sum(), 20, resamples=999
    )
    assert estimate.value == 0.01
    assert estimate.low < 0.01 < estimate.high
    assert estimate.p < 0.05


def difference(**changes: Any) -> Difference:
    facts: dict[str, Any] = {"value": 0.012, "low": 0.004, "high": 0.02, "p": 0.003, "effect": 0.4}
    facts |= {"better": 0.7, "worse": 0.3, "sequences": 100, "resamples": 10_000, "confidence": 0.95}
    return Difference(**(facts | changes))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {},
            "A improves on B by 0.012 AUC (95 % interval 0.004 to 0.020, p = 0.003, 100 sequences).",
        ),
        (
            {"value": -0.012, "low": -0.02, "high": -0.004, "p": 0.0002, "confidence": 0.9},
            "A falls behind B by 0.012 AUC (90 % interval 0.004 to 0.020, p < 0.001, 100 sequences).",
        ),
        (
            {"low": -0.002, "p": 0.2},
            "A is not distinguishable from B: difference 0.012 AUC (95 % interval -0.002 to 0.020, p = 0.200, "
            "100 sequences).",
        ),
        (
            {"p_holm": 0.09, "seeds": (3, 1)},
            "A is not distinguishable from B: difference 0.012 AUC (95 % interval 0.004 to 0.020, p = 0.003, "
            "corrected p = 0.090, 100 sequences, 3 and 1 training seeds).",
        ),
        (
            {"sequences": 5, "p": 0.0625},
            "A minus B is 0.012 AUC (95 % interval 0.004 to 0.020, p = 0.062, 5 sequences, too few for a verdict).",
        ),
        (
            {"sequences": 6, "p": 0.0625},
            "A is not distinguishable from B: difference 0.012 AUC (95 % interval 0.004 to 0.020, p = 0.062, "
            "6 sequences).",
        ),
        (
            {"low": 0.00004},
            "A improves on B by 0.01200 AUC (95 % interval 0.00004 to 0.02000, p = 0.003, 100 sequences).",
        ),
    ],
)
def test_sentences(changes: dict[str, Any], text: str):
    assert sentence(difference(**changes), "A", "B") == text


def test_a_sentence_about_a_statistic():
    estimate = bootstrap_statistic(lambda drawn: 0.02, 60, resamples=99)
    assert sentence(estimate, "A", "B", metric="EAO").startswith("A improves on B by 0.020 EAO (95 %")


FINE = np.array([0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_bootstrap(FINE, FINE[:2]), "scores of b are of 2 sequences, those of a of 3"),
        (
            lambda: paired_bootstrap(FINE[:1], FINE[:1]),
            "scores of a are of 1 sequence; a comparison needs at least 2",
        ),
        (
            lambda: paired_bootstrap(FINE, np.array([0.1, np.nan, 0])),
            "scores of b: sequence 1 is nan; every score must be finite",
        ),
        (
            lambda: compare_all({"SiamCAR": FINE, "ECO": np.zeros((2, 3, 1))}),
            r"scores of ECO must have shape \(S,\) or \(R, S\), got \(2, 3, 1\)",
        ),
        (lambda: paired_bootstrap(FINE[:0], FINE[:0]), r"scores of a must have shape .* got \(0,\)"),
        (lambda: compare_all({"SiamCAR": FINE}), r"needs at least two trackers, got \['SiamCAR'\]"),
        (lambda: paired_bootstrap(FINE, FINE, resamples=38), "0.95 needs at least 39 resamples, got 38"),
        (lambda: paired_bootstrap(FINE, FINE, resamples=0), "1 resample, got 3 sequences and 0 resamples"),
        (lambda: paired_bootstrap(FINE, FINE, confidence=95), "between 0 and 1, got 95"),
        (lambda: bootstrap_statistic(lambda drawn: 0.0, 1), "at least 2 sequences"),
        (lambda: bootstrap_statistic(lambda drawn: np.nan, 5), "statistic of the benchmark is not finite"),
        (
            lambda: bootstrap_statistic(lambda drawn: np.inf if len(set(drawn)) < 5 else 0, 5, resamples=99),
            r"statistic of resample \d+ is not finite",
        ),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str):
    with pytest.raises(InputError, match=message):
        call()


def test_39_resamples_are_enough_for_95_percent():
    assert paired_bootstrap(np.arange(1.0, 31), np.zeros(30), resamples=39).p == 0.05
    assert draw_sequences(3, resamples=4, seed=0).tolist() == draw_sequences(3, resamples=4, seed=0).tolist()


def test_public_trackers_on_otb100(shared_data: Path, tmp_path: Path):
    """The mean of the paired differences is the difference of the toolkits' benchmark scores."""
    golden = json.loads((shared_data / "golden_eval.json").read_text())["OTB100"]
    packed = (shared_data / "benchmarks" / "gt" / "otb100_gt.json.gz").read_bytes()
    truth = {name: np.array(boxes, float) for name, boxes in json.loads(gzip.decompress(packed)).items()}
    with tarfile.open(shared_data / "benchmarks" / "results" / "OTB100_results.tar.xz") as tar:
        tar.extractall(tmp_path, [m for m in tar if m.name.startswith("OTB100/ATOM/")], filter="data")
    files = find_results(tmp_path / "OTB100" / "ATOM", truth)
    boxes = {name: read_result_boxes(path, len(truth[name]), first_pixel=0) for name, path in files.items()}
    of_sequences = golden["DaSiamRPN"]["per_sequence_pysot_auc_prec20"]
    dasiam = np.array([of_sequences[name][0] for name in truth])
    answer = paired_bootstrap(evaluate(boxes, truth).sequence_auc, dasiam)
    expected = golden["ATOM"]["pysot"]["auc"] - golden["DaSiamRPN"]["pysot"]["auc"]
    assert answer.value == pytest.approx(expected, abs=1e-6)
    assert answer.p == pytest.approx(0.5, abs=0.05)
    assert not answer.distinguishable
