"""A window that shows a video while it is tracked."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from dlatrack.errors import InputError

_QUIT = (ord("q"), 27)  # q and Escape


class PreviewWindow:
    """A window of OpenCV that is open during a block.

    Args:
        title: title of the window.

    Raises:
        InputError: if this OpenCV has no windows, or there is no display.
    """

    def __init__(self, title: str) -> None:
        if not cv2.currentUIFramework():
            raise InputError(
                "this OpenCV cannot open windows (opencv-python-headless); leave out --show, or install opencv-python"
            )
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise InputError(
                "there is no display to show the video on (DISPLAY is not set); leave out --show"
            )
        self._title = title.encode(errors="replace").decode()  # a name that is not UTF-8 would crash OpenCV

    def __enter__(self) -> Self:
        """Open the window; it takes its size from the pictures."""
        cv2.namedWindow(self._title, cv2.WINDOW_AUTOSIZE)
        return self

    def show(self, image_rgb: np.ndarray) -> bool:
        """Show a picture, (H, W, 3) uint8; False once q or Escape has been pressed."""
        cv2.imshow(self._title, cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
        return cv2.waitKey(1) & 0xFF not in _QUIT

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the window."""
        cv2.destroyWindow(self._title)
