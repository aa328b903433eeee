"""Video files, written frame by frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from dlatrack.datasets.video.capture import name_for_opencv
from dlatrack.datasets.video.h264 import ENCODER, GROWING, H264Writer
from dlatrack.errors import InputError
from dlatrack.files import atomic_path, check_writable, remove_leftovers
from dlatrack.paths import scratch_folder

#: Codecs for each kind of file, widely supported first; the first with which one can be opened here is used. H.264
#: ("avc1") is missing from OpenCV's own packages for Linux; then PyAV's encoder of H.264 is taken. Browsers play
#: H.264 and VP8, but not "mp4v" and "MJPG".
CODECS = {
    ".mp4": ("avc1", ENCODER, "mp4v"),
    ".mkv": ("avc1", ENCODER, "mp4v"),
    ".mov": ("avc1", ENCODER, "mp4v"),
    ".avi": ("MJPG",),
    ".webm": ("VP80",),
}

#: Slowest and fastest rate of each kind of file that is written and read again; Matroska and WebM count in ms, and
#: OpenCV takes longer steps in them for breaks of the clock.
_RATES = {
    ".mp4": (0.002, 60_000),
    ".mkv": (0.1, 1000),
    ".mov": (0.002, 60_000),
    ".avi": (0.002, 1000),
    ".webm": (0.1, 1000),
}

#: Smallest width and height of a video, px.
_SMALLEST = 2


@contextmanager
def record(path: str | Path, fps: float, *, growing: bool = False) -> Iterator[Recording]:
    """Write a video, which appears at its path when the block ends, and not at all if the block fails.

    Unfinished files that killed runs have left for the same path are removed first.

    Args:
        path: file ending in one of `CODECS`.
        fps: frames per second; the file gets the nearest rate that it can hold, see `nearest_rate`.
        growing: whether the file is written in place instead: it can be played from its first frame on, and what was
            written outlives a failing block and a killed process.

    Yields:
        The recording, to which frames are added.

    Raises:
        InputError: for another ending, or if the file cannot be written; as `check_growing`.

    Example:
        with record("out.mp4", 25) as video:
            for image in images:
                video.add(image)
    """
    path = Path(path)
    if growing:
        check_growing(path)
        with closing(Recording(path, path, ENCODER, fps, growing=True)) as recording:
            yield recording
        return
    codec = codec_of(path)
    remove_leftovers(path)
    with atomic_path(path) as temporary:
        with closing(Recording(path, temporary, codec, fps)) as recording:
            yield recording
        with name_for_opencv(temporary) as name:
            written = cv2.VideoCapture(name)
        if not written.isOpened():  # OpenCV does not report a full disk
            raise InputError(f"{path} could not be finished; is the disk full?")


class Recording:
    """A video that is being written, as `record` yields it.

    Attributes:
        fps: frames per second in the file, once it has a frame.
        size: width and height in the file, px, as `even_size` says.

    Args:
        path: the destination, which messages name.
        temporary: the file that is written.
        codec: one of `CODECS`.
        fps: frames per second.
        growing: whether the file can be played while it is written, as in `record`.
    """

    def __init__(self, path: Path, temporary: Path, codec: str, fps: float, *, growing: bool = False) -> None:
        self._path, self._temporary, self._codec, self._growing = path, temporary, codec, growing
        self.fps, self.size = fps, (0, 0)
        self._writer: cv2.VideoWriter | H264Writer | None = None

    def add(self, image_rgb: np.ndarray, number: int | None = None) -> None:
        """Append a frame.

        Args:
            image_rgb: (H, W, 3) uint8, of the size of the first.
            number: number of the frame, larger than the last, where a growing file shall have gaps; None: the next.

        Raises:
            InputError: as `nearest_rate`; if H.264 cannot be written to the end, e.g. on a full disk.
            ValueError: if the size is not that of the first frame.
        """
        size = (image_rgb.shape[1], image_rgb.shape[0])
        if self._writer is None:
            self._source_size = size
            self.size = even_size(size)
            self.fps = nearest_rate(self._path, size, self.fps)
            self._writer = _open(
                self._temporary, self._codec, size, self.fps, growing=self._growing, named=self._path
            )
            if not self._writer.isOpened():
                raise InputError(f"OpenCV cannot write {self._path}")
        if size != self._source_size:
            raise ValueError(f"a frame of {size} px does not fit into a video of {self._source_size} px")
        if isinstance(self._writer, H264Writer):
            self._writer.write(image_rgb, number)
        else:
            self._writer.write(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()


def check_growing(path: Path) -> None:
    """Check that a video can be written that is playable while it grows.

    Raises:
        InputError: for another ending, or if PyAV or its encoder is missing.
    """
    if path.suffix.lower() not in GROWING:
        raise InputError(
            f"{path} cannot be written while a stream runs; its name must end in one of {', '.join(GROWING)}"
        )
    if not _can_write(path.suffix.lower(), ENCODER, (64, 64), 30.0):
        raise InputError(
            f"{path} cannot be written while a stream runs: that takes PyAV with {ENCODER}; pip install av"
        )


def codec_of(path: Path) -> str:
    """The codec with which `path` would be written, one of `CODECS`.

    Raises:
        InputError: if OpenCV writes no such file here, naming the endings that it does.
    """
    codec = _first_codec(path.suffix.lower())
    if codec is None:
        known = ", ".join(suffix for suffix in CODECS if _first_codec(suffix) is not None)
        raise InputError(
            f"{path} cannot be written as a video; its name must end in one of {known or 'none'}"
        )
    return codec


def even_size(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a video with frames of this size, px: codecs drop the last column or row of an odd side."""
    return size[0] // 2 * 2, size[1] // 2 * 2


