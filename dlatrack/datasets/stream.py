"""A video read once, from its first frame to its last, with one frame in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dlatrack.datasets.image_folder import check_headers, image_files
from dlatrack.datasets.video.capture import check_same_size, open_capture, to_rgb
from dlatrack.datasets.video.packets import read_timing
from dlatrack.errors import InputError


class FrameStream:
    """Frames of a video file or a folder of images in order, each decoded when it is needed.

    `VideoFrames` gives frames in any order, and for that reads a file through beforehand. A tracker needs them in
    order.

    Args:
        path: a video file that OpenCV can read, turned upright if it says that it is rotated; a folder of images, as
            `image_folder.image_files` takes it; or a sequence folder with its images in `img/`.

    Attributes:
        live: False; see `datasets.sources.Source`.
        name: name of the file or folder, without suffix.
        fps: frames per second of a file, as `packets.FrameTimes` says; 30 for images.
        expected: number of frames, as `packets.FrameTimes` says. There are fewer if the file is cut off or damaged,
            or if the first ones refer to others that it lacks.

    Raises:
        InputError: if there is no such file or folder, no image in it, or OpenCV cannot read it; naming the frame
            whose size differs from that of the first; and as `check_headers`.
    """

    live = False

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._images = None
        if self.path.is_dir():
            inner = self.path / "img"
            self._images = image_files(inner if inner.is_dir() else self.path)
            self._check_sizes()
            self.name, self.fps, self.expected = self.path.resolve().name, 30.0, len(self._images)
            return
        if not self.path.exists():
            raise InputError(f"{path} is missing; a video file or a folder of images is needed")
        self.name = self.path.stem
        self.fps, self.expected = read_timing(self.path)

    @property
    def files(self) -> list[Path]:
        """The video file, or the images."""
        if self._images is None:
            return [self.path]
        return [self._images.paths[index] for index in range(len(self._images))]

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames from the first on, (H, W, 3) uint8 RGB, all of one size.

        Raises:
            InputError: if no frame can be decoded, an image is not whole, or the size changes, naming the frame.
        """
        size = None
        for frame, image in enumerate(self._decoded()):
            height, width = image.shape[:2]
            size = size or (width, height)
            check_same_size(f"{self.path} frame {frame}", (width, height), size)
            yield image
        if size is None:
            raise InputError(f"{self.path} has no frame that can be decoded")

    def first(self) -> np.ndarray:
        """The first frame, (H, W, 3) uint8 RGB.

        Raises:
            InputError: if it cannot be decoded.
        """
        return next(iter(self))

    def _check_sizes(self) -> None:
        """Refuse images of several sizes before the first is decoded."""
        assert self._images is not None
        first, *others = (header.shown_size for header in check_headers(self._images))
        for frame, size in enumerate(others, 1):
            check_same_size(f"{self._images.paths[frame]} (frame {frame + 1})", size, first)

    def _decoded(self) -> Iterator[np.ndarray]:
        if self._images is not None:
            yield from (self._images[index] for index in range(len(self._images)))
            return
        capture = open_capture(self.path)
        while True:
            found, bgr = capture.read()
            if not found:
                return
            yield to_rgb(bgr)
