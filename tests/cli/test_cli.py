"""The command line: bad input is one line and exit status 2, never a traceback; good input does the work."""

from __future__ import annotations

import ast
import errno
import io
import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import dlatrack
from dlatrack import __version__, cli
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.files import file_digest
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import find_weights, load_weights, read_weights_info, save_weights
from dlatrack.recipes import recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.training.replay import save_step


def call(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["dlatrack", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    captured = capsys.readouterr()
    return stop.value.code or 0, captured.out, captured.err


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    root = tmp_path_factory.mktemp("clips")
    for sequence in synthetic_sequences(2, seed=60, length=5, challenges=()):
        write_folder(sequence, root)
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    chosen = recipe("dla_siamcar_small")
    save_weights(path, build_model(chosen), chosen, {})
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "siamcat", "--out", "OUT"], "there is no recipe 'siamcat'; choose from cosiamrpn,"),
        (
            ["train", "siamcar_small", "--out", "OUT", "--device", "tpu"],
            "there is no device 'tpu' here; choose from cpu",
        ),
        (["train", "siamcar_small", "--out", "OUT", "--data", "OUT/none"], "none"),
        (["train", "siamcar_small", "--out", "OUT", "--epochs", "-3"], "epochs must be at least 1, got -3"),
        (
            ["benchmark", "vot", "--root", "OUT", "--weights", "W", "--out", "OUT"],
            "there is no benchmark 'vot'",
        ),
        (["benchmark", "folder", "--root", "OUT", "--weights", "OUT/w", "--out", "OUT"], "cannot read"),
        (
            ["bench", "coffee"],
            "there is no benchmark 'coffee'; choose from assign, cpu, evaluate, pairs, runtimes, track, train",
        ),
        (["train"], "train needs a recipe and a folder: dlatrack train RECIPE --out FOLDER"),
        (["train", "siamcar_small", "--out", "OUT", "--precision", "int8"], "there is no precision 'int8'"),
        (["train", "siamcar_small", "--out", "OUT", "--gradients", "max"], "taken as mean or sum, got 'max'"),
        (
            ["train", "siamcar_small", "--out", "OUT", "--save-minutes", "0"],
            "save_minutes must be more than 0",
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--seed", str(2**64)],
            f"seed must be in 0..{2**64 - 1}, got",
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--sequences", "-3"],
            "sequences must be 1 or more, got -3",
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--sequences", "0"],
            "sequences must be 1 or more, got 0",
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--sequences", "99999999999999999999"],
            "sequences must be at most 10,000, got 99999999999999999999",
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--trunk", "tenth"],
            "only a run with --init takes --trunk",
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--batch-norm", "y", "--rate", "0.1"],
            "only a run with --init takes --batch-norm and --rate",
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--init", "siamcar_small", "--trunk", "x"],
            "trunk must be frozen or tenth, got 'x'",
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--init", "siamcar_small", "--batch-norm", "y"],
            "batch_norm must be frozen or trains, got 'y'",
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--init", "siamcar_small", "--rate", "inf"],
            "rate must be a positive number, got inf",
        ),
        (
            [
                "train",
                "siamcar_small",
                "--out",
                "OUT",
                "--init",
                "siamcar_small",
                "--backbone-weights",
                "random",
            ],
            "init siamcar_small has weights of the whole network; backbone weights (random) are for",
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--init", "siamrpnpp_small"],
            "holds weights of siamrpnpp_small, not of the network of siamcar_small: it lacks head.down.weight",
        ),
        (["train", "siamcar_small", "--out", "OUT", "--init", "OUT"], "cannot read"),
        (
            ["train", "siamcar_small", "--out", "OUT", "--init-backbone", "nanotrack_v3"],
            "whose backbone does not fit siamcar_small: backbone is mobilenet_v3 there and mobilenet_v2 here",
        ),
        (
            [
                "train",
                "siamcar_small",
                "--out",
                "OUT",
                "--init-backbone",
                "siamcar_small",
                "--trunk",
                "tenth",
            ],
            "only a run with --init takes --trunk",
        ),
        *(
            (
                ["train", "siamcar_small", "--out", "OUT", "--init-backbone", "siamcar_small", *other],
                f"the backbone starts from one place: give --init-backbone or {other[0]}, not both",
            )
            for other in (["--init", "siamcar_small"], ["--backbone-weights", "random"])
        ),
        (
            ["train", "siamcar_small", "--out", "OUT", "--teacher", "nanotrack_v3"],
            "nanotrack_v3 cannot teach siamcar_small: a teacher needs all points of its student",
        ),
        (["train", "siamcar_nano", "--out", "OUT", "--teacher", "nobody"], "nobody"),
        (["train", "--replay", "OUT/none"], "cannot read"),
        (["run", "99"], "99"),
        (["run", "03", "-p", "epocs", "3"], "epocs"),
        (["run", "03", "-p", "epochs", "many"], "epochs"),
        (["run", "03", "--preset", "huge"], "smoke"),
        (["run", "03", "-p", "epochs"], "a parameter is given as -p NAME VALUE"),
        (["run", "03", "epochs", "3"], "cannot read 'epochs 3'; a parameter is given as -p NAME VALUE"),
        (["run", "03", "-p", "seed", "1", "-p", "seed", "2"], "seed is given twice, as '1' and as '2'"),
    ],
)
def test_bad_input_is_one_line_and_status_two(monkeypatch, capsys, tmp_path, arguments, message):
    arguments = [argument.replace("OUT", str(tmp_path / "out")) for argument in arguments]
    status, _, error = call(monkeypatch, capsys, *arguments)
    assert status == 2
    assert error.startswith("dlatrack: ")
    assert error.count("\n") == 1
    assert message in error
    assert not (tmp_path / "out").exists(), "nothing is left behind"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["train", "siamcar_small", "--seed", "x"],
            "Invalid value for '--seed': Input should be a valid integer, unable to parse string as an integer "
            "(got 'x'); `dlatrack train --help` lists what it takes",
        ),
        (["nothing"], "No such command 'nothing'; `dlatrack --help` lists what it takes"),
        (["figures", "--bad"], "No such option: --bad; `dlatrack figures --help` lists what it takes"),
        (
            ["benchmark", "OTB100", "--workers=0"],
            "Invalid value for '--workers': Input should be greater than or equal to 1 (got '0'); "
            "`dlatrack benchmark --help` lists what it takes",
        ),
    ],
)
def test_wrong_arguments_are_one_line_too(monkeypatch, capsys, arguments, line):
    assert call(monkeypatch, capsys, *arguments) == (2, "", f"dlatrack: {line}\n")


