"""The ONNX graphs track as the network does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from dlatrack import cli
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.files import file_digest
from dlatrack.models.onnx.export import export_onnx
from dlatrack.models.onnx.network import load_onnx
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import find_weights, load_weights
from dlatrack.recipes import recipe
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import run_one_pass

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

#: px of the image, over 20 frames, and of a score.
MOST_PX, MOST_SCORE = 0.01, 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dla_siamcar_small", "dla_siamrpnpp_small"])
def test_boxes_are_those_of_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["dlatrack", "weights", "export", name, "--out", str(tmp_path)])
    monkeypatch.setenv("COLUMNS", "150")
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    text = capsys.readouterr().out
    assert f"{name}: onnxruntime against torch" in text
    assert str(tmp_path / "search.onnx") in text
    described = json.loads((tmp_path / "tracker.json").read_text())
    assert described["origin"] == {
        "weights": f"{name}.safetensors",
        "weights_sha256": file_digest(find_weights(name)),
    }

    clip = synthetic_sequence(7, 20, challenges=("FM",))
    own = run_one_pass(OnlineTracker(*load_weights(name)), clip)
    exported = run_one_pass(OnlineTracker(*load_onnx(tmp_path)), clip)
    assert np.abs(own.boxes_xywh[-1] - own.boxes_xywh[0]).max() > 10, "the clip must move the box"
    assert np.abs(exported.boxes_xywh - own.boxes_xywh).max() <= MOST_PX
    assert np.abs(exported.scores - own.scores).max() <= MOST_SCORE


@pytest.mark.slow
def test_three_scales_are_three_runs_of_the_graph(tmp_path: Path) -> None:
    chosen = recipe("siamfc")
    net = build_model(chosen)
    export_onnx(net, chosen, tmp_path)
    clip = synthetic_sequence(7, 3, challenges=())
    own = run_one_pass(OnlineTracker(net, chosen), clip)
    exported = run_one_pass(OnlineTracker(*load_onnx(tmp_path)), clip)
    assert np.abs(exported.boxes_xywh - own.boxes_xywh).max() <= MOST_PX
