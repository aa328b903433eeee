"""Rates and sizes that files can hold, found out before anything is written."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video import writer
from dlatrack.datasets.video.connection import EncodedConnection
from dlatrack.datasets.video.reader import VideoFrames
from dlatrack.datasets.video.writer import CODECS, codec_of, nearest_rate, record
from dlatrack.errors import InputError

SIZE = (64, 48)


def written(path: Path, fps: float, size: tuple[int, int] = SIZE) -> Path:
    with record(path, fps) as video:
        for shade in range(8):
            video.add(np.full((size[1], size[0], 3), 20 * shade, np.uint8))
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize(
    ("fps", "held"),
    [(211.222, 211.22), (66.667, 66.67), (119.923, 119.92), (661.234, 661.2), (97.654, 97.65), (240.0, 240)],
)
def test_mpeg4_holds_the_nearest_rate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str, fps: float, held: float
) -> None:
    """A second has at most 65535 parts: 211222 thousandths are too many, 21122 hundredths are not."""
    path = tmp_path / f"a{suffix}"
    assert codec_of(path) in ("avc1", "libx264")
    assert nearest_rate(path, SIZE, fps) == fps
    assert FrameStream(written(path, fps)).fps == pytest.approx(fps, abs=0.01)
    monkeypatch.setitem(CODECS, suffix, ("mp4v",))
    assert nearest_rate(path, SIZE, fps) == pytest.approx(held, abs=0.006)
    assert FrameStream(written(path, fps)).fps == pytest.approx(fps, rel=2e-4)


@pytest.mark.parametrize("suffix", sorted(CODECS))
@pytest.mark.parametrize("fps", [1e-5, 1 / 60, 0.1, 23.976, 28.37573385518591, 1000.0, 90_000.0])
def test_all_that_is_written_is_read_again(tmp_path: Path, suffix: str, fps: float) -> None:
    path = tmp_path / f"a{suffix}"
    try:
        codec_of(path)
    except InputError:
        pytest.skip(f"this OpenCV writes no {suffix}")
    held = nearest_rate(path, SIZE, fps)
    frames = VideoFrames(written(path, fps))
    assert len(frames) == 8
    assert frames.fps == pytest.approx(held, rel=0.02)
    if 0.1 <= fps <= 1000:
        assert held == pytest.approx(fps, abs=0.001)


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    for name in (".t-abcd1234.avi", ".t-abcd1234.csv", ".u-abcd1234.avi"):
        (tmp_path / name).touch()
    with record(tmp_path / "t.avi", 25) as video:
        video.add(np.zeros((32, 32, 3), np.uint8))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".t-abcd1234.csv", ".u-abcd1234.avi", "t.avi"]


@pytest.mark.parametrize("size", [(1, 48), (64, 1)])
def test_a_size_that_cannot_be_written_is_refused_beforehand(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(
        InputError, match=rf"cannot write .*a\.mp4 with {size[0]} x {size[1]} px at 25 frames"
    ):
        nearest_rate(tmp_path / "a.mp4", size, 25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["mp4", "avi"])
@pytest.mark.parametrize(("size", "held"), [((65, 49), (64, 48)), ((64, 49), (64, 48)), ((64, 48), (64, 48))])
def test_the_size_told_is_that_of_the_file(
    tmp_path: Path, suffix: str, size: tuple[int, int], held: tuple[int, int]
) -> None:
    with record(tmp_path / f"a.{suffix}", 25) as video:
        video.add(np.zeros((size[1], size[0], 3), np.uint8))
    assert video.size == held
    assert FrameStream(tmp_path / f"a.{suffix}").first().shape == (held[1], held[0], 3)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_growing_file_can_be_played_at_any_time_and_outlives_a_failure(tmp_path: Path, suffix: str) -> None:
    path, seen = tmp_path / f"a{suffix}", []
    with pytest.raises(RuntimeError, match="stop"), record(path, 25, growing=True) as video:
        for number in (0, 1, 2, 5, 6, 9):
            video.add(np.full((48, 64, 3), 20 * number, np.uint8), number)
            seen.append(playable(path))
        raise RuntimeError("stop")
    assert seen[-1] >= 4
    assert seen == sorted(seen)
    assert playable(path) == 6
    capture, times = cv2.VideoCapture(str(path)), []
    while capture.read()[0]:
        times.append(round(capture.get(cv2.CAP_PROP_POS_MSEC) / 40))
    assert times == [0, 1, 2, 5, 6, 9]


def playable(path: Path) -> int:
    """Frames of a copy, as a killed process would have left it."""
    copy = path.with_name(f"copy{path.suffix}")
    copy.write_bytes(path.read_bytes())
    capture, count = cv2.VideoCapture(str(copy)), 0
    while capture.read()[0]:
        count += 1
    return count


def test_other_files_cannot_grow(tmp_path: Path) -> None:
    with (
        pytest.raises(
            InputError, match=r"a\.avi cannot be written while a stream runs; its name must end in one of"
        ),
        record(tmp_path / "a.avi", 25, growing=True),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_without_pyav_the_codec_is_that_of_opencv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    writer._can_write.cache_clear()
    try:
        assert codec_of(tmp_path / "a.mp4") in ("avc1", "mp4v")
        assert FrameStream(written(tmp_path / "a.mp4", 25)).expected == 8
        with (
            pytest.raises(InputError, match="that takes PyAV with libx264; pip install av"),
            record(tmp_path / "b.mp4", 25, growing=True),
        ):
            pass
        with pytest.raises(InputError, match="addresses and pipes are read with PyAV; pip install av"):
            EncodedConnection("http://127.0.0.1:1/", 1)
    finally:
        writer._can_write.cache_clear()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_an_error_while_a_video_grows(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").symlink_to("/dev/full")
    with (
        pytest.raises(InputError, match=r"a\.mkv"),
        record(tmp_path / "a.mkv", 25, growing=True) as video,
    ):
        for _ in range(5):
            video.add(np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8))


def test_a_full_disk_names_the_video_and_not_the_file_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    av = pytest.importorskip("av")

    def full(*_: object) -> None:
        raise av.error.OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(av.video.stream.VideoStream, "encode", full, raising=False)
    monkeypatch.setattr(writer, "_first_codec", lambda _: writer.ENCODER)
    with (
        pytest.raises(InputError, match=rf"^cannot write {tmp_path / 'a.mp4'}: No space left on device$"),
        record(tmp_path / "a.mp4", 25) as video,
    ):
        video.add(np.zeros((48, 64, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_webm_is_written_without_a_word_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with record(tmp_path / "a.webm", 30) as video:
        video.add(np.zeros((48, 64, 3), np.uint8))
    assert capfd.readouterr() == ("", "")
