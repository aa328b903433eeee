from __future__ import annotations

import gzip
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import (
    NORMALISED_THRESHOLDS,
    OVERLAP_THRESHOLDS,
    PIXEL_THRESHOLDS,
    OPEResult,
    evaluate,
    normalised_precision_curve,
    precision_curve,
    success_curve,
)
from dlatrack.evaluation.results import find_results, read_boxes

BOXES = np.array([[10.0, 20, 40, 20]] * 4)


def shifted(dx: float) -> np.ndarray:
    return BOXES + np.array([dx, 0, 0, 0])


def test_a_perfect_result_scores_20_of_21() -> None:
    result = evaluate({"a": BOXES}, {"a": BOXES})
    assert result.auc == pytest.approx(20 / 21)
    assert result.precision_score == 1
    assert result.normalised_precision_score == 1


def test_curves_by_hand() -> None:
    """IoU 0.6 in half of the frames and 1 in the others; centre errors 10 px, a quarter of the width, and 0."""
    predicted = np.concatenate([shifted(10)[:2], BOXES[:2]])
    success = success_curve(BOXES, predicted)
    assert success[:12].tolist() == [1] * 12
    assert success[13:].tolist() == [0.5] * 7 + [0]
    assert precision_curve(BOXES, predicted).tolist() == [0.5] * 10 + [1] * 41
    assert normalised_precision_curve(BOXES, predicted).tolist() == [0.5] * 25 + [1] * 26


def test_thresholds() -> None:
    assert np.allclose(OVERLAP_THRESHOLDS, np.linspace(0, 1, 21))
    assert PIXEL_THRESHOLDS.tolist() == list(range(51))
    assert np.allclose(NORMALISED_THRESHOLDS, np.linspace(0, 0.5, 51))


def test_absent_frames_count_in_the_denominator_alone() -> None:
    present = np.array([True, True, True, False])
    assert success_curve(BOXES, BOXES, present)[0] == 0.75
    assert precision_curve(BOXES, BOXES, present)[-1] == 0.75


def test_frames_without_truth_fail_in_success_and_hit_in_precision() -> None:
    truth = BOXES.copy()
    truth[3] = np.nan
    assert success_curve(truth, BOXES)[0] == 0.75
    assert precision_curve(truth, BOXES)[0] == 1


def test_sequences_count_the_same_whatever_their_length() -> None:
    truth = {"long": np.repeat(BOXES, 10, 0), "short": BOXES}
    results = {"long": truth["long"], "short": shifted(1000), "another": BOXES}
    result = evaluate(results, truth)
    assert result.names == ("long", "short")
    assert result.sequence_auc == pytest.approx([20 / 21, 0])
    assert result.sequence_precision.tolist() == [1, 0]
    assert result.sequence_normalised_precision.tolist() == [1, 0]
    assert result.auc == pytest.approx(10 / 21)
    assert result.mean_success[0] == 0.5
    assert result.subset(["long"]).auc == pytest.approx(20 / 21)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate({}, {}), "no sequences to evaluate"),
        (lambda: evaluate({}, {"Car1": BOXES}), "sequence Car1 has no result"),
        (
            lambda: evaluate({"Car1": BOXES[:2]}, {"Car1": BOXES}),
            r"sequence Car1: result has shape \(2, 4\), the truth has \(4, 4\)",
        ),
        (
            lambda: evaluate({"Car1": BOXES}, {"Car1": BOXES[:0]}),
            r"Car1: true boxes must have shape \(T, 4\)",
        ),
        (
            lambda: evaluate({"Car1": BOXES}, {"Car1": BOXES}, {"Car1": np.ones(3, bool)}),
            "Car1: present flags must be 4 bool",
        ),
        (lambda: evaluate({"a": BOXES}, {"a": BOXES}).subset(["b"]), "no results for sequence b"),
        (lambda: evaluate({"a": BOXES}, {"a": BOXES}).subset([]), "a subset needs a sequence"),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_evaluation_needs_no_network() -> None:
    source = Path(sys.modules["dlatrack.evaluation.ope"].__file__ or "").parent
    for file in source.glob("*.py"):
        assert "dlatrack.models" not in file.read_text()


def test_nine_invented_sequences_agree_with_pysot(shared_data: Path) -> None:
    sequences = json.loads((shared_data / "ope_golden.json").read_text())["sequences"]
    assert len(sequences) == 9
    for name, sequence in sequences.items():
        truth, predicted = np.array(sequence["gt"], float), np.array(sequence["pred"], float)
        present = 1 - np.array(sequence["absent"]) == 1 if "absent" in sequence else None
        expected = sequence["expected"]["pysot"]
        normalised = normalised_precision_curve(truth, predicted, present)
        success = success_curve(truth, predicted, present)
        assert success == pytest.approx(expected["success"], abs=1e-6), name
        assert success.mean() == pytest.approx(expected["auc"], abs=1e-6), name
        assert precision_curve(truth, predicted, present) == pytest.approx(expected["precision"], abs=1e-6), (
            name
        )
        assert normalised[20] == pytest.approx(expected["nprec20"], abs=1e-6), name
        assert normalised.mean() == pytest.approx(expected["nprec_mean"], abs=1e-6), name


