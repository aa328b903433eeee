"""A video file, and a CSV file of the boxes of one target in it, as a sequence.

Frames and pixels count from 0, as in OpenCV and everywhere inside the library.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from dlatrack.datasets.box_text import fault_of_box, split_lines, split_numbers
from dlatrack.datasets.faults import stop_at_first
from dlatrack.datasets.image_folder import utf8_name
from dlatrack.datasets.layout import CheckedFiles
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.video.capture import open_capture, to_rgb
from dlatrack.datasets.video.packets import read_timing
from dlatrack.errors import InputError, shortened

#: Headers that the first row may be; without one the number of values decides.
_HEADERS = (["frame", "x", "y", "w", "h"], ["x", "y", "w", "h"])

#: Frames up to which reading forward replaces seeking.
_NEAR = 16


class VideoFrames:
    """Frames of a video file, decoded when they are needed, in any order.

    Containers miscount their frames, and seeking can miss its frame. So the file is read through once, when its
    length or a frame is first needed, to note the time of each frame. After seeking, the time says which frame was
    reached; if it is a later one or unknown, the file is read again from its start.

    Args:
        path: anything that OpenCV can read; turned upright if the file says that it is rotated.

    Attributes:
        fps: frames per second, as `packets.FrameTimes` says.
        expected: number of frames that there should be; there are fewer if the file is cut off or damaged.

    Raises:
        InputError: if the file is missing or no video, or as `packets.packet_times`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = Lock()
        self._start()
        self.fps, self.expected = read_timing(self.path)

    def __reduce__(self) -> tuple[type[VideoFrames], tuple[Path]]:
        """Another process opens the file for itself."""
        return VideoFrames, (self.path,)

    def __len__(self) -> int:
        return len(self._times)

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 RGB; negative indices count from the end.

        Raises:
            IndexError: if there is no such frame.
            InputError: naming file and frame, when it cannot be decoded.
        """
        frame = range(len(self))[index]
        with self._lock:
            bgr = self._capture.retrieve()[1] if self._reach(frame) else None
        if bgr is None:
            raise InputError(
                f"{self.path} frame {frame} cannot be decoded; the file is damaged or has changed"
            )
        return to_rgb(bgr)

    @cached_property
    def _times(self) -> np.ndarray:
        """(T,) float64, the time of each frame, ms."""
        with self._lock:
            self._start()
            times = []
            while self._capture.grab():
                times.append(self._capture.get(cv2.CAP_PROP_POS_MSEC))
            self._start()
        if not times:
            raise InputError(f"{self.path} has no frame that can be decoded")
        return np.array(times)

    @cached_property
    def _may_seek(self) -> bool:
        """Whether every frame has another time, so that seeking can be checked."""
        return bool((np.diff(self._times) > 0).all())

    def _start(self) -> None:
        """Open the file before its first frame."""
        self._capture = open_capture(self.path)
        self._next = 0  # the frame that is grabbed next
        self._process = os.getpid()

    def _reach(self, frame: int) -> bool:
        """Grab a frame."""
        if self._process != os.getpid():  # a fork shares the position in the file with its parent
            self._inherited = self._capture  # to close it would wait for threads that only the parent has
            self._start()
        if not self._next <= frame <= self._next + _NEAR:
            if self._may_seek and self._seek(frame):
                return True
            self._start()
        return self._forward(frame)

    def _seek(self, frame: int) -> bool:
        """Grab a frame by seeking; False if a later or an unknown one was reached."""
        self._capture.set(cv2.CAP_PROP_POS_FRAMES, frame)
        if not self._capture.grab():
            return False
        landed = self._landed()
        if landed is None:
            return False
        self._next = landed + 1  # beyond the frame if a later one was reached: nothing is read then
        return self._forward(frame) and self._landed() == frame

    def _landed(self) -> int | None:
        """The frame that was grabbed, by its time."""
        time = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        frame = int(np.searchsorted(self._times, time - 1e-3))
        return frame if frame < len(self._times) and abs(self._times[frame] - time) < 1e-3 else None

    def _forward(self, frame: int) -> bool:
        """Grab frames until this one."""
        while self._next <= frame:
            if not self._capture.grab():
                return False
            self._next += 1
        return True


def read_video(video: str | Path, boxes: str | Path, *, name: str = "") -> Sequence:
    """Read a video and the boxes of one target in it.

    Args:
        video: the video file.
        boxes: a CSV file, with or without a header, of rows frame,x,y,w,h in any order, the target being absent in
            frames without a row; or of rows x,y,w,h, one for each frame. Frames and px count from 0. Four NaN in
            place of a box say that the target is absent.
        name: name of the sequence; by default that of the video file.

    Raises:
        InputError: naming file, row (from 1) and value. A file cannot be read; a row is not four or five numbers, is
            NaN in part, has a size that is not positive, lies outside the image, holds a number that no image
            reaches, or names a frame twice or one that is not there; there are more or fewer rows than frames; there
            is no box at all; or the name of the video is not UTF-8 and no other is given.
    """
    name = name or utf8_name(Path(video).with_suffix(""))
    frames = VideoFrames(video)
    height, width = frames[0].shape[:2]
    boxes_xywh = _read_boxes(Path(boxes), frames, (width, height))
    visible = ~np.isnan(boxes_xywh[:, 0])
    return Sequence(name, frames, boxes_xywh, visible, fps=frames.fps)


def _read_boxes(file: Path, frames: VideoFrames, size: tuple[int, int]) -> np.ndarray:
    """The boxes of a CSV file, (T, 4) float64 xywh; NaN rows where the target is absent."""
    text = CheckedFiles(file.absolute().parent.resolve(), stop_at_first).read_text(file.absolute()) or ""
    numbered = list(enumerate(split_lines(text), 1))
    if numbered and [name.strip('"').lower() for name in re.split(r"[,;\s]+", numbered[0][1])] in _HEADERS:
        numbered = numbered[1:]
    if not numbered:
        raise InputError(f"{file} has no boxes; rows frame,x,y,w,h or x,y,w,h are needed")
    first_row = numbered[0][1].strip()
    columns = len(re.split(r"[,;\s]+", first_row))
    if columns not in (4, 5):
        raise InputError(
            f"{file} row {numbered[0][0]}: {shortened(first_row)!r} has {columns} values; rows frame,x,y,w,h or "
            f"x,y,w,h are needed, for one target"
        )
    if columns == 4 and len(numbered) != len(frames):
        raise InputError(
            f"{file} has {len(numbered)} rows x,y,w,h for {len(frames)} frames{_cut_off(frames)}; one row per frame "
            f"is needed, or rows frame,x,y,w,h"
        )
    boxes_xywh = np.full((len(frames), 4), np.nan)
    rows: dict[int, int] = {}
    for index, (number, line) in enumerate(numbered):
        where = f"{file} row {number}: {shortened(line.strip())!r}"
        *first, x, y, w, h = _numbers(line, columns, where)
        frame = _frame(first[0], frames, where) if first else index
        if frame in rows:
            raise InputError(
                f"{where} is about frame {frame}, as row {rows[frame]} is; one box per frame is needed"
            )
        rows[frame] = number
        boxes_xywh[frame] = x, y, w, h
        if fault := fault_of_box([x, y, w, h]):
            raise InputError(f"{where} {fault}")
        if x + w <= 0 or y + h <= 0 or x >= size[0] or y >= size[1]:
            raise InputError(
                f"{where} lies outside the image of {size[0]} x {size[1]} px; it must overlap it"
            )
    if np.isnan(boxes_xywh).all():
        raise InputError(f"{file} has no box; the target is absent (NaN) in all rows")
    return boxes_xywh


def _numbers(line: str, columns: int, where: str) -> list[float]:
    try:
        values = split_numbers(line)
        reason = "" if len(values) == columns else f"it has {len(values)}"
    except ValueError as error:
        reason = str(error)
    if reason:
        raise InputError(f"{where} is not {columns} numbers {','.join(_HEADERS[5 - columns])}; {reason}")
    return values


def _frame(value: float, frames: VideoFrames, where: str) -> int:
    if not (value.is_integer() and 0 <= value < len(frames)):
        raise InputError(
            f"{where} is about frame {value:g}; the video has frames 0 to {len(frames) - 1}{_cut_off(frames)}"
        )
    return int(value)


def _cut_off(frames: VideoFrames) -> str:
    """The part of a message for a file that ends early."""
    early = len(frames) < frames.expected
    return f" (the video declares {frames.expected} and may be cut off or damaged)" if early else ""
