"""Trackers of OpenCV, for comparison."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np

from dlatrack.errors import InputError
from dlatrack.tracking.steps.state import first_box

OpenCVKind = Literal["CSRT", "KCF"]

#: Trackers of OpenCV that need no files.
KINDS: tuple[OpenCVKind, ...] = get_args(OpenCVKind)


class OpenCVTracker:
    """One of OpenCV's trackers, with its default settings.

    When it reports that the target is lost, the last box is repeated, with score 0.

    Args:
        kind: "CSRT" (Lukezic et al. 2017) or "KCF" (Henriques et al. 2015), correlation filters; or "Nano", NanoTrack
            V1 or V2 (V3 has another head).
        files: with "Nano" the ONNX files of its backbone, and of its neck and head.

    Raises:
        InputError: if this OpenCV lacks the tracker (correlation filters are in its contributed modules), or cannot
            read a file.
    """

    def __init__(self, kind: OpenCVKind | Literal["Nano"], files: tuple[Path, Path] | None = None) -> None:
        if not available(kind):
            install = "a newer opencv-python" if kind == "Nano" else "opencv-contrib-python"
            raise InputError(
                f"OpenCV {cv2.__version__} has no tracker {kind}; install {install} in place of opencv-python"
            )
        make = getattr(cv2, f"Tracker{kind}_create")
        self._create: Callable[[], Any] = make
        if kind == "Nano":
            if files is None:
                raise ValueError("the tracker Nano needs two files")
            self._create = partial(make, _nano_parameters(*files))
            try:
                self._create()
            except cv2.error as error:
                raise InputError(f"OpenCV cannot read {files[0]} and {files[1]}: {error.err}") from error
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
        self._tracker = self._create()
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


def available(*kinds: str) -> bool:
    """Whether this OpenCV has the trackers `kinds`; by default, both correlation filters."""
    return all(hasattr(cv2, f"Tracker{kind}_create") for kind in kinds or KINDS)


def opencv_trackers(*, correlation: bool, nano: str = "") -> dict[str, OpenCVTracker]:
    """Trackers of this OpenCV by name, e.g. "OpenCV KCF".

    Args:
        correlation: whether CSRT and KCF are wanted; one that is missing is left out.
        nano: the ONNX files of TrackerNano, backbone and then neck with head, separated by a comma; "": not wanted.

    Raises:
        InputError: if correlation filters are wanted and there is none, or for files that cannot be used.
    """
    found: dict[str, OpenCVTracker] = {}
    if correlation:
        kinds = [
            kind for kind in KINDS if available(kind)
        ] or KINDS  # with none, the first one says what to install
        found = {f"OpenCV {kind}": OpenCVTracker(kind) for kind in kinds}
    if nano:
        files = [Path(part) for part in nano.split(",") if part]
        if len(files) != 2:
            raise InputError(
                "opencv_nano must be two ONNX files, backbone and then neck with head, separated by a comma, "
                f"got {nano!r}"
            )
        found["OpenCV Nano"] = OpenCVTracker("Nano", (files[0], files[1]))
    return found


def _nano_parameters(backbone: Path, head: Path) -> Any:
    for file in (backbone, head):
        if not file.is_file():
            raise InputError(f"{file} is not a file; OpenCV's TrackerNano needs an ONNX file")
    parameters = getattr(cv2, "TrackerNano_Params")()  # noqa: B009  (cv2 has no type of it)
    parameters.backbone, parameters.neckhead = str(backbone), str(head)
    return parameters


def _bgr(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
