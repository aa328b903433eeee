"""Fragments of a run, their weights and expected overlap; and five real sequences, number by number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth
from dlatrack.evaluation.vot.fragments import (
    Fragment,
    expected_overlap,
    pysot_fragments,
    tag_weights,
    toolkit_fragments,
)
from dlatrack.evaluation.vot.overlaps import RunOverlaps, run_overlaps
from dlatrack.evaluation.vot.results import FAILED, VOTRun
from dlatrack.evaluation.vot.scores import evaluate_vot


def cut(text: str, *, toolkit: bool = False) -> list[tuple[int, int, str, bool]]:
    """Fragments of a run told as codes and `*`, an overlap of 1; NaN comes back as `?`."""
    codes = np.array([-1 if sign == "*" else int(sign) for sign in text], np.int8)
    fragments = (toolkit_fragments if toolkit else pysot_fragments)(codes, np.where(codes == -1, 1.0, np.nan))
    told = ["".join("?" if np.isnan(v) else str(int(v)) for v in f.overlaps) for f in fragments]
    return [(f.start, f.stop, values, f.failed) for f, values in zip(fragments, told, strict=True)]


def test_cuts_by_hand() -> None:
    """pysot's pieces include failure, pause and next start; the VOT toolkit's end before the failure."""
    assert cut("1**200001***") == [(0, 9, "011000000", True), (8, 12, "0111", False)]
    assert cut("1**200001***", toolkit=True) == [(0, 3, "011", True), (8, 12, "0111", False)]
    assert cut("1****") == [(0, 5, "?1111", False)]
    assert cut("1****", toolkit=True) == [(0, 5, "01111", False)]


def test_failures_near_the_end() -> None:
    """Without a restart all is well for pysot; just behind the end it makes an empty piece and a frame too many."""
    assert cut("1**2000") == [(0, 7, "0110000", False)]
    assert cut("1**2000", toolkit=True) == [(0, 3, "011", True)]
    assert cut("1**20000") == [(0, 9, "01100000", True), (8, 8, "", False)]
    weights = tag_weights(
        [Fragment(0, 9, np.zeros(8), True), Fragment(8, 8, np.zeros(0), False)], np.ones(8, bool)
    )
    assert weights.tolist() == [8 / 9, 0]


def test_expected_overlap_by_hand() -> None:
    """A failed piece goes on with 0, another one ends; the first value is never used."""
    pieces = [Fragment(0, 2, np.array([9, 1.0]), True), Fragment(2, 5, np.array([np.nan, 0.5, 0.7]), False)]
    curves = expected_overlap(pieces, np.array([[1, 0], [3, 1]]), 4)
    assert np.isnan(curves[:, 0]).all()
    assert curves[0, 1:].tolist() == pytest.approx([(1 + 3 * 0.5) / 4, (1 / 2 + 3 * 0.6) / 4, 1 / 3])
    assert curves[1, 1:3].tolist() == pytest.approx([0.5, 0.6])
    assert np.isnan(curves[1, 3])


@settings(max_examples=50, deadline=None)
@given(
    pieces=st.lists(
        st.tuples(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.booleans()), min_size=1, max_size=5
    ),
    weights=st.lists(st.floats(0.1, 2), min_size=5, max_size=5),
)
def test_expected_overlap_is_a_weighted_mean(
    pieces: list[tuple[list[float], bool]], weights: list[float]
) -> None:
    fragments = [Fragment(0, len(values), np.array(values), failed) for values, failed in pieces]
    given_weights = np.array(weights[: len(pieces)])
    curve = expected_overlap(fragments, given_weights[:, None], 10)[0]
    for frames in range(1, 10):
        means, reached = [], []
        for (values, failed), weight in zip(pieces, weights, strict=False):
            if failed or frames < len(values):
                means.append(sum(values[1 : frames + 1]) / frames)
                reached.append(weight)
        expected = np.average(means, weights=reached) if reached else np.nan
        assert curve[frames] == pytest.approx(expected, nan_ok=True)


LOW_HIGH = (20, 60)


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> dict[str, Any]:
    """Five short sequences of VOT2019 and what two toolkits say of one tracker."""
    content: dict[str, Any] = json.loads((shared_data / "vot_micro_golden.json").read_text())
    return content


@pytest.fixture(scope="module")
def truth(golden: dict[str, Any]) -> BenchmarkTruth:
    return BenchmarkTruth(
        "VOT2019",
        {
            name: SequenceTruth(name, np.array(entry["gt"], float), size=(entry["width"], entry["height"]))
            for name, entry in golden["sequences"].items()
        },
    )


@pytest.fixture(scope="module")
def runs(golden: dict[str, Any]) -> dict[str, list[VOTRun]]:
    result = {}
    for name, entry in golden["sequences"].items():
        rows = entry["result"]
        codes = np.array([row[0] if len(row) == 1 else -1 for row in rows], np.int8)
        regions = np.array([[*([] if len(row) == 1 else row), *[np.nan] * 8][:8] for row in rows])
        result[name] = [VOTRun(codes, regions)]
    return result


def numbers(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], float)


def test_overlaps_of_five_sequences(
    golden: dict[str, Any], truth: BenchmarkTruth, runs: dict[str, list[VOTRun]]
) -> None:
    assert sum(len(entry["gt"]) for entry in golden["sequences"].values()) == 486
    for name, entry in golden["sequences"].items():
        sequence, (run,) = truth.sequences[name], runs[name]
        pysot, burnt = (run_overlaps(sequence, run, "pysot", frames) for frames in (0, 10))
        toolkit = run_overlaps(sequence, run, "vot_toolkit", 10)
        assert np.flatnonzero(run.codes == FAILED).tolist() == entry["failures"]
        for found, column in (
            (pysot.accurate, "overlap_bound_wh"),
            (pysot.expected, "overlap_bound_wh_minus1"),
            (burnt.accurate, "overlap_burnin10_bound_wh"),
            (toolkit.expected, "overlap_vot_toolkit"),
        ):
            assert found == pytest.approx(numbers(entry[column]), abs=1e-6, nan_ok=True), (name, column)


def test_pysot_scores_of_five_sequences(
    golden: dict[str, Any], truth: BenchmarkTruth, runs: dict[str, list[VOTRun]]
) -> None:
    """pysot lays out a row for each failure and sequence; two failures near an end leave theirs empty (NaN)."""
    expected = golden["expected"]["pysot"]
    assert (expected["eao_low"], expected["eao_high"]) == LOW_HIGH
    result = evaluate_vot(runs, truth, interval=LOW_HIGH)
    assert result.accuracy == pytest.approx(expected["accuracy_pooled"], abs=1e-6)
    by_name = dict(zip(result.names, result.sequence_accuracy.tolist(), strict=True))
    assert by_name == pytest.approx(
        dict(zip(by_name, numbers([*expected["accuracy_per_sequence"].values()]), strict=True)),
        abs=1e-6,
        nan_ok=True,
    )
    assert np.isnan(by_name["ball3"])  # burn-in leaves no valid frame
    assert (result.lost, result.frames) == (expected["lost"], expected["frames"])
    assert result.robustness == pytest.approx(expected["robustness"], abs=1e-6)
    assert len(result.curve) == expected["max_len"]
    assert result.curve == pytest.approx(numbers(expected["expected_overlap_curve"]), abs=1e-6)
    assert result.eao == pytest.approx(expected["eao"], abs=1e-6)
    weights: list[float] = []
    for name, sequence in truth.sequences.items():
        run: RunOverlaps = run_overlaps(sequence, runs[name][0], "pysot", 10)
        weights += tag_weights(
            pysot_fragments(run.codes, run.expected), np.ones(len(run.codes), bool)
        ).tolist()
    assert int(result.lost) + len(result.names) == expected["fragments"]
    assert [*weights, *[np.nan] * (expected["fragments"] - len(weights))] == pytest.approx(
        numbers(expected["fragment_weights"]), nan_ok=True
    )


def test_vot_toolkit_scores_of_five_sequences(
    golden: dict[str, Any], truth: BenchmarkTruth, runs: dict[str, list[VOTRun]]
) -> None:
    expected = golden["expected"]["vot_toolkit_0_9"]
    assert (expected["eao_low"], expected["eao_high"]) == LOW_HIGH
    result = evaluate_vot(runs, truth, protocol="vot_toolkit", interval=LOW_HIGH)
    assert result.accuracy == pytest.approx(expected["accuracy"], abs=1e-6)
    assert result.robustness == pytest.approx(expected["weighted_failures"], abs=1e-6)
    assert result.ar_point() == pytest.approx(expected["ar"], abs=1e-6)
    assert result.lengths.mean() == pytest.approx(expected["mean_length"])
    assert result.curve == pytest.approx(numbers(expected["eao_curve"]), abs=1e-6)
    assert result.eao == pytest.approx(expected["eao"], abs=1e-6)
    for entry in expected["per_sequence"]:
        alone = BenchmarkTruth("VOT2019", {entry["name"]: truth.sequences[entry["name"]]})
        part = evaluate_vot(runs, alone, protocol="vot_toolkit")
        assert part.accuracy == pytest.approx(entry["accuracy"], abs=1e-6)
        assert part.lost == entry["failures"]
        assert part.ar_point() == pytest.approx(entry["ar"], abs=1e-6)
