"""The saved laboratory as a file, and its JavaScript as one module; `tests/browser` opens it."""

from __future__ import annotations

import base64
import io
import json
import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from dlatrack import ScoreGrid
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.grid import RPN_ANCHORS
from dlatrack.recipes import recipe
from dlatrack.studies.label_assignment import search_regions, study_sequence
from dlatrack.viz.laboratory import page, write_page
from dlatrack.viz.laboratory.assets import MODULES, read_static, script, widget_module


def content(path) -> dict:
    text = path.read_text()
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text)[1])


@pytest.fixture
def noise() -> Sequence:
    """Frames that hardly compress; the target is absent in the second."""
    frames = np.random.default_rng(0).integers(0, 256, (300, 64, 64, 3), np.uint8)
    boxes = np.tile([20.0, 20, 24, 24], (300, 1))
    visible = np.ones(300, bool)
    boxes[1], visible[1] = np.nan, False
    return Sequence("noise", frames, boxes, visible)


def test_modules_join_to_one_with_names_of_their_own():
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", script(), re.MULTILINE)
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert not re.search(r"^(import|export)\b", script(), re.MULTILINE)
    assert widget_module("openWidget").rstrip().endswith("export default { render: openWidget };")
    static = {file.removesuffix(".js") for file in _imported()} | {"hosts"}
    assert static == set(MODULES)
    for place, name in enumerate(MODULES):
        for wanted in re.findall(r'from "\./(\w+)\.js"', read_static(f"{name}.js")):
            assert wanted in MODULES
            # Constants and classes that are used while a module loads have to stand before it.
            if re.search(r"^const \w+ = .*\b(?:make|within)\(", read_static(f"{name}.js"), re.MULTILINE):
                assert MODULES.index(wanted) < place


def _imported() -> set[str]:
    return {
        name for module in MODULES for name in re.findall(r'from "\./(\w+\.js)"', read_static(f"{module}.js"))
    }


def test_no_text_becomes_markup():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", script())


def test_a_page_holds_frames_targets_and_rules(tmp_path):
    path = write_page(tmp_path / "lab.html", frame=40, seed=3)
    assert path.stat().st_size <= 1_000_000
    data = content(path)
    video = study_sequence()
    assert data["frames"] == len(data["pictures"]) == len(data["targets"]) == 60
    region = search_regions(video, [12], seed=3)
    assert data["targets"][12] == region.target_xyxy[0].tolist()
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["pictures"][12]))))
    assert np.abs(picture.astype(int) - region.crops_rgb[0]).mean() < 6
    assert data["imagery"] == "photographs, simulated camera"
    assert data["setting"]["frame"] == 40
    assert [side["id"] for side in data["setting"]["sides"]] == ["rectangle", "dla_points"]
    text = path.read_text()
    assert "default-src 'none'" in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_names_cannot_leave_the_data(tmp_path, noise):
    hostile = Sequence(
        "</script><img src=x onerror=alert(1)>", *(noise.frames[:2], noise.boxes_xywh[:2], noise.visible[:2])
    )
    text = write_page(tmp_path / "lab.html", hostile).read_text()
    assert "<img src=x" not in text
    assert content(tmp_path / "lab.html")["sequence"] == hostile.name
    assert content(tmp_path / "lab.html")["targets"][1] is None


def test_a_long_sequence_is_thinned_until_it_fits(tmp_path, noise):
    path = write_page(tmp_path / "lab.html", noise, frame=299)
    data = content(path)
    assert path.stat().st_size <= 3_000_000
    assert data["frames"] < 300
    assert data["numbers"][data["setting"]["frame"]] == max(data["numbers"])


def test_a_page_opens_with_rules_and_a_grid(tmp_path):
    grid = recipe("nanotrack_v3").grid
    rules = (("dla", {"anchor_shapes": RPN_ANCHORS}), ("atss", {"candidates": 7}))
    data = content(write_page(tmp_path / "lab.html", rules=rules, grid=grid))
    sides = data["setting"]["sides"]
    assert sides[0]["id"] == "dla_anchors"
    assert sides[0]["options"] == {}
    assert (sides[1]["id"], sides[1]["options"]) == ("atss_points", {"candidates": 7})
    assert data["grids"][sides[0]["grid"]]["size"] == 15
    titles = [each["title"] for each in data["grids"]]
    assert len(set(titles)) == len(titles)
    odd = content(write_page(tmp_path / "lab.html", grid=ScoreGrid(5, 40, 47)))
    assert odd["grids"][odd["setting"]["sides"][0]["grid"]]["title"] == "5 × 5, stride 40"


def test_bad_input(tmp_path, monkeypatch, noise):
    path = tmp_path / "lab.html"
    with pytest.raises(InputError, match=r"must be a file ending in \.html, got .*lab\.txt"):
        write_page(tmp_path / "lab.txt")
    with pytest.raises(InputError, match=r"has frames 0\.\.59, not 60"):
        write_page(path, frame=60)
    with pytest.raises(InputError, match=r"candidates must be in 1\.\.625"):
        write_page(path, rules=(("dla_points", {"candidates": 0}), ("iou", {})))
    with pytest.raises(InputError, match="simota needs Python behind the laboratory; a page has circle, iou"):
        write_page(path, rules=(("simota", {}), ("iou", {})))
    with pytest.raises(InputError, match="is neither a folder nor a file"):
        write_page(path, tmp_path / "none")
    blind = Sequence("blind", noise.frames[:1], noise.boxes_xywh[:1], np.array([False]))
    with pytest.raises(InputError, match="blind has no frame with an annotated, visible target"):
        write_page(path, blind)
    monkeypatch.setattr(page, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="the frames of noise would have more than 3 MB"):
        write_page(path, noise)
    assert not path.exists()
