"""`dlatrack evaluate`: scores of folders and archives, why protocols disagree, and one line for what is wrong."""

from __future__ import annotations

import csv
import io
import json
import sys
import zipfile

import numpy as np
import pytest

from dlatrack.cli import main
from dlatrack.evaluation.vot_results import REGION, VOTRun, write_vot_run

NAMES = ("Car1", "Car2", "Car4", "CarDark")


@pytest.fixture
def boxes():
    rng = np.random.default_rng(0)
    return {name: np.cumsum(rng.integers(0, 3, (9, 4)), 0) + np.array([50, 40, 30, 20]) for name in NAMES}


@pytest.fixture
def gt(tmp_path, boxes):
    file = tmp_path / "gt.json"
    file.write_text(json.dumps({name: rows.tolist() for name, rows in boxes.items()}))
    return file


def write(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in rows.items():
        np.savetxt(folder / f"{name}.txt", values, fmt="%.2f", delimiter=",")


@pytest.fixture
def results(tmp_path, boxes):
    """A perfect tracker, and one that is 8 px off and starts with an odd row."""
    write(tmp_path / "results" / "perfect", boxes)
    off = {name: rows + np.array([8, 0, 0, 0]) for name, rows in boxes.items()}
    for rows in off.values():
        rows[0] = [400, 400, 10, 10]
    write(tmp_path / "results" / "off", off)
    return tmp_path / "results"


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["dlatrack", *map(str, arguments)])
    status = 0
    try:
        main()
    except SystemExit as stop:
        status = stop.code or 0
    return (status, *capsys.readouterr())


def test_json_has_full_precision_and_names(monkeypatch, capsys, results, gt):
    status, out, err = run(
        monkeypatch, capsys, "evaluate", "OTB100", "--results", results, "--gt", gt, "--json"
    )
    off, perfect = json.loads(out)
    assert status == 0
    assert list(perfect) == [
        *("tracker", "benchmark", "protocol"),
        *("auc", "precision", "norm_precision", "success_rate"),
    ]
    assert (perfect["tracker"], perfect["benchmark"], perfect["protocol"]) == ("perfect", "OTB100", "pysot")
    assert perfect["auc"] == pytest.approx(20 / 21, abs=1e-15)
    assert off["precision"] == pytest.approx(8 / 9, abs=1e-15)
    assert "note: off: sequence Car1: the first row is 400,400,10,10" in err
    assert "note: off: and 1 more like these" in err


