"""Videos and folders of images read from front to back, and video files written frame by frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.datasets.video.reader import VideoFrames
from dlatrack.datasets.video.writer import CODECS, check_destination, codec_of, record
from dlatrack.errors import InputError

#: Frames whose grey says which they are; codecs keep it within a few levels.
SHADES = [20, 60, 100, 140, 180, 220]


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.avi"
    with record(path, 12.5) as video:
        for shade in SHADES:
            video.add(np.full((48, 64, 3), shade, np.uint8))
    return path


def shades(stream) -> list[int]:
    return [round(float(frame.mean())) for frame in stream]


def test_a_video_comes_frame_by_frame(clip):
    stream = FrameStream(clip)
    assert (stream.name, stream.fps, stream.expected) == ("clip", 12.5, 6)
    assert shades(stream) == pytest.approx(SHADES, abs=4)
    assert shades(stream) == pytest.approx(SHADES, abs=4), "from the first frame again"
    assert stream.first().shape == (48, 64, 3)
    for mine, theirs in zip(stream, VideoFrames(clip), strict=True):
        assert (mine == theirs).all()


def test_red_stays_red(tmp_path):
    with record(tmp_path / "red.avi", 25) as video:
        video.add(np.zeros((48, 64, 3), np.uint8) + np.array([200, 30, 30], np.uint8))
    assert FrameStream(tmp_path / "red.avi").first().mean((0, 1)) == pytest.approx([200, 30, 30], abs=6)


def test_folders_of_images_are_read_in_the_order_of_their_numbers(tmp_path):
    for number, shade in ((10, 90), (2, 50)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 9, 3), shade, np.uint8))
    stream = FrameStream(tmp_path)
    assert (stream.fps, stream.expected) == (30, 2)
    assert shades(stream) == [50, 90]


def test_a_sequence_folder_is_read_from_img(tmp_path):
    sequence = synthetic_sequence(5, 2, (64, 64), challenges=())
    folder = write_folder(sequence, tmp_path, images="png")
    stream = FrameStream(folder)
    assert (stream.name, stream.expected) == (sequence.name, 2)
    assert (stream.first() == sequence.frames[0]).all()


def test_bad_sources_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.mp4 is missing; a video file or a folder of images"):
        FrameStream(tmp_path / "none.mp4")
    with pytest.raises(InputError, match=r"has no image; files ending in \.jpg"):
        FrameStream(tmp_path)
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError, match=r"text\.mp4 is not a video that OpenCV can read"):
        FrameStream(tmp_path / "text.mp4")


def test_a_change_of_size_names_the_frame(tmp_path):
    for number, side in ((1, 8), (2, 8), (3, 9)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((8, side, 3), np.uint8))
    with pytest.raises(
        InputError, match=r"3\.png \(frame 3\) is 9 x 8 px, the first one 8 x 8; all must be of one size"
    ):
        list(FrameStream(tmp_path))


@pytest.mark.parametrize("suffix", ["avi", "mkv", "webm"])
def test_a_video_cut_short_gives_what_is_there(tmp_path, suffix):
    """The head of the file still declares all frames; those that were cut off cannot be decoded."""
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (8, 120, 160, 3)).astype(np.uint8)
    with record(path, 25) as video:
        for image in noise:
            video.add(image)
    whole = list(FrameStream(path))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    found = list(FrameStream(path))
    assert 3 <= len(found) < 8
    assert FrameStream(path).expected == VideoFrames(path).expected == 8
    assert all((mine == theirs).all() for mine, theirs in zip(found[:3], whole, strict=False))


@pytest.mark.parametrize("suffix", sorted(CODECS))
def test_every_ending_can_be_read_again(tmp_path, suffix):
    try:
        codec_of(tmp_path / f"x{suffix}")
    except InputError:
        pytest.skip(f"this OpenCV writes no {suffix}")
    path = tmp_path / f"clip{suffix}"
    with record(path, 25) as video:
        for shade in SHADES:
            video.add(np.full((48, 64, 3), shade, np.uint8))
    frames = VideoFrames(path)
    assert (len(frames), frames[0].shape) == (6, (48, 64, 3))
    assert frames.fps == pytest.approx(25, abs=0.1)
    assert shades(FrameStream(path)) == pytest.approx(SHADES, abs=6)


def test_a_failed_recording_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="half-way"), record(tmp_path / "out.mp4", 25) as video:
        video.add(np.zeros((48, 64, 3), np.uint8))
        raise RuntimeError("half-way")
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_size_are_refused(tmp_path):
    with (
        pytest.raises(ValueError, match=r"a frame of \(32, 48\) px does not fit"),
        record(tmp_path / "out.avi", 25) as video,
    ):
        video.add(np.zeros((48, 64, 3), np.uint8))
        video.add(np.zeros((48, 32, 3), np.uint8))


def test_bad_destinations_are_named(tmp_path):
    with pytest.raises(
        InputError, match=r"out\.gif cannot be written as a video; its name must end in one of \.mp4"
    ):
        check_destination(tmp_path / "out.gif")
    with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
        check_destination(tmp_path / "nowhere" / "out.mp4")
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(InputError, match=r"a\.mp4 is a folder"):
        check_destination(tmp_path / "a.mp4")