@pytest.mark.parametrize("command", [[], ["data"], ["weights"]])
def test_a_group_without_a_command_prints_its_help(monkeypatch, capsys, command):
    status, out, error = call(monkeypatch, capsys, *command)
    assert status == 2
    assert "Usage: dlatrack" in out + error


@pytest.mark.parametrize("rate", ["-1", "nan", "many"])
def test_a_rate_that_is_none_is_refused(monkeypatch, capsys, tmp_path, rate):
    command = ["train", "siamcar_small", "--out", tmp_path / "out", "--init", "siamcar_small", "--rate", rate]
    status, _, error = call(monkeypatch, capsys, *command)
    assert status == 2
    assert "Invalid value for '--rate'" in error
    assert not (tmp_path / "out").exists()


def test_the_version_is_that_of_the_package(monkeypatch, capsys):
    assert call(monkeypatch, capsys, "--version") == (0, f"dlatrack {__version__}\n", "")


@pytest.mark.parametrize(
    "command", [[], ["run"], ["doctor"], ["data"], ["data", "mini"], ["weights", "info"]]
)
def test_a_short_option_asks_for_help_everywhere(monkeypatch, capsys, command):
    monkeypatch.setenv("COLUMNS", "100")
    short, long = (call(monkeypatch, capsys, *command, option) for option in ("-h", "--help"))
    assert short == long
    assert short[0] == 0
    assert "Usage: dlatrack" in short[1]


