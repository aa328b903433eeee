"""Videos whose size changes on the way, which OpenCV would scale without a word."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video import packets as packets_module
from dlatrack.datasets.video.packets import packet_times
from dlatrack.datasets.video.reader import VideoFrames
from dlatrack.datasets.video.writer import record
from dlatrack.errors import InputError

SMALL, LARGE = (64, 48), (96, 80)

#: Grey key frames of H.265, in which all of the first 48 bytes but one bit are the same, and of H.264.
GREY = {
    (
        "hevc",
        SMALL,
    ): "0000000140010c01ffff01600000030090000003000003001e9598090000000142010101600000030090000003000003001e"
    "a02083165959ae4c2f016808000003000800000300c840000000014401c173d0890000012801ac76004bb768975efa",
    (
        "hevc",
        LARGE,
    ): "0000000140010c01ffff01600000030090000003000003001e9598090000000142010101600000030090000003000003001e"
    "a030814596566924c2f0168080000003008000000c84000000014401c172b422400000012801ac7693217bb153550c8729b4",
    (
        "h264",
        SMALL,
    ): "000000016764000aacd9447b011000000300100000030320f12259600000000168ebe3cb22c0000001658884002bfffef673"
    "7c257258e37992ef1db969e77acd03e18d",
    (
        "h264",
        LARGE,
    ): "000000016764000aacd9462ec044000003000400000300c83c4896580000000168ebe3cb22c0000001658884002bfffef673"
    "7c257258e37992f72cbec317fe6cd4802d3c44b83d15628af019f1",
}


def image(size: tuple[int, int], number: int) -> np.ndarray:
    return np.full((size[1], size[0], 3), 20 * number, np.uint8)


def mjpeg(path: Path, sizes: list[tuple[int, int]]) -> Path:
    """JPEG images one after the other, which FFmpeg takes for a video."""
    path.write_bytes(
        b"".join(cv2.imencode(".jpg", image(size, n))[1].tobytes() for n, size in enumerate(sizes))
    )
    return path


def packets(path: Path, codec: str, sizes: list[tuple[int, int]]) -> list[bytes]:
    """Three packets for each size, as OpenCV writes them to `path`."""
    frames: list[bytes] = []
    for size in sizes:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25, size)
        if not writer.isOpened():
            pytest.skip(f"this OpenCV cannot write {codec}")
        for number in range(3):
            writer.write(image(size, number))
        writer.release()
        capture = cv2.VideoCapture(str(path))
        capture.set(cv2.CAP_PROP_FORMAT, -1)
        while capture.grab():
            frames.append(capture.retrieve()[1].tobytes())
    return frames


def vp8(path: Path, sizes: list[tuple[int, int]]) -> Path:
    """A file of VP8 frames."""
    frames = packets(path.with_name("part.webm"), "VP80", sizes)
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


@pytest.mark.parametrize("codec", ["hevc", "h264"])
@pytest.mark.parametrize("sizes", [[SMALL] * 3 + [LARGE], [LARGE] * 3 + [SMALL], [SMALL] * 3])
def test_key_frames_of_h265_and_h264(tmp_path: Path, codec: str, sizes: list[tuple[int, int]]) -> None:
    video = tmp_path / f"a.{codec}"
    video.write_bytes(b"".join(bytes.fromhex(GREY[codec, size]) for size in sizes))
    if len(sizes) == 3:
        assert len(list(FrameStream(video))) == 3
        return
    for reader in (FrameStream, VideoFrames):
        with pytest.raises(
            InputError, match=r"frame 3 is \d+ x \d+ px, the first one \d+ x \d+; all must be"
        ):
            reader(video)


@pytest.mark.parametrize(
    ("codec", "suffix"), [("XVID", "m4v"), ("XVID", "bin"), ("MPG1", "m1v"), ("mpg2", "m2v")]
)
def test_key_frames_of_mpeg(tmp_path: Path, codec: str, suffix: str) -> None:
    video = tmp_path / f"a.{suffix}"
    frames = packets(tmp_path / "part.avi", codec, [SMALL, LARGE])
    video.write_bytes(b"".join(frames[:3]))
    assert FrameStream(video).first().shape == (48, 64, 3)
    video.write_bytes(b"".join(frames))
    with pytest.raises(InputError, match=r"frame \d is 96 x 80 px, the first one 64 x 48; all must be"):
        FrameStream(video)


def test_frames_of_prores(tmp_path: Path) -> None:
    """A head: its length, a name, 8 bytes of other things, width and height."""
    check = packets_module._SizeCheck(Path("a.mov"), "APCH", tmp_path)
    for frame in range(3):
        check(frame, b"\0\0\x20\0icpf" + bytes(8) + struct.pack(">2H", 64, 48) + bytes(80))
    with pytest.raises(InputError, match=r"a\.mov frame 3 is 96 x 80 px, the first one 64 x 48"):
        check(3, b"\0\0\x20\0icpf" + bytes(8) + struct.pack(">2H", 96, 80) + bytes(80))


def test_key_frames_with_the_same_parameters_are_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = tmp_path / "a.h264"
    video.write_bytes(bytes.fromhex(GREY["h264", SMALL]) * 20)
    opened: list[bytes] = []
    monkeypatch.setattr(
        packets_module._SizeCheck, "_opened", lambda _, content, *__: opened.append(content) or SMALL
    )
    assert len(packet_times(video)) == 20
    assert len(opened) == 1


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
