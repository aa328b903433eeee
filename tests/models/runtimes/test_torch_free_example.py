"""The programs beside exported graphs: they run without torch and dlatrack, and find the same boxes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video.writer import record
from dlatrack.models.onnx.examples import example_files, write_example
from dlatrack.models.onnx.export import export_onnx
from dlatrack.models.weights import load_weights
from dlatrack.recipes import RECIPES, recipe
from dlatrack.tracking.online import OnlineTracker

FRAMES = 31

#: Python reads a module of this name before the program, which then cannot import torch and dlatrack.
WITHOUT_TORCH = """
import sys

class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "dlatrack"):
            raise ImportError(f"{name} must not be imported here")

sys.meta_path.insert(0, Refuses())
"""


def run_example(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program of an exported tracker as its users do, where torch and dlatrack cannot be imported."""
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "sitecustomize.py").write_text(WITHOUT_TORCH)
    environment = os.environ | {"PYTHONPATH": str(folder / "site")}
    refused = subprocess.run(
        [sys.executable, "-c", "import torch"], env=environment, capture_output=True, check=False
    )
    assert refused.returncode, "torch could be imported"
    command = [sys.executable, str(folder / "track_onnx.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dla_nanotrack_v3", "dla_siamcar_small", "dla_siamrpnpp_small"])
def test_the_command_finds_the_boxes_of_the_tracker_without_torch(tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    export_onnx(*load_weights(name), tmp_path)
    sequence = photographic_sequence(77, FRAMES, split="test")
    with record(tmp_path / "clip.mp4", 30) as video:
        for index in range(FRAMES):
            video.add(sequence.frames[index])
    box = sequence.boxes_xywh[0].round()
    done = run_example(tmp_path, str(tmp_path / "clip.mp4"), ",".join(map(str, box)))
    assert not done.returncode, done.stderr
    found = np.loadtxt(done.stdout.splitlines(), delimiter=",")
    first, *others = FrameStream(tmp_path / "clip.mp4")
    tracker = OnlineTracker.from_weights(tmp_path, runtime="onnx")
    tracker.init(first, box)
    usual = np.array([[*boxes, score] for boxes, score in map(tracker.update, others)])
    assert np.abs(usual[-1, :4] - box).max() > 10, "the clip must move the box"
    assert found.shape == (FRAMES - 1, 5)
    assert np.abs(found[:, :4] - usual[:, :4]).max() <= 0.5
    assert np.abs(found[:, 4] - usual[:, 4]).max() <= 0.01


def test_the_command_refuses_what_is_no_video(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    chosen = recipe("nanotrack_v3")
    write_example(tmp_path, chosen)
    (tmp_path / "tracker.json").write_text(
        json.dumps({"recipe": {"net": {"stride": 16}, "online": {"OTB100": {}}}})
    )
    done = run_example(tmp_path, "none.mp4", "1,2,3,4")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "none.mp4 is not a video that OpenCV can read"


def test_every_shipped_head_has_an_example_with_its_numbers(tmp_path: Path) -> None:
    assert example_files("car") == example_files("rpn") == ("track_onnx.py", "decode.py")
    assert example_files("fc") == ()
    chosen = recipe("nanotrack_v3")
    write_example(tmp_path, chosen)
    text = (tmp_path / "track_onnx.cpp").read_text()
    assert "TEMPLATE_SIZE = 127, SEARCH_SIZE = 255, STRIDE = 16;" in text
    assert "PENALTY_K = 0.138, WINDOW_INFLUENCE = 0.455, RATE = 0.348;" in text
    for head in {entry.net.head for entry in RECIPES.values()}:
        one = next(entry for entry in RECIPES.values() if entry.net.head == head)
        write_example(tmp_path / head, one)
        for file in example_files(head):
            assert not re.search(r"{{|}}\S", (tmp_path / head / file).read_text())
    text = (tmp_path / "track_onnx.py").read_text()
    assert len([line for line in text.splitlines() if line.strip()]) < 55, "it is to be read, and translated"
    imports = re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)
    assert set(imports) == {"json", "sys", "pathlib", "cv2", "numpy", "onnxruntime", "decode"}