def test_the_help_of_run_names_the_option_of_parameters(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    text = call(monkeypatch, capsys, "run", "--help")[1]
    assert re.search(r"--parameter +-p +NAME VALUE", text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["03", "-p", "seed", "-5", "--preset", "smoke", "-p", "data", "a b"],
        ["-p", "seed", "-5", "--parameter", "data", "a b", "--preset", "smoke", "03"],
    ],
)
def test_parameters_of_a_notebook_may_stand_anywhere(monkeypatch, capsys, arguments):
    asked = []
    monkeypatch.setattr(
        "dlatrack.notebooks.run.run_notebook", lambda name, **rest: asked.append((name, rest))
    )
    assert call(monkeypatch, capsys, "run", *arguments)[0] == 0
    parameters = {"seed": "-5", "data": "a b"}
    assert asked == [("03", {"preset": "smoke", "parameters": parameters, "output": None, "timeout": None})]


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["dlatrack", "train", "siamcat", "--out", "x", "--debug"])
    with pytest.raises(ValueError, match="there is no recipe"):
        cli.main()


def test_weights_of_another_recipe_and_truncated_weights(monkeypatch, capsys, clips, weights, tmp_path):
    common = ["--root", clips, "--out", tmp_path / "out"]
    status, _, error = call(
        monkeypatch, capsys, "benchmark", "folder", *common, "--weights", weights, "--recipe", "siamcar_small"
    )
    assert status == 2
    assert "holds weights of recipe dla_siamcar_small, expected siamcar_small" in error
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights.read_bytes()[:-1000])
    status, _, error = call(monkeypatch, capsys, "benchmark", "folder", *common, "--weights", cut)
    assert status == 2
    assert "cut.safetensors is not a complete safetensors file" in error
    assert not (tmp_path / "out").exists()


def test_a_teacher(monkeypatch, capsys, clips, tmp_path):
    out, name = tmp_path / "run", "dla_siamcar_nano"
    command = ["train", name, "--out", str(out), "--pairs-per-epoch", "2", "--batch", "2", "--epochs", "1"]
    command += ["--data", str(clips)]
    status, text, _ = call(monkeypatch, capsys, *command, "--teacher", "nanotrack_v3")
    assert status == 0
    assert ", taught by nanotrack_v3" in " ".join(text.split())
    card = read_weights_info(out / f"{name}.safetensors").card
    assert card["run"]["teacher"] == file_digest(find_weights("nanotrack_v3"))
    status, _, error = call(monkeypatch, capsys, *command)
    assert status == 2
    assert "teacher" in error


def test_a_backbone_from_a_shipped_tracker_and_more_epochs_for_a_finished_run(
    monkeypatch, capsys, clips, tmp_path
):
    out, name = tmp_path / "run", "dla_siamcar_small"
    start = ["--init-backbone", "siamrpnpp_small", "--data", str(clips)]
    command = ["train", name, "--out", str(out), "--pairs-per-epoch", "4", "--batch", "2", *start, "--epochs"]
    status, text, _ = call(monkeypatch, capsys, *command, "1")
    assert status == 0
    assert "starting from backbone mobilenet_v2 of siamrpnpp_small from " in " ".join(text.split())
    assert "continued" not in read_weights_info(out / f"{name}.safetensors").card
    first = (out / "history.csv").read_text()

    status, text, _ = call(monkeypatch, capsys, *command, "3")
    assert status == 0
    final = recipe(name).schedule.final_rate
    said = " ".join(text.split())
    assert (
        f"continuing beyond the schedule of 1 epoch to 3 in all: learning rate {final:g}, the final one of"
        in said
    )
    rows = (out / "history.csv").read_text().splitlines()
    assert rows[:3] == first.splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["0", "0", "1", "1", "2", "2"]
    assert {row.split(",")[2] for row in rows[3:]} == {repr(final)}
    card = read_weights_info(out / f"{name}.safetensors").card
    assert card["continued"] == {"epochs": 2, "rate": final}
    assert card["run"]["recipe"]["schedule"]["epochs"] == 1

    status, _, error = call(monkeypatch, capsys, *command, "2")
    assert status == 2
    assert "has a schedule of 1 epoch and has begun 3; 2 would be fewer; choose another folder" in error
    assert call(monkeypatch, capsys, *command, "3")[0] == 0, "a finished run is only read"


