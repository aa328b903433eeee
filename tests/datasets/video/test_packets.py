"""Videos whose size changes on the way, which OpenCV would scale without a word."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.video.packets import packet_times
from dlatrack.datasets.video.reader import VideoFrames
from dlatrack.datasets.video.stream import FrameStream
from dlatrack.datasets.video.writer import record
from dlatrack.errors import InputError

SMALL, LARGE = (64, 48), (96, 80)


def image(size: tuple[int, int], number: int) -> np.ndarray:
    return np.full((size[1], size[0], 3), 20 * number, np.uint8)


def mjpeg(path: Path, sizes: list[tuple[int, int]]) -> Path:
    """JPEG images one after the other, which FFmpeg takes for a video."""
    path.write_bytes(
        b"".join(cv2.imencode(".jpg", image(size, n))[1].tobytes() for n, size in enumerate(sizes))
    )
    return path


def vp8(path: Path, sizes: list[tuple[int, int]]) -> Path:
    """A file of VP8 frames, in parts that OpenCV has written for each size."""
    frames: list[bytes] = []
    for size in sizes:
        part = path.with_name("part.webm")
        with record(part, 25) as video:
            for number in range(3):
                video.add(image(size, number))
        capture = cv2.VideoCapture(str(part))
        capture.set(cv2.CAP_PROP_FORMAT, -1)
        while capture.grab():
            frames.append(capture.retrieve()[1].tobytes())
    head = struct.pack("<4s2H4s2H4I", b"DKIF", 0, 32, b"VP80", *sizes[0], 25, 1, len(frames), 0)
    body = b"".join(struct.pack("<IQ", len(frame), n) + frame for n, frame in enumerate(frames))
    path.write_bytes(head + body)
    return path


@pytest.mark.parametrize("second", [LARGE, (48, 64)])
def test_a_change_in_mid_stream_names_the_frame(tmp_path: Path, second: tuple[int, int]) -> None:
    video = mjpeg(tmp_path / "a.mjpeg", [SMALL] * 3 + [second] * 2)
    message = (
        rf"a\.mjpeg frame 3 is {second[0]} x {second[1]} px, the first one 64 x 48; all must be of one size"
    )
    for reader in (FrameStream, VideoFrames, packet_times):
        with pytest.raises(InputError, match=message):
            reader(video)


def test_a_call_that_shrinks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.ivf frame 3 is 64 x 48 px, the first one 96 x 80"):
        FrameStream(vp8(tmp_path / "a.ivf", [LARGE, SMALL]))


@pytest.mark.parametrize("make", [mjpeg, vp8])
def test_what_keeps_its_size_is_read(tmp_path: Path, make) -> None:
    video = make(tmp_path / ("a.mjpeg" if make is mjpeg else "a.ivf"), [SMALL, SMALL])
    assert [frame.shape for frame in FrameStream(video)] == [(48, 64, 3)] * (2 if make is mjpeg else 6)


@pytest.mark.parametrize("suffix", ["mp4", "avi", "mkv", "webm", "mov"])
def test_what_opencv_writes_has_one_size(tmp_path: Path, suffix: str) -> None:
    with record(tmp_path / f"a.{suffix}", 20) as video:
        for number in range(12):
            video.add(image(SMALL, number))
    assert np.diff(np.sort(packet_times(tmp_path / f"a.{suffix}"))) == pytest.approx([50] * 11, abs=1)
