"""`dlatrack benchmark` from a miniature to scores that `dlatrack evaluate` repeats."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from command import call

from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.mini import write_mini
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import save_weights
from dlatrack.recipes import recipe


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights: where the boxes go does not matter here."""
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    chosen = recipe("siamcar_small")
    save_weights(path, build_model(chosen, torch.Generator().manual_seed(1)), chosen, {})
    return path


def run(monkeypatch, capsys, name, root, weights, out, *more):
    return call(
        monkeypatch, capsys, "benchmark", name, "--root", root, "--weights", weights, "--out", out, *more
    )


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "times" not in path.parts
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "manifest", "score"), [("OTB100", "otb100", "auc"), ("VOT2019", "vot2019", "accuracy")]
)
def test_shards_make_the_whole_and_evaluate_repeats_the_score(
    monkeypatch, capsys, tmp_path, weights, name, manifest, score
):
    root = write_mini(manifest, tmp_path)
    status, text, _ = run(monkeypatch, capsys, name, root, weights, tmp_path / "whole")
    assert status == 0
    assert score in text
    table = pd.read_csv(tmp_path / "whole" / "scores.csv", index_col=0)
    for part, workers in (("1/2", 2), ("2/2", 1)):
        more = ("--shard", part, "--workers", workers)
        status, text, _ = run(monkeypatch, capsys, name, root, weights, tmp_path / "parts", *more)
        assert status == 0
        assert f"part {part} is done" in text
    assert files(tmp_path / "parts" / "siamcar_small") == files(tmp_path / "whole" / "siamcar_small")

    status, text, _ = call(
        monkeypatch, capsys, "evaluate", name, "--results", tmp_path / "parts", "--gt", root, "--json"
    )
    (row,) = json.loads(text)
    assert (row["tracker"], row["benchmark"]) == ("siamcar_small", name)
    if name == "OTB100":
        assert row["auc"] == pytest.approx(table.loc["mean", "siamcar_small"])
    else:
        assert row["lost"] == pytest.approx(table["siamcar_small failures"].iloc[:-1].sum())


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_parts_that_cannot_be_are_refused(monkeypatch, capsys, tmp_path, weights, shard):
    arguments = ("folder", tmp_path, weights, tmp_path / "out", f"--shard={shard}")
    status, _, error = run(monkeypatch, capsys, *arguments)
    assert status == 2
    assert "a shard is k/n with k from 1 to n, e.g. 3/8" in error
    assert not (tmp_path / "out").exists()


def test_a_benchmark_without_a_reader_is_refused(monkeypatch, capsys, tmp_path, weights):
    status, _, error = run(monkeypatch, capsys, "VOT2018", tmp_path, weights, tmp_path / "out")
    assert status == 2
    assert "VOT2018 has no reader; results of other programs can be scored with evaluate" in error


@pytest.mark.slow
def test_the_runtime_belongs_to_a_run(monkeypatch, capsys, tmp_path, weights):
    """It is recorded unless it is torch, as in earlier versions; an exported folder stands for its weights."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path / "cache"))
    write_folder(synthetic_sequence(5, 4, challenges=()), tmp_path / "clips")
    first, second = tmp_path / "torch", tmp_path / "onnx"
    assert run(monkeypatch, capsys, "folder", tmp_path / "clips", weights, first)[0] == 0
    onnx = ("--runtime", "onnx")
    assert run(monkeypatch, capsys, "folder", tmp_path / "clips", weights, second, *onnx)[0] == 0
    settings = [
        json.loads((out / "siamcar_small" / "run.json").read_text())["settings"] for out in (first, second)
    ]
    assert [entry.get("runtime") for entry in settings] == [None, "onnx"]
    status, _, error = run(monkeypatch, capsys, "folder", tmp_path / "clips", weights, first, *onnx)
    assert status == 2
    assert "belongs to another run: settings was" in error
    (graphs,) = (tmp_path / "cache").glob("graphs-*")
    assert run(monkeypatch, capsys, "folder", tmp_path / "clips", graphs, second, *onnx)[0] == 0
    boxes = [
        np.loadtxt(out / "siamcar_small" / "synthetic-0005.txt", delimiter=",") for out in (first, second)
    ]
    assert np.abs(boxes[0] - boxes[1]).max() < 0.02


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--runtime", "tensorrt"), "there is no runtime 'tensorrt'; choose from torch, onnx, openvino"),
        (("--runtime", "onnx-int4"), "there is no runtime 'onnx-int4'"),
    ],
)
def test_runtimes_that_are_not_there_are_refused(monkeypatch, capsys, tmp_path, weights, more, message):
    status, _, error = run(monkeypatch, capsys, "folder", tmp_path, weights, tmp_path / "out", *more)
    assert status == 2
    assert message in error
    assert not (tmp_path / "out").exists()
