"""Rates and sizes that files can hold, found out before anything is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlatrack.datasets.stream import FrameStream
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
