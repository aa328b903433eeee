"""A public checkpoint of NanoTrack V3 on its way through the commands that take a weight file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from nanotrack_checkpoints import public_state
from typer.testing import CliRunner

from dlatrack.cli import app
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import read_weights_info
from dlatrack.recipes import recipe


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    for sequence in synthetic_sequences(2, seed=60, length=4, challenges=()):
        write_folder(sequence, root)
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    torch.save(public_state(build_model(recipe("nanotrack_v3"))), folder / "nanotrackv3.pth")
    out = folder / "nano.safetensors"
    call("weights", "import", "nanotrack_v3", folder / "nanotrackv3.pth", "--out", out)
    return out


def call(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output or done.exception
    return done.output


@pytest.mark.slow
def test_benchmark_evaluate_and_tune(weights: Path, clips: Path, tmp_path: Path) -> None:
    text = call("benchmark", "folder", "--root", clips, "--weights", weights, "--out", tmp_path / "runs")
    assert "nanotrack_v3" in text
    assert "nanotrack_v3" in call("evaluate", "folder", "--results", tmp_path / "runs", "--gt", clips)
    call("tune", weights, "--root", clips, "--out", tmp_path / "tuned.json", "--trials", 2)
    tuned = json.loads((tmp_path / "tuned.json").read_text())
    assert "0.455" in json.dumps(tuned), "the public setting is the first trial"
    hyper = ("--hyper", tmp_path / "tuned.json", "--out", tmp_path / "again")
    call("benchmark", "folder", "--root", clips, "--weights", weights, *hyper)


@pytest.mark.slow
def test_export(weights: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    text = call("weights", "export", weights, "--out", tmp_path)
    assert "nanotrack_v3: onnxruntime against torch" in text
    page = (tmp_path / "README.md").read_text()
    for term in (
        "| `search.onnx` | output | `reg` | 1 x 4 x 15 x 15 |",
        "x = 16 (i - 7)",
        "red and blue are swapped",
    ):
        assert term in page


@pytest.mark.slow
def test_training_it_further_as_its_twin(weights: Path, clips: Path, tmp_path: Path) -> None:
    size = ("--epochs", 2, "--pairs-per-epoch", 4, "--batch", 2)
    text = call("train", "dla_nanotrack_v3", "--init", weights, "--data", clips, "--out", tmp_path, *size)
    assert "; 2 epochs of 4 pairs, 1 epoch of warm-up from 0.0001, cosine to 1e-05, backbone" in text
    assert "backbone frozen, statistics of batch norm kept" in text
    info = read_weights_info(tmp_path / "dla_nanotrack_v3.safetensors")
    assert info.recipe.assign.name == "dla_points"
    assert info.recipe.schedule.frozen_batch_norm
    assert len(info.card["run"]["init"]) == 64
    track = ("benchmark", "folder", "--root", clips, "--out", tmp_path / "runs", "--weights")
    assert "dla_nanotrack_v3" in call(*track, tmp_path / "dla_nanotrack_v3.safetensors")
