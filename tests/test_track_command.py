"""`dlatrack track` from a file to a video and a table of boxes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter

import cv2
import numpy as np
import pandas as pd
import pytest

from dlatrack import video_study
from dlatrack.cli import main
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.recording import Recording, record
from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.datasets.video import VideoFrames, read_video
from dlatrack.errors import InputError
from dlatrack.evaluation.overlap import overlaps
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import run_one_pass
from dlatrack.video_study import choose_video, track_file

COLUMNS = ["frame", "target", "x", "y", "w", "h", "score"]


def moving_square(frames: int = 24) -> tuple[list[np.ndarray], np.ndarray]:
    """A chequered square of 48 px that moves by (3, 2) px a frame over soft noise, and its boxes."""
    rng = np.random.default_rng(3)
    ground = cv2.GaussianBlur(rng.integers(60, 200, (240, 320, 3)).astype(np.uint8), (0, 0), 4)
    square = np.kron(np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]]), np.ones((16, 16)))[..., None]
    square = (square * [220, 40, 40] + (1 - square) * [30, 30, 160]).astype(np.uint8)
    images = []
    boxes = np.array([[60 + 3 * frame, 40 + 2 * frame, 48, 48] for frame in range(frames)], float)
    for x, y, w, h in boxes.astype(int):
        image = ground.copy()
        image[y : y + h, x : x + w] = square
        images.append(image)
    return images, boxes


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "square.avi"
    with record(path, 20) as video:
        for image in moving_square()[0]:
            video.add(image)
    return path


def call(monkeypatch, capsys, *arguments):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["dlatrack", "track", *map(str, arguments)])
    status = 0
    try:
        main()
    except SystemExit as stop:
        status = stop.code or 0
    return (status, *capsys.readouterr())


@pytest.mark.slow
def test_a_moving_square_is_followed(monkeypatch, capsys, tmp_path, clip):
    images, truth = moving_square()
    out = tmp_path / "out.mp4"
    status, text, progress = call(monkeypatch, capsys, clip, "--box", "60,40,48,48", "--out", out)
    assert status == 0
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table.columns) == COLUMNS
    assert table["frame"].tolist() == list(range(24))
    assert set(table["target"]) == {1}
    assert table.iloc[0].tolist() == [0, 1, 60, 40, 48, 48, 1]
    found = table[["x", "y", "w", "h"]].to_numpy()
    assert overlaps(truth, found).min() > 0.6
    assert table["score"].between(0, 1).all()
    frames = VideoFrames(out)
    assert (len(frames), frames.fps, frames[0].shape) == (24, 20, (240, 320, 3))
    # Outside the box and the tags, the frames are those of the source.
    assert np.abs(frames[23][200:, :60].astype(int) - images[23][200:, :60]).mean() < 6
    assert "24 frames of 320 x 240 px, 1 target, " in text
    assert "24/24 frames  100 %" in progress
    assert "frames/s" in progress
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.mp4"]


@pytest.mark.slow
def test_targets_are_tracked_as_if_alone(monkeypatch, capsys, tmp_path):
    sequence = synthetic_sequence(31, 6, challenges=())
    folder = write_folder(sequence, tmp_path, images="png")
    own = ",".join(map(str, sequence.boxes_xywh[0]))
    status, text, _ = call(
        monkeypatch,
        capsys,
        folder,
        "--box",
        own,
        "--box",
        "20,30,40,50",
        "--weights",
        "siamcar_small",
        "--out",
        tmp_path / "two.avi",
    )
    assert status == 0
    assert "6 frames of 320 x 240 px, 2 targets, " in text
    table = pd.read_csv(tmp_path / "two.csv")
    assert table["target"].tolist() == [1, 2] * 6
    (tracker,) = video_study._trackers("siamcar_small", 1, "cpu")
    alone = run_one_pass(tracker, sequence).boxes_xywh
    together = table.loc[table["target"] == 1, ["x", "y", "w", "h"]].to_numpy()
    assert together == pytest.approx(alone, abs=6e-4)
    assert VideoFrames(tmp_path / "two.avi").fps == 30


def test_the_video_ends_where_it_is_stopped(tmp_path, clip):
    seen = []

    def four(image):
        seen.append(image)
        return len(seen) < 4

    tracked = track_file(clip, "60,40,48,48", tmp_path / "part.mp4", on_frame=four)
    assert tracked.stopped
    assert tracked.summary.startswith("stopped after 4 of 24 frames; they are kept: ")
    assert len(VideoFrames(tracked.path)) == 4
    assert len(pd.read_csv(tracked.table)) == 4
    assert seen[0].shape == (240, 320, 3)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(tmp_path):
    path = tmp_path / "long.avi"
    images, _ = moving_square()
    with record(path, 20) as video:
        for turn in range(20):
            for image in images[:: -1 if turn % 2 else 1]:
                video.add(image)
    out = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "dlatrack", "track", path, "--box", "60,40,48,48", "--out", out]
    process = subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    line = process.stderr.readline()  # the first report comes after the first frame
    assert "frames" in line
    process.send_signal(signal.SIGINT)
    text, error = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in error
    count = len(pd.read_csv(tmp_path / "out.csv"))
    assert 1 <= count < 480
    assert len(VideoFrames(out)) == count
    assert text.strip().startswith(f"stopped after {count} of 480 frames; they are kept: ")


def test_a_broken_frame_leaves_nothing(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    images, _ = moving_square(3)
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number}.png"), image)
    data = (folder / "2.png").read_bytes()
    (folder / "2.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"2\.png \(frame 3\) is not a readable, complete JPEG or PNG image"):
        track_file(folder, "60,40,48,48", tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"video": "none.mp4"}, "none.mp4 is missing; a video file or a folder of images is needed"),
        ({"video": "text.mp4"}, "text.mp4 is not a video that OpenCV can read"),
        ({"video": "empty"}, "has no image; files ending in"),
        (
            {"box": "320,10,20,20"},
            "target 1: the first box [320.0, 10.0, 20.0, 20.0] lies outside the 320 x 240",
        ),
        ({"box": "10,10,0,20"}, "the first box must have a positive width and height"),
        ({"box": "10,10,20"}, "a box is four numbers x,y,w,h in px of the first frame, got '10,10,20'"),
        ({"box": "-400,10,20,20"}, "lies outside the 320 x 240"),
        ({"out": "out.gif"}, "out.gif cannot be written as a video; its name must end in one of .mp4"),
        ({"out": "nowhere/out.mp4"}, "there is no folder"),
        (
            {"out": "square.mp4"},
            "differs from the video in its suffix at most; the output needs another name",
        ),
        ({"weights": "siamcat"}, "no weights of that name come with dlatrack; it has dla_siamcar_small"),
        ({"device": "tpu"}, "there is no device 'tpu' here"),
    ],
)
def test_bad_input_is_one_line(monkeypatch, capsys, tmp_path, clip, changes, message):
    source = tmp_path / "square.avi"
    source.write_bytes(clip.read_bytes())
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    options = {"video": "square.avi", "box": "60,40,48,48", "out": "out.mp4"} | changes
    before = sorted(tmp_path.rglob("*"))
    arguments = [part for name, value in options.items() if name != "video" for part in (f"--{name}", value)]
    status, text, error = call(monkeypatch, capsys, options["video"], *arguments)
    assert status == 2
    assert error.startswith("dlatrack: ")
    assert message in error
    assert error.count("\n") == 1
    assert text == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_show_needs_a_display(monkeypatch, capsys, tmp_path, clip):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    arguments = (clip, "--box", "60,40,48,48", "--out", tmp_path / "out.mp4", "--show")
    if sys.platform == "linux":
        status, _, error = call(monkeypatch, capsys, *arguments)
        assert status == 2
        assert "no display" in error or "cannot open windows" in error
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    status, _, error = call(monkeypatch, capsys, *arguments)
    assert status == 2
    assert "this OpenCV cannot open windows (opencv-python-headless); leave out --show" in error
    assert not list(tmp_path.iterdir())


def test_a_synthetic_video_is_a_real_file_with_its_truth(monkeypatch, tmp_path):
    monkeypatch.setenv("DLATRACK_RUNS", str(tmp_path))
    chosen = choose_video("smoke")
    sequence = read_video(chosen.path, chosen.path.with_suffix(".csv"))
    assert len(sequence) == 12
    assert sequence.boxes_xywh == pytest.approx(chosen.truth_xywh, abs=1e-3, nan_ok=True)
    assert (chosen.boxes_xywh[0] == chosen.truth_xywh[0]).all()
    assert "synthetic" in chosen.note
    other = choose_video("smoke", seed=1)
    assert (other.truth_xywh[0] != chosen.truth_xywh[0]).any()
    mine = choose_video("smoke", str(chosen.path))
    assert mine.truth_xywh is None
    assert mine.boxes_xywh[0].tolist() == [120, 90, 80, 60]
    assert "nobody has said what to track yet" in mine.note
    for arguments, message in (
        (("huge",), "there is no preset 'huge'"),
        (("smoke", str(tmp_path / "none.mp4")), "is missing"),
        (("smoke", "", "1,2,3"), "a box is four numbers"),
        (("smoke", "", "900,2,3,4"), "target 1: the first box .* lies outside"),
    ):
        with pytest.raises(InputError, match=message):
            choose_video(*arguments)
    with pytest.raises(InputError, match="seed must be 0 or more, got -1"):
        choose_video("smoke", seed=-1)


def test_help_does_not_load_torch():
    code = (
        "import sys\nfrom dlatrack.cli import app\n"
        "try:\n    app(['track', '--help'])\nfinally:\n    assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_each_frame_is_decoded_tracked_and_written_once(tmp_path, clip, monkeypatch):
    """Speed is measured by `dlatrack bench track`; that no work is done twice is what can be counted."""
    work = Counter()

    def counted(kind, name):
        original = getattr(kind, name)

        def call(*arguments, **options):
            work[name] += 1
            return original(*arguments, **options)

        monkeypatch.setattr(kind, name, call)

    counted(OnlineTracker, "init")
    counted(OnlineTracker, "update")
    counted(Recording, "add")
    frames = FrameStream(clip).expected
    track_file(clip, "60,40,48,48", tmp_path / "out.mp4")
    assert work == {"init": 1, "update": frames - 1, "add": frames}
