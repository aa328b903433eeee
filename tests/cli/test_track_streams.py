"""`dlatrack track` from cameras, addresses and pipes, and the ways to say what to track."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from command import call
from streams import BOX, free_port, http_server, killed_at_the_end, needs_ffmpeg, wait_until, write_clip

from dlatrack.datasets.sources import open_source
from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video.connection import CameraConnection
from dlatrack.datasets.video.live import LiveSource
from dlatrack.datasets.video.reader import VideoFrames
from dlatrack.errors import InputError
from dlatrack.models.weights import load_weights, save_weights
from dlatrack.pixels.window import Drag
from dlatrack.studies import stream
from dlatrack.studies.stream import track_stream
from dlatrack.studies.video import track_file
from dlatrack.tracking.online import OnlineTracker

COMMAND = [sys.executable, "-m", "dlatrack", "track"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "square.mp4", 24)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch, clip: Path) -> LiveSource:
    """A camera that shows the clip, and then fails for good."""
    original = cv2.VideoCapture
    monkeypatch.setattr(
        cv2, "VideoCapture", lambda name, *rest: original(str(clip) if name == 3 else name, *rest)
    )
    opened = open_source("3", patience=0)
    assert isinstance(opened, LiveSource)
    return opened


def test_a_camera_is_tracked_as_its_file_would_be(tmp_path: Path, clip: Path, camera: LiveSource) -> None:
    tracked = track_stream(camera, BOX, tmp_path / "live.mp4")
    of_file = track_file(clip, BOX, tmp_path / "file.mp4")
    assert (tmp_path / "live.csv").read_text() == (tmp_path / "file.csv").read_text()
    assert (tracked.frames, tracked.dropped, tracked.stopped) == (24, 0, False)
    assert len(VideoFrames(tmp_path / "live.mp4")) == 24
    assert re.fullmatch(
        r"camera 3: 24 frames of 320 x 240 px, tracked at \d+ frames per second \(they came at \d+\), "
        r"each \d+ ms after it came \(95 %: \d+ ms\); "
        r"written: .*live\.mp4, .*live\.csv; camera 3 broke off after 24 frames \(the camera gives no more frames\) "
        r"and did not come back within 0 s; what was tracked is kept",
        tracked.summary,
    )
    assert of_file.track.boxes_xywh.shape == (24, 1, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "file.csv",
        "file.mp4",
        "live.csv",
        "live.mp4",
    ]


def test_dropped_frames_are_gaps_in_table_and_video(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, camera: LiveSource
) -> None:
    """Between two frames the source gets time to be three frames ahead, by events and not by time."""
    taken, allowed = [], [1]
    original = LiveSource.__iter__

    def noted(self: LiveSource):
        for image in original(self):
            wait_until(lambda: len(taken) < allowed[0], "the turn of a frame")
            taken.append(image)
            yield image

    monkeypatch.setattr(LiveSource, "__iter__", noted)

    def wait_for_three(_: np.ndarray) -> bool:
        allowed[0] = min(len(taken) + 3, 24)
        wait_until(lambda: len(taken) >= allowed[0], "three more frames")
        return True

    tracked = track_stream(camera, BOX, tmp_path / "a.mp4", drop=True, on_frame=wait_for_three)
    frames = pd.read_csv(tmp_path / "a.csv")["frame"].tolist()
    assert frames[0] == 0
    assert frames[-1] == 23
    assert len(frames) + tracked.dropped == 24
    assert tracked.dropped > 0
    assert f"{tracked.dropped} dropped to keep up" in tracked.summary
    video = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    times = []
    while video.read()[0]:
        times.append(round(video.get(cv2.CAP_PROP_POS_MSEC) * 30 / 1000))
    assert np.diff(times).tolist() == np.diff(frames).tolist()


def test_a_given_box_is_that_of_the_frame_when_the_trackers_are_ready(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, camera: LiveSource
) -> None:
    """The camera has shown all its frames by then."""
    loaded, feeds, original = stream.make_tracker, [], stream.Feed.__enter__
    monkeypatch.setattr(stream.Feed, "__enter__", lambda self: feeds.append(self) or original(self))

    def load(*arguments, **options):
        wait_until(lambda: feeds[0]._ended, "the end of the camera")
        return loaded(*arguments, **options)

    monkeypatch.setattr(stream, "make_tracker", load)
    tracked = track_stream(camera, BOX, None, table=tmp_path / "a.csv", drop=True)
    assert pd.read_csv(tmp_path / "a.csv")["frame"].tolist() == [23]
    assert (tracked.first, tracked.frames, tracked.dropped) == (23, 1, 0)
    assert "camera 3: 1 frame from frame 23 on, " in tracked.summary


def test_a_drawn_target_is_followed_through_what_came_meanwhile(tmp_path: Path, camera: LiveSource) -> None:
    """The camera has shown all its frames when the target has been drawn in the first one."""
    feed = stream.Feed(camera, None, from_first=True)

    def draw(image: np.ndarray) -> list[np.ndarray]:
        assert image is camera.first()
        wait_until(lambda: feed._ended, "the end of the camera")
        return [np.array([60.0, 40, 48, 48])]

    with feed:
        tracked = track_stream(camera, draw, None, table=tmp_path / "live.csv", drop=True, feed=feed)
    assert pd.read_csv(tmp_path / "live.csv")["frame"].tolist() == list(range(24))
    assert (tracked.first, tracked.dropped, tracked.spacing) == (0, 0, 1)
    assert "dropped" not in tracked.summary
    lags = len(tracked.lag_ms)
    assert lags == 2, "of the last frame alone, which was the newest"
    assert "one in 4 of those that came until the newest was reached" in replace(tracked, spacing=4).summary


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "none"}, "no weights of that name come with dlatrack"),
        ({"runtime": "tpu"}, "there is no runtime 'tpu'"),
        ({"recover": True, "weights": "own.safetensors"}, "recover needs a calibration"),
        ({"table": "own.csv"}, "own.csv exists and is no table of dlatrack track"),
        ({"out": "no/a.mp4"}, "no/a.mp4 cannot be written: there is no folder no"),
    ],
)
def test_nobody_draws_for_a_run_that_cannot_begin(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    clip: Path,
    camera: LiveSource,
    options: dict,
    message: str,
    live: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.csv").write_text("frame,x,y,w,h\n")
    # Not the bytes of the shipped file, so that no calibration belongs to them.
    save_weights("own.safetensors", *load_weights("siamcar_small"), {})

    def draw(_: np.ndarray) -> list[np.ndarray]:
        raise AssertionError("a target was asked for")

    given = {"out": None} | options
    with pytest.raises(InputError, match=re.escape(message)):
        (track_stream if live else track_file)(camera if live else clip, draw, given.pop("out"), **given)


SAME_TABLE = {"out": None, "table": "a.csv"}
SAME_VIDEO = {"out": "a.mp4", "table": "b.csv"}


@pytest.mark.parametrize("second_live", [True, False])
@pytest.mark.parametrize("first_live", [True, False])
@pytest.mark.parametrize("outputs", [SAME_TABLE, SAME_VIDEO], ids=["table", "video"])
def test_a_second_run_is_refused_before_targets_are_drawn_and_the_first_keeps_all(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    clip: Path,
    camera: LiveSource,
    outputs: dict,
    first_live: bool,
    second_live: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("link").symlink_to(tmp_path)
    written = "a.csv" if outputs is SAME_TABLE else "a.mp4"

    def draw(_: np.ndarray) -> list[np.ndarray]:
        raise AssertionError("a target was asked for")

    def second() -> None:
        again = {name: value and f"link/{value}" for name, value in outputs.items()}
        if second_live:
            track_stream(open_source("3", patience=0), draw, again["out"], table=again["table"])
        else:
            track_file(clip, draw, again["out"], table=again["table"])

    asked = []

    def ask(_: np.ndarray) -> bool:
        if not asked:
            with ThreadPoolExecutor(1) as pool:
                asked.append(str(pool.submit(second).exception()))
        return True

    (track_stream if first_live else track_file)(
        camera if first_live else clip, BOX, "a.mp4", table="a.csv", on_frame=ask
    )
    assert asked[0].startswith(f"link/{written} is being written by another run (process ")
    assert "\n" not in asked[0]
    assert len(pd.read_csv("a.csv")) == len(VideoFrames(Path("a.mp4"))) == 24
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.mp4", "link"]


@pytest.mark.slow
@pytest.mark.parametrize("live", [True, False])
def test_a_killed_run_does_not_keep_the_next_one_out(tmp_path: Path, clip: Path, live: bool) -> None:
    out = tmp_path / "a.mkv"
    code = "import os, signal, sys\nfrom dlatrack.studies import stream, video\n"
    code += "from dlatrack.datasets.sources import open_source\nkill = lambda _: os.kill(os.getpid(), 9)\n"
    code += "run = stream.track_stream if sys.argv[1] == '-' else video.track_file\n"
    code += "source = open_source('-') if sys.argv[1] == '-' else sys.argv[1]\n"
    code += f"run(source, {BOX!r}, {str(out)!r}, on_frame=kill)"
    sent = write_clip(tmp_path / "sent.mkv", 24)
    with sent.open("rb") as pipe:
        reader = subprocess.Popen(["cat"], stdin=pipe, stdout=subprocess.PIPE)
        done = subprocess.run(
            [sys.executable, "-c", code, "-" if live else str(clip)], stdin=reader.stdout, check=False
        )
        assert reader.stdout is not None
        reader.stdout.close()
        reader.wait()
    assert done.returncode == -signal.SIGKILL
    assert {f".a{suffix}.dlatrack.lock" for suffix in (".csv", ".mkv")} <= set(os.listdir(tmp_path))
    track_file(clip, BOX, out)
    assert len(pd.read_csv(tmp_path / "a.csv")) == 24
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".lock")]


def test_the_rate_is_that_of_tracking_and_not_of_waiting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, camera: LiveSource
) -> None:
    """Each frame comes 0.05 s after the last; then nothing comes for a second."""
    original = LiveSource.__iter__

    def slow(self: LiveSource):
        for image in original(self):
            yield image
            time.sleep(0.05)
        time.sleep(1)

    monkeypatch.setattr(LiveSource, "__iter__", slow)
    monkeypatch.setattr(OnlineTracker, "update", lambda *_: (np.array([60.0, 40, 48, 48]), 1.0))
    begun = time.perf_counter()
    tracked = track_stream(camera, BOX, None, table=tmp_path / "a.csv")
    assert time.perf_counter() - begun - tracked.seconds > 2
    assert tracked.source_fps == pytest.approx(20, rel=0.3)
    came = (
        f"tracked at {24 / tracked.seconds:.0f} frames per second (they came at {tracked.source_fps:.0f}), "
    )
    assert came in tracked.summary


def test_a_break_says_nothing_about_the_rate_of_the_source() -> None:
    rate = stream._SourceRate()
    assert np.isnan(rate.fps)
    for number, came in ((0, 10.0), (1, 10.1), (4, 10.4), (5, 40.4), (6, 40.5)):
        rate.add(number, came)
    assert rate.fps == pytest.approx(10)


def test_a_source_is_closed_when_tracking_cannot_begin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, camera: LiveSource
) -> None:
    """By the function, and by the command, which may fail before it calls the function."""
    released = []

    def close(self: CameraConnection) -> None:
        released.append(self)

    monkeypatch.setattr(CameraConnection, "close", close)
    with pytest.raises(InputError, match="no weights of that name"):
        track_stream(camera, BOX, None, table=tmp_path / "a.csv", weights="none")
    assert len(released) == 1
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert call(monkeypatch, capsys, "track", "3", "--show")[0] == 2
    assert len(released) == 2


def test_results_are_there_while_it_runs(tmp_path: Path, camera: LiveSource) -> None:
    out, counts = tmp_path / "a.mkv", []

    def look(_: np.ndarray) -> bool:
        counts.append(len(pd.read_csv(tmp_path / "a.csv")))
        return True

    track_stream(camera, BOX, out, on_frame=look)
    assert counts == list(range(1, 25))


def test_an_error_keeps_what_was_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, camera: LiveSource
) -> None:
    original, calls = OnlineTracker.update, []

    def fail(self: OnlineTracker, image: np.ndarray) -> tuple[np.ndarray, float]:
        calls.append(image)
        if len(calls) == 6:
            raise InputError("not finite")
        return original(self, image)

    monkeypatch.setattr(OnlineTracker, "update", fail)
    with pytest.raises(InputError, match="frame 6, target 1: not finite"):
        track_stream(camera, BOX, tmp_path / "a.mp4")
    assert len(pd.read_csv(tmp_path / "a.csv")) == 6
    assert len(VideoFrames(tmp_path / "a.mp4")) == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"out": "a.avi"},
            "a.avi cannot be written while a stream runs; its name must end in one of .mp4, .mov",
        ),
        ({"out": "no/a.mp4"}, "no/a.mp4 cannot be written: there is no folder no"),
        ({"table": "a.txt"}, "a.txt is no name for the table of boxes and scores; it must end in .csv"),
        ({"table": "own.csv"}, "own.csv exists and is no table of dlatrack track"),
        ({"boxes": "400,1,2,3"}, "target 1: the first box [400.0, 1.0, 2.0, 3.0] lies outside the 320 x 240"),
        ({"boxes": None}, "a box x,y,w,h around the target in the first frame is needed"),
        ({"boxes": ""}, "a box x,y,w,h around the target in the first frame is needed"),
        ({"weights": "none"}, "no weights of that name come with dlatrack"),
        ({"device": "tpu"}, "there is no device 'tpu' here"),
    ],
)
def test_what_cannot_work_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, camera: LiveSource, options: dict, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.csv").write_text("frame,x,y,w,h\n")
    given = {"boxes": BOX, "out": None, "table": None} | options
    with pytest.raises(InputError, match=re.escape(message)):
        track_stream(camera, given.pop("boxes"), given.pop("out"), **given)
    assert [path.name for path in tmp_path.iterdir()] == ["own.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "a.mp4"), "nothing says what to track: --box x,y,w,h, --select or --show is needed"),
        (("--box", BOX), "nothing would be left of it: --out VIDEO, --table TABLE.csv or --show is needed"),
        (("--box", BOX, "--select", "--out", "a.mp4"), "--box and --select both say what to track"),
        (
            ("--box", BOX, "--live", "--out", "a.mp4"),
            "--live drops frames of a camera, an address or a pipe; ",
        ),
        (
            ("--box", BOX, "--table", "square.csv"),
            "square.csv is where the true boxes of square.mp4 would be",
        ),
    ],
)
def test_a_call_that_says_too_little_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    clip: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "square.mp4").write_bytes(clip.read_bytes())
    status, text, error = call(monkeypatch, capsys, "track", "square.mp4", *arguments)
    assert (status, text) == (2, "")
    assert message in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["square.mp4"]


def test_a_table_without_a_video(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: Path
) -> None:
    table = tmp_path / "boxes.csv"
    status, text, _ = call(monkeypatch, capsys, "track", clip, "--box", BOX, "--table", table)
    assert status == 0
    assert re.fullmatch(rf"{table}: 24 frames, 1 target, tracked at \d+ frames per second\n", text)
    assert len(pd.read_csv(table)) == 24
    assert [path.name for path in tmp_path.iterdir()] == ["boxes.csv"]


def test_a_target_is_drawn_while_the_file_is_shown(tmp_path: Path, clip: Path) -> None:
    drawn = iter(
        [[], [], [Drag(np.array([66.0, 44, 48, 48]), False)], [Drag(np.array([10.0, 10, 40, 40]), True)]]
    )
    tracked = track_file(clip, "", None, table=tmp_path / "a.csv", drawn=lambda: next(drawn, []))
    table = pd.read_csv(tmp_path / "a.csv")
    assert table.groupby("target")["frame"].min().tolist() == [2, 3]
    assert len(table) == 22 + 21
    assert tracked.track.boxes_xywh.shape == (24, 2, 4)


def test_recovery_and_runtime_are_handed_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: Path
) -> None:
    asked = []
    original = OnlineTracker.from_weights

    def from_weights(name, **options):
        asked.append({name: options.pop(name) for name in ("recover", "runtime") if name in options})
        return original(name, **options)

    monkeypatch.setattr(OnlineTracker, "from_weights", from_weights)
    arguments = (clip, "--box", BOX, "--table", tmp_path / "a.csv")
    assert call(monkeypatch, capsys, "track", *arguments)[0] == 0
    assert call(monkeypatch, capsys, "track", *arguments, "--recover", "--runtime", "onnx")[0] == 0
    assert asked == [{"recover": False, "runtime": "torch"}, {"recover": True, "runtime": "onnx"}]


@pytest.mark.slow
def test_a_pipe_is_tracked_to_its_end(tmp_path: Path) -> None:
    sent = write_clip(tmp_path / "sent.mkv", 24)
    command = [*COMMAND, "-", "--box", BOX, "--out", str(tmp_path / "out.mp4")]
    with sent.open("rb") as pipe:
        reader = subprocess.Popen(["cat"], stdin=pipe, stdout=subprocess.PIPE)
        done = subprocess.run(command, stdin=reader.stdout, capture_output=True, text=True, check=False)
        assert reader.stdout is not None
        reader.stdout.close()
        reader.wait()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pipe: 24 frames of 320 x 240 px, ")
    assert "broke off" not in done.stdout
    assert len(pd.read_csv(tmp_path / "out.csv")) == 24


@pytest.mark.slow
@needs_ffmpeg
@pytest.mark.parametrize("live", [True, False])
def test_a_server_that_dies_is_exit_0_with_a_note(tmp_path: Path, live: bool) -> None:
    long, port = write_clip(tmp_path / "long.mp4", 900), free_port()
    address = f"http://name:secret@127.0.0.1:{port}/"
    command = [*COMMAND, address, "--box", BOX, "--box", "200,100,60,50", "--table", str(tmp_path / "a.csv")]
    command += ["--patience", "0.2", *["--live"] * live]
    with killed_at_the_end(http_server(long, port, "-re")) as servers:
        reader = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert reader.stderr is not None
        told = reader.stderr.readline()  # after the first frame
        servers[0].kill()
        text, error = reader.communicate()
    assert reader.returncode == 0, error
    assert re.search(rf"http://\*\*\*@127\.0\.0\.1:{port}/ (broke off|was closed by its sender) after", text)
    assert text.endswith("what was tracked is kept\n")
    assert "secret" not in told + text + error
    assert set(pd.read_csv(tmp_path / "a.csv")["target"]) == {1, 2}


@pytest.mark.slow
@needs_ffmpeg
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_stream_and_keeps_it(tmp_path: Path, number: signal.Signals) -> None:
    long, port = write_clip(tmp_path / "long.mp4", 900), free_port()
    out = tmp_path / "out.mp4"
    command = [*COMMAND, f"http://127.0.0.1:{port}/", "--box", BOX, "--out", str(out)]
    with killed_at_the_end(http_server(long, port, "-re")):
        reader = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert reader.stderr is not None
        reader.stderr.readline()
        reader.send_signal(number)
        text, error = reader.communicate()
    assert reader.returncode == 128 + number
    assert "Traceback" not in error
    count = len(pd.read_csv(tmp_path / "out.csv"))
    assert text.startswith(f"127.0.0.1:{port}/: stopped after {count} frame")
    assert len(VideoFrames(out)) == count


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_pipe(tmp_path: Path, number: signal.Signals) -> None:
    command = [*COMMAND, "-", "--box", BOX, "--table", str(tmp_path / "a.csv")]
    code = "import sys, dlatrack.datasets.video.live as live\n"
    code += "wait = live.wait\n"
    code += "live.wait = lambda *a: (print('waiting', flush=True), wait(*a))[1]\n"
    code += f"sys.argv = {['dlatrack', *command[3:]]!r}\nfrom dlatrack.cli import main\nmain()"
    reading, writing = os.pipe()  # open until the end, so that nothing but the signal ends the wait
    reader = subprocess.Popen(
        [sys.executable, "-c", code], stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "waiting\n"
    reader.send_signal(number)
    _, error = reader.communicate()
    os.close(reading)
    os.close(writing)
    assert reader.returncode == 128 + number
    assert error == "dlatrack: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def drawn_on_the_page(*arguments: str, boxes: str, after: float = 0) -> tuple[str, str]:
    """Run `dlatrack track` without a display, and send boxes to its page some seconds after it is there."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    reader = subprocess.Popen(
        [*COMMAND, *arguments, "--select"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "COLUMNS": "30"},
    )
    assert reader.stdout is not None
    found = re.fullmatch(
        r"open (http://127\.0\.0\.1:\d+/\S+/) and draw the targets\n", reader.stdout.readline()
    )
    assert found is not None
    time.sleep(after)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{found[1]}boxes", data=boxes.encode(), timeout=60) as answer:
        assert answer.read() == b"started"
    text, error = reader.communicate()
    assert reader.returncode == 0, error
    return text, error


