"""The window with the mouse and keys of a user, played by a stand-in for OpenCV's windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.pixels import window as module
from dlatrack.pixels.window import PreviewWindow

IMAGE = np.full((90, 120, 3), 50, np.uint8)
DOWN, MOVE, UP, SHIFT = (
    cv2.EVENT_LBUTTONDOWN,
    cv2.EVENT_MOUSEMOVE,
    cv2.EVENT_LBUTTONUP,
    cv2.EVENT_FLAG_SHIFTKEY,
)


class Screen:
    """What was shown, and what the user does at each look of the window: mouse events, then a key."""

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []
        self.script: Iterator[tuple[list[tuple[int, ...]], int]] = iter(())
        self.mouse: Callable[..., None] = lambda *_: None

    def wait(self, _: int) -> int:
        events, key = next(self.script, ([], -1))
        for event in events:
            self.mouse(*event)
        return key


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    screen = Screen()
    monkeypatch.setattr(module, "window_fault", lambda: "")
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "destroyWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "setMouseCallback", lambda _, call: setattr(screen, "mouse", call))
    monkeypatch.setattr(cv2, "imshow", lambda _, image: screen.shown.append(image))
    monkeypatch.setattr(cv2, "waitKey", screen.wait)
    return screen


def drag(x: int, y: int, to_x: int, to_y: int, flags: int = 0) -> list[tuple[int, ...]]:
    return [(DOWN, x, y, flags), (MOVE, to_x, to_y, flags), (UP, to_x, to_y, flags)]


def test_drags_and_clicks_while_it_runs(screen: Screen) -> None:
    screen.script = iter([(drag(60, 50, 20, 10) + drag(5, 5, 6, 6, SHIFT), -1), ([], ord("q"))])
    with PreviewWindow("x") as window:
        assert window.show(IMAGE)
        first, second = window.drags()
        assert window.drags() == []
        assert not window.show(IMAGE)
    assert (first.box_xywh.tolist(), first.add) == ([20, 10, 40, 40], False)
    assert (second.box_xywh.tolist(), second.add) == ([6, 6, 0, 0], True)


def test_the_picture_stays_while_a_box_is_drawn_and_the_box_inside_it(screen: Screen) -> None:
    screen.script = iter([([(DOWN, 60, 50, 0)], -1), ([(MOVE, 90, 80, 0)], -1), ([(UP, 500, -9, 0)], -1)])
    with PreviewWindow("x") as window:
        assert window.show(IMAGE)
        assert window.drags()[0].box_xywh.tolist() == [60, 0, 59, 50]
    assert len(screen.shown) == 3
    assert (screen.shown[0] == 50).all()
    assert (screen.shown[2] != 50).any()
    assert (IMAGE == 50).all()


def test_targets_are_selected_in_a_still(screen: Screen) -> None:
    checked = []

    def check(boxes) -> None:
        checked.append(len(boxes))

    steps = [(drag(10, 10, 40, 40) + drag(1, 1, 2, 2), -1), (drag(50, 50, 70, 60), 255), ([], 8)]
    screen.script = iter([*steps, (drag(60, 50, 90, 70), -1), ([], 13)])
    with PreviewWindow("x") as window:
        boxes = window.select(IMAGE, check)
    assert [box.tolist() for box in boxes] == [[10, 10, 30, 30], [60, 50, 30, 20]]
    assert checked == [2]


def test_selection_may_be_given_up(screen: Screen) -> None:
    screen.script = iter([([], 13), ([], 27)])
    with (
        PreviewWindow("x") as window,
        pytest.raises(InputError, match="no target was selected in the window"),
    ):
        window.select(IMAGE, lambda _: None)
