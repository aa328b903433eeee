"""The conversation in the TraX protocol, with a stand-in for the package; test_vot_toolkit.py has the real client."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from dlatrack.adapters import vot
from dlatrack.errors import InputError
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.reset import start_box


class Rectangle:
    type = "rectangle"

    def __init__(self, *values: float) -> None:
        self._values = values

    @classmethod
    def create(cls, x: float, y: float, width: float, height: float) -> Rectangle:
        return cls(x, y, width, height)

    def bounds(self) -> tuple[float, ...]:
        return self._values


class Polygon:
    type = "polygon"

    def __init__(self, *points: tuple[float, float]) -> None:
        self._points = points

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return iter(self._points)


class TraxError(Exception):
    pass


class Client:
    """Takes the place of module `trax`: asks what it was given and keeps the answers."""

    def __init__(self, *requests: Any) -> None:
        self.answers: list[list[tuple[list[float], float]]] = []
        self.formats: tuple[Any, ...] = ()
        self.reason: str | None = "still open"
        self._requests = iter(requests)

    def server(self, *formats: Any, multiobject: bool) -> Client:
        assert multiobject
        self.formats = formats
        return self

    def wait(self) -> Any:
        found = next(self._requests)
        if isinstance(found, Exception):
            raise found
        return found

    def status(self, objects: list[tuple[Rectangle, dict[str, Any]]]) -> None:
        self.answers.append([([*region.bounds()], own["confidence"]) for region, own in objects])

    def quit(self, reason: str | None = None) -> None:
        self.reason = reason


class Follower:
    """Moves 1 px to the right in every frame; answers the red of the image's first pixel as its score."""

    def __init__(self) -> None:
        self.starts: list[list[float]] = []

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self.starts.append(box_xywh.tolist())
        self._box = box_xywh

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        self._box = self._box + np.array([1, 0, 0, 0])
        return self._box, image[0, 0, 0] / 255


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A red image."""
    path = tmp_path / "00000001.png"
    cv2.imwrite(str(path), np.full((40, 50, 3), (0, 0, 255), np.uint8))
    return path


def request(kind: str, image: Path | None = None, *regions: Any) -> SimpleNamespace:
    images = {"color": SimpleNamespace(path=lambda: str(image))} if image else None
    return SimpleNamespace(
        type=kind, image=images, objects=[(region, {}) for region in regions], properties={}
    )


def install(monkeypatch: pytest.MonkeyPatch, *requests: Any) -> Client:
    client, trax = Client(*requests), ModuleType("trax")
    parts = {
        "Server": client.server,
        "Rectangle": Rectangle,
        "Region": SimpleNamespace(RECTANGLE="rectangle", POLYGON="polygon"),
        "Image": SimpleNamespace(PATH="path"),
        "TraxException": TraxError,
        "TraxStatus": SimpleNamespace(INITIALIZE="initialize", FRAME="frame", QUIT="quit"),
    }
    for name, part in parts.items():
        setattr(trax, name, part)
    monkeypatch.setitem(sys.modules, "trax", trax)
    return client


def test_a_target_is_followed_until_the_client_quits(monkeypatch: pytest.MonkeyPatch, image: Path) -> None:
    client = install(
        monkeypatch,
        request("initialize", image, Rectangle(10.0, 5.0, 20.0, 15.0)),
        request("frame", image),
        request("frame", image),
        request("quit"),
    )
    vot.serve(Follower())
    assert client.formats == (["rectangle", "polygon"], ["path"])
    assert client.answers == [[([10, 5, 20, 15], 1)], [([11, 5, 20, 15], 1)], [([12, 5, 20, 15], 1)]]
    assert client.reason is None


def test_several_targets_are_followed_apart_and_may_come_later(
    monkeypatch: pytest.MonkeyPatch, image: Path
) -> None:
    first, second, later = Rectangle(1, 1, 5, 5), Rectangle(20, 20, 6, 6), Rectangle(30, 10, 7, 7)
    client = install(
        monkeypatch,
        request("initialize", image, first, second),
        request("frame", image, later),
        request("frame", image),
        request("initialize", image, first),
        request("quit"),
    )
    vot.serve(Follower())
    assert [[box for box, _ in answer] for answer in client.answers] == [
        [[1, 1, 5, 5], [20, 20, 6, 6]],
        [[2, 1, 5, 5], [21, 20, 6, 6], [30, 10, 7, 7]],
        [[3, 1, 5, 5], [22, 20, 6, 6], [31, 10, 7, 7]],
        [[1, 1, 5, 5]],
    ]


def test_the_calibrated_probability_is_answered_before_the_score(
    monkeypatch: pytest.MonkeyPatch, image: Path
) -> None:
    monkeypatch.setattr(
        Follower, "confidence", SimpleNamespace(probability=0.25, state="lost"), raising=False
    )
    client = install(
        monkeypatch,
        request("initialize", image, Rectangle(1, 1, 5, 5)),
        request("frame", image),
        request("quit"),
    )
    vot.serve(Follower())
    assert [answer[0][1] for answer in client.answers] == [0.25, 0.25]


def test_a_lost_client_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, TraxError("Exception when waiting for command: closed"))
    monkeypatch.setattr(OnlineTracker, "from_weights", lambda file, **options: Follower())
    assert vot.main(["w"]) == 2
    message = "dlatrack: the TraX client cannot be reached: Exception when waiting for command: closed\n"
    assert capsys.readouterr().err == message


def test_polygons_start_as_in_a_run_with_resets(monkeypatch: pytest.MonkeyPatch, image: Path) -> None:
    """The second region has three corners; only the box around it makes sense."""
    diamond = [(0.0, 5.0), (5.0, 0.0), (10.0, 5.0), (5.0, 10.0)]
    install(
        monkeypatch,
        request("initialize", image, Polygon(*diamond)),
        request("initialize", image, Polygon((1.0, 2.0), (4.0, 8.0), (3.0, 3.0))),
        request("quit"),
    )
    tracker = Follower()
    vot.serve(tracker)
    assert tracker.starts == [start_box(np.array(diamond).ravel()).tolist(), [1, 2, 3, 6]]


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ([Rectangle(1, 2, 3, 4), SimpleNamespace(type="mask")], "gives a target as a mask; a rectangle or"),
        ([SimpleNamespace(type="point")], "gives a target as a point; a rectangle or polygon is needed"),
    ],
)
def test_a_target_of_another_kind_is_refused(
    monkeypatch: pytest.MonkeyPatch, image: Path, regions: list[Any], message: str
) -> None:
    client = install(monkeypatch, request("initialize", image, *regions))
    with pytest.raises(InputError, match=message):
        vot.serve(Follower())
    assert client.reason is not None
    assert message in client.reason


@pytest.mark.parametrize("content", [None, b"\xff\xd8 cut short"])
def test_an_unreadable_image_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "broken.jpg"
    if content is not None:
        path.write_bytes(content)
    install(monkeypatch, request("initialize", path, Rectangle(1, 2, 3, 4)))
    with pytest.raises(InputError, match=r"broken\.jpg is not a readable, complete JPEG or PNG image"):
        vot.serve(Follower())


def test_the_command_serves_the_tracker_of_a_weight_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], image: Path
) -> None:
    client = install(
        monkeypatch, request("initialize", image, Rectangle(10.0, 5.0, 20.0, 15.0)), request("quit")
    )
    asked: list[Any] = []
    monkeypatch.setattr(
        OnlineTracker, "from_weights", lambda file, **options: asked.append((file, options)) or Follower()
    )
    assert vot.main(["w.safetensors", "--hyper", "VOT2019", "--device", "cuda"]) == 0
    assert asked == [(Path("w.safetensors"), {"benchmark": "VOT2019", "device": "cuda"})]
    assert len(client.answers) == 1
    assert capsys.readouterr().out == ""  # standard output belongs to the conversation


def test_bad_input_is_one_line_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install(monkeypatch)
    assert vot.main([str(tmp_path / "none.safetensors")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("dlatrack: ")
    assert "none.safetensors" in err
    assert err.count("\n") == 1


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "trax", None)
    with pytest.raises(ImportError, match=r"needs the package vot-trax .*pip install 'dlatrack\[vot\]'"):
        vot.serve(Follower())
    assert vot.main(["w.safetensors"]) == 2
    assert "pip install 'dlatrack[vot]'" in capsys.readouterr().err
