"""How fast a video was recorded, by what it declares and by its times; and names that FFmpeg misreads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlatrack import paths
from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video import capture
from dlatrack.datasets.video.capture import expected_frames, name_for_opencv, open_capture, rate_of, to_rgb
from dlatrack.datasets.video.packets import packet_times
from dlatrack.datasets.video.reader import VideoFrames, read_video
from dlatrack.datasets.video.writer import record
from dlatrack.errors import InputError


def clip(path: Path, fps: float = 25, count: int = 6) -> Path:
    with record(path, fps) as video:
        for shade in range(count):
            video.add(np.full((48, 64, 3), 30 * shade, np.uint8))
    return path


#: Where a browser has drawn 8 frames in a third of a second, ms.
BROWSER = np.array([0.0, 45, 84, 119, 147, 176, 260, 350])


@pytest.mark.parametrize("unit", [1000.0, 90_000.0, 600.0, 0.0, float("nan"), -1.0])
def test_a_unit_of_time_is_no_rate(unit: float) -> None:
    """Seven steps in 350 ms are 20 frames per second."""
    assert rate_of(BROWSER, unit) == 20


def test_a_rate_that_varies_is_the_mean() -> None:
    """Two seconds of 30 frames each, the second one lasting twice as long: 59 steps in 2.9 s."""
    times = np.concatenate([np.arange(30) * 1000 / 30, 1000 + np.arange(30) * 1900 / 29])
    assert rate_of(times, 30.0) == pytest.approx(59 / 2.9)
    assert rate_of(times, 600.0) == pytest.approx(59 / 2.9)


@pytest.mark.parametrize("declared", [275 / 21, 25.0, 1000.0, 0.0])
@pytest.mark.parametrize("pauses", [(137,), (1, 100, 274)])
def test_pauses_do_not_count(declared: float, pauses: tuple[int, ...]) -> None:
    """275 frames of 40 ms, with 10 s more before some of them."""
    times = np.arange(275) * 40.0
    for frame in pauses:
        times[frame:] += 10_000
    assert rate_of(times, declared) == pytest.approx(25)
    reordered = times[[0, *(3 * k + n for k in range(91) for n in (3, 1, 2)), 274]]
    assert rate_of(reordered, 25.0) == 25


def test_a_slow_series_has_no_pauses() -> None:
    """One image each ten seconds, and one after a minute: 4 steps in 90 s."""
    assert rate_of(np.array([0.0, 10_000, 20_000, 80_000, 90_000]), 0.0) == pytest.approx(4 / 90)


TIMES = np.arange(16) * 40.0


@pytest.mark.parametrize(
    ("times", "declared", "count", "fps", "frames"),
    [
        (TIMES, 25.0, 16, 25.0, 16),
        (TIMES, 25.0, 27, 25.0, 27),  # cut off: 27 frames last 1080 ms, the times reach 640
        (TIMES, 1000.0, 1080, 25.0, 27),  # the same length in ms
        (TIMES, 25.0, 15, 25.0, 16),  # miscounted
        (TIMES, 25.0, 17, 25.0, 16),  # the sound lasts a little longer
        (TIMES * 3, 25.0, 48, 25 / 3, 16),  # every third frame: as long as it declares
        (TIMES * 3, 5.0, 60, 25 / 3, 60),  # never more than it declares
        (TIMES * 0, 25.0, 27, 25.0, 27),
        (TIMES, 25.0, -9e18, 25.0, 16),
        (TIMES, 0.0, 27, 25.0, 16),
        (TIMES[:0], 25.0, 27, 25.0, 27),
    ],
)
def test_frames_that_there_should_be(
    times: np.ndarray, declared: float, count: float, fps: float, frames: int
) -> None:
    assert expected_frames(times, declared, count, fps) == frames


@pytest.mark.parametrize("fps", [23.976, 29.97, 30000 / 1001, 211.222, 0.5, 1000.0])
def test_a_rate_that_agrees_with_its_times_is_kept_exactly(fps: float) -> None:
    times = np.arange(20) * 1000 / fps
    assert rate_of(times, fps) == fps
    assert rate_of(times.round(), fps) == fps  # WebM rounds to 1 ms
    assert rate_of(times[[0, 2, 1, 4, 3, *range(5, 20)]], fps) == fps  # frames that refer to later ones


def test_twice_the_rate_is_no_rate() -> None:
    """As AVI files of interlaced cameras declare it."""
    assert rate_of(np.arange(50) * 40.0, 50.0) == pytest.approx(25)


def test_parts_with_clocks_of_their_own_count_for_themselves() -> None:
    times = np.arange(100) * 40.0
    assert rate_of(np.concatenate([times, times]), 90_000.0) == pytest.approx(25)
    assert rate_of(np.concatenate([times, times]), 25.0) == 25


@pytest.mark.parametrize("times", [[], [0.0], [0.0, 0.0, 0.0], [0.0, float("nan")], [0.0, 40, 40, 40]])
def test_without_times_what_is_declared_is_taken_if_it_may_be_a_rate(times: list[float]) -> None:
    assert rate_of(np.array(times), 25.0) == 25
    assert rate_of(np.array(times), 500.0) == 500
    assert rate_of(np.array(times), 600.0) == rate_of(np.array(times), 1000.0) == 30
    assert rate_of(np.array(times), float("nan")) == 30


@pytest.mark.parametrize(("suffix", "fps"), [("avi", 12.5), ("mp4", 29.97), ("webm", 48.0), ("mkv", 211.22)])
def test_files_say_what_was_written(tmp_path: Path, suffix: str, fps: float) -> None:
    path = clip(tmp_path / f"a.{suffix}", fps)
    assert len(packet_times(path)) == 6
    assert FrameStream(path).fps == VideoFrames(path).fps == pytest.approx(fps, abs=0.01)


def retimed(path: Path) -> Path:
    """A WebM file as browsers write it: without a rate, and with the times of `BROWSER`."""
    data = clip(path, 25, 8).read_bytes()
    before = data.index(b"\x23\xe3\x83")  # DefaultDuration of the track, ns
    data = data[:before] + b"\xec" + b"\x85" + data[before + 3 : before + 7] + bytes(1) + data[before + 8 :]
    blocks = []
    at = data.index(b"\x1f\x43\xb6\x75")  # the cluster
    for number, time in enumerate(BROWSER.astype(int).tolist()):
        old = (40 * number).to_bytes(2, "big")
        at = data.index(b"\x81" + old, at) + 1  # the track, then the time
        blocks.append((at, time))
    changed = bytearray(data)
    for at, time in blocks:
        changed[at : at + 2] = time.to_bytes(2, "big")
    path.write_bytes(changed)
    return path


def test_a_webm_without_a_rate_is_measured(tmp_path: Path) -> None:
    path = retimed(tmp_path / "browser.webm")
    assert open_capture(path).get(5) != pytest.approx(20)
    assert FrameStream(path).fps == VideoFrames(path).fps == pytest.approx(20)
    (tmp_path / "boxes.csv").write_text("frame,x,y,w,h\n0,1,2,10,20\n")
    assert read_video(path, tmp_path / "boxes.csv").fps == pytest.approx(20)


@pytest.mark.parametrize("name", ["12:30:05.avi", "file:a.avi", "a%02d.avi", "собака.avi", "concat:a.avi"])
def test_names_that_ffmpeg_reads_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    clip(Path("plain.avi")).rename(name)
    assert len(list(FrameStream(name))) == len(VideoFrames(name)) == 6
    clip(Path(f"new-{name}"))
    assert len(VideoFrames(f"new-{name}")) == 6


SURROGATES = """
import os, sys
import numpy as np
from dlatrack.datasets.video.writer import record
from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video.reader import VideoFrames, read_video
name = os.fsdecode(bytes.fromhex(sys.argv[1]) + b".avi")
with record(name, 25) as video:
    for shade in range(6):
        video.add(np.full((48, 64, 3), 30 * shade, np.uint8))
