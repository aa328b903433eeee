"""The difference of two EAOs, by hand and against two whole evaluations."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth
from dlatrack.evaluation.vot.difference import eao_differences
from dlatrack.evaluation.vot.results import VOTRun
from dlatrack.evaluation.vot.scores import evaluate_vot, measure_runs

PROTOCOLS = ("pysot", "vot_toolkit")

#: Overlap of a box of 8 x 8 px with itself moved by half its width: 5 of 13 columns in pysot, 4 of 12 px.
HALF = {"pysot": 5 / 13, "vot_toolkit": 1 / 3}

TRUTH = BenchmarkTruth(
    "VOT2019",
    {
        name: SequenceTruth(
            name, np.array([[0.0, 0, 8, 8]] * 10), size=(20, 20), tags={"occlusion": np.ones(10, bool)}
        )
        for name in ("a", "b", "c")
    },
)


def runs(*texts: str) -> dict[str, list[VOTRun]]:
    """A run per sequence: `*` on target, `h` half off; other signs are codes."""
    found = {}
    for name, text in zip(TRUTH.sequences, texts, strict=True):
        codes = np.array([-1 if sign in "*h" else int(sign) for sign in text], np.int8)
        regions = np.full((len(text), 8), np.nan)
        for frame, sign in enumerate(text):
            if sign in "*h":
                regions[frame, :4] = [4 * (sign == "h"), 0, 8, 8]
        found[name] = [VOTRun(codes, regions)]
    return found


def eao_difference(one, other, truth, interval, *, protocol="pysot", **options):
    """The comparison of two trackers alone."""
    measured = {name: measure_runs(own, truth, protocol) for name, own in (("a", one), ("b", other))}
    return eao_differences(measured, truth, interval, protocol=protocol, **options)["a", "b"]


GOOD, POOR, LOST = "1*********", "1hhhhhhhhh", "1*h200001*"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_same_gain_on_every_sequence(protocol):
    """Whatever is drawn, one tracker overlaps by 1 and the other by half; swaps of one or two sequences gain less."""
    found = eao_difference(
        runs(GOOD, GOOD, GOOD), runs(POOR, POOR, POOR), TRUTH, (2, 3), protocol=protocol, resamples=99
    )
    gain = 1 - HALF[protocol]
    assert (found.value, found.low, found.high) == pytest.approx((gain, gain, gain))
    assert found.p == 2 / 2**3
    assert (found.sequences, found.resamples, found.distinguishable) == (3, 99, False)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_value_is_that_of_two_evaluations(protocol):
    one, other = runs(GOOD, LOST, POOR), runs(POOR, GOOD, LOST)
    found = eao_difference(one, other, TRUTH, (2, 5), protocol=protocol, resamples=99)
    first, second = (
        evaluate_vot(each, TRUTH, protocol=protocol, interval=(2, 5)).eao for each in (one, other)
    )
    assert found.value == pytest.approx(first - second, abs=1e-12)
    assert found.low < found.value < found.high
    swapped = eao_difference(other, one, TRUTH, (2, 5), protocol=protocol, resamples=99)
    assert (swapped.value, swapped.low, swapped.high) == pytest.approx(
        (-found.value, -found.high, -found.low)
    )


def test_a_tracker_does_not_differ_from_itself():
    found = eao_difference(runs(GOOD, LOST, POOR), runs(GOOD, LOST, POOR), TRUTH, (2, 5), resamples=99)
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_one_seed_gives_one_answer():
    pair = (runs(GOOD, POOR, POOR), runs(POOR, POOR, POOR), TRUTH, (2, 5))
    first, again, other = (eao_difference(*pair, resamples=999, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert (first.low, first.p) != (other.low, 1)
    assert first.low != other.low
    assert first.p == other.p == 1, (
        "swaps are not drawn: the two that differ on a alone, and the two of nothing"
    )


def test_bad_input_is_named():
    with pytest.raises(InputError, match="sequence c has no result"):
        eao_difference({**runs(GOOD, GOOD, GOOD), "c": []}, runs(GOOD, GOOD, GOOD), TRUTH, (2, 3))
    with pytest.raises(InputError, match="not finite"):
        eao_difference(runs(GOOD, GOOD, GOOD), runs(POOR, POOR, POOR), TRUTH, (20, 30), resamples=99)
