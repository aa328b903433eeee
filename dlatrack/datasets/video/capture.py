"""Opening video files of any name, and the rate at which they were recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from dlatrack.datasets.images import IMAGE_SUFFIXES, LARGEST_IMAGE
from dlatrack.errors import InputError
from dlatrack.paths import scratch_folder

#: Frames per second where a file does not say.
_USUAL = 30.0

#: Rates from here on are not trusted without times that agree: units of time are 600, 1000 and 90000.
_UNIT = 600.0

#: Shortest pause of a recording, ms.
_PAUSE = 1000.0

#: Frames by which a file may be shorter than it declares, since sound may last longer than the video.
_LACKING = 1.5

#: Rows of a frame whose channels are swapped at once.
_ROWS = 256

#: Relative difference up to which a declared rate is taken although the times of the frames differ from it.
_TOLERANCE = 0.01


def open_capture(path: Path) -> cv2.VideoCapture:
    """Open a video file at its first frame.

    Raises:
        InputError: if the file is missing or no video.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing; a video file is needed")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise InputError(f"{path} is an image; a video file or the folder of all images of a clip is needed")
    with name_for_opencv(path) as name:
        capture = cv2.VideoCapture(name)
    if not capture.isOpened():
        raise InputError(f"{path} is not a video that OpenCV can read")
    width, height = (int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > LARGEST_IMAGE:
        raise InputError(
            f"{path} has frames of {width} x {height} px; frames of at most {LARGEST_IMAGE:,} px are decoded"
        )
    return capture


def to_rgb(image_bgr: np.ndarray) -> np.ndarray:
    """Turn a frame from BGR to RGB in its place, so that a large one is not held twice.

    Args:
        image_bgr: (H, W, 3) uint8, as OpenCV decodes it; changed.
    """
    for top in range(0, len(image_bgr), _ROWS):
        rows = image_bgr[top : top + _ROWS]
        cv2.cvtColor(rows, cv2.COLOR_BGR2RGB, rows)
    return image_bgr


def check_same_size(where: str, size: tuple[int, int], first: tuple[int, int]) -> None:
    """Check that a frame has the size of the first.

    Args:
        where: the frame, for the message.
        size: its width and height, px.
        first: width and height of the first frame, px.

    Raises:
        InputError: if they differ.
    """
    if size != first:
        raise InputError(
            f"{where} is {size[0]} x {size[1]} px, the first one {first[0]} x {first[1]}; all must be of one size"
        )


@contextmanager
def name_for_opencv(path: Path) -> Iterator[str]:
    """A name by which OpenCV and FFmpeg can open a file inside the block.

    FFmpeg takes the part before a colon in a relative name for a protocol, so the name is absolute. OpenCV passes
    names on as UTF-8, crashes for a name that is not, and fails where the file system's names are in another
    encoding; such a file gets a link with a plain name.

    Raises:
        InputError: if the link cannot be made.
    """
    absolute = path.absolute()
    try:
        plain = str(absolute).encode() == os.fsencode(absolute)
    except UnicodeEncodeError:
        plain = False
    if plain:
        yield str(absolute)
        return
    with scratch_folder(name="link") as folder:
        suffix = path.suffix if path.suffix.isascii() else ""
        link = folder / f"video{suffix}"
        try:
            link.symlink_to(absolute)
        except OSError as error:
            raise InputError(
                f"{str(path)!r} has a name that OpenCV cannot open ({error.strerror or error}); rename it"
            ) from error
        yield str(link)


def rate_of(times: np.ndarray, declared: float) -> float:
    """Frames per second of a video.

    Browsers, telephones and broadcasts declare the unit of their times instead of a rate, or a rate that they do not
    keep. Where the times disagree, the rate is the number of frames less one by the time between the first and the
    last. Pauses of more than a second and of more than ten usual steps do not count.

    Args:
        times: (T,) ms, as `packet_times` returns them.
        declared: frames per second that the file declares, or another number that it has in this place.

    Returns:
        The declared rate where the times agree, as it is more exact than they are; 30 where neither can be used.
    """
    sound = bool(np.isfinite(declared) and declared > 0)
    parts = _parts(times)
    span = float(sum(np.ptp(part) for part in parts))
    steps = sum(len(part) - 1 for part in parts)
    repeated = sum(len(part) - len(np.unique(part)) for part in parts)
    if not span > 0 or repeated > len(times) / 4:
        return float(declared) if sound and declared < _UNIT else _USUAL
    if sound:
        # Times that grow are rounded to 1 ms. A repeated time replaces a missing one, and between frames that refer
        # to each other a pause or the end of the file may lie.
        slack = 1.0 if len(parts) == 1 and (np.diff(times) > 0).all() else 3000 / declared
        if abs(span - 1000 * steps / declared) <= max(_TOLERANCE * span, slack):
            return float(declared)
    return 1000 * steps / span


def expected_frames(times: np.ndarray, declared: float, count: float, fps: float) -> int:
    """How many frames a video should have: more than `times` where the file ends before its declared end.

    Some containers declare their number of frames, others their duration, which OpenCV turns into a number of frames
    at the declared rate. So the number alone says nothing about a file of variable rate.

    Args:
        times: (T,) ms, as `packet_times` returns them.
        declared: frames per second that the file declares.
        count: number of frames that it declares, or that OpenCV computes.
        fps: frames per second, as `rate_of` returns them.
    """
    if not (np.isfinite(declared) and declared > 0 and len(times) < count < 2**31):
        return len(times)
    span = float(np.ptp(times)) if np.isfinite(times).all() and len(times) else 0.0
    if not span > 0:
        return int(count)
    lacking = (1000 * count / declared - span) * fps / 1000 - 1
    return min(len(times) + round(lacking), int(count)) if lacking > _LACKING else len(times)


def _parts(times: np.ndarray) -> list[np.ndarray]:
    """Times, cut at pauses and where the clock is set back, as in files that were joined; none without times."""
    if len(times) < 2 or not np.isfinite(times).all():
        return []
    steps = np.diff(times)
    far = 10 * float(np.median(np.abs(steps)))  # frames that refer to later ones lie a few steps behind them
    return np.split(times, np.flatnonzero((steps < -max(far, 1.0)) | (steps > max(far, _PAUSE))) + 1)