def test_a_score_that_a_protocol_does_not_know_is_null(monkeypatch, capsys, results, gt):
    arguments = ("OTB100", "--results", results / "perfect", "--gt", gt, "--protocol", "otb_matlab")
    _, out, _ = run(monkeypatch, capsys, "evaluate", *arguments, "--json")
    assert json.loads(out)[0]["norm_precision"] is None
    _, out, _ = run(monkeypatch, capsys, "evaluate", *arguments, "--csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["norm_precision"] == ""
    assert float(row["auc"]) == 20 / 21


def test_archives_and_folders_together(monkeypatch, capsys, tmp_path, results, gt, boxes):
    with zipfile.ZipFile(tmp_path / "third.zip", "w") as archive:
        for name, rows in boxes.items():
            archive.writestr(f"{name}.txt", "\n".join(" ".join(map(str, row)) for row in rows))
    places = ("--results", results / "perfect", "--results", tmp_path / "third.zip")
    _, out, _ = run(monkeypatch, capsys, "evaluate", "otb100", *places, "--gt", gt, "--json")
    assert [row["tracker"] for row in json.loads(out)] == ["perfect", "third"]


def test_compare_names_the_rule_that_makes_the_difference(monkeypatch, capsys, results, gt):
    arguments = ("OTB100", "--results", results / "off", "--gt", gt, "--compare")
    status, out, _ = run(monkeypatch, capsys, "evaluate", *arguments)
    assert status == 0
    assert "off: against pysot" in out
    assert "first_row = truth: AUC +0.1" in out
    _, out, _ = run(monkeypatch, capsys, "evaluate", *arguments, "--json")
    rows = {row["protocol"]: row for row in json.loads(out)}
    assert len(rows) == 6
    assert [effect["rule"] for effect in rows["got10k"]["effects"]] == ["first_row"]
    assert rows["pysot_toolkit"]["effects"] == []


def test_attributes_and_significance(monkeypatch, capsys, results, gt):
    arguments = ("OTB100", "--results", results, "--gt", gt)
    _, out, _ = run(monkeypatch, capsys, "evaluate", *arguments, "--attributes", "--json")
    assert json.loads(out)[1]["auc IV"] == pytest.approx(20 / 21)
    status, out, _ = run(monkeypatch, capsys, "evaluate", *arguments, "--significance")
    assert status == 0
    assert "4 sequences" in out
    assert "off" in out.splitlines()[-2]
    assert out.splitlines()[-1] == "With fewer than about 30 sequences an interval is too narrow."
    status, _, err = run(
        monkeypatch, capsys, "evaluate", "OTB100", "--results", results / "off", "--gt", gt, "--significance"
    )
    assert status == 2
    assert err.splitlines()[-1] == "dlatrack: significance needs AUC per sequence of two trackers or more"


def test_one_bad_tracker_does_not_hide_the_others(monkeypatch, capsys, results, gt):
    (results / "off" / "Car4.txt").write_text("1,2,3,4\n")
    status, out, err = run(
        monkeypatch, capsys, "evaluate", "OTB100", "--results", results, "--gt", gt, "--json"
    )
    assert status == 2
    assert [row["tracker"] for row in json.loads(out)] == ["perfect"]
    last = err.splitlines()[-1]
    assert last.startswith("dlatrack: tracker off: sequence Car4: result has 1 rows, the truth has 9")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("OTB", "--results", "."), "there is no benchmark 'OTB'; choose from OTB100, UAV123"),
        (
            ("OTB100", "--results", ".", "--protocol", "pysto"),
            "OTB100 has no protocol 'pysto'; choose from pysot",
        ),
        (
            ("VOT2019", "--results", ".", "--protocol", "got10k"),
            "no protocol 'got10k'; choose from pysot, vot_tool",
        ),
        (("OTB100", "--results", ".", "--gt", "none.json"), "none.json"),
    ],
)
def test_bad_input_is_one_line(monkeypatch, capsys, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(monkeypatch, capsys, "evaluate", *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_a_tracker_may_come_once(monkeypatch, capsys, tmp_path, results, gt, boxes):
    write(tmp_path / "again" / "perfect", boxes)
    places = ("--results", results, "--results", tmp_path / "again")
    status, _, err = run(monkeypatch, capsys, "evaluate", "OTB100", *places, "--gt", gt)
    assert status == 2
    assert "holds tracker perfect a second time" in err


def test_results_are_exported(monkeypatch, capsys, tmp_path, results, gt):
    arguments = ("export", "OTB100", "--results", results, "--gt", gt, "--out", tmp_path / "mats")
    status, out, _ = run(monkeypatch, capsys, *arguments, "--form", "otb_matlab")
    assert status == 0
    assert out.splitlines() == [
        f"off: 4 files in {tmp_path / 'mats'}",
        f"perfect: 4 files in {tmp_path / 'mats'}",
    ]
    _, out, _ = run(
        monkeypatch, capsys, "evaluate", "OTB100", "--results", tmp_path / "mats", "--gt", gt, "--json"
    )
    assert [row["tracker"] for row in json.loads(out)] == ["off", "perfect"]
    assert json.loads(out)[1]["auc"] == pytest.approx(20 / 21)
    status, _, err = run(monkeypatch, capsys, *arguments, "--form", "excel")
    assert status == 2
    assert "there is no form 'excel'" in err


def test_vot_results(monkeypatch, capsys, tmp_path):
    rng = np.random.default_rng(1)
    entries = {}
    for name in ("ants1", "ball2"):
        rows = np.cumsum(rng.integers(0, 2, (60, 4)), 0) + np.array([50, 40, 30, 20])
        entries[name] = {"gt": rows.tolist(), "width": 400, "height": 300, "occlusion": [1] * 20}
        regions = np.full((60, 8), np.nan)
        regions[1:, :4] = rows[1:]
        codes = np.full(60, REGION, np.int8)
        codes[0] = 1
        folder = tmp_path / "mine" / "baseline" / name
        folder.mkdir(parents=True)
        write_vot_run(folder / f"{name}_001.txt", VOTRun(codes, regions))
        (folder / f"{name}_time.txt").write_text("0.1\n")
    (tmp_path / "gt.json").write_text(json.dumps(entries))
    arguments = ("VOT2019", "--results", tmp_path / "mine", "--gt", tmp_path / "gt.json")
    _, out, _ = run(monkeypatch, capsys, "evaluate", *arguments, "--compare", "--json")
    pysot, toolkit = json.loads(out)
    assert (pysot["tracker"], pysot["protocol"], toolkit["protocol"]) == ("mine", "pysot", "vot_toolkit")
    assert pysot["accuracy"] == toolkit["accuracy"] == 1
    assert pysot["lost"] == pysot["robustness"] == 0
    assert pysot["eao"] == 1
    _, out, _ = run(monkeypatch, capsys, "evaluate", *arguments, "--attributes", "--json")
    assert json.loads(out)[0]["eao occlusion"] == 1
