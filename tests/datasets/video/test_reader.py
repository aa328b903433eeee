"""Video and CSV: frames in any order, and each way in which either file can be wrong."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.video.reader import VideoFrames, read_video
from dlatrack.errors import InputError

COUNT, WIDTH, HEIGHT = 60, 64, 48


def write_video(file: Path, count: int = COUNT, codec: str = "mp4v") -> Path:
    """A video that shows the number of each frame: six stripes, green for each bit that is set, and a red edge."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*codec), 25, (WIDTH, HEIGHT))
    if not writer.isOpened():
        pytest.skip(f"this OpenCV cannot write {codec}")
    for number in range(count):
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for bit in range(6):
            image[:, 8 * bit : 8 * bit + 8, 1] = 255 * (number >> bit & 1)
        image[:, 48:, 2] = 255
        writer.write(image)
    writer.release()
    return file


def number_in(image: np.ndarray) -> int:
    return sum(1 << bit for bit in range(6) if image[24, 8 * bit + 4, 1] > 100)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "ball.mp4")


def csv(folder: Path, text: str) -> Path:
    (folder / "ball.csv").write_text(text)
    return folder / "ball.csv"


@pytest.mark.parametrize(
    ("codec", "suffix"), [("mp4v", "mp4"), ("MJPG", "avi"), ("XVID", "avi"), ("VP80", "webm")]
)
def test_frames_are_right_in_any_order(tmp_path: Path, codec: str, suffix: str) -> None:
    frames = VideoFrames(write_video(tmp_path / f"a.{suffix}", codec=codec))
    assert len(frames) == COUNT
    assert frames.fps == pytest.approx(25)
    assert [number_in(image) for image in frames] == list(range(COUNT))
    order = [59, 0, 31, 31, 30, 32, 2, 50, *np.random.default_rng(0).integers(0, COUNT, 30).tolist()]
    assert [number_in(frames[index]) for index in order] == order
    assert number_in(frames[-1]) == 59
    with pytest.raises(IndexError):
        frames[COUNT]


def test_frames_are_rgb(video: Path) -> None:
    image = VideoFrames(video)[3]
    assert (image.shape, image.dtype) == ((HEIGHT, WIDTH, 3), np.uint8)
    np.testing.assert_allclose(image[24, 4], [0, 255, 0], atol=60)
    np.testing.assert_allclose(image[24, 56], [255, 0, 0], atol=60)


class Liar:
    """A capture that counts a frame too many, and jumps to other frames than it is asked for.

    Args:
        path: the video.
    """

    beside = 0  #: by how many frames jumps miss
    clock = staticmethod(lambda frame: 40.0 * frame)  #: time of a frame, ms
    opened = 0  #: how often a file was opened

    def __init__(self, path: str) -> None:
        type(self).opened += 1
        self.frame = -1

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def get(self, prop: int) -> float:
        if prop == cv2.CAP_PROP_POS_MSEC:
            return self.clock(self.frame)
        return {cv2.CAP_PROP_FPS: 25.0, cv2.CAP_PROP_FRAME_COUNT: COUNT + 1}.get(prop, 64.0)

    def set(self, prop: int, value: float) -> bool:
        if prop == cv2.CAP_PROP_FORMAT:  # it gives decoded frames alone
            return False
        assert prop == cv2.CAP_PROP_POS_FRAMES
        self.frame = min(max(int(value) + self.beside, 0), COUNT) - 1
        return True

    def grab(self) -> bool:
        self.frame += 1
        return self.frame < COUNT

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, np.full((2, 2, 3), self.frame, np.uint8)


@pytest.mark.parametrize("beside", [0, -3, 3, 100])
@pytest.mark.parametrize("clock", [lambda frame: 40.0 * frame, lambda frame: frame**1.5, lambda frame: 0.0])
def test_jumps_that_miss_are_noticed(
    video: Path, monkeypatch: pytest.MonkeyPatch, beside: int, clock
) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Liar)
    monkeypatch.setattr(Liar, "beside", beside)
    monkeypatch.setattr(Liar, "clock", staticmethod(clock))
    frames = VideoFrames(video)
    assert len(frames) == COUNT
    order = [50, 3, 40, 41, 58, 0, 59]
    assert [int(frames[index][0, 0, 0]) for index in order] == order


def test_frames_in_order_are_read_through_without_opening_again(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Liar)
    frames = VideoFrames(video)
    len(frames)
    monkeypatch.setattr(Liar, "opened", 0)
    monkeypatch.setattr(Liar, "set", lambda *_: pytest.fail("jumped"))
    assert [int(image[0, 0, 0]) for image in frames] == list(range(COUNT))
    assert Liar.opened == 0


