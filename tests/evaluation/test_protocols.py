"""Protocols answer as the toolkits they are named after, on invented cases and on published trackers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.protocols import PROTOCOLS, rules
from dlatrack.evaluation.results.archives import opened
from dlatrack.evaluation.results.trackers import find_trackers
from dlatrack.evaluation.truth_source import read_truth

BOXES = np.array([[10.0, 20, 40, 20]] * 4)

#: Columns of the golden file: protocol, and the benchmark whose exceptions hold.
COLUMNS = {
    "pysot": ("pysot", ""),
    "pysot_toolkit": ("pysot_toolkit", ""),
    "got10k_otb": ("got10k", "OTB100"),
    "got10k_uav123": ("got10k", "UAV123"),
    "got10k_lasot": ("got10k", "LaSOT"),
    "pytracking_otb": ("pytracking", "OTB100"),
    "pytracking_uav": ("pytracking", "UAV123"),
    "pytracking_lasot": ("pytracking", "LaSOT"),
    "otb_matlab": ("otb_matlab", ""),
    "lasot_matlab": ("lasot_matlab", "LaSOT"),
}


def scored(truth, predicted, protocol, benchmark="", present=None):
    shown = None if present is None else {"a": np.asarray(present, bool)}
    return evaluate(
        {"a": np.array(predicted, float)}, {"a": truth}, shown, protocol=protocol, benchmark=benchmark
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_truth_against_itself_scores_20_of_21_everywhere(protocol):
    result = scored(BOXES, BOXES, protocol)
    assert result.auc == pytest.approx(20 / 21)
    assert result.precision_score == 1
    assert np.isnan(result.normalised_precision_score) or result.normalised_precision_score == 1
    assert result.notes == ()


def test_the_first_row_is_the_trackers_in_pysot_and_the_truth_elsewhere():
    predicted = BOXES.copy()
    predicted[0] = [197, 213, 231, 294]
    for protocol in PROTOCOLS:
        result = scored(BOXES, predicted, protocol)
        assert result.success_rate == (0.75 if protocol.startswith("pysot") else 1), protocol
        assert result.notes == (
            "sequence a: the first row is 197,213,231,294 where the target starts at 10,20,40,20",
        )


def test_a_frame_without_truth_by_hand():
    truth = BOXES.copy()
    truth[3] = np.nan
    expected = {  # share of successes at IoU 0.5 and precision at 20 px
        ("pysot", "UAV123"): (0.75, 1),
        ("pysot_toolkit", "UAV123"): (0.75, 1),
        ("got10k", "OTB100"): (0.75, 0.75),
        ("got10k", "UAV123"): (1, 1),
        ("pytracking", "UAV123"): (0.75, 1),
        ("otb_matlab", "UAV123"): (0.75, 1),
    }
    for (protocol, benchmark), scores in expected.items():
        result = scored(truth, BOXES, protocol, benchmark)
        assert (result.success_rate, result.precision_score) == scores, (protocol, benchmark)
    with pytest.raises(
        InputError, match="sequence a: the true box of row 4 is NaN, which pytracking refuses"
    ):
        scored(truth, BOXES, "pytracking", "OTB100")


def test_boxes_without_size_are_kept_or_repeated():
    predicted = BOXES.copy()
    predicted[2:, 2] = 0
    for protocol in PROTOCOLS:
        result = scored(BOXES, predicted, protocol)
        kept = protocol in ("pysot", "pysot_toolkit", "got10k")
        assert result.success_rate == (0.5 if kept else 1), protocol
        (note,) = result.notes
        assert note.startswith("sequence a: 2 predicted boxes have no size, the first in row 3")
        assert note.endswith("repeated") == (not kept)


def test_repetition_skips_frames_without_truth():
    """Row 3 has no truth and keeps its empty box, and row 4 repeats that."""
    truth, predicted = BOXES.copy(), BOXES.copy()
    truth[2] = np.nan
    predicted[2:, 2] = 0
    assert scored(truth, predicted, "otb_matlab").success_rate == 0.5


def test_negative_sides_stop_pytracking_alone():
    predicted = BOXES.copy()
    predicted[1, 3] = -4
    for protocol in PROTOCOLS:
        if protocol == "pytracking":
            with pytest.raises(
                InputError, match=r"a row 2: 10,20,40,-4 has a negative side or NaN, which pytracking"
            ):
                scored(BOXES, predicted, protocol)
        else:
            assert scored(BOXES, predicted, protocol).success_rate in (0.75, 1)


@pytest.mark.parametrize(
    ("protocol", "benchmark", "rows", "outcome"),
    [
        ("pysot", "", 3, "result has 3 rows, the truth has 4; pysot refuses that"),
        ("pysot", "", 5, "result has 5 rows, the truth has 4; pysot refuses that"),
        ("otb_matlab", "", 5, "result has 5 rows, the truth has 4; otb_matlab refuses that"),
        ("lasot_matlab", "LaSOT", 3, "result has 3 rows, the truth has 4; lasot_matlab refuses that"),
        ("pytracking", "LaSOT", 3, "result has 3 rows, the truth has 4; pytracking refuses that"),
        ("got10k", "", 3, 1.0),
        ("got10k", "", 5, 1.0),
        ("pytracking", "", 3, 1.0),  # the zero row is added and then repeats the one before
        ("pytracking", "", 5, 1.0),
        ("lasot_matlab", "LaSOT", 5, 1.0),
    ],
)
def test_a_wrong_number_of_rows(protocol, benchmark, rows, outcome):
    predicted = np.repeat(BOXES[:1], rows, 0)
    if isinstance(outcome, str):
        with pytest.raises(InputError, match=f"sequence a: {outcome}"):
            scored(BOXES, predicted, protocol, benchmark)
    else:
        result = scored(BOXES, predicted, protocol, benchmark)
        assert result.success_rate == outcome
        assert result.notes[0].startswith(f"sequence a: result has {rows} rows, the truth has 4; ")


def test_absent_frames_fail_where_the_toolkit_looks_at_them():
    present = [True, True, True, False]
    for protocol in PROTOCOLS:
        result = scored(BOXES, BOXES, protocol, "LaSOT", present)
        looks = protocol not in ("got10k", "otb_matlab")
        assert result.success_rate == (0.75 if looks else 1), protocol
        assert result.precision_score == (0.75 if looks else 1), protocol


def test_rules_say_where_protocols_differ():
    assert rules("pysot").differences(rules("pysot_toolkit")) == {"overlap_needs": ("size", "positive")}
    assert "first_row" in rules("pysot").differences(rules("got10k"))
    assert rules("pysot").differences(rules("pysot")) == {}
    with pytest.raises(
        InputError, match="there is no protocol 'pysto'; choose from pysot, pysot_toolkit, got10k"
    ):
        rules("pysto")


def test_all_frames_missing_leaves_nothing_to_score():
    with pytest.raises(InputError, match="every true box is NaN; got10k leaves no frame to score"):
        scored(np.full((3, 4), np.nan), BOXES[:3], "got10k", "UAV123")


@pytest.mark.parametrize("column", COLUMNS)
def test_nine_invented_sequences_agree_with_ten_toolkits(shared_data: Path, column):
    protocol, benchmark = COLUMNS[column]
    sequences = json.loads((shared_data / "ope_golden.json").read_text())["sequences"]
    compared = 0
    for name, sequence in sequences.items():
        truth, expected = np.array(sequence["gt"], float), sequence["expected"][column]
        looks = protocol.startswith("pysot") or benchmark == "LaSOT"
        present = np.array(sequence["absent"]) == 0 if "absent" in sequence and looks else None
        if "raises" in expected:
            with pytest.raises(InputError, match=f"which {protocol} refuses"):
                scored(truth, sequence["pred"], protocol, benchmark, present)
            continue
        result = scored(truth, sequence["pred"], protocol, benchmark, present)
        answers = {
            "success": result.mean_success,
            "auc": result.auc,
            "prec20": result.precision_score,
            "precision": result.mean_precision,
            "nprec20": result.mean_normalised_precision[20],
            "nprec_mean": result.mean_normalised_precision.mean(),
        }
        for key, value in expected.items():
            assert answers[key] == pytest.approx(value, abs=1e-6), (name, key)
            compared += 1
    assert compared >= 9 * 3 - 9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("benchmark", "file", "archive"),
    [
        ("OTB100", "otb100", "OTB100_results"),
        ("UAV123", "uav123", "UAV123_results"),
        ("LaSOT", "lasot_test", "LaSOT_ATOM_results"),
        ("LaSOT", "lasot_test", "LaSOT_SiamRPNpp_results"),
    ],
)
def test_published_trackers_agree_with_the_toolkits(shared_data: Path, benchmark, file, archive):
    """Every protocol, attribute, sequence and curve of the golden file for which results are at hand."""
    golden = json.loads((shared_data / "golden_eval.json").read_text())[benchmark]
    truth = read_truth(benchmark, shared_data / "benchmarks" / "gt" / f"{file}_gt.json.gz")
    with opened(shared_data / "benchmarks" / "results" / f"{archive}.tar.xz") as folder:
        rows = {t.name: t.read(truth.sequences) for t in find_trackers(folder, truth.sequences)}
    assert rows.keys() <= golden.keys()
    for tracker, boxes in rows.items():
        expected = golden[tracker]
        for protocol in PROTOCOLS.keys() & expected.keys():
            result = evaluate(boxes, truth.boxes, truth.present, protocol=protocol, benchmark=benchmark)
            answers = {
                "auc": result.auc,
                "prec20": result.precision_score,
                "sr50": result.success_rate,
                "nprec20": result.mean_normalised_precision[20],
                "nprec_mean": result.mean_normalised_precision.mean(),
            }
            tolerance = 1e-5 if protocol == "pytracking" else 1e-6
            for key, value in expected[protocol].items():
                assert answers[key] == pytest.approx(value, abs=tolerance), (tracker, protocol, key)
        result = evaluate(boxes, truth.boxes, truth.present, benchmark=benchmark)
        _compare_parts(result, truth, expected)


def _compare_parts(result, truth, expected):
    """Attributes, sequences and curves, all of pysot."""
    for key, entry in expected.items():
        if key.startswith("attributes_pysot"):
            for attribute, values in entry.items():
                part = result.subset(truth.with_attribute(attribute))
                second = part.precision_score if "_prec20_" in key else part.normalised_precision_score
                answer = [part.auc, second, len(part.names)]
                assert answer == pytest.approx(values, abs=1e-6), attribute
        elif key.startswith("per_sequence_pysot"):
            columns = [result.sequence_auc, result.sequence_precision, result.sequence_normalised_precision]
            for name, *answer in zip(result.names, *columns, strict=True):
                assert answer[: len(entry[name])] == pytest.approx(entry[name], abs=1e-6), name
        elif key == "success_curve_pysot":
            assert result.mean_success == pytest.approx(entry, abs=1e-6)
        elif key == "precision_curve_pysot":
            assert result.mean_precision == pytest.approx(entry, abs=1e-6)