def test_train_then_benchmark(monkeypatch, capsys, clips, tmp_path):
    out = tmp_path / "run"
    size = ["--epochs", "1", "--pairs-per-epoch", "4", "--batch", "2"]
    status, text, _ = call(
        monkeypatch, capsys, "train", "dla_siamcar_small", "--out", out, "--data", clips, *size
    )
    assert status == 0
    path = out / "dla_siamcar_small.safetensors"
    assert str(path) in text
    assert load_weights(path)[1] == replace(
        recipe("dla_siamcar_small"),
        schedule=replace(
            recipe("dla_siamcar_small").schedule, epochs=1, pairs_per_epoch=4, batch=2, warmup_epochs=0
        ),
    )
    assert read_weights_info(path).card["run"]["seed"] == 0

    results = tmp_path / "results"
    status, text, _ = call(
        monkeypatch, capsys, "benchmark", "folder", "--root", clips, "--weights", path, "--out", results
    )
    assert status == 0
    assert "static" in text
    assert "auc" in text
    rows = (results / "scores.csv").read_text().splitlines()
    assert rows[0] == "sequence,dla_siamcar_small,static"
    assert [row.split(",")[0] for row in rows[1:]] == ["synthetic-0060", "synthetic-0061", "mean"]
    means = np.array([row.split(",")[1:] for row in rows[1:]], float)
    assert means[2] == pytest.approx(means[:2].mean(0))
    assert (results / "static" / "synthetic-0060.txt").exists()