@pytest.mark.slow
def test_targets_are_selected_on_a_page_without_a_display(tmp_path: Path, clip: Path) -> None:
    arguments = (str(clip), "--table", str(tmp_path / "a.csv"))
    drawn_on_the_page(*arguments, boxes="[[60, 40, 48, 48], [5, 5, 30, 30]]")
    table = pd.read_csv(tmp_path / "a.csv")
    assert table.iloc[:2, 2:6].to_numpy().tolist() == [[60, 40, 48, 48], [5, 5, 30, 30]]
    assert len(table) == 48


@pytest.mark.slow
@needs_ffmpeg
def test_a_target_drawn_in_a_live_picture_is_followed_from_there(tmp_path: Path) -> None:
    """Three seconds pass while it is drawn, in which it moves by more than its size."""
    long, port = write_clip(tmp_path / "long.mp4", 300), free_port()
    with killed_at_the_end(http_server(long, port, "-re")):
        text, _ = drawn_on_the_page(
            *(f"http://127.0.0.1:{port}/", "--live", "--patience", "0", "--table", str(tmp_path / "a.csv")),
            boxes="[[60, 40, 48, 48]]",
            after=3,
        )
    table = pd.read_csv(tmp_path / "a.csv")
    frames = table["frame"].to_numpy()
    assert frames[:60].tolist() == list(range(60)), "those that came meanwhile"
    truth = 60 + 3 * (24 - abs(frames % 48 - 24))
    assert np.median(np.abs(table["x"] - truth)) < 6
    assert re.search(r"tracked at \d+ frames per second \(they came at (2[5-9]|3\d)\)", text)


def test_targets_are_selected_in_a_window_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: Path
) -> None:
    from dlatrack.pixels import window

    monkeypatch.setattr(window, "window_fault", lambda: "")
    for name in ("namedWindow", "setMouseCallback", "destroyWindow"):
        monkeypatch.setattr(cv2, name, lambda *_: None)
    monkeypatch.setattr(
        window.PreviewWindow,
        "select",
        lambda self, image, check: check([np.array([1.0, 2, 30, 40])]) or [[1, 2, 30, 40]],
    )
    status, _, _ = call(monkeypatch, capsys, "track", clip, "--select", "--table", tmp_path / "a.csv")
    assert status == 0
    assert pd.read_csv(tmp_path / "a.csv").iloc[0, 2:6].tolist() == [1, 2, 30, 40]


def test_a_folder_of_images_is_a_source(tmp_path: Path) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((24, 32, 3), np.uint8))
    opened = open_source(tmp_path)
    assert isinstance(opened, FrameStream)
    assert opened.expected == 3
