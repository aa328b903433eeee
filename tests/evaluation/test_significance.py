"""Differences of all pairs: by hand, from both sides, on the sequences that all trackers have."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.scoring import part_of, score_tracker
from dlatrack.evaluation.significance import as_numbers, as_sentences, differences
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth
from dlatrack.evaluation.vot.difference import eao_differences
from dlatrack.evaluation.vot.results import VOTRun
from dlatrack.evaluation.vot.scores import evaluate_vot, measure_runs

BOXES = np.array([[10.0, 20, 40, 20]] * 4)
NAMES = ("a", "b", "c")
TRUTH = BenchmarkTruth("OTB100", {name: SequenceTruth(name, BOXES) for name in NAMES})


def scored(tracker, *shifts, names=NAMES):
    rows = {name: BOXES + np.array([shift, 0, 0, 0]) for name, shift in zip(names, shifts, strict=True)}
    return score_tracker(tracker, rows, part_of(TRUTH, names))


def test_a_constant_gain_by_hand():
    """IoU 1 and 1/3 (20 of 60 px): 20 and 7 of 21 thresholds are passed, everywhere."""
    metric, found = differences([scored("x", 0, 0, 0), scored("y", 20, 20, 20)], TRUTH, {})
    gain = 13 / 21
    assert metric == "AUC"
    assert found["x", "y"].value == pytest.approx(gain)
    numbers = as_numbers(metric, found)
    (ahead,), (behind,) = numbers["x"], numbers["y"]
    assert (ahead["against"], behind["against"]) == ("y", "x")
    for key, value in (("value", gain), ("low", gain), ("high", gain)):
        assert ahead[key] == pytest.approx(value)
        assert behind[key] == pytest.approx(-value)
    assert (ahead["better"], ahead["worse"], behind["better"], behind["worse"]) == (1, 0, 0, 1)
    assert ahead["effect"] is None  # infinite, which JSON does not have
    json.dumps(numbers, allow_nan=False)
    assert ahead["p"] == 0.25, "two of the eight patterns of signs"
    assert not ahead["distinguishable"]
    first, last = as_sentences(metric, found)
    assert first.startswith(
        "x minus y is 0.619 AUC (95 % interval 0.619 to 0.619, p = 0.250, 3 sequences, too few"
    )
    assert last.startswith("With fewer than 30 sequences intervals are Student's t")


def test_every_pair_from_both_sides():
    entries = [scored("x", 0, 5, 9), scored("y", 3, 3, 3), scored("z", 8, 1, 2)]
    metric, found = differences(entries, TRUTH, {})
    numbers = as_numbers(metric, found)
    assert {a: [entry["against"] for entry in own] for a, own in numbers.items()} == {
        "x": ["y", "z"],
        "y": ["x", "z"],
        "z": ["x", "y"],
    }
    sides = {(a, entry["against"]): entry for a, own in numbers.items() for entry in own}
    for (a, b), entry in sides.items():
        other = sides[b, a]
        assert (entry["low"], entry["high"]) == (-other["high"], -other["low"])
        assert (entry["p"], entry["distinguishable"]) == (other["p"], other["distinguishable"])
        assert entry["value"] == -other["value"]
        assert entry["value"] == pytest.approx(
            entries["xyz".index(a)].result.auc - entries["xyz".index(b)].result.auc
        )


def test_only_the_sequences_that_all_have_are_compared():
    whole, part = scored("whole", 0, 20, 0), scored("part", 0, 0, names=("a", "c"))
    _, found = differences([whole, part], TRUTH, {})
    assert (found["whole", "part"].value, found["whole", "part"].sequences) == (0, 2)
    with pytest.raises(
        InputError, match="two sequences or more that all trackers have results for; there are 1"
    ):
        differences([whole, scored("one", 0, names=("a",))], TRUTH, {})
    with pytest.raises(InputError, match="significance needs AUC per sequence of two trackers or more"):
        differences([whole], TRUTH, {})


VOT = BenchmarkTruth(
    "VOT2019", {n: SequenceTruth(n, np.array([[0.0, 0, 8, 8]] * 60), size=(20, 20)) for n in NAMES}
)


def vot_runs(*shifts):
    """On target from frame 1 on, but for a shift."""
    codes = np.full(60, -1, np.int8)
    codes[0] = 1
    runs = {}
    for name, shift in zip(NAMES, shifts, strict=True):
        regions = np.full((60, 8), np.nan)
        regions[1:, :4] = [shift, 0, 8, 8]
        runs[name] = [VOTRun(codes, regions)]
    return runs


@pytest.mark.parametrize("protocol", ["pysot", "vot_toolkit"])
def test_vot_compares_eao(protocol):
    runs = {"x": vot_runs(0, 0, 4), "y": vot_runs(4, 4, 4), "z": vot_runs(0, 4, 0)}
    entries = [score_tracker(name, own, VOT, protocol) for name, own in runs.items()]
    measured = {name: measure_runs(own, VOT, protocol) for name, own in runs.items()}
    metric, found = differences(entries, VOT, measured)
    assert metric == "EAO"
    eaos = {name: evaluate_vot(own, VOT, protocol=protocol).eao for name, own in runs.items()}
    for (a, b), difference in found.items():
        assert difference.value == pytest.approx(eaos[a] - eaos[b])
    assert as_sentences(metric, found)[0].startswith("x ")
    assert " EAO (95 % interval" in as_sentences(metric, found)[0]
    assert [entry["metric"] for entry in as_numbers(metric, found)["y"]] == ["EAO", "EAO"]
    with pytest.raises(InputError, match="significance needs EAO of two trackers or more"):
        differences(entries[:1], VOT, measured)


def test_all_pairs_are_those_of_one_pair_at_a_time():
    runs = {"x": vot_runs(0, 0, 4), "y": vot_runs(4, 4, 4), "z": vot_runs(0, 4, 0)}
    measured = {name: measure_runs(own, VOT, "pysot") for name, own in runs.items()}
    found = eao_differences(measured, VOT, (46, 59), resamples=99, seed=3)
    for (a, b), difference in found.items():
        alone = {name: measured[name] for name in (a, b)}
        assert difference == eao_differences(alone, VOT, (46, 59), resamples=99, seed=3)[a, b]


@pytest.mark.parametrize(
    ("count", "method"),
    [
        (8, ("Student's t", "sign flips", None)),
        (20, ("Student's t", "Student's t", None)),
        (40, ("bootstrap", "bootstrap", 99)),
    ],
)
def test_the_numbers_name_their_method(count: int, method: tuple[str, str, int | None]) -> None:
    rng = np.random.default_rng(0)
    found = {("a", "b"): paired_bootstrap(rng.random(count), rng.random(count), resamples=99)}
    (numbers,) = as_numbers("auc", found)["a"]
    assert (numbers["interval"], numbers["test"], numbers["resamples"]) == method
