"""The page with a slider: one file, parsed as a browser would."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from dlatrack.assign import build_assigner
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.studies.label_assignment import study_sequence
from dlatrack.viz.explorer import explain_frame, html_player, player

RULES = {
    "A <b>&\"'</script>": build_assigner("rectangle", ScoreGrid()),
    "DLA": build_assigner("dla_points", ScoreGrid()),
}


class Page(HTMLParser):
    """Tags with their attributes, and the text inside each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        attributes = self.tags[-1][1] if self.tags else {}
        name = attributes.get("id") or (self.tags[-1][0] if self.tags else "")
        self.texts[name] = self.texts.get(name, "") + data


def test_a_page_holds_every_frame_and_needs_nothing_else(tmp_path):
    video = study_sequence()
    path = html_player(tmp_path / "page.html", video, RULES, frames=[0, 12, 40])
    text = path.read_text()
    page = Page(text)
    shots = json.loads(page.texts["data"])
    assert [shot["frame"] for shot in shots] == [0, 12, 40]
    image = cv2.imdecode(np.frombuffer(base64.b64decode(shots[1]["picture"]), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (582, 774, 3)
    count = explain_frame(video, 12, RULES).rules["DLA"].counts["positive"]
    assert shots[1]["facts"][1].startswith(f"DLA: {count} positive")
    assert shots[1]["facts"][0].startswith("A <b>&\"'</script>: ")
    slider = next(attributes for tag, attributes in page.tags if tag == "input")
    assert (slider["min"], slider["max"]) == ("0", "2")
    assert "These frames: photographs, simulated camera." in text
    assert not any("src" in attributes or "href" in attributes for _, attributes in page.tags)
    assert "http://" not in text
    assert "https://" not in text
    assert [tag for tag, _ in page.tags].count("script") == 2, "a title cannot close the data"


def test_names_are_escaped(tmp_path):
    boxes = np.array([[20.0, 20, 30, 30]])
    frames = np.zeros((1, 80, 80, 3), np.uint8)
    hostile = Sequence("<img src=x onerror=alert(1)>", frames, boxes, np.array([True]))
    text = html_player(tmp_path / "page.html", hostile, RULES).read_text()
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


@pytest.mark.slow
def test_by_default_a_page_spreads_60_frames_over_less_than_8_mb(tmp_path):
    path = html_player(tmp_path / "page.html", study_sequence(), RULES)
    shots = json.loads(Page(path.read_text()).texts["data"])
    assert len(shots) == 60
    assert path.stat().st_size <= 8_000_000


def test_bad_input(tmp_path, monkeypatch):
    video = study_sequence()
    with pytest.raises(InputError, match=r"must be a file ending in \.html, got .*page\.txt"):
        html_player(tmp_path / "page.txt", video, RULES)
    with pytest.raises(InputError, match="at least one frame that shows the target, and one rule"):
        html_player(tmp_path / "page.html", video, RULES, frames=[])
    with pytest.raises(InputError, match=r"has frames 0\.\.59, not 60"):
        html_player(tmp_path / "page.html", video, RULES, frames=[60])
    monkeypatch.setattr(player, "LARGEST_PAGE", 10_000)
    with pytest.raises(InputError, match="a page with 2 frames is larger than 0 MB; choose fewer frames"):
        html_player(tmp_path / "page.html", video, RULES, frames=[0, 1])
    assert not (tmp_path / "page.html").exists()
