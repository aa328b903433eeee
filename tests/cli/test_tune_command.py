"""`dlatrack tune` from clips to a setting that `dlatrack benchmark` uses, with the mark that it carries."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from dlatrack.cli import main
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.mini import write_mini
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import save_weights
from dlatrack.recipes import OnlineConfig, recipe

MARK = "TUNED ON A TEST SET: the setting of marked.json was chosen on folder; scores with it are too good"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    for sequence in synthetic_sequences(3, seed=61, length=5, challenges=()):
        write_folder(sequence, root)
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights: which setting is best does not matter here."""
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    chosen = recipe("siamcar_small")
    own = OnlineConfig(penalty_k=0.14, window_influence=0.48, rate=0.16)
    chosen = replace(chosen, online=dict.fromkeys(chosen.online, own))
    save_weights(path, build_model(chosen, torch.Generator().manual_seed(1)), chosen, {})
    return path


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, clips: Path, weights: Path) -> dict[str, Path]:
    """Records of the same tuning, without and with a mark."""
    folder = tmp_path_factory.mktemp("tuned")
    arguments = ["tune", weights, "--root", clips, "--trials", 3, "--seed", 3, "--out"]
    with pytest.MonkeyPatch.context() as patch:
        for name, more in (("plain", []), ("marked", ["--on-test-set"])):
            patch.setattr(sys, "argv", ["dlatrack", *map(str, [*arguments, folder / f"{name}.json", *more])])
            with pytest.raises(SystemExit) as stop:
                main()
            assert not stop.value.code
    return {name: folder / f"{name}.json" for name in ("plain", "marked")}


def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys, "argv", ["dlatrack", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def score(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    root: Path,
    weights: Path,
    out: Path,
    *more: object,
) -> tuple[float, dict[str, Any], str]:
    """AUC of `dlatrack benchmark`, its `run.json` and what it printed."""
    command = ("benchmark", "folder", "--root", root, "--weights", weights, "--out", out, *more)
    status, text, error = call(monkeypatch, capsys, *command)
    assert status == 0, error
    table = pd.read_csv(out / "scores.csv", index_col=0)
    run = json.loads((out / "siamcar_small" / "run.json").read_text())
    return float(table.loc["mean", "siamcar_small"]), run, text


@pytest.mark.slow
def test_benchmark_repeats_the_scores_of_the_record(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    clips: Path,
    weights: Path,
    tuned: dict[str, Path],
) -> None:
    record = json.loads(tuned["plain"].read_text())
    assert record["search"]["start"]["benchmark"] == "OTB100"
    own, run, _ = score(monkeypatch, capsys, clips, weights, tmp_path / "own")
    assert own == pytest.approx(record["start"]["auc"], abs=1e-12)
    assert run["settings"]["hyper"] == "OTB100"

    best, run, text = score(monkeypatch, capsys, clips, weights, tmp_path / "best", "--hyper", tuned["plain"])
    assert best == pytest.approx(record["best"]["auc"], abs=1e-12)
    assert run["settings"]["hyper"] == {
        **{name: record["best"][name] for name in ("penalty_k", "window_influence", "rate")},
        "tuned_on": "folder",
        "tuned_on_test_set": None,
        "tuned_for_weights_sha256": run["weights_sha256"],
        "truth_sha256": record["data"]["truth_sha256"],
    }
    assert "TEST SET" not in text
    assert "note:" not in text


def test_a_mark_goes_with_the_scores(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    clips: Path,
    weights: Path,
    tuned: dict[str, Path],
) -> None:
    status, text, _ = call(
        monkeypatch,
        capsys,
        *("tune", weights, "--root", clips, "--trials", 3, "--seed", 3, "--on-test-set"),
        *("--out", tuned["marked"]),
    )
    assert status == 0
    assert MARK in text
    _, run, text = score(monkeypatch, capsys, clips, weights, tmp_path, "--hyper", tuned["marked"])
    assert MARK in text
    assert run["settings"]["hyper"]["tuned_on_test_set"] == "folder"

    part = ("benchmark", "folder", "--root", clips, "--weights", weights, "--out", tmp_path / "part")
    _, text, _ = call(monkeypatch, capsys, *part, "--hyper", tuned["marked"], "--shard", "3/3")
    assert MARK in text

    same = ("benchmark", "folder", "--root", clips, "--weights", weights, "--out", tmp_path)
    status, _, error = call(monkeypatch, capsys, *same, "--hyper", tuned["plain"])
    assert status == 2, "a run with the mark is not resumed by one without it"
    assert "belongs to another run: settings was" in error


def test_tune_prints_the_best_and_how_to_use_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    clips: Path,
    weights: Path,
    tuned: dict[str, Path],
) -> None:
    """A finished tuning is printed again."""
    record = json.loads(tuned["plain"].read_text())
    options = ("--root", clips, "--trials", 3, "--seed", 3, "--out", tuned["plain"])
    status, text, _ = call(monkeypatch, capsys, "tune", weights, *options)
    assert status == 0
    assert "siamcar_small on folder: 3 trials, 0 stopped early" in text
    assert re.search(rf"recipe's own\W+0\.14\W+0\.48\W+0\.16\W+{record['start']['auc']:.4f}", text)
    assert re.search(rf"best, trial {record['best']['trial']}\W.*{record['best']['auc']:.4f}", text)
    assert f"--hyper {tuned['plain']}" in text
    assert "TEST SET" not in text


