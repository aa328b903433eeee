"""A video read once, from its first frame to its last, with one frame in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from dlatrack.datasets.images import image_files
from dlatrack.datasets.video import VideoFrames, frame_rate, open_capture
from dlatrack.errors import InputError


class FrameStream:
    """Frames of a video file or a folder of images, in order, each decoded when it is its turn.

    `VideoFrames` answers in any order, and reads a file through beforehand for that. A tracker asks in order.

    Args:
        path: a video file that OpenCV can read, turned upright if it says that it is rotated; a folder of images, in
            the order of the numbers in their names; or a sequence folder with its images in `img/`.

    Attributes:
        name: of the file or folder, without suffix.
        fps: frames per second; 30 for images, and where a file does not say.
        expected: number of frames. Containers miscount theirs: what is read may be a little more or less.

    Raises:
        InputError: if there is no such file or folder, no image in it, or OpenCV cannot read it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._images = None
        if self.path.is_dir():
            inner = self.path / "img"
            self._images = image_files(inner if inner.is_dir() else self.path)
            self.name, self.fps, self.expected = self.path.resolve().name, 30.0, len(self._images)
            return
        if not self.path.exists():
            raise InputError(f"{path} is missing; a video file or a folder of images is needed")
        capture = open_capture(self.path)
        self.name, self.fps = self.path.stem, frame_rate(capture)
        declared = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.expected = int(declared) if 0 < declared < 2**31 else len(VideoFrames(self.path))

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames from the first on, (H, W, 3) uint8 RGB, all of one size.

        Raises:
            InputError: if no frame can be decoded, an image is not whole, or the size changes, naming the frame.
        """
        size = None
        for frame, image in enumerate(self._decoded()):
            height, width = image.shape[:2]
            size = size or (width, height)
            if (width, height) != size:
                raise InputError(
                    f"{self.path} frame {frame} is {width} x {height} px, the first one {size[0]} x {size[1]}; "
                    f"all must be of one size"
                )
            yield image
        if size is None:
            raise InputError(f"{self.path} has no frame that can be decoded")

    def first(self) -> np.ndarray:
        """The first frame, (H, W, 3) uint8 RGB.

        Raises:
            InputError: if it cannot be decoded.
        """
        return next(iter(self))

    def _decoded(self) -> Iterator[np.ndarray]:
        if self._images is not None:
            yield from (self._images[index] for index in range(len(self._images)))
            return
        capture = open_capture(self.path)
        while True:
            there, bgr = capture.read()
            if not there:
                return
            yield cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