def test_a_kept_step_is_repeated(monkeypatch, capsys, tmp_path):
    chosen = recipe("dla_siamcar_small")
    net = build_model(chosen)
    store = CropStore.build(synthetic_sequences(2, seed=60, length=3, challenges=()))
    batch = PairSource(store, chosen.sampling, chosen.net).batch(0, 0, 2)
    batch.search[1, 0, 3, 3] = float("inf")
    file = tmp_path / "failed_step.safetensors"
    where = {"epoch": 1, "step": 7, "backbone_trains": False, "message": "loss nan"}
    save_step(file, net, batch, {"recipe": chosen.as_dict()}, **where)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "argv", ["dlatrack", "train", "--replay", str(file)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    text = capsys.readouterr().out
    assert "step 7, epoch 1" in text
    assert "input search" in text
    assert "loss, total" in text


def test_only_the_entry_point_imports_the_command_line():
    package = Path(dlatrack.__file__).parent
    own, importers = package / "cli", set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Import():
                    names = [alias.name for alias in node.names]
                case ast.ImportFrom(module=str(module), level=0):
                    names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
                case _:
                    continue
            if any(f"{name}.".startswith("dlatrack.cli.") for name in names) and own not in file.parents:
                importers.add(file.relative_to(package).as_posix())
    assert importers == {"__main__.py"}


class Trap:
    """What a malicious pickle holds: unpickling it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.slow
def test_weights_are_imported_and_described(monkeypatch, capsys, tmp_path):
    donor = build_model(recipe("siamban"), torch.Generator().manual_seed(5))
    public = {
        re.sub(
            r"^neck\.levels\.(\d)",
            r"neck.downsample\1.downsample",
            re.sub(r"^head\.levels\.", "head.box", name),
        ): value
        for name, value in donor.state_dict().items()
    }
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in public.items()}}, tmp_path / "ban.pth"
    )
    out = tmp_path / "ban.safetensors"
    status, text, _ = call(
        monkeypatch, capsys, "weights", "import", "siamban", tmp_path / "ban.pth", "--out", out
    )
    assert status == 0
    assert str(out) in text
    net, loaded = load_weights(out)
    assert loaded == recipe("siamban")
    assert torch.equal(
        net.head.get_parameter("levels.3.cls.head.3.bias"), public["head.box3.cls.head.3.bias"]
    )
    status, text, _ = call(monkeypatch, capsys, "weights", "info", out)
    assert status == 0
    assert "53,932,123" in text
    assert "ban.pth" in text


class Output(io.StringIO):
    """An output that takes no more, as a full disk, or whose reader has gone."""

    def __init__(self, code: int, *, late: bool) -> None:
        super().__init__()
        self.error, self.late = OSError(code, os.strerror(code)), late

    def write(self, text: str) -> int:
        if not self.late:
            raise self.error
        return len(text)

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize("late", [False, True], ids=["at once", "when buffers are emptied"])
@pytest.mark.parametrize(
    "arguments", [("--version",), ("--help",), ("weights", "info", "dla_siamcar_small"), ("bench", "--help")]
)
def test_a_full_disk_is_told_in_one_line(monkeypatch, capsys, arguments, late):
    monkeypatch.setattr(sys, "argv", ["dlatrack", *arguments])
    monkeypatch.setattr(sys, "stdout", Output(errno.ENOSPC, late=late))
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"dlatrack: cannot write the output: {os.strerror(errno.ENOSPC)}\n"


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("weights", "info", "dla_siamcar_small")])
def test_a_reader_that_has_gone_is_no_error_to_tell(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["dlatrack", *arguments])
    monkeypatch.setattr(sys, "stdout", Output(errno.EPIPE, late=True))
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    assert capsys.readouterr().err == ""


def test_bad_checkpoints_are_one_line_and_run_no_code(monkeypatch, capsys, tmp_path):
    torch.save({"state_dict": Trap(str(tmp_path / "trapped"))}, tmp_path / "trap.pth")
    torch.save({"some": torch.zeros(1)}, tmp_path / "other.pth")
    for name, message in (
        ("trap.pth", "not a checkpoint of plain tensors"),
        ("other.pth", "lacks backbone"),
        ("none.pth", "cannot read"),
    ):
        status, _, error = call(
            monkeypatch,
            capsys,
            "weights",
            "import",
            "siamcar_small",
            tmp_path / name,
            "--out",
            tmp_path / "out",
        )
        assert status == 2
        assert message in error
        assert error.count("\n") == 1
    assert not (tmp_path / "trapped").exists()
    assert not (tmp_path / "out").exists()


def test_bench_prints_json(monkeypatch, capsys):
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    status, text, _ = call(monkeypatch, capsys, "bench", "assign", "--repeats", "3", "--json")
    assert status == 0
    report = json.loads(text)
    assert all(row["low"] <= row["median"] <= row["high"] for row in report["timings"])
    rules = [name for name in report["figures"] if name.endswith("times as fast as its plain reference")]
    assert {"dla, 3125 anchors", "simota, 625 points"} <= {name.partition(":")[0] for name in rules}
    assert all(report["figures"][name] > 0 for name in rules)
    assert "cores" in report["machine"]["processor"]


def test_doctor_names_the_versions(monkeypatch, capsys):
    status, text, _ = call(monkeypatch, capsys, "doctor")
    assert status == 0
    assert "torchvision" in text


def test_figures_without_notebooks_writes_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(dlatrack.paths, "_PACKAGE_PARENT", tmp_path / "installed")
    monkeypatch.chdir(tmp_path)
    status, _, error = call(monkeypatch, capsys, "figures")
    assert status == 2
    assert f"there are no notebooks in {tmp_path / 'notebooks'}; run this in a clone" in error.replace(
        "\n", " "
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "folder", "--results", "NAME", "--gt", "NAME.json"),
        ("weights", "info", "NAME"),
        ("track", "NAME.mp4", "--box", "1,2,3,4", "--out", "o.mp4"),
        ("benchmark", "folder", "--root", "NAME", "--weights", "dla_nanotrack_v3", "--out", "out"),
    ],
)
def test_a_name_that_no_system_can_have_is_one_line(monkeypatch, capsys, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    status, _, error = call(monkeypatch, capsys, *(word.replace("NAME", "y" * 300) for word in arguments))
    assert status == 2
    assert "too long" in error
    assert error.count("\n") == 1
    assert len(error) < 300
