"""A window that shows a video while it is tracked, and in which targets are drawn."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

import cv2
import numpy as np

from dlatrack.errors import InputError
from dlatrack.pixels.annotate import target_colour
from dlatrack.pixels.marks import outline
from dlatrack.pixels.text import rgb

_QUIT = (ord("q"), 27)  # q and Escape
_START = (13, 10, ord(" "))  # Enter and space
_BACK = (8, 127)  # Backspace and Delete

#: Sides up to which a drag is a click, px.
_CLICK = 3

_PAUSE = 20  # ms for the window to take events


class Drag(NamedTuple):
    """A box that was drawn with the mouse."""

    box_xywh: np.ndarray  #: (4,), px of the picture, inside it; without area it is a click
    add: bool  #: whether Shift was held


def window_fault() -> str:
    """Why this computer cannot open a window; "" if it can."""
    if not cv2.currentUIFramework():
        return "this OpenCV cannot open windows (opencv-python-headless); leave out --show, or install opencv-python"
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no display to show the video on (DISPLAY is not set); leave out --show"
    return ""


class PreviewWindow:
    """A window of OpenCV that is open during a block.

    Args:
        title: title of the window.

    Raises:
        InputError: if this OpenCV has no windows, or there is no display.
    """

    def __init__(self, title: str) -> None:
        if fault := window_fault():
            raise InputError(fault)
        self._title = title.encode(errors="replace").decode()  # a name that is not UTF-8 would crash OpenCV
        self._drags: list[Drag] = []
        self._from: tuple[int, int] | None = None
        self._to = (0, 0)
        self._size = (1, 1)

    def __enter__(self) -> Self:
        """Open the window; it takes its size from the pictures."""
        cv2.namedWindow(self._title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
        cv2.setMouseCallback(self._title, self._mouse)
        return self

    def show(self, image_rgb: np.ndarray) -> bool:
        """Show a picture, (H, W, 3) uint8; False once q or Escape has been pressed.

        While a box is drawn the picture stays, so that the box fits what is seen.
        """
        key = self._draw(image_rgb, [], 1)
        while self._from is not None and key not in _QUIT:
            key = self._draw(image_rgb, [], _PAUSE)
        return key not in _QUIT

    def drags(self) -> list[Drag]:
        """The boxes that were drawn since the last call."""
        drags, self._drags = self._drags, []
        return drags

    def select(
        self, image_rgb: np.ndarray, check: Callable[[Sequence[np.ndarray]], object]
    ) -> list[np.ndarray]:
        """Let a user draw boxes in a picture, until Enter or the space bar; Backspace removes the last one.

        Args:
            image_rgb: (H, W, 3) uint8.
            check: function that raises InputError for boxes that are refused; then more can be drawn.

        Returns:
            (4,) xywh each, picture px.

        Raises:
            InputError: if q or Escape is pressed.
        """
        boxes: list[np.ndarray] = []
        while True:
            key = self._draw(image_rgb, boxes, _PAUSE)
            boxes += [drag.box_xywh for drag in self.drags() if drag.box_xywh[2:].min() > 0]
            if key in _QUIT:
                raise InputError("no target was selected in the window")
            if key in _BACK:
                boxes = boxes[:-1]
            if key in _START and boxes:
                check(boxes)
                return boxes

    def _draw(self, image_rgb: np.ndarray, boxes: Sequence[np.ndarray], wait_ms: int) -> int:
        """Show a picture with boxes and the one that is being drawn; gives the key that was pressed, or 255."""
        self._size = (image_rgb.shape[1], image_rgb.shape[0])
        if boxes or self._from is not None:
            image_rgb = image_rgb.copy()
            growing = [] if self._from is None else [self._box()]
            for target, (x, y, w, h) in enumerate([*boxes, *growing], 1):
                outline(image_rgb, np.array([x, y, x + w, y + h]), rgb(target_colour(target)), 2)
        cv2.imshow(self._title, cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
        return cv2.waitKey(wait_ms) & 0xFF

    def _mouse(self, event: int, x: int, y: int, flags: int, _data: object = None) -> None:
        """Follow a drag with the left button; outside the picture it ends at its border."""
        width, height = self._size
        self._to = (min(max(x, 0), width - 1), min(max(y, 0), height - 1))
        if event == cv2.EVENT_LBUTTONDOWN:
            self._from = self._to
        elif event == cv2.EVENT_LBUTTONUP and self._from is not None:
            self._drags.append(Drag(self._box(), bool(flags & cv2.EVENT_FLAG_SHIFTKEY)))
            self._from = None

    def _box(self) -> np.ndarray:
        assert self._from is not None
        corners = np.array([self._from, self._to], np.float64)
        size = np.ptp(corners, axis=0)
        if size.max() <= _CLICK:
            return np.array([*corners[1], 0.0, 0.0])
        return np.concatenate([corners.min(axis=0), size])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the window."""
        cv2.destroyWindow(self._title)
