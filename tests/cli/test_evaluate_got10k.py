"""`dlatrack evaluate GOT10K`: every form of output, results as the toolkit leaves them, and the notes."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command import call

from dlatrack.cli.benchmark import score_results
from dlatrack.datasets.mini import write_mini
from dlatrack.evaluation.truth_source import read_truth

BOXES = np.array([[10.0, 10, 20, 20]] * 5)
NAMES = ("one", "two", "three")


@pytest.fixture
def gt(tmp_path: Path) -> Path:
    """Three sequences of one's own; in the last frame of each the target cannot be seen."""
    for name in NAMES:
        home = tmp_path / "gt" / name
        home.mkdir(parents=True)
        np.savetxt(home / "groundtruth.txt", BOXES, fmt="%.4f", delimiter=",")
        (home / "cover.label").write_text("8\n8\n3\n8\n0\n")
        (home / "meta_info.ini").write_text("[META]\nresolution: (100, 80)\n")
    (tmp_path / "gt" / "list.txt").write_text("\n".join(NAMES))
    return tmp_path / "gt"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A perfect tracker, and one of two runs that are 0 and 10 px off: 1 and 1/3."""
    for tracker, shifts in (("perfect", [0]), ("off", [0, 10])):
        for name in NAMES:
            home = tmp_path / "results" / "GOT-10k" / tracker / name
            home.mkdir(parents=True)
            for run, shift in enumerate(shifts, 1):
                rows = BOXES + np.array([shift, 0, 0, 0])
                np.savetxt(home / f"{name}_{run:03d}.txt", rows, fmt="%.3f", delimiter=",")
            (home / f"{name}_time.txt").write_text("0.01000000\n" * 5)
    return tmp_path / "results"


def test_json_and_csv(monkeypatch, capsys, results, gt):
    arguments = ("GOT10k", "--results", results, "--gt", gt)
    status, out, err = call(monkeypatch, capsys, "evaluate", *arguments, "--json")
    off, perfect = json.loads(out)
    assert status == 0
    names = {"benchmark": "GOT10K", "protocol": "got10k"}
    assert off == {
        **{"tracker": "off", **names},
        **{"ao": pytest.approx(2 / 3), "sr_0.5": 0.5, "sr_0.75": 0.5, "runs": 2},
    }
    assert perfect == {"tracker": "perfect", **names, "ao": 1, "sr_0.5": 1, "sr_0.75": 1, "runs": None}
    assert "note: 3 of the 3 sequences are not of GOT10K" in err
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [float(row["ao"]) for row in rows] == [off["ao"], 1]


def test_the_table_and_vain_options(monkeypatch, capsys, results, gt):
    arguments = ("GOT-10k", "--results", results, "--gt", gt)
    status, out, err = call(monkeypatch, capsys, "evaluate", *arguments, "--compare", "--attributes")
    assert status == 0
    assert out.startswith("GOT10K: 3 sequences, 15 frames\n")
    assert "0.6667" in out
    assert "note: --compare adds nothing: GOT10K has one protocol, got10k" in err
    assert "note: --attributes adds nothing: the truth of GOT10K names no attributes" in err


def test_significance(monkeypatch, capsys, results, gt):
    arguments = ("GOT10K", "--results", results, "--gt", gt, "--significance")
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments)
    assert (
        "off minus perfect is -0.333 AO (95 % interval -0.333 to -0.333, p = 0.250, 3 sequences, too few"
        in out
    )
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--csv")
    first = next(csv.DictReader(io.StringIO(out)))
    assert float(first["ao minus perfect"]) == pytest.approx(-1 / 3)
    assert float(first["ao minus perfect p"]) == 0.25
    alone = (*arguments[:2], results / "GOT-10k" / "off", *arguments[3:])
    status, _, err = call(monkeypatch, capsys, "evaluate", *alone)
    assert status == 2
    assert (
        err.splitlines()[-1] == "dlatrack: significance needs AO of two trackers or more; there is off alone"
    )


def test_archives_flat_folders_and_missing_sequences(monkeypatch, capsys, tmp_path, gt):
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        for name in NAMES:
            archive.writestr(f"{name}/{name}_001.txt", "10.000,10.000,20.000,20.000\n" * 5)
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "one.txt").write_text("10,10,20,20\n" * 5)
    arguments = ("GOT10K", "--results", tmp_path / "packed.zip", "--results", tmp_path / "flat", "--gt", gt)
    status, out, err = call(monkeypatch, capsys, "evaluate", *arguments, "--json")
    assert status == 2
    assert [(row["tracker"], row["ao"]) for row in json.loads(out)] == [("packed", 1)]
    assert "it has results for 1 of 3 sequences: --allow-missing scores those" in err
    _, out, err = call(monkeypatch, capsys, "evaluate", *arguments, "--json", "--allow-missing")
    assert {row["tracker"]: (row["sequences"], row["missing"]) for row in json.loads(out)} == {
        "packed": (3, 0),
        "flat": (1, 2),
    }
    assert "note: flat: scored on 1 of 3 sequences; it has no results for two, three" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--protocol", "pysot"), "GOT10K has no protocol 'pysot'; choose from got10k"),
        (("--absent", "drop"), "absent frames are counted by 'drop' only in the benchmark folder"),
    ],
)
def test_options_that_do_not_fit(monkeypatch, capsys, results, gt, options, message):
    arguments = ("GOT10K", "--results", results, "--gt", gt, *options)
    status, _, err = call(monkeypatch, capsys, "evaluate", *arguments)
    assert (status, err.count("\n")) == (2, 1)
    assert message in err


def test_results_of_other_lengths_are_refused(monkeypatch, capsys, results, gt):
    file = results / "GOT-10k" / "off" / "two" / "two_002.txt"
    file.write_text("10,10,20,20\n" * 4)
    status, out, err = call(
        monkeypatch, capsys, "evaluate", "GOT10K", "--results", results, "--gt", gt, "--json"
    )
    assert (status, [row.get("ao") for row in json.loads(out)]) == (2, [1])
    assert "tracker off: sequence two: result has 4 rows, the truth has 5; got10k refuses that" in err


def test_results_are_exported_for_its_server(monkeypatch, capsys, tmp_path, results, gt):
    arguments = (
        "GOT10K",
        "--results",
        results / "GOT-10k" / "perfect",
        "--gt",
        gt,
        "--out",
        tmp_path / "out",
    )
    status, _, _ = call(monkeypatch, capsys, "export", *arguments, "--form", "got10k_server")
    assert status == 0
    assert (
        (tmp_path / "out" / "perfect" / "one" / "one_001.txt").read_text().startswith("10.000,10.000,20.000,")
    )


def test_scores_of_each_sequence(capsys, tmp_path):
    root = write_mini("got10k", tmp_path)
    truth = read_truth("GOT10K", root)
    (name,) = truth.sequences
    home = tmp_path / "out" / "mine"
    home.mkdir(parents=True)
    np.savetxt(home / f"{name}.txt", truth.boxes[name], fmt="%.4f", delimiter=",")
    score_results(truth, {"mine": home}, tmp_path / "scores.csv")
    rows = list(csv.DictReader((tmp_path / "scores.csv").open()))
    assert [row["sequence"] for row in rows] == [name, "mean"]
    assert [float(row["mine"]) for row in rows] == pytest.approx([1, 1])
