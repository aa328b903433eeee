"""The packets of a video file, read before any frame is decoded: times and sizes of its frames."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from dlatrack.datasets.image_header import read_header
from dlatrack.datasets.video.capture import check_same_size, expected_frames, open_capture, rate_of
from dlatrack.paths import scratch_folder

#: Codecs whose packets FFmpeg reads only from a file of kind IVF, and their names there.
_IVF = {"VP80": b"VP80", "VP08": b"VP80", "VP90": b"VP90", "VP09": b"VP90", "AV01": b"AV01"}

#: Codecs whose key packets can be files of their own: the suffix of such a file, and the first bytes of those units
#: of a packet that hold the size. Units follow the bytes 0, 0, 1.
_UNITS = {
    "H264": (".h264", bytes([0x07, 0x27, 0x47, 0x67])),
    "HEVC": (".hevc", bytes([0x42, 0x43])),
    "MPG1": (".m1v", b"\xb3"),
    "MPG2": (".m2v", b"\xb3\xb5"),
    "FMP4": (".m4v", bytes(range(0x20, 0x30))),
}


class FrameTimes(NamedTuple):
    """Rate and number of the frames of a video."""

    fps: float  #: frames per second, as `capture.rate_of` returns them
    #: number of frames that there should be, as `capture.expected_frames` returns it; fewer can be decoded if the
    #: file is cut off or damaged
    frames: int


def read_timing(path: Path) -> FrameTimes:
    """The rate of a video file and the number of its frames, without decoding any.

    Raises:
        InputError: as `packet_times`.
    """
    capture = open_capture(path)
    times = packet_times(path)
    declared = capture.get(cv2.CAP_PROP_FPS)
    fps = rate_of(times, declared)
    return FrameTimes(fps, expected_frames(times, declared, capture.get(cv2.CAP_PROP_FRAME_COUNT), fps))


def packet_times(path: Path) -> np.ndarray:
    """The time of each frame according to the container, ms.

    Packets are read and not decoded: a minute of video takes some milliseconds. Where the size changes within a
    video, OpenCV silently scales its frames to the size of the first: boxes would be in px that no frame has. So key
    frames are opened on their own, for codecs that state the size there: H.264, H.265, MPEG-1, 2 and 4, VP8, VP9,
    AV1, Motion JPEG, PNG and ProRes. In other codecs, and between key frames of VP9, a change is not noticed.

    Args:
        path: a video file.

    Returns:
        (T,) float64, in the order of the file, which is not that of the frames where some refer to later ones; all
        equal where there are no times.

    Raises:
        InputError: as `open_capture`; or naming the frame whose size differs from that of the first.
    """
    capture = open_capture(path)
    if not capture.set(cv2.CAP_PROP_FORMAT, -1):  # not FFmpeg
        return _times(capture, None)
    number = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    codec = number.to_bytes(4, "little").decode("latin-1").upper()
    with scratch_folder(name="packets") as folder:
        times = _times(capture, _SizeCheck(path, codec, folder))
    if (times == times[:1]).all():  # this OpenCV knows times of decoded frames only
        times = _times(open_capture(path), None)
    return times


def _times(capture: cv2.VideoCapture, check: Callable[[int, bytes], None] | None) -> np.ndarray:
    """(T,) float64, the times of all frames left to grab, ms; packets of key frames are checked."""
    times: list[float] = []
    while capture.grab():
        if check is not None and capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME):
            found, packet = capture.retrieve()
            if found:
                check(len(times), packet.tobytes())
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
    return np.array(times, np.float64)


class _SizeCheck:
    """Compares the size of each packet that can be decoded on its own with that of the first.

    Args:
        path: the video, for the message.
        codec: four letters.
        folder: folder for files of single packets.
    """

    def __init__(self, path: Path, codec: str, folder: Path) -> None:
        self._path, self._codec, self._folder = path, codec, folder
        self._first: tuple[int, int] | None = None
        self._known: dict[tuple[bytes, ...], tuple[int, int] | None] = {(): None}

    def __call__(self, frame: int, packet: bytes) -> None:
        """Check a packet.

        Raises:
            InputError: if its size is another.
        """
        size = self._size(packet)
        if size is None:
            return
        self._first = self._first or size
        check_same_size(f"{self._path} frame {frame}", size, self._first)

    def _size(self, packet: bytes) -> tuple[int, int] | None:
        if header := read_header(packet):
            return header.width, header.height
        if packet[4:8] == b"icpf" and len(packet) >= 20:  # ProRes
            return struct.unpack(">2H", packet[16:20])
        if self._codec in _IVF:
            head = struct.pack("<4s2H4s2H4I", b"DKIF", 0, 32, _IVF[self._codec], 0, 0, 30, 1, 1, 0)
            return self._opened(head + struct.pack("<IQ", len(packet), 0) + packet, ".ivf")
        if self._codec not in _UNITS:
            return None
        suffix, starts = _UNITS[self._codec]
        # Nearly all packets hold the same parameters, and opening a file takes as long as decoding a few frames.
        parameters = tuple(unit for unit in packet.split(b"\0\0\1")[1:] if unit and unit[0] in starts)
        if parameters not in self._known:
            self._known[parameters] = self._opened(packet, suffix)
        return self._known[parameters]

    def _opened(self, content: bytes, suffix: str) -> tuple[int, int] | None:
        """Width and height of a file of one packet, px; None if FFmpeg does not know what it is."""
        file = self._folder / f"packet{suffix}"
        file.write_bytes(content)
        capture = cv2.VideoCapture(str(file), cv2.CAP_FFMPEG)
        size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        return size if capture.isOpened() and min(size) > 0 else None