def test_a_jump_that_lands_early_is_read_on_from_there(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Liar)
    monkeypatch.setattr(Liar, "beside", -3)
    frames = VideoFrames(video)
    len(frames)
    monkeypatch.setattr(Liar, "opened", 0)
    assert [int(frames[index][0, 0, 0]) for index in (40, 20, 50)] == [40, 20, 50]
    assert Liar.opened == 0


def test_another_process_opens_the_file_anew(video: Path) -> None:
    frames = VideoFrames(video)
    assert number_in(frames[40]) == 40
    copy = pickle.loads(pickle.dumps(frames))
    assert [number_in(copy[7]), number_in(frames[41])] == [7, 41]


FORK = """
import multiprocessing, sys
from dlatrack.datasets.video.reader import VideoFrames
frames = VideoFrames(sys.argv[1])
first = frames[40]
def child(queue):
    queue.put([frames[index].sum() for index in (41, 42, 5)])
context = multiprocessing.get_context("fork")
queue = context.Queue()
process = context.Process(target=child, args=(queue,))
process.start()
found = queue.get()
process.join()
assert process.exitcode == 0
assert found == [frames[index].sum() for index in (41, 42, 5)]
"""


def test_a_forked_worker_reads_on_its_own(video: Path) -> None:
    subprocess.run([sys.executable, "-c", FORK, str(video)], check=True)


def test_rows_with_frames_leave_the_others_without_a_box(video: Path, tmp_path: Path) -> None:
    text = "frame,x,y,w,h\n7,1,2,10,20\n3,0.5,4,5,6\n8,NaN,NaN,NaN,NaN\n"
    sequence = read_video(video, csv(tmp_path, text))
    assert (sequence.name, sequence.fps, len(sequence)) == ("ball", 25, COUNT)
    np.testing.assert_array_equal(sequence.boxes_xywh[[3, 7]], [[0.5, 4, 5, 6], [1, 2, 10, 20]])
    assert np.flatnonzero(sequence.visible).tolist() == [3, 7]
    assert number_in(sequence.frames[7]) == 7


