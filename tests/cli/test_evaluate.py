"""`dlatrack evaluate`: scores of folders and archives, why protocols disagree, and one line for what is wrong."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from command import call

from dlatrack.cli.benchmark import score_results
from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth
from dlatrack.evaluation.vot.results import REGION, VOTRun, write_vot_run

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


def test_json_has_full_precision_and_names(monkeypatch, capsys, results, gt):
    status, out, err = call(
        monkeypatch, capsys, "evaluate", "OTB100", "--results", results, "--gt", gt, "--json"
    )
    off, perfect = json.loads(out)
    assert status == 0
    assert list(perfect) == [
        *("tracker", "benchmark", "protocol"),
        *("auc", "precision", "norm_precision", "success_rate", "sequences", "missing"),
    ]
    assert (perfect["tracker"], perfect["benchmark"], perfect["protocol"]) == ("perfect", "OTB100", "pysot")
    assert perfect["auc"] == pytest.approx(20 / 21, abs=1e-15)
    assert off["precision"] == pytest.approx(8 / 9, abs=1e-15)
    assert "note: off: sequence Car1: the first row is 400,400,10,10" in err
    assert "note: off: and 1 more like these" in err


def test_a_score_that_a_protocol_does_not_know_is_null(monkeypatch, capsys, results, gt):
    arguments = ("OTB100", "--results", results / "perfect", "--gt", gt, "--protocol", "otb_matlab")
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--json")
    assert json.loads(out)[0]["norm_precision"] is None
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["norm_precision"] == ""
    assert float(row["auc"]) == 20 / 21


def test_archives_and_folders_together(monkeypatch, capsys, tmp_path, results, gt, boxes):
    with zipfile.ZipFile(tmp_path / "third.zip", "w") as archive:
        for name, rows in boxes.items():
            archive.writestr(f"{name}.txt", "\n".join(" ".join(map(str, row)) for row in rows))
    places = ("--results", results / "perfect", "--results", tmp_path / "third.zip")
    _, out, _ = call(monkeypatch, capsys, "evaluate", "otb100", *places, "--gt", gt, "--json")
    assert [row["tracker"] for row in json.loads(out)] == ["perfect", "third"]


def test_compare_names_the_rule_that_makes_the_difference(monkeypatch, capsys, results, gt):
    arguments = ("OTB100", "--results", results / "off", "--gt", gt, "--compare")
    status, out, _ = call(monkeypatch, capsys, "evaluate", *arguments)
    assert status == 0
    assert "off: against pysot" in out
    assert "first_row = truth: AUC +0.1" in out
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--json")
    rows = {row["protocol"]: row for row in json.loads(out)}
    assert len(rows) == 6
    assert [effect["rule"] for effect in rows["got10k"]["effects"]] == ["first_row"]
    assert rows["pysot_toolkit"]["effects"] == []


def test_attributes_and_significance(monkeypatch, capsys, results, gt):
    arguments = ("OTB100", "--results", results, "--gt", gt)
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--attributes", "--json")
    assert json.loads(out)[1]["auc IV"] == pytest.approx(20 / 21)
    status, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--significance")
    assert status == 0
    assert "4 sequences" in out
    assert "off" in out.splitlines()[-2]
    assert out.splitlines()[-1].startswith("With fewer than 30 sequences intervals are Student's t;")
    status, _, err = call(
        monkeypatch, capsys, "evaluate", "OTB100", "--results", results / "off", "--gt", gt, "--significance"
    )
    assert status == 2
    assert err.splitlines()[-1] == (
        "dlatrack: significance needs AUC per sequence of two trackers or more; there is off alone"
    )


def test_significance_is_in_json_and_csv(monkeypatch, capsys, results, gt):
    """20 px of 21: the worst is 8 px off, whose frames pass fewer thresholds on every sequence."""
    arguments = ("OTB100", "--results", results, "--gt", gt, "--significance")
    status, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--json")
    off, perfect = json.loads(out)
    assert status == 0
    (difference,) = perfect["differences"]
    assert (difference["against"], difference["metric"], difference["sequences"]) == ("off", "AUC", 4)
    assert difference["value"] == pytest.approx(perfect["auc"] - off["auc"])
    assert difference["low"] > 0
    assert not difference["distinguishable"], "four sequences are too few"
    assert difference["p"] == 2 / 2**4
    assert off["differences"][0]["high"] == -difference["low"]
    status, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--csv")
    rows = {row["tracker"]: row for row in csv.DictReader(io.StringIO(out))}
    assert status == 0
    for key in ("low", "high", "p"):
        assert float(rows["perfect"][f"auc minus off {key}"]) == difference[key]
        assert rows["perfect"][f"auc minus perfect {key}"] == ""
    assert float(rows["perfect"]["auc minus off"]) == difference["value"]
    assert float(rows["off"]["auc minus perfect"]) == -difference["value"]


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_significance_of_one_tracker_is_refused_in_every_form(monkeypatch, capsys, results, gt, form):
    arguments = ("OTB100", "--results", results / "off", "--gt", gt, "--significance", form)
    status, out, err = call(monkeypatch, capsys, "evaluate", *arguments)
    assert status == 2
    assert "off" in out
    assert err.splitlines()[-1] == (
        "dlatrack: significance needs AUC per sequence of two trackers or more; there is off alone"
    )


def test_compare_tells_what_others_say_of_results_that_the_protocol_refuses(monkeypatch, capsys, results, gt):
    """A tracker that stopped after 8 of 9 frames: two toolkits have an answer."""
    for name in NAMES:
        file = results / "perfect" / f"{name}.txt"
        file.write_text("".join(file.read_text().splitlines(keepends=True)[:8]))
    arguments = ("OTB100", "--results", results / "perfect", "--gt", gt, "--compare")
    status, out, err = call(monkeypatch, capsys, "evaluate", *arguments)
    assert status == 2
    assert "perfect: pysot refuses it: sequence Car1: result has 8 rows, the truth has 9" in out
    assert "│ perfect │ got10k     │ 0.9524" in out
    assert "│ perfect │ pytracking │" in out
    assert err.splitlines()[-1].startswith("dlatrack: tracker perfect: sequence Car1: result has 8 rows")
    status, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--json")
    rows = {row["protocol"]: row for row in json.loads(out)}
    assert status == 2
    assert len(rows) == 6
    assert rows["got10k"]["auc"] == pytest.approx(20 / 21)
    assert rows["pysot"]["auc"] is None
    assert "pysot refuses that" in rows["pysot"]["refused"]
    status, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--csv")
    rows = {row["protocol"]: row for row in csv.DictReader(io.StringIO(out))}
    assert float(rows["got10k"]["auc"]) == pytest.approx(20 / 21)
    assert "otb_matlab refuses that" in rows["otb_matlab"]["refused"]


def test_nothing_is_printed_where_nothing_could_be_scored(monkeypatch, capsys, results, gt):
    (results / "off" / "Car4.txt").write_text("1,2,3,4\n")
    arguments = ("OTB100", "--results", results / "off", "--gt", gt)
    status, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--csv")
    assert (status, out) == (2, "")
    status, out, _ = call(monkeypatch, capsys, "evaluate", *arguments)
    assert (status, out) == (2, "")


def test_json_and_csv_exclude_each_other(monkeypatch, capsys, results, gt):
    arguments = ("OTB100", "--results", results, "--gt", gt, "--json", "--csv")
    status, out, err = call(monkeypatch, capsys, "evaluate", *arguments)
    assert (status, out) == (2, "")
    assert err == "dlatrack: scores are printed as --json or as --csv; choose one\n"


def test_names_of_trackers_are_no_markup(monkeypatch, capsys, tmp_path, gt, boxes):
    names = ["[new] net", "[old] net", ":car:", "[bold]", "x" * 90]
    for name in names:
        write(tmp_path / "odd" / name, boxes)
    write(tmp_path / "odd" / names[0], {name: rows + np.array([4, 0, 0, 0]) for name, rows in boxes.items()})
    monkeypatch.setenv("NO_COLOR", "1")
    arguments = ("OTB100", "--results", tmp_path / "odd", "--gt", gt)
    _, out, err = call(monkeypatch, capsys, "evaluate", *arguments, "--significance", "--compare")
    for name in names:
        assert f"│ {name} " in out
        assert f"{name}: against pysot" in out
    assert "[new] net minus [old] net is -0." in out
    _, out, err = call(monkeypatch, capsys, "evaluate", *arguments, "--attributes")
    assert "…" not in out
    assert all(out.count(f"│ {name} ") == 1 for name in names)
    (tmp_path / "odd" / "[bold]" / "Car1.txt").write_text("1,2,0,0\n" * 9)
    _, _, err = call(monkeypatch, capsys, "evaluate", *arguments)
    assert "note: [bold]: sequence Car1: 9 predicted boxes have no size" in err


def test_attributes_that_are_not_there_are_told_of(monkeypatch, capsys, results, gt):
    arguments = ("--results", results, "--gt", gt, "--attributes", "--json")
    status, _, err = call(monkeypatch, capsys, "evaluate", "folder", *arguments)
    assert status == 0
    assert "note: --attributes adds nothing: the truth of folder names no attributes" in err
    _, _, err = call(monkeypatch, capsys, "evaluate", "OTB100", *arguments)
    assert "--attributes adds nothing" not in err


def test_absent_frames_of_a_folder_are_told_of_and_can_be_left_out(monkeypatch, capsys, tmp_path, boxes):
    """A perfect tracker; three of nine frames of one of four sequences show no target: 3/36 of all, 1/12."""
    rows = {name: values.tolist() for name, values in boxes.items()}
    rows["Car1"][4:7] = [None, None, None]
    (tmp_path / "gt.json").write_text(json.dumps(rows))
    write(tmp_path / "perfect", boxes)
    arguments = ("folder", "--results", tmp_path / "perfect", "--gt", tmp_path / "gt.json")
    _, out, err = call(monkeypatch, capsys, "evaluate", *arguments, "--json")
    (row,) = json.loads(out)
    assert row["precision"] == pytest.approx(11 / 12)
    assert row["auc"] == pytest.approx(11 / 12 * 20 / 21)
    assert (row["absent"], row["absent_frames"]) == ("fail", 3)
    assert (
        "note: the target is absent in 3 of 36 frames: frames without it fail in every curve; evaluate" in err
    )
    _, out, err = call(monkeypatch, capsys, "evaluate", *arguments, "--csv", "--absent", "drop")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (float(row["auc"]), row["precision"]) == (pytest.approx(20 / 21), "1.0")
    assert (row["absent"], row["absent_frames"]) == ("drop", "3")
    assert "frames without it are left out; evaluate --absent fail counts them as failures" in err
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--compare", "--absent", "drop")
    assert "the target is absent in 3 (frames without it are left out)" in out
    assert out.count("0.9524") == 6
    status, _, err = call(monkeypatch, capsys, "evaluate", *arguments, "--absent", "keep")
    assert (status, err) == (2, "dlatrack: absent frames are counted by fail or drop, got 'keep'\n")


def test_missing_sequences_are_allowed_and_marked(monkeypatch, capsys, results, gt):
    for name in ("Car1", "CarDark"):
        (results / "perfect" / f"{name}.txt").unlink()
    arguments = ("OTB100", "--results", results, "--gt", gt)
    status, _, err = call(monkeypatch, capsys, "evaluate", *arguments, "--json")
    assert status == 2
    assert "it has results for 2 of 4 sequences: --allow-missing scores those" in err
    status, out, err = call(monkeypatch, capsys, "evaluate", *arguments, "--json", "--allow-missing")
    off, perfect = json.loads(out)
    assert status == 0
    assert (off["sequences"], off["missing"]) == (4, 96)
    assert (perfect["sequences"], perfect["missing"]) == (2, 98)
    assert perfect["auc"] == pytest.approx(20 / 21)
    assert "note: perfect: scored on 2 of 4 sequences; it has no results for Car1, CarDark" in err
    assert "note: the truth has 4 of 100 sequences of OTB100" in err
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--csv", "--allow-missing")
    assert [row["missing"] for row in csv.DictReader(io.StringIO(out))] == ["96", "98"]
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--allow-missing", "--significance")
    assert "missing ┃" in out
    assert "96 sequences are missing" in out
    assert "2 sequences, too few for a verdict)" in out


def test_one_bad_tracker_does_not_hide_the_others(monkeypatch, capsys, results, gt):
    (results / "off" / "Car4.txt").write_text("1,2,3,4\n")
    status, out, err = call(
        monkeypatch, capsys, "evaluate", "OTB100", "--results", results, "--gt", gt, "--json"
    )
    assert status == 2
    assert [row["tracker"] for row in json.loads(out)] == ["perfect"]
    last = err.splitlines()[-1]
    assert last.startswith("dlatrack: tracker off: sequence Car4: result has 1 rows, the truth has 9")


def test_every_bad_tracker_is_told_of_in_a_line_of_its_own(monkeypatch, capsys, results, gt):
    shutil.copytree(results / "off", results / "third")
    for name, text in (("off", "1,2,3,4\n"), ("perfect", "x,y\n"), ("third", "")):
        (results / name / "Car4.txt").write_text(text)
    arguments = ("evaluate", "OTB100", "--results", results, "--gt", gt, "--significance")
    status, out, err = call(monkeypatch, capsys, *arguments)
    assert (status, out) == (2, "")
    told = [line for line in err.splitlines() if line.startswith("dlatrack: ")]
    assert [line.split(":")[1] for line in told[:3]] == [" tracker off", " tracker perfect", " tracker third"]
    assert told[3].endswith("two trackers or more; none could be scored")
    shutil.copytree(results / "off", results / "fourth")
    monkeypatch.chdir(results.parent)
    status, _, err = call(
        monkeypatch,
        capsys,
        "export",
        "OTB100",
        "--results",
        results,
        "--gt",
        gt,
        "--out",
        "o",
        "--form",
        "pysot",
    )
    assert status == 2
    assert err.count("dlatrack: tracker ") == 2, "numbers of rows are no fault of a file"


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
    status, out, err = call(monkeypatch, capsys, "evaluate", *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_the_same_results_in_two_folders_are_one_tracker(monkeypatch, capsys, tmp_path, results, gt, boxes):
    """Such as the static box that is written beside each of two trackers."""
    write(tmp_path / "again" / "perfect", boxes)
    places = ("--results", results, "--results", tmp_path / "again")
    status, out, err = call(monkeypatch, capsys, "evaluate", "OTB100", *places, "--gt", gt, "--json")
    assert status == 0
    assert [row["tracker"] for row in json.loads(out)] == ["off", "perfect"]
    assert "note: tracker perfect has the same results in" in err
    assert "results, " in err
    assert "again and counts once" in err


def test_a_file_of_some_true_boxes_is_no_whole_benchmark(monkeypatch, capsys, tmp_path, results, gt, boxes):
    _, out, err = call(monkeypatch, capsys, "evaluate", "OTB100", "--results", results, "--gt", gt)
    assert "OTB100: 4 sequences, 36 frames; 96 sequences are missing" in out
    assert "note: the truth has 4 of 100 sequences of OTB100; it lacks " in err
    (tmp_path / "own.json").write_text(gt.read_text().replace("Car1", "MyOwnCar"))
    for tracker in ("off", "perfect"):
        (results / tracker / "Car1.txt").rename(results / tracker / "MyOwnCar.txt")
    arguments = ("OTB100", "--results", results, "--gt", tmp_path / "own.json")
    status, out, err = call(monkeypatch, capsys, "evaluate", *arguments)
    assert (status, out) == (2, "")
    assert "own.json: OTB100 has no sequence MyOwnCar" in err


@pytest.mark.parametrize("options", [(), ("--significance",), ("--compare",), ("--attributes",)])
def test_every_output_of_a_part_of_the_truth_is_marked(monkeypatch, capsys, results, gt, options):
    arguments = ("evaluate", "OTB100", "--results", results, "--gt", gt, *options)
    rows = json.loads(call(monkeypatch, capsys, *arguments, "--json")[1])
    assert {(row["sequences"], row["missing"]) for row in rows if row["auc"] is not None} == {(4, 96)}
    rows = list(csv.DictReader(io.StringIO(call(monkeypatch, capsys, *arguments, "--csv")[1])))
    assert {(row["sequences"], row["missing"]) for row in rows if row["auc"]} == {("4", "96")}
    assert "missing ┃" in call(monkeypatch, capsys, *arguments)[1]


def test_results_are_exported(monkeypatch, capsys, tmp_path, results, gt):
    arguments = ("export", "OTB100", "--results", results, "--gt", gt, "--out", tmp_path / "mats")
    status, out, _ = call(monkeypatch, capsys, *arguments, "--form", "otb_matlab")
    assert status == 0
    assert out.splitlines() == [
        f"off: 4 files in {tmp_path / 'mats'}",
        f"perfect: 4 files in {tmp_path / 'mats'}",
    ]
    _, out, _ = call(
        monkeypatch, capsys, "evaluate", "OTB100", "--results", tmp_path / "mats", "--gt", gt, "--json"
    )
    assert [row["tracker"] for row in json.loads(out)] == ["off", "perfect"]
    assert json.loads(out)[1]["auc"] == pytest.approx(20 / 21)
    status, _, err = call(monkeypatch, capsys, *arguments, "--form", "excel")
    assert status == 2
    assert "there is no form 'excel'" in err


def write_vot(tmp_path):
    """A perfect tracker on two sequences: the truth, the last codes and regions, and the arguments of `evaluate`."""
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
    return entries, codes, regions, arguments


def test_vot_results(monkeypatch, capsys, tmp_path):
    _, codes, regions, arguments = write_vot(tmp_path)
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--compare", "--json")
    pysot, toolkit = json.loads(out)
    assert (pysot["tracker"], pysot["protocol"], toolkit["protocol"]) == ("mine", "pysot", "vot_toolkit")
    assert pysot["accuracy"] == toolkit["accuracy"] == 1
    assert pysot["lost"] == pysot["robustness"] == 0
    assert pysot["eao"] == 1
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--attributes", "--json")
    assert json.loads(out)[0]["eao occlusion"] == 1
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments)
    assert "│ 0    │" in out  # lost, a count
    _, _, err = call(monkeypatch, capsys, "evaluate", *arguments, "--attributes", "--protocol", "vot_toolkit")
    assert "note: --attributes adds nothing: vot_toolkit has no scores by tag, pysot has" in err

    home = tmp_path / "worse" / "baseline"
    shutil.copytree(tmp_path / "mine" / "baseline", home)
    codes[30], regions[30] = 2, np.nan
    write_vot_run(home / "ants1" / "ants1_001.txt", VOTRun(codes, regions))
    both = (*arguments, "--results", tmp_path / "worse", "--significance")
    _, out, _ = call(monkeypatch, capsys, "evaluate", *both)
    assert "mine minus worse is 0." in out
    assert " EAO (95 % interval" in out
    assert "│ 1    │" in out
    _, out, _ = call(monkeypatch, capsys, "evaluate", *both, "--json")
    mine, worse = json.loads(out)
    assert (mine["lost"], worse["lost"]) == (0, 1)
    (difference,) = mine["differences"]
    assert difference["metric"] == "EAO"
    assert difference["value"] == pytest.approx(mine["eao"] - worse["eao"])
    _, out, _ = call(monkeypatch, capsys, "evaluate", *both, "--csv")
    assert "eao minus worse low" in out.splitlines()[0]


def test_tags_that_never_occur_have_no_score(monkeypatch, capsys, tmp_path):
    entries, _, _, arguments = write_vot(tmp_path)
    entries["ants1"] |= {"illum_change": [], "motion_change": [0] * 60}
    (tmp_path / "gt.json").write_text(json.dumps(entries))
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--attributes", "--json")
    (row,) = json.loads(out, parse_constant=pytest.fail)  # NaN is no JSON
    assert (row["eao illum_change"], row["eao motion_change"]) == (None, None)
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--attributes", "--csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["eao illum_change"], row["eao occlusion"]) == ("", "1.0")
    _, out, _ = call(monkeypatch, capsys, "evaluate", *arguments, "--attributes")
    assert "nan" not in out


def test_scores_of_a_benchmark_that_lacks_sequences_are_marked(capsys, tmp_path, results, boxes):
    truth = BenchmarkTruth(
        "OTB100",
        {name: SequenceTruth(name, rows.astype(float)) for name, rows in boxes.items()},
        ("Dog", "Box"),
    )
    folders = {name: results / name for name in ("off", "perfect")}
    score_results(truth, folders, tmp_path / "scores.csv", allow_missing=True)
    out, err = capsys.readouterr()
    assert "OTB100: 4 sequences, 36 frames; 2 sequences are missing" in out
    assert "│ 4         │ 2       │" in out
    assert "note: the truth has 4 of 6 sequences of OTB100; it lacks Dog, Box" in err
    last = (tmp_path / "scores.csv").read_text().splitlines()[-1]
    assert last.startswith('"mean, 2 sequences missing",')
    whole = BenchmarkTruth("OTB100", dict(truth.sequences))
    score_results(whole, folders, tmp_path / "scores.csv")
    assert "missing" not in capsys.readouterr().out
    assert (tmp_path / "scores.csv").read_text().splitlines()[-1].startswith("mean,")
