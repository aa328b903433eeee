"""Correlation filter trackers of OpenCV, for comparison."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np

from dlatrack.errors import InputError
from dlatrack.tracking.steps.state import first_box

OpenCVKind = Literal["CSRT", "KCF"]


class OpenCVTracker:
    """One of OpenCV's trackers, with its default settings.

    When it reports that the target is lost, the last box is repeated, with score 0.

    Args:
        kind: "CSRT" (Lukezic et al. 2017) or "KCF" (Henriques et al. 2015).

    Raises:
        InputError: if this OpenCV lacks its contributed modules, which have these trackers.
    """

    def __init__(self, kind: OpenCVKind) -> None:
        if not available():
            raise InputError(
                f"OpenCV {cv2.__version__} has no tracker {kind}; install opencv-contrib-python in place of "
                "opencv-python"
            )
        self._kind = kind
        self._tracker: Any = None
        self._box_xywh = np.zeros(4)

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        """Start on a target; its box is rounded to whole px and clipped to the image.

        Args:
            image: (H, W, 3) uint8 RGB.
            box_xywh: (4,), 0-based px.

        Raises:
            InputError: if the box is not four finite numbers, or has no whole px inside the image.
        """
        self._box_xywh = first_box(box_xywh)
        height, width = image.shape[:2]
        left, top = np.maximum(np.rint(self._box_xywh[:2]), 0).astype(int)
        right, bottom = np.rint(self._box_xywh[:2] + self._box_xywh[2:]).astype(int)
        box = int(left), int(top), int(min(right, width) - left), int(min(bottom, height) - top)
        if min(box[2:]) < 1:
            raise InputError(f"the box {self._box_xywh.tolist()} has no whole px inside the image")
        self._tracker = getattr(cv2, f"Tracker{self._kind}_create")()
        self._tracker.init(_bgr(image), box)

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        """Find the target in the next frame.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            box_xywh: (4,) float64, 0-based px.
            score: 1, or 0 if the target is lost.

        Raises:
            ValueError: if called before `init`.
        """
        if self._tracker is None:
            raise ValueError("call init with the first frame and its box before update")
        found, box = self._tracker.update(_bgr(image))
        if found:
            self._box_xywh = np.array(box, dtype=np.float64)
        return self._box_xywh.copy(), float(found)


def available() -> bool:
    """Whether this OpenCV has both trackers."""
    return hasattr(cv2, "TrackerCSRT_create") and hasattr(cv2, "TrackerKCF_create")


def _bgr(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