@pytest.mark.parametrize("header", ["", "x,y,w,h\n", "X, Y, W, H\n", '"x";"y";"w";"h"\n'])
def test_rows_without_frames_are_one_per_frame(video: Path, tmp_path: Path, header: str) -> None:
    rows = [f"{number},2,10,20" for number in range(COUNT)]
    rows[5] = "NaN,NaN,NaN,NaN"
    rows[6] = "-3\t2  10 , 20"
    sequence = read_video(video, csv(tmp_path, header + "\n".join(rows)), name="mine")
    assert sequence.name == "mine"
    np.testing.assert_array_equal(
        sequence.boxes_xywh[[4, 6, 59]], [[4, 2, 10, 20], [-3, 2, 10, 20], [59, 2, 10, 20]]
    )
    assert np.flatnonzero(~sequence.visible).tolist() == [5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,1,1,1e300,5\n", r"row 1: .* is not 5 numbers frame,x,y,w,h; 1e300 is too large"),
        ("0,-2e6,1,2000005,5\n", r"row 1: .* has a number beyond 1048576 px, which no image reaches"),
        ("0,\N{ARABIC-INDIC DIGIT ONE},1,5,5\n", r"row 1: .* is not 5 numbers frame,x,y,w,h"),
        (
            "frame,target,x,y,w,h,score\n0,1,1,2,3,4,1\n",  # as `dlatrack track` writes
            r"row 1: 'frame,target,x,y,w,h,score' has 7 values; rows frame,x,y,w,h or x,y,w,h are needed, for one "
            r"target$",
        ),
        ("1,2,3\n" * 60, r"row 1: '1,2,3' has 3 values; rows frame,x,y,w,h or x,y,w,h are needed"),
        (
            "0,1,2,3," + "1" * 400,
            r"row 1: '0,1,2,3,1{72}\.\.\.' is not 5 numbers .*; 1{80}\.\.\. is too large",
        ),
        ("0,1,2,3," + "x" * 400, r"row 1: .* is not 5 numbers .*; 'x{80}\.\.\.' is not a finite number"),
        ("", r"ball.csv has no boxes; rows frame,x,y,w,h or x,y,w,h are needed"),
        ("frame,x,y,w,h\n", r"ball.csv has no boxes"),
        ("1,2,3,4\n" * 59, r"ball.csv has 59 rows x,y,w,h for 60 frames; one row per frame is needed"),
        ("1,2,3,4\n" * 61, r"ball.csv has 61 rows"),
        ("frame,x,y,w,h\n0,1,2,x,4\n", r"ball.csv row 2: '0,1,2,x,4' is not 5 numbers frame,x,y,w,h"),
        ("frame,x,y,w,h\n0,1,2,1_0,4\n", r"ball.csv row 2: '0,1,2,1_0,4' is not 5 numbers"),
        ("0,1,2,3,4\n1,1,2,3\n", r"row 2: '1,1,2,3' is not 5 numbers frame,x,y,w,h"),
        ("1,2,3,4\n" * 58 + "1,2,3\n1,2,3,4", r"row 59: '1,2,3' is not 4 numbers x,y,w,h"),
        ("0,1,2,3,4\n\n1,1,2,3,4\n", r"row 2: '' is not 5 numbers"),
        ("left,top,w,h,frame\n1,2,3,4,0\n", r"row 1: 'left,top,w,h,frame' is not 5 numbers frame,x,y,w,h"),
        ("60,1,2,3,4\n", r"row 1: '60,1,2,3,4' is about frame 60; the video has frames 0 to 59"),
        ("-1,1,2,3,4\n", r"row 1: .* is about frame -1; the video"),
        ("1.5,1,2,3,4\n", r"row 1: .* is about frame 1.5; the video"),
        ("NaN,1,2,3,4\n", r"row 1: .* is about frame nan; the video"),
        ("4,1,2,3,4\n5,1,2,3,4\n4,1,2,3,4\n", r"row 3: .* is about frame 4, as row 1 is; one box per frame"),
        ("0,1,2,-3,4\n", r"row 1: '0,1,2,-3,4' has width -3 and height 4; both must be above 0"),
        ("0,1,2,3,0\n", r"row 1: .* has width 3 and height 0"),
        ("0,1,NaN,3,4\n", r"row 1: .* is NaN in part; four numbers or four NaN are needed"),
        ("0,NaN,NaN,NaN,NaN\n", r"ball.csv has no box; the target is absent \(NaN\) in all rows"),
        ("0,64,2,3,4\n", r"row 1: '0,64,2,3,4' lies outside the image of 64 x 48 px; it must overlap it"),
        ("0,-4,2,4,4\n", r"row 1: .* lies outside"),
        ("0,1,2,1e300,4\n", r"row 1: .* is not 5 numbers frame,x,y,w,h; 1e300 is too large"),
        ("0,,1,2,3,4\n", r"row 1: '0,,1,2,3,4' is not"),
        ("0;1;2;3;4\n1;1,5;2;3\n", r"row 2: '1;1,5;2;3' is not 5 numbers .* decimals need a point"),
        ("0,1,2,3,١\n", r"row 1: .* '١' is not a finite number"),
        ("0,1,2,inf,4\n", r"row 1: .* is not 5 numbers frame,x,y,w,h; 'inf' is not a finite number"),
    ],
)
def test_bad_boxes_are_refused(video: Path, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_video(video, csv(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_bad_files_are_refused(video: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.mp4 is missing; a video file is needed"):
        read_video(tmp_path / "none.mp4", csv(tmp_path, "0,1,2,3,4\n"))
    with pytest.raises(InputError, match=r"none\.csv is missing; a text file is needed"):
        read_video(video, tmp_path / "none.csv")
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(InputError, match=r"text\.mp4 is not a video that OpenCV can read"):
        VideoFrames(tmp_path / "text.mp4")
    (tmp_path / "ball.csv").write_bytes(b"\xff\xfe1\x00,\x00")
    with pytest.raises(InputError, match=r"ball\.csv cannot be read as UTF-8 text"):
        read_video(video, tmp_path / "ball.csv")


def test_a_video_that_is_cut_short_has_fewer_frames_than_rows(tmp_path: Path) -> None:
    file = write_video(tmp_path / "a.avi", codec="MJPG")
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    said = r" \(the video declares 60 and may be cut off or damaged\)"
    with pytest.raises(InputError, match=rf"has 60 rows x,y,w,h for \d+ frames{said}; one row"):
        read_video(file, csv(tmp_path, "1,2,3,4\n" * COUNT))
    with pytest.raises(InputError, match=rf"is about frame 59; the video has frames 0 to \d+{said}"):
        read_video(file, csv(tmp_path, "59,1,2,3,4\n"))
    file.write_bytes(data[:64])
    with pytest.raises(InputError, match=r"a\.avi (is not a video|has no frame that can be decoded)"):
        read_video(file, csv(tmp_path, "1,2,3,4\n" * COUNT))


def test_a_frame_that_is_gone_is_named(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Liar)
    frames = VideoFrames(video)
    assert len(frames) == COUNT
    monkeypatch.setattr(Liar, "grab", lambda _: False)
    with pytest.raises(
        InputError, match=r"ball\.mp4 frame 50 cannot be decoded; the file is damaged or has changed"
    ):
        frames[50]