def nearest_rate(path: Path, size: tuple[int, int], fps: float) -> float:
    """The nearest rate that a file can hold, found by trying before long work.

    Rates are rounded to three digits, as OpenCV does. The codec "mp4v" counts time in up to 65535 parts of a second:
    above 65.535 frames per second some rates are rounded to two digits, one or none, so that 211.222 becomes 211.22.

    Args:
        path: destination of the video.
        size: width and height of its frames, px.
        fps: frames per second, above 0.

    Raises:
        InputError: if OpenCV writes no video of this size there.
    """
    suffix, codec = path.suffix.lower(), codec_of(path)
    slowest, fastest = _RATES[suffix]
    rates = (float(round(min(max(fps, slowest), fastest), digits)) for digits in (3, 2, 1, 0))
    rate = next((rate for rate in rates if _can_write(suffix, codec, size, rate)), None)
    small = min(size) < _SMALLEST
    if small or rate is None:
        advice = f"choose another ending of {', '.join(CODECS)}, or another size"
        if small:
            advice = f"both sides must have {_SMALLEST} px or more"
        raise InputError(
            f"OpenCV cannot write {path} with {size[0]} x {size[1]} px at {fps:g} frames per second; {advice}"
        )
    return rate


def _open(
    path: Path,
    codec: str,
    size: tuple[int, int],
    fps: float,
    *,
    growing: bool = False,
    named: Path | None = None,
) -> cv2.VideoWriter | H264Writer:
    if codec == ENCODER:
        return H264Writer(path, fps, even_size(size), growing=growing, named=named)
    # OpenCV takes VP8 in WebM for a mistake, says so past its own log level, and writes it.
    silence = _without_chatter() if path.suffix.lower() == ".webm" else nullcontext()
    with name_for_opencv(path) as name, silence:
        return cv2.VideoWriter(name, cv2.VideoWriter.fourcc(*codec), fps, size)


def check_destination(path: Path) -> None:
    """Check before long work that a video could be written.

    Raises:
        InputError: as `codec_of`, or if its folder is missing or not writable.
    """
    codec_of(path)
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {path.parent}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; the name of a file is needed")
    check_writable(path)


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Silence the standard error of the process, to which codecs write past Python when they are missing."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@cache
def _can_write(suffix: str, codec: str, size: tuple[int, int], fps: float) -> bool:
    """Whether OpenCV opens such a file, found by trying."""
    with scratch_folder(name="probe") as folder, _without_chatter():
        probe = _open(folder / f"probe{suffix}", codec, size, fps)
        opened = probe.isOpened()
        probe.release()
    return opened


def _first_codec(suffix: str) -> str | None:
    """The first codec of a kind of file with which a tiny video can be opened."""
    return next((codec for codec in CODECS.get(suffix, ()) if _can_write(suffix, codec, (64, 64), 30)), None)