def benchmark_truth(
    shared_data: Path, benchmark: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray] | None]:
    """True boxes, and for LaSOT where the target is present: outside the runs of absent frames, ends included."""
    file = {"LaSOT": "lasot_test"}.get(benchmark, benchmark.lower())
    packed = (shared_data / "benchmarks" / "gt" / f"{file}_gt.json.gz").read_bytes()
    entries = json.loads(gzip.decompress(packed))
    if benchmark == "LaSOT":
        truth = {name: np.array(entry["gt"], float) for name, entry in entries.items()}
        present = {name: np.ones(len(boxes), bool) for name, boxes in truth.items()}
        for name, entry in entries.items():
            for first, last in entry["absent_runs"]:
                present[name][first : last + 1] = False
        return truth, present
    missing = [np.nan] * 4
    return {name: np.array([box or missing for box in boxes], float) for name, boxes in entries.items()}, None


def evaluated(shared_data: Path, folder: Path, benchmark: str, tracker: str, archive: str) -> OPEResult:
    truth, present = benchmark_truth(shared_data, benchmark)
    with tarfile.open(shared_data / "benchmarks" / "results" / archive) as tar:
        wanted = [m for m in tar.getmembers() if m.name.startswith(f"{benchmark}/{tracker}/")]
        tar.extractall(folder, wanted, filter="data")
    files = find_results(folder / benchmark / tracker, truth)
    results = {name: read_boxes(path, len(truth[name]), first_pixel=0) for name, path in files.items()}
    return evaluate(results, truth, present)


def test_a_published_tracker_on_otb100_agrees_with_pysot(shared_data: Path, tmp_path: Path) -> None:
    expected = json.loads((shared_data / "golden_eval.json").read_text())["OTB100"]["DaSiamRPN"]
    result = evaluated(shared_data, tmp_path, "OTB100", "DaSiamRPN", "OTB100_results.tar.xz")
    assert result.auc == pytest.approx(expected["pysot"]["auc"], abs=1e-6)
    assert result.precision_score == pytest.approx(expected["pysot"]["prec20"], abs=1e-6)
    assert result.mean_success == pytest.approx(expected["success_curve_pysot"], abs=1e-6)
    assert result.mean_precision == pytest.approx(expected["precision_curve_pysot"], abs=1e-6)
    of_sequences = np.stack([result.sequence_auc, result.sequence_precision], 1)
    assert of_sequences == pytest.approx(
        np.array([expected["per_sequence_pysot_auc_prec20"][name] for name in result.names]), abs=1e-6
    )
    facts = json.loads((shared_data / "otb100_sequences.json").read_text())["sequences"]
    for attribute, values in expected["attributes_pysot_auc_prec20_n"].items():
        part = result.subset([name for name in result.names if attribute in facts[name]["attributes"]])
        assert [part.auc, part.precision_score, len(part.names)] == pytest.approx(values, abs=1e-6), attribute


def test_a_published_tracker_on_uav123_agrees_with_pysot(shared_data: Path, tmp_path: Path) -> None:
    """UAV123 has NaN boxes."""
    expected = json.loads((shared_data / "golden_eval.json").read_text())["UAV123"]["SiamFC"]["pysot"]
    result = evaluated(shared_data, tmp_path, "UAV123", "SiamFC", "UAV123_results.tar.xz")
    assert result.auc == pytest.approx(expected["auc"], abs=1e-6)
    assert result.precision_score == pytest.approx(expected["prec20"], abs=1e-6)


@pytest.mark.slow
def test_a_published_tracker_on_lasot_agrees_with_pysot(shared_data: Path, tmp_path: Path) -> None:
    """LaSOT marks absent frames, some of them with boxes."""
    expected = json.loads((shared_data / "golden_eval.json").read_text())["LaSOT"]["ATOM"]
    result = evaluated(shared_data, tmp_path, "LaSOT", "ATOM", "LaSOT_ATOM_results.tar.xz")
    scores = [result.auc, result.precision_score, result.normalised_precision_score]
    assert scores == pytest.approx(list(expected["pysot"].values()), abs=1e-6)
    of_sequences = np.stack(
        [result.sequence_auc, result.sequence_precision, result.sequence_normalised_precision], 1
    )
    golden = expected["per_sequence_pysot_auc_prec20_nprec20"]
    assert of_sequences == pytest.approx(np.array([golden[name] for name in result.names]), abs=1e-6)
