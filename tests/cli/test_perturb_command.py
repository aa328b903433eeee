"""`dlatrack benchmark --perturb` and `dlatrack evaluate` of its runs: tables, JSON, CSV, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import call

from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequences

BOXES = np.array([[10.0, 20, 40, 20]] * 4)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "clips"
    for sequence in synthetic_sequences(2, 40, 5):
        write_folder(sequence, folder)
    return folder


def test_runs_are_made_averaged_and_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, clips: Path
) -> None:
    out = tmp_path / "out"
    options = ("benchmark", "folder", "--root", clips, "--weights", "siamcar_small", "--out", out)
    status, text, errors = call(monkeypatch, capsys, *options, "--perturb", "half-pixel:2", "--seed", 3)
    assert status == 0, errors
    assert "auc_std" in text
    record = json.loads((out / "siamcar_small" / "run.json").read_text())
    assert record["perturbation"] == {"kind": "half-pixel", "runs": 2, "seed": 3}
    assert len([*(out / "static").glob("*_00[12].txt")]) == 4
    table = pd.read_csv(out / "scores.csv", index_col=0)

    evaluated = ("evaluate", "folder", "--results", out, "--gt", clips, "--significance")
    _, text, _ = call(monkeypatch, capsys, *evaluated, "--json")
    rows = {row["tracker"]: row for row in json.loads(text)}
    for tracker, row in rows.items():
        assert row["runs"] == 2
        assert row["auc"] == pytest.approx(table.loc["mean", tracker])
        assert row["auc_std"] == pytest.approx(table.loc["mean", f"{tracker} std over 2 runs"])
        assert (row["differences"][0]["runs"], row["differences"][0]["paired_runs"]) == ([2, 2], True)
    _, text, _ = call(monkeypatch, capsys, *evaluated, "--csv")
    assert {row["runs"] for row in csv.DictReader(io.StringIO(text))} == {"2"}
    _, text, _ = call(monkeypatch, capsys, *evaluated)
    assert "2 runs from the same first boxes)" in text

    status, _, errors = call(monkeypatch, capsys, *options)
    assert status == 2
    assert "run.json belongs to another run: perturbation was {" in errors
    export = ("export", "folder", "--results", out / "static", "--gt", clips, "--out", tmp_path / "x")
    status, _, errors = call(monkeypatch, capsys, *export, "--form", "pysot")
    assert status == 2
    assert "tracker static: it has runs from perturbed first boxes; a form of a toolkit holds one" in errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--perturb", "half-pixel:0"], "1 to 999 runs, no leading zeros, or sre; got 'half-pixel:0'"),
        (["--perturb=half-pixel:-1"], "1 to 999 runs, no leading zeros, or sre; got 'half-pixel:-1'"),
        (["--perturb", "tre"], "1 to 999 runs, no leading zeros, or sre; got 'tre'"),
        (["--perturb", "sre", "--seed", "2"], "sre draws nothing; a seed is for half-pixel:N, got 2"),
        (["--seed", "2"], "--seed is for the shifts of --perturb half-pixel:N; got 2 without --perturb"),
    ],
)
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    clips: Path,
    options: list[str],
    message: str,
) -> None:
    out = tmp_path / "out"
    given = ("benchmark", "folder", "--root", clips, "--weights", "siamcar_small", "--out", out)
    status, _, errors = call(monkeypatch, capsys, *given, *options)
    assert status == 2
    assert message in errors
    assert errors.count("\n") == 1
    assert not out.exists()


def test_vot_is_run_with_resets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = (
        "benchmark",
        "VOT2019",
        "--root",
        tmp_path,
        "--weights",
        "siamcar_small",
        "--out",
        tmp_path / "out",
    )
    status, _, errors = call(monkeypatch, capsys, *given, "--perturb", "sre")
    assert status == 2
    assert "a perturbation of the first box is for runs of one pass" in errors


def test_sequences_with_other_runs_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "gt.json").write_text(json.dumps({name: BOXES.tolist() for name in ("a", "b")}))
    (tmp_path / "T").mkdir()
    for file in ("a_001", "a_002", "b_001"):
        np.savetxt(tmp_path / "T" / f"{file}.txt", BOXES, delimiter=",")
    given = ("evaluate", "folder", "--results", tmp_path / "T", "--gt", tmp_path / "gt.json")
    status, _, errors = call(monkeypatch, capsys, *given)
    assert status == 2
    assert "sequence b has run 001, but a has runs 001, 002; every sequence needs the same runs" in errors
    np.savetxt(tmp_path / "T" / "b_002.txt", BOXES + 4, delimiter=",")
    status, text, _ = call(monkeypatch, capsys, *given, "--compare")
    assert status == 0
    assert "auc_std" in text
