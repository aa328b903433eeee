"""`dlatrack track` from a file to a video and a table of boxes."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
from command import call
from PIL import Image

from dlatrack.cli import main
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.datasets.video.reader import VideoFrames, read_video
from dlatrack.datasets.video.writer import Recording, record
from dlatrack.errors import InputError
from dlatrack.evaluation.overlap import overlaps
from dlatrack.studies import video
from dlatrack.studies.video import track_file
from dlatrack.studies.video_choice import choose_video
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import run_one_pass

COLUMNS = ["frame", "target", "x", "y", "w", "h", "score", "probability", "state"]


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


@pytest.mark.slow
def test_a_moving_square_is_followed(monkeypatch, capsys, tmp_path, clip):
    images, truth = moving_square()
    out = tmp_path / "out.mp4"
    status, text, progress = call(monkeypatch, capsys, "track", clip, "--box", "60,40,48,48", "--out", out)
    assert status == 0
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table.columns) == COLUMNS
    assert table["frame"].tolist() == list(range(24))
    assert set(table["target"]) == {1}
    assert table.iloc[0, :7].tolist() == [0, 1, 60, 40, 48, 48, 1]
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
        "track",
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
    tracker = video.make_tracker("siamcar_small", "cpu")
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
        (
            {"weights": "siamcat"},
            "no weights of that name come with dlatrack; it has dla_nanotrack_v3, dla_siamcar",
        ),
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
    status, text, error = call(monkeypatch, capsys, "track", options["video"], *arguments)
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
        status, _, error = call(monkeypatch, capsys, "track", *arguments)
        assert status == 2
        assert "no display" in error or "cannot open windows" in error
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    status, _, error = call(monkeypatch, capsys, "track", *arguments)
    assert status == 2
    assert "this OpenCV cannot open windows (opencv-python-headless); leave out --show" in error
    assert not list(tmp_path.iterdir())


def test_a_photographic_video_is_a_real_file_with_its_truth(monkeypatch, tmp_path):
    monkeypatch.setenv("DLATRACK_RUNS", str(tmp_path))
    chosen = choose_video("smoke")
    sequence = read_video(chosen.path, chosen.path.with_suffix(".csv"))
    assert len(sequence) == 12
    assert sequence.boxes_xywh == pytest.approx(chosen.truth_xywh, abs=1e-3, nan_ok=True)
    assert (chosen.boxes_xywh[0] == chosen.truth_xywh[0]).all()
    assert "photographs, simulated camera" in chosen.note
    other = choose_video("smoke", seed=1)
    assert (other.truth_xywh[0] != chosen.truth_xywh[0]).any()
    mine = choose_video("smoke", str(chosen.path))
    assert mine.truth_xywh is None
    assert mine.boxes_xywh[0].tolist() == [120, 90, 80, 60]
    assert "nobody has said what to track yet" in mine.note
    for arguments, message in (
        (("huge",), "preset must be one of smoke, demo, paper, got 'huge'"),
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


def track(source, out, **options):
    return track_file(source, "60,40,48,48", out, on_frame=lambda _: False, **options)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["the same", "link", "link back", "hard link", "relative", "twice linked"])
def test_the_source_is_never_overwritten(monkeypatch, tmp_path, clip, kind):
    real, link = tmp_path / "real.avi", tmp_path / "link.avi"
    real.write_bytes(clip.read_bytes())
    link.symlink_to("real.avi")
    (tmp_path / "second.avi").symlink_to("link.avi")
    (tmp_path / "hard.avi").hardlink_to(real)
    monkeypatch.chdir(tmp_path)
    source, out = {
        "the same": ("real.avi", "real.avi"),
        "link": ("link.avi", "real.avi"),
        "link back": ("real.avi", "link.avi"),
        "hard link": ("real.avi", "hard.avi"),
        "relative": ("real.avi", f"../{tmp_path.name}/real.avi"),
        "twice linked": ("second.avi", "real.avi"),
    }[kind]
    before = contents(tmp_path)
    with pytest.raises(InputError, match="which is read; the output needs another name"):
        track(source, out)
    assert contents(tmp_path) == before
    assert link.is_symlink()


def test_the_source_under_a_name_in_other_letters(monkeypatch, tmp_path, clip):
    """A disk that does not tell letters apart answers that both names are one file."""
    (tmp_path / "clip.avi").write_bytes(clip.read_bytes())
    (tmp_path / "CLIP.AVI").write_bytes(b"the same file")
    same = os.path.samefile
    monkeypatch.setattr(os.path, "samefile", lambda a, b: same(str(a).lower(), str(b).lower()))
    with pytest.raises(InputError, match=r"CLIP\.AVI is .*clip\.avi, which is read"):
        track(tmp_path / "clip.avi", tmp_path / "CLIP.AVI")


TRUTH = "60,40,48,48\n" * 24


@pytest.mark.parametrize(
    ("source", "out"), [("a.avi", "a.mp4"), ("link.avi", "a.mp4"), ("link.avi", "link.mp4")]
)
def test_a_truth_beside_a_video_is_kept(tmp_path, clip, source, out):
    (tmp_path / "a.avi").write_bytes(clip.read_bytes())
    (tmp_path / "link.avi").symlink_to("a.avi")
    with pytest.raises(InputError, match="differs from the video in its suffix at most"):
        track(tmp_path / source, tmp_path / out)
    (tmp_path / "a.csv").write_text(TRUTH)
    before = contents(tmp_path)
    with pytest.raises(InputError, match="differs from the video in its suffix at most"):
        track(tmp_path / source, tmp_path / out)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", [TRUTH, "frame,x,y,w,h\n" + TRUTH, "", "name,age\n"])
def test_a_table_of_another_origin_is_kept(tmp_path, clip, text):
    """Such as the true boxes CLIP.csv beside a folder CLIP."""
    write_folder(synthetic_sequence(5, 2, (320, 240), challenges=()), tmp_path)
    (tmp_path / "synthetic-0005.csv").write_text(text)
    before = contents(tmp_path)
    for source in (tmp_path / "synthetic-0005", tmp_path / "synthetic-0005" / "img", clip):
        with pytest.raises(InputError, match=r"synthetic-0005\.csv exists and is no table of dlatrack track"):
            track(source, tmp_path / "synthetic-0005.mp4")
    assert contents(tmp_path) == before


def test_own_results_may_be_written_again(tmp_path, clip):
    first = track(clip, tmp_path / "out.mp4")
    assert track(clip, tmp_path / "out.mp4").path == first.path
    assert len(pd.read_csv(tmp_path / "out.csv")) == 1


def test_images_and_weights_are_never_overwritten(tmp_path, clip):
    folder = write_folder(synthetic_sequence(5, 2, (320, 240), challenges=()), tmp_path)
    (tmp_path / "out.mp4").symlink_to(folder / "img" / "0002.jpg")
    with pytest.raises(InputError, match=r"out\.mp4 is .*0002\.jpg, which is read"):
        track(folder, tmp_path / "out.mp4")
    (tmp_path / "w.csv").write_text("weights")
    with pytest.raises(InputError, match=r"w\.csv is .*w\.csv, which is read"):
        track(clip, tmp_path / "w.mp4", weights=tmp_path / "w.csv")
    assert (tmp_path / "w.csv").read_text() == "weights"
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(InputError, match=r"b\.csv is a folder; boxes and scores go there"):
        track(clip, tmp_path / "b.mp4")


@pytest.mark.parametrize("name", ["out.mp4", "0001.mp4"])
def test_an_output_may_lie_among_the_images(tmp_path, name):
    """Neither file is an image, so that the folder stays the clip that it was."""
    folder = write_folder(synthetic_sequence(5, 2, (320, 240), challenges=()), tmp_path) / "img"
    images = contents(folder)
    for _ in range(2):
        assert track(folder, folder / name).expected == 2
    assert images.items() <= contents(folder).items()
    assert len(list(FrameStream(folder))) == 2


def test_a_source_that_ends_early_is_told(tmp_path, clip):
    data = clip.read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    tracked = track_file(tmp_path / "cut.avi", "60,40,48,48", tmp_path / "out.mp4")
    frames = len(tracked.track.scores)
    assert frames < 24
    assert f": {frames} frames (the file declares 24 and may be cut off or damaged) of" in tracked.summary


@pytest.mark.parametrize("suffix", ["avi", "mp4", "webm"])
def test_one_pixel_is_no_video(tmp_path, suffix):
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(InputError, match=r"with 1 x 1 px at 30 frames per second; both sides must have 2 px"):
        track_file(tmp_path, "0,0,1,1", tmp_path / f"out.{suffix}")


def test_what_the_file_cannot_hold_is_told(tmp_path):
    with record(tmp_path / "odd.avi", 25) as video:
        video.add(np.zeros((240, 320, 3), np.uint8))
    folder = tmp_path / "odd"
    folder.mkdir()
    cv2.imwrite(
        str(folder / "1.png"), np.random.default_rng(0).integers(0, 255, (241, 321, 3)).astype(np.uint8)
    )
    tracked = track(folder, tmp_path / "out.mp4")
    assert tracked.size == (320, 240)
    assert (
        "1 frames of 320 x 240 px (the source has 321 x 241; videos have even sides), 1 target"
        in tracked.summary
    )
    assert VideoFrames(tracked.path)[0].shape == (240, 320, 3)


@pytest.mark.parametrize(
    ("fps", "told"),
    [
        (211.222, ""),
        (0.0167, " at 0.017 frames per second (the source has 0.0167), 1 target"),
        (30000 / 1001, ""),
        (24.0, ""),
    ],
)
def test_rates_are_those_that_the_file_holds(tmp_path, monkeypatch, clip, fps, told):
    monkeypatch.setattr("dlatrack.datasets.video.packets.rate_of", lambda *_: fps)
    tracked = track(clip, tmp_path / "out.mp4")
    assert tracked.fps == pytest.approx(fps, rel=0.02)
    assert VideoFrames(tracked.path).fps > 0
    summary = replace(tracked, stopped=False).summary
    assert (" frames per second (the source has" in summary) == bool(told)
    assert told in summary
    assert ", 1 target, tracked at " in summary


def test_what_cannot_be_written_is_found_before_tracking(tmp_path, monkeypatch):
    monkeypatch.setattr(video.OnlineTracker, "from_weights", lambda *_, **__: pytest.fail("tracked"))
    (tmp_path / "thin").mkdir()
    cv2.imwrite(str(tmp_path / "thin" / "1.png"), np.zeros((240, 1, 3), np.uint8))
    with pytest.raises(
        InputError,
        match=r"cannot write .*out\.mp4 with 1 x 240 px at 30 frames per second; both sides must have 2 px or more$",
    ):
        track_file(tmp_path / "thin", "0,40,1,48", tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ("1_0,10,20,20", "a box is four numbers x,y,w,h in px of the first frame, got '1_0,10,20,20'"),
        (
            "1,1,2e6,5",
            "target 1: the first box [1.0, 1.0, 2000000.0, 5.0] must be 1e-06 to 1000000 px wide and high",
        ),
        (
            "1" * 400 + ",1,5",
            f"a box is four numbers x,y,w,h in px of the first frame, got '{'1' * 80}...'",
        ),
        ("inf,1,5,5", "a box is four numbers x,y,w,h in px of the first frame, got 'inf,1,5,5'"),
    ],
)
def test_absurd_boxes_are_refused(tmp_path, clip, box, message):
    with pytest.raises(InputError) as refused:
        track_file(clip, box, tmp_path / "out.mp4")
    assert message in str(refused.value)


def test_a_photograph_is_tracked_upright(tmp_path):
    """Tag 6: what is stored 320 x 240 is shown 240 x 320, as videos of telephones are."""
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "1.png", exif=exif)
    assert track(tmp_path, tmp_path / "out.mp4").size == (240, 320)


@pytest.mark.parametrize(("encoding", "shown"), [("cp1252", b"?????.mp4"), ("ascii", b"?????.mp4")])
def test_a_name_that_the_terminal_cannot_show_does_not_fail_what_is_done(
    monkeypatch, tmp_path, encoding, shown
):
    with record(tmp_path / "one.avi", 25) as video:
        video.add(moving_square(1)[0][0])
    terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(
        sys, "argv", ["dlatrack", "track", "one.avi", "--box", "60,40,48,48", "--out", "видео.mp4"]
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    terminal.flush()
    assert terminal.buffer.getvalue().startswith(shown + b": 1 frames of 320 x 240 px")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.avi", "видео.csv", "видео.mp4"]
