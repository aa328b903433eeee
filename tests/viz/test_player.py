"""The page with a slider over pictures: one file, parsed as a browser would."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.viz import player
from dlatrack.viz.player import write_player

PICTURES = [np.full((60, 80, 3), shade, np.uint8) for shade in (10, 120, 250)]
FACTS = [["A <b>&\"'</script>: 1 positive"], ["two"], ["three", "more"]]


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
    title = "<img src=x onerror=alert(1)>"
    path = write_player(tmp_path / "page.html", title, [0, 12, 40], PICTURES, FACTS, imagery="photographic")
    text = path.read_text()
    page = Page(text)
    shots = json.loads(page.texts["data"])
    assert [shot["frame"] for shot in shots] == [0, 12, 40]
    image = cv2.imdecode(np.frombuffer(base64.b64decode(shots[1]["picture"]), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (60, 80, 3)
    assert abs(int(image.mean()) - 120) <= 2
    assert [shot["facts"] for shot in shots] == FACTS
    slider = next(attributes for tag, attributes in page.tags if tag == "input")
    assert (slider["min"], slider["max"]) == ("0", "2")
    assert "These frames: photographs, simulated camera." in text
    assert not any("src" in attributes or "href" in attributes for _, attributes in page.tags)
    assert "http://" not in text
    assert "https://" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert [tag for tag, _ in page.tags].count("script") == 2, "no text can close the data"


def test_a_page_that_grows_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(player, "LARGEST_PAGE", 1_000)
    with pytest.raises(InputError, match="a page with 3 frames is larger than 0 MB; choose fewer frames"):
        write_player(tmp_path / "page.html", "t", [0, 1, 2], PICTURES, FACTS)
    assert not (tmp_path / "page.html").exists()
