"""The programs beside exported graphs: they run without torch and dlatrack, and find the same boxes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.models.onnx.examples import example_files, write_example
from dlatrack.models.onnx.export import export_onnx
from dlatrack.models.weights import load_weights
from dlatrack.recipes import RECIPES, recipe
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import run_one_pass

FRAMES = 31

#: Runs the example where torch and dlatrack cannot be imported, on frames in a file.
WITHOUT_TORCH = """
import sys

class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "dlatrack"):
            raise ImportError(f"{name} must not be imported here")

sys.meta_path.insert(0, Refuses())
import numpy as np
import track_onnx

frames = np.load("frames.npy")
tracker = track_onnx.Tracker(frames[0], [float(part) for part in sys.argv[1:]])
np.save("boxes.npy", [[*box, score] for box, score in map(tracker.update, frames[1:])])
assert not {"torch", "dlatrack"} & set(sys.modules)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dla_nanotrack_v3", "dla_siamcar_small", "dla_siamrpnpp_small"])
def test_boxes_without_torch_are_those_of_the_tracker(tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    net, chosen = load_weights(name)
    export_onnx(net, chosen, tmp_path)
    clip = photographic_sequence(77, FRAMES, split="test")
    frames = np.stack([clip.frames[index] for index in range(FRAMES)])
    np.save(tmp_path / "frames.npy", frames)
    (tmp_path / "test_it.py").write_text(WITHOUT_TORCH)
    box = map(str, clip.boxes_xywh[0].tolist())
    done = subprocess.run(
        [sys.executable, "test_it.py", *box], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    found = np.load(tmp_path / "boxes.npy")
    usual = run_one_pass(OnlineTracker(net, chosen), clip)
    assert np.abs(usual.boxes_xywh[-1] - usual.boxes_xywh[0]).max() > 10, "the clip must move the box"
    assert np.abs(found[:, :4] - usual.boxes_xywh[1:]).max() <= 0.5
    assert np.abs(found[:, 4] - usual.scores[1:]).max() <= 0.01


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