def test_the_setting_of_the_data_set_is_where_the_search_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, weights: Path
) -> None:
    """SiamCAR has a setting for GOT-10k; the miniature has one validation sequence, and its training set has five."""
    root = write_mini("got10k", tmp_path)
    out = tmp_path / "tuned.json"
    options = ("--root", root, "--name", "GOT10K", "--trials", 1, "--out", out)
    status, _, error = call(monkeypatch, capsys, "tune", weights, *options)
    assert status == 2
    assert "tuning compares settings over sequences and needs 2 or more, got 1" in error
    status, text, _ = call(monkeypatch, capsys, "tune", weights, *options, "--split", "train_fixed")
    assert status == 0
    assert text.endswith("no trial was better than the recipe's own setting\n"), "there was no other"
    record = json.loads(out.read_text())
    assert (record["data"]["name"], record["data"]["split"]) == ("got10k", "train_fixed")
    assert record["search"]["start"] == {
        "benchmark": "GOT10K",
        "penalty_k": 0.14,
        "window_influence": 0.48,
        "rate": 0.16,
    }


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--name", "OTB100"], "OTB100 is a test set; settings tuned on it make its scores worthless"),
        (["--name", "GOT10K", "--split", "test"], "GOT-10k test is a test set"),
        (["--name", "VOT2018", "--on-test-set"], "VOT2018 is a test set, and has no reader"),
        (["--name", "moon"], "there is no data set 'moon' of videos; choose from folder,"),
        (["--device", "tpu"], "there is no device 'tpu' here"),
        ([], "sequences belong to OTB100, a test set"),
    ],
)
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    weights: Path,
    more: list[str],
    message: str,
) -> None:
    root = write_mini("otb100", tmp_path)
    out = tmp_path / "tuned.json"
    status, _, error = call(monkeypatch, capsys, "tune", weights, "--root", root, "--out", out, *more)
    assert status == 2
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot read .*other\.json"),
        ("{}", r"other\.json is no record of dlatrack tune"),
        (
            {"recipe": "siamfc"},
            r"other\.json was tuned for recipe siamfc; these weights are of siamcar_small",
        ),
        ({"best": None}, r"other\.json has no trial yet; run dlatrack tune again"),
    ],
)
def test_benchmark_refuses_other_files(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    clips: Path,
    weights: Path,
    tuned: dict[str, Path],
    content: Any,
    message: str,
) -> None:
    file = tmp_path / "other.json"
    if content is not None:
        text = (
            content
            if isinstance(content, str)
            else json.dumps(json.loads(tuned["plain"].read_text()) | content)
        )
        file.write_text(text)
    options = ("--root", clips, "--weights", weights, "--out", tmp_path / "out", "--hyper", file)
    status, _, error = call(monkeypatch, capsys, "benchmark", "folder", *options)
    assert status == 2
    assert re.search(message, error)
    assert not (tmp_path / "out").exists()


def test_help_does_not_load_torch() -> None:
    code = (
        "import sys\nfrom dlatrack.cli import app\n"
        "try:\n    app(['tune', '--help'])\nfinally:\n    assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--on-test-set" in re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