print(len(list(FrameStream(name))), len(VideoFrames(name)), len(os.listdir()))
try:
    print(len(read_video(name, "boxes.csv", name="ours")))
    read_video(name, "boxes.csv")
except ValueError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are text")
@pytest.mark.parametrize(
    ("name", "locale"),
    [
        (b"caf\xe9", {}),
        (b"cafe", {}),
        (b"\xd0\xb8", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ],
)
def test_names_in_no_encoding(tmp_path: Path, name: bytes, locale: dict[str, str]) -> None:
    """In a process of its own, because such a name would crash OpenCV and end it."""
    (tmp_path / "boxes.csv").write_text("frame,x,y,w,h\n0,1,2,10,20\n")
    done = subprocess.run(
        [sys.executable, "-c", SURROGATES, name.hex()],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(paths.root()), "PYTHONIOENCODING": ":replace"} | locale,
        capture_output=True,
        check=False,
    )
    lines = done.stdout.decode("ascii", "replace").splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[:2] == ["6 6 2", "6"]
    assert [line.split(" has a ")[1] for line in lines[2:]] == (
        [] if name == b"cafe" else ["name that is not UTF-8 text here; rename it, or use a UTF-8 locale"]
    )


def test_a_plain_name_is_only_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with name_for_opencv(Path("12:30.mp4")) as name:
        assert name == str(tmp_path / "12:30.mp4")


def test_an_image_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "0001.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(InputError, match=r"0001\.jpg is an image; a video file or the folder of all images"):
        FrameStream(tmp_path / "0001.jpg")


def test_a_video_of_huge_frames_is_refused_before_one_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clip(tmp_path / "clip.mp4")
    monkeypatch.setattr(capture, "LARGEST_IMAGE", 64 * 48)
    open_capture(path)
    monkeypatch.setattr(capture, "LARGEST_IMAGE", 64 * 48 - 1)
    with pytest.raises(
        InputError, match=r"clip\.mp4 has frames of 64 x 48 px; frames of at most 3,071 px are"
    ):
        open_capture(path)


def test_channels_are_swapped_in_place() -> None:
    image = np.random.default_rng(0).integers(0, 256, (600, 7, 3), dtype=np.uint8)
    swapped = image[..., ::-1].copy()
    assert to_rgb(image) is image
    assert np.array_equal(image, swapped)
