"""Results of several runs from perturbed first boxes: how their files are found, and how they are averaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.protocol_effects import compare_protocols
from dlatrack.evaluation.results.trackers import TrackerFiles, find_trackers
from dlatrack.evaluation.scoring import part_of, score_tracker
from dlatrack.evaluation.significance import as_numbers, as_sentences, differences
from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth

BOXES = np.array([[10.0, 20, 40, 20]] * 4)
NAMES = ("a", "b", "c")
TRUTH = dict.fromkeys(NAMES, BOXES)
BENCHMARK = BenchmarkTruth("OTB100", {name: SequenceTruth(name, BOXES) for name in NAMES})


def shifted(*shifts: float) -> list[np.ndarray]:
    return [BOXES + np.array([shift, 0, 0, 0]) for shift in shifts]


def put(folder: Path, *files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file).write_text("1,2,3,4\n")


def runs_of(tracker: TrackerFiles) -> dict[str, list[str]]:
    return {name: [path.name for path in files.values()] for name, files in tracker.runs.items()}


def test_curves_are_means_over_runs_by_hand() -> None:
    """Without a shift 20 of 21 thresholds are passed, with one of 20 px (IoU 1/3) 7 of them."""
    result = evaluate({"a": shifted(0, 20), "b": shifted(0, 0), "c": shifted(20, 20)}, TRUTH)
    assert result.sequence_auc == pytest.approx(np.array([13.5, 20, 7]) / 21)
    assert result.auc == pytest.approx(13.5 / 21)
    assert result.run_auc == pytest.approx(np.array([[20, 20, 7], [7, 20, 7]]) / 21)
    means = np.array([47, 34]) / 63
    assert result.auc_std == pytest.approx(abs(means[0] - means[1]) / 2**0.5)
    assert result.precision_score == pytest.approx(1)
    assert len(result.runs) == 2
    assert result.first_xywh is not None
    assert result.first_xywh.shape == (2, 3, 4)
    part = result.subset(["c", "a"])
    assert part.run_auc == pytest.approx(np.array([[7, 20], [7, 7]]) / 21)
    assert part.first_xywh is not None
    assert part.first_xywh[:, :, 0].tolist() == [[30, 10], [30, 30]]


@pytest.mark.parametrize("protocol", ["pysot", "got10k", "lasot_matlab"])
def test_the_mean_of_runs_is_the_mean_of_their_results(protocol: str) -> None:
    rng = np.random.default_rng(0)
    runs = {name: [BOXES + rng.normal(0, 5, (4, 4)) for _ in range(3)] for name in NAMES}
    result = evaluate(runs, TRUTH, protocol=protocol)
    single = [
        evaluate({name: found[k] for name, found in runs.items()}, TRUTH, protocol=protocol) for k in range(3)
    ]
    for curve in ("success", "precision", "normalised_precision"):
        assert getattr(result, curve) == pytest.approx(np.mean([getattr(each, curve) for each in single], 0))
    assert result.auc_std == pytest.approx(np.std([each.auc for each in single], ddof=1))
    compared = compare_protocols(runs, TRUTH, base=protocol)
    assert compared[0].result is not None
    assert compared[0].result.auc == result.auc


def test_one_run_scores_bit_for_bit_as_a_plain_one() -> None:
    rows = {name: BOXES + np.random.default_rng(1).normal(0, 5, (4, 4)) for name in NAMES}
    plain, one = evaluate(rows, TRUTH), evaluate({name: [boxes] for name, boxes in rows.items()}, TRUTH)
    for curve in ("success", "precision", "normalised_precision"):
        assert getattr(plain, curve).tobytes() == getattr(one, curve).tobytes()
    assert (plain.runs, plain.first_xywh) == ((), None)
    assert len(one.runs) == 1
    assert np.isnan(one.auc_std)
    found = score_tracker("t", {name: [boxes] for name, boxes in rows.items()}, BENCHMARK).as_dict()
    assert (found["runs"], found["auc_std"]) == (1, None)
    assert "runs" not in score_tracker("t", rows, BENCHMARK).as_dict()


def test_another_number_of_runs_is_refused() -> None:
    with pytest.raises(
        InputError, match="sequence b has 1 runs, but a has 2; every sequence needs the same number"
    ):
        evaluate({"a": shifted(0, 1), "b": BOXES, "c": shifted(0, 1)}, TRUTH)
    with pytest.raises(InputError, match=r"run 2: .*sequence b"):
        evaluate({"a": shifted(0, 1), "b": [BOXES, BOXES[:2]], "c": shifted(0, 1)}, TRUTH)


def test_files_of_runs_are_found(tmp_path: Path) -> None:
    put(tmp_path / "T", *(f"{name}_00{number}.txt" for name in NAMES for number in (2, 1)), "a_001_time.txt")
    put(tmp_path / "P", *(f"{name}.txt" for name in NAMES))
    plain, perturbed = find_trackers(tmp_path, NAMES)
    assert runs_of(perturbed) == {name: [f"{name}_001.txt", f"{name}_002.txt"] for name in NAMES}
    assert [path.name for path in perturbed.files.values()] == ["a_001.txt", "b_001.txt", "c_001.txt"]
    assert [rows.tolist() for rows in perturbed.read(["b"])["b"]] == [[[1, 2, 3, 4]]] * 2
    assert (plain.runs, plain.read(["a"])["a"].tolist()) == ({}, [[1, 2, 3, 4]])
    assert find_trackers(tmp_path / "T", NAMES)[0].runs == perturbed.runs


def test_missing_runs_are_named(tmp_path: Path) -> None:
    put(tmp_path / "T", "a_001.txt", "a_002.txt", "b_001.txt", "c_001.txt", "c_003.txt")
    (tracker,) = find_trackers(tmp_path, NAMES)
    with pytest.raises(
        InputError, match="T: sequence b has run 001, but a has runs 001, 002; every sequence needs"
    ):
        tracker.read(["a", "b"])
    with pytest.raises(InputError, match="T: sequence c has runs 001, 003, but a has runs 001, 002"):
        tracker.read(["a", "c"])
    with pytest.raises(InputError, match="has no result file for d"):
        tracker.read(["a", "d"])


def test_a_sequence_called_like_a_run_has_a_result_of_its_own(tmp_path: Path) -> None:
    """Without a record, the reading that gives more files a meaning counts, and else the plain one."""
    put(tmp_path / "plain", "x.txt", "x_001.txt")
    put(tmp_path / "runs", "x_001.txt", "x_002.txt", "x_001_001.txt", "x_001_002.txt")
    put(tmp_path / "part", "x_001.txt")
    found = {tracker.name: tracker for tracker in find_trackers(tmp_path, ["x", "x_001"])}
    assert {name: {*tracker.files} for name, tracker in found.items()} == {
        "plain": {"x", "x_001"},
        "runs": {"x", "x_001"},
        "part": {"x_001"},
    }
    assert runs_of(found["runs"])["x_001"] == ["x_001_001.txt", "x_001_002.txt"]
    assert found["plain"].runs == found["part"].runs == {}
    record = {
        "benchmark": "folder",
        "tracker": "part",
        "protocol": "one-pass",
        "perturbation": {"kind": "half-pixel", "runs": 1},
    }
    (tmp_path / "part" / "run.json").write_text(json.dumps(record))
    (part,) = find_trackers(tmp_path / "part", ["x", "x_001"])
    assert runs_of(part) == {"x": ["x_001.txt"]}
    with pytest.raises(InputError, match="has no result file for any sequence"):
        find_trackers(tmp_path / "part", ["x_001"])
    del record["perturbation"]
    (tmp_path / "plain" / "run.json").write_text(json.dumps(record))
    (plain,) = find_trackers(tmp_path / "plain", ["x"])
    assert (plain.runs, {*plain.files}) == ({}, {"x"}), "x_001 is a sequence that this truth lacks"


def record_runs(folder: Path, perturbation: object) -> None:
    record = {"benchmark": "folder", "tracker": folder.name, "protocol": "one-pass"}
    (folder / "run.json").write_text(json.dumps({**record, "perturbation": perturbation}))


def test_recorded_runs_may_not_be_missing(tmp_path: Path) -> None:
    put(tmp_path / "T", *(f"{name}_00{number}.txt" for name in NAMES for number in (1, 2)))
    find_trackers(tmp_path, NAMES)[0].read(NAMES)  # without a record, two runs are all there is
    record_runs(tmp_path / "T", {"kind": "half-pixel", "runs": 4, "seed": 0})
    (tracker,) = find_trackers(tmp_path, NAMES)
    ending = "but run.json records runs 001 to 004; run the benchmark to its end"
    with pytest.raises(InputError, match=f"T: sequence b lacks runs 003, 004, {ending}"):
        tracker.read(["b", "c"])
    put(tmp_path / "T", *(f"{name}_00{number}.txt" for name in NAMES for number in (3, 4)))
    (tmp_path / "T" / "c_002.txt").unlink()
    (tracker,) = find_trackers(tmp_path, NAMES)
    with pytest.raises(InputError, match=f"T: sequence c lacks run 002, {ending}"):
        tracker.read(NAMES)
    assert len(tracker.read(["a", "b"])["b"]) == 4


@pytest.mark.parametrize("perturbation", [None, {"kind": "sre"}, {"runs": 0}, {"runs": True}, {"runs": 1000}])
def test_a_record_without_a_number_of_runs_is_refused(tmp_path: Path, perturbation: object) -> None:
    put(tmp_path, "a_001.txt")
    record_runs(tmp_path, perturbation)
    with pytest.raises(
        InputError, match=r"run\.json: the runs of the perturbation must be a whole number from 1"
    ):
        find_trackers(tmp_path, NAMES)


def test_recorded_runs_of_some_sequences_are_found(tmp_path: Path) -> None:
    """`x_001.txt` is a run of `x` also for a benchmark without `x`, as the record says."""
    names = ("x", "x_001", "x_002")
    put(tmp_path, *(f"{name}_00{number}.txt" for name in names for number in (1, 2)))
    record_runs(tmp_path, {"kind": "half-pixel", "runs": 2, "seed": 0})
    for part in (names, *((name,) for name in names), ("x_001", "x_002"), ("x", "x_002")):
        (tracker,) = find_trackers(tmp_path, part)
        assert runs_of(tracker) == {name: [f"{name}_001.txt", f"{name}_002.txt"] for name in part}
    put(tmp_path, "x.txt")
    with pytest.raises(InputError, match=r"has both x\.txt and x_001\.txt for sequence x;"):
        find_trackers(tmp_path, names)


def test_first_rows_of_perturbed_runs_are_not_noted() -> None:
    """A box of 1 px that starts half a pixel off overlaps the truth by a third; a plain result is noted for that."""
    tiny = np.array([[10.0, 20, 1, 1]] * 4)
    off = tiny + np.array([0.5, 0, 0, 0])
    (note,) = evaluate({"tiny": off}, {"tiny": tiny}).notes
    assert note == "sequence tiny: the first row is 10.5,20,1,1 where the target starts at 10,20,1,1"
    assert evaluate({"tiny": [tiny, off]}, {"tiny": tiny}).notes == ()
    broken = np.concatenate([off[:2], [[0, 0, 0, 0]], off[3:]])
    notes = evaluate({"tiny": [off, broken]}, {"tiny": tiny}).notes
    assert [note.partition(", ")[0] for note in notes] == [
        "run 2: sequence tiny: 1 predicted boxes have no size"
    ]


def test_plain_results_and_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "T", "a.txt", "a_001.txt", "b.txt")
    message = (
        r"T has both a\.txt and a_001\.txt for sequence a; one plain run and runs from perturbed first boxes"
    )
    with pytest.raises(InputError, match=message):
        find_trackers(tmp_path, NAMES)
    put(tmp_path / "T", "a_002.txt", "a_003.txt", "b_001.txt")
    with pytest.raises(InputError, match=message):
        find_trackers(tmp_path, NAMES)


def test_repetitions_of_got10k_stay_one_result(tmp_path: Path) -> None:
    for name in NAMES:
        put(tmp_path / "T" / name, *(f"{name}_00{number}.txt" for number in (1, 2, 3)))
    (tracker,) = find_trackers(tmp_path, NAMES)
    assert (tracker.name, tracker.runs) == ("T", {})
    assert [path.name for path in tracker.files.values()] == ["a_001.txt", "b_001.txt", "c_001.txt"]


def test_significance_of_runs(tmp_path: Path) -> None:
    plain = score_tracker("plain", TRUTH, BENCHMARK)
    one = score_tracker("one", {name: shifted(20, 22) for name in NAMES}, BENCHMARK)
    same = [np.concatenate([run[:1], BOXES[1:]]) for run in shifted(20, 22)]
    two = score_tracker("two", dict.fromkeys(NAMES, same), BENCHMARK)
    three = score_tracker("three", {name: shifted(20, 23) for name in NAMES}, BENCHMARK)
    metric, found = differences([plain, one, two, three], BENCHMARK, {})
    kinds = {pair: (each.runs, each.paired_runs) for pair, each in found.items()}  # type: ignore[attr-defined]
    assert kinds == {
        ("plain", "one"): ((1, 2), False),
        ("plain", "two"): ((1, 2), False),
        ("plain", "three"): ((1, 2), False),
        ("one", "two"): ((2, 2), True),
        ("one", "three"): ((2, 2), False),
        ("two", "three"): ((2, 2), False),
    }
    for (a, b), each in found.items():
        scores = {entry.tracker: entry.result.auc for entry in (plain, one, two, three)}  # type: ignore[union-attr]
        assert each.value == pytest.approx(scores[a] - scores[b])
    numbers = as_numbers(metric, found)
    assert (numbers["one"][0]["runs"], numbers["plain"][0]["runs"]) == ((2, 1), (1, 2))
    assert numbers["two"][1]["paired_runs"] is True
    sentences = as_sentences(metric, found)
    assert "2 runs from the same first boxes)" in sentences[3]
    assert "2 and 2 runs)" in sentences[4]
    assert not any("fewer than 30" in line for line in sentences)
    common, _ = part_of(BENCHMARK, ("a", "c")), json.dumps(numbers, allow_nan=False)
    assert differences([one, score_tracker("p", TRUTH, common)], BENCHMARK, {})[1]["one", "p"].sequences == 2


def test_plain_trackers_are_compared_as_without_any_runs() -> None:
    rng = np.random.default_rng(2)
    plain = [
        score_tracker(name, {n: BOXES + rng.normal(0, 6, (4, 4)) for n in NAMES}, BENCHMARK) for name in "pq"
    ]
    runs = score_tracker("r", {name: shifted(3, 5) for name in NAMES}, BENCHMARK)
    _, alone = differences(plain, BENCHMARK, {})
    _, among = differences([*plain, runs], BENCHMARK, {})
    assert among["p", "q"] == alone["p", "q"]
    assert any("fewer than 30" in line for line in as_sentences("AUC", among))
