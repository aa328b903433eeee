"""Sources without a known end: what a break, a change of size and silence lead to, by hand and with real servers."""

from __future__ import annotations

import io
import itertools
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from streams import (
    byte_server,
    free_port,
    http_server,
    killed_at_the_end,
    moving_square,
    needs_ffmpeg,
    rtsp_server,
    write_clip,
)

from dlatrack.datasets.sources import open_source
from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video import live
from dlatrack.datasets.video.connection import BrokenError, plausible_rate
from dlatrack.datasets.video.live import AddressSource, LiveSource, PipeSource
from dlatrack.datasets.video.writer import record
from dlatrack.errors import InputError, counted

SMALL, LARGE = np.zeros((4, 6, 3), np.uint8), np.zeros((8, 6, 3), np.uint8)


class Scripted:
    """A connection that gives some frames, and then ends or breaks."""

    fps, ends = 25.0, False
    opened = closed = 0

    def __init__(self, *frames: np.ndarray, broken: str = "", ends: bool = False) -> None:
        self._frames, self._broken, self.ends = frames, broken, ends

    def images(self) -> Iterator[np.ndarray]:
        Scripted.opened += 1
        yield from self._frames
        if self._broken:
            raise BrokenError(self._broken)

    def close(self) -> None:
        Scripted.closed += 1


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch):
    """A function that makes a source of scripted connections; after the last one none comes about."""
    monkeypatch.setattr(live, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(live, "LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(Scripted, "opened", 0)
    monkeypatch.setattr(Scripted, "closed", 0)

    def make(*connections: Scripted, patience: float = 0.2) -> LiveSource:
        script = iter(connections)

        def connect() -> Scripted:
            if (connection := next(script, None)) is None:
                raise BrokenError("refused")
            return connection

        return LiveSource(connect, "camera 1", "camera 1", patience=patience)

    return make


def test_frames_go_on_after_breaks(source) -> None:
    tracked = source(Scripted(SMALL, SMALL, broken="cut"), Scripted(SMALL), Scripted(SMALL, SMALL))
    assert (tracked.live, tracked.expected, tracked.fps, tracked.name) == (True, None, 25, "camera 1")
    assert tracked.first() is SMALL
    assert len(list(tracked)) == 5
    assert tracked.breaks == 2
    assert tracked.note == (
        "camera 1 was closed by its sender after 5 frames and did not come back within 0.2 s"
    )
    assert Scripted.opened == 3
    assert Scripted.closed >= 3


def test_a_source_with_an_end_ends(source) -> None:
    tracked = source(Scripted(SMALL, SMALL, ends=True), Scripted(SMALL))
    assert len(list(tracked)) == 2
    assert (tracked.breaks, tracked.note) == (0, "")


def test_a_source_with_an_end_that_breaks_is_not_begun_again(source) -> None:
    tracked = source(Scripted(SMALL, SMALL, broken="reset", ends=True), Scripted(SMALL))
    assert len(list(tracked)) == 2
    assert tracked.note == "camera 1 broke off after 2 frames (reset)"


def test_without_patience_nothing_is_tried_again(source) -> None:
    tracked = source(Scripted(SMALL, broken="reset"), Scripted(SMALL), patience=0)
    assert len(list(tracked)) == 1
    assert Scripted.opened == 1
    with pytest.raises(InputError, match="patience must be 0 or more seconds, got nan"):
        source(Scripted(SMALL), patience=float("nan"))


def test_a_recording_is_not_fetched_for_ever(source) -> None:
    other = np.full_like(SMALL, 9)
    tracked = source(*(Scripted(SMALL, image) for image in (SMALL, other, other, other)))
    assert len(list(tracked)) == 6
    assert (
        tracked.note
        == "camera 1 was closed by its sender after 6 frames, having sent the same 2 frames twice"
    )
    broken = source(*[Scripted(SMALL, SMALL, broken="cut")] * 3)
    assert len(list(broken)) == 6, "a sender that breaks off may begin anew each time"


@pytest.mark.parametrize(
    "connections", [(Scripted(SMALL, SMALL, LARGE),), (Scripted(SMALL, SMALL), Scripted(LARGE))]
)
def test_another_size_is_an_error_at_its_frame(source, connections) -> None:
    frames = iter(source(*connections))
    assert next(frames) is next(frames)
    with pytest.raises(
        InputError, match="camera 1 frame 2 is 6 x 8 px, the first one 6 x 4; all must be of one size"
    ):
        next(frames)
    assert Scripted.closed


def test_the_first_frame_must_come(source) -> None:
    with pytest.raises(InputError, match=r"^camera 1 cannot be read: refused$"):
        source()
    with pytest.raises(InputError, match="camera 1 cannot be read: no frame in it can be decoded"):
        source(Scripted())


def test_a_source_that_is_not_read_is_closed_at_once(source) -> None:
    tracked = source(Scripted(SMALL, SMALL))
    tracked.close()
    tracked.close()
    assert Scripted.closed == 1
    assert list(tracked) == []
    read = source(Scripted(SMALL, SMALL))
    next(frames := iter(read))
    read.close()
    assert Scripted.closed == 1, "the thread that reads closes it"
    assert list(frames) == []
    assert Scripted.closed == 2


def test_pauses_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    connections = itertools.chain([Scripted(SMALL, broken="cut")], itertools.repeat(None))

    def connect() -> Scripted:
        if (connection := next(connections)) is None:
            raise BrokenError("refused")
        return connection

    tracked = LiveSource(connect, "x", "x", patience=60)
    clock = itertools.count()
    monkeypatch.setattr(live.time, "monotonic", lambda: next(clock) * 4.0)
    monkeypatch.setattr(tracked._closed, "wait", pauses.append)
    assert len(list(tracked)) == 1
    assert pauses[:7] == [0.5, 1, 2, 4, 8, 8, 8]


def test_a_silent_source_is_given_up_and_closed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    late, closed = threading.Event(), threading.Event()
    connection = Scripted(SMALL)
    monkeypatch.setattr(connection, "close", closed.set)

    def connect() -> Scripted:
        late.wait(30)
        return connection

    with pytest.raises(InputError, match=r"^x cannot be read: no frame within 0\.1 s$"):
        LiveSource(connect, "x", "x", answer=0.1)
    with pytest.raises(KeyboardInterrupt):
        LiveSource(connect, "x", "x", stopped=lambda: True)
    late.set()
    assert closed.wait(30)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7", "camera 7 cannot be read: there is no such camera, or another program uses it"),
        (
            "http://name:secret@127.0.0.1:1/x",
            r"http://\*\*\*@127.0.0.1:1/x cannot be read: Connection refused",
        ),
        ("rtsp:/name:secret@host", r"rtsp:/\*\*\*@host is no address of a video; one begins with rtsp://"),
        ("rtsp://name:sec@ret@host:x/", r"rtsp://\*\*\*@host:x/ is no address of a video"),
        ("udp://name:secret@1.2.3.4:5", "is no address of a video"),
        ("rtsp://name:sec/ret@127.0.0.1:1/", r"must be percent-encoded: %40 for @, %2F for /"),
        (
            "http://name:sec#ret@127.0.0.1:1/",
            r"is no address of a video; .*must be percent-encoded: %40 for @",
        ),
        ("http://name:50%sec@127.0.0.1:1/", r"cannot be read: .*must be percent-encoded: .*%25 for %$"),
        ("http://name:sec%40ret@127.0.0.1:1/", r"127.0.0.1:1/ cannot be read: Connection refused$"),
        ("https://?key=secret", "https:// is no address of a video"),
        ("none.mp4", "none.mp4 is missing; a video file or a folder of images is needed"),
    ],
)
def test_what_cannot_be_read_is_one_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    with pytest.raises(InputError, match=message) as refused:
        open_source(text)
    assert "sec" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_file_may_have_the_name_of_a_camera(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("7").mkdir()
    cv2.imwrite("7/1.png", SMALL)
    opened = open_source("7")
    assert isinstance(opened, FrameStream)
    assert (opened.live, opened.expected) == (False, 1)


def test_a_camera_is_read_through_opencv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file takes the place of the camera."""
    clip = write_clip(tmp_path / "clip.mp4", 12)
    original = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: original(str(clip)) if number == 3 else None)
    camera = open_source("3", patience=0)
    assert isinstance(camera, LiveSource)
    assert (camera.name, camera.fps) == ("camera 3", 30)
    assert len(list(camera)) == 12
    assert camera.note.startswith("camera 3 broke off after 12 frames (the camera gives no more frames)")


@pytest.mark.parametrize(("fps", "rate"), [(25, 25), (0, 30), (float("nan"), 30), (90_000, 30), (240, 240)])
def test_rates_are_plausible(fps: float, rate: float) -> None:
    assert plausible_rate(fps) == rate


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_a_pipe_gives_every_frame(tmp_path: Path, suffix: str) -> None:
    clip = write_clip(tmp_path / "clip.mkv", 50)
    if suffix == ".ts":
        pytest.importorskip("av")
        clip = remuxed(clip, tmp_path / "clip.ts")
    reading, writing = os.pipe()

    def send() -> None:
        with open(writing, "wb") as pipe:
            pipe.write(clip.read_bytes())

    thread = threading.Thread(target=send)
    thread.start()
    pipe = PipeSource(reading)
    assert sum(1 for _ in pipe) == 50
    assert (pipe.fps, pipe.note, pipe.breaks) == (pytest.approx(30, abs=0.1), "", 0)
    thread.join()
    os.close(reading)


def remuxed(clip: Path, path: Path) -> Path:
    import av

    with av.open(str(clip)) as read, av.open(str(path), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                written.mux(packet)
    return path


def test_an_empty_pipe_and_garbage_are_refused() -> None:
    for content, message in (
        (
            b"",
            "^the pipe cannot be read: it is empty; the program that should write to it has written nothing$",
        ),
        (b"no video " * 5000, "^the pipe cannot be read: Invalid data"),
    ):
        reading, writing = os.pipe()
        os.write(writing, content)
        os.close(writing)
        with pytest.raises(InputError, match=message):
            PipeSource(reading)
        os.close(reading)


def test_no_input_is_empty(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for empty in (Path(os.devnull), tmp_path / "empty"):
        with (
            empty.open("rb") as pipe,
            pytest.raises(InputError, match="the pipe cannot be read: it is empty"),
        ):
            PipeSource(pipe.fileno())


#: Display matrices of MPEG-4, by the angle by which they turn clockwise: a, b, c and d of nine numbers.
TURNS = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


@pytest.mark.parametrize("angle", TURNS)
def test_a_video_of_a_telephone_is_turned_upright_as_its_file_is(tmp_path: Path, angle: int) -> None:
    pytest.importorskip("av")
    with record(clip := tmp_path / "clip.mp4", 30, growing=True) as video:
        for image in moving_square(8):
            video.add(image)
    data = bytearray(clip.read_bytes())
    a, b, c, d = (65536 * part for part in TURNS[angle])
    begin = data.index(b"tkhd") + 44
    data[begin : begin + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    clip.write_bytes(data)
    with clip.open("rb") as sent:
        piped = list(PipeSource(sent.fileno()))
    read = list(FrameStream(clip))
    assert piped[0].shape == ((240, 320, 3) if angle == 180 else (320, 240, 3))
    assert len(piped) == len(read) == 8
    assert np.abs(np.array(piped, float) - read).mean() < 1
    assert piped[0].flags.c_contiguous


def transport_stream(frames: int) -> bytes:
    """The moving square as MPEG-TS, with frames that refer to later ones."""
    av = pytest.importorskip("av")
    content = io.BytesIO()
    with av.open(content, "w", format="mpegts") as file:
        stream = file.add_stream("libx264", rate=30, options={"bf": "2", "b_adapt": "0"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for image in moving_square(frames):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(stream.encode(None))
    return content.getvalue()


@contextmanager
def http_bytes(*answers: bytes) -> Iterator[str]:
    """A server of HTTP that sends these bytes, the last ones again and again; gives its address."""
    left = list(answers)

    def answer(connection) -> None:
        connection.recv(4096)
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    with byte_server(answer) as port:
        yield f"http://name:secret@127.0.0.1:{port}/x"


def head(**fields: str | int) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()]
    return f"HTTP/1.1 200 OK\r\n{''.join(lines)}\r\n".encode()


def test_a_close_is_told_from_a_break_and_neither_loses_a_frame() -> None:
    content = transport_stream(30)
    with http_bytes(head() + content) as address:
        source = AddressSource(address, patience=0)
        assert len(list(source)) == 30
    assert re.search(
        r" was closed by its sender after 30 frames and did not come back within 0 s$", source.note
    )
    with http_bytes(head(Content_Length=len(content) + 1000) + content) as address:
        source = AddressSource(address, patience=0)
        assert len(list(source)) == 30
    assert re.search(r" broke off after 30 frames \(the connection was closed before its end\)$", source.note)


def test_a_recording_in_chunks_is_fetched_twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_PAUSE", 0.01)
    picture = cv2.imencode(".jpg", next(moving_square(1)))[1].tobytes()
    for content, count in ((transport_stream(12), 12), (picture, 1)):
        chunks = b"%x\r\n" % len(content) + content + b"\r\n0\r\n\r\n"
        with http_bytes(head(Transfer_Encoding="chunked") + chunks) as address:
            source = AddressSource(address, patience=30)
            assert len(list(source)) == 2 * count
        assert f"having sent the same {counted(count, 'frame')} twice" in source.note


def test_what_a_server_sends_instead_of_a_video_is_named(tmp_path: Path) -> None:
    pytest.importorskip("av")
    end = remuxed(write_clip(tmp_path / "clip.mp4", 12), tmp_path / "end.mp4").read_bytes()
    index = end.index(b"moov") - 4
    assert index > end.index(b"mdat")
    gap = (
        (200_000).to_bytes(4, "big") + b"free" + bytes(200_000 - 8)
    )  # more than FFmpeg keeps of what it has read
    end = end[:index] + gap + end[index:]
    answers = {
        head(Content_Type="text/html; charset=utf-8") + b"<html>no</html>": "sends text/html and no video",
        head(Content_Length=0): "the server sends nothing; the stream may have ended",
        head(Content_Length=len(end)) + end: r"does not send parts of files \(byte ranges\)",
    }
    for answer, message in answers.items():
        with http_bytes(answer) as address, pytest.raises(InputError, match=message) as refused:
            AddressSource(address)
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_host_that_is_not_known_is_named(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    message = r"cannot be read: the name of its host, none\.invalid, cannot be resolved$"
    with pytest.raises(InputError, match=message):
        AddressSource(f"{scheme}://name:secret@none.invalid/x")


def test_an_address_that_is_dead_is_told_within_five_seconds() -> None:
    """The start of the program takes about 1.5 s of them."""
    assert live.ANSWER <= 3


@needs_ffmpeg
def test_an_mp4_with_its_index_at_the_end_says_what_can_be_sent(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    noise = ["-f", "lavfi", "-i", "nullsrc=s=320x240:d=2,geq=random(1)*255:128:128", "-pix_fmt", "yuv420p"]
    subprocess.run(["ffmpeg", "-v", "quiet", *noise, str(clip)], check=True)
    with subprocess.Popen(["cat", str(clip)], stdout=subprocess.PIPE) as sender:
        assert sender.stdout is not None
        with pytest.raises(
            InputError, match=r"index lies at its end, .*; ffmpeg -i FILE -c copy -f matroska - "
        ):
            PipeSource(sender.stdout.fileno())


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps"])
def test_a_build_without_an_address_says_so(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    av = pytest.importorskip("av")
    original = av.open
    monkeypatch.setattr(av, "open", lambda _, *rest, **options: original("none://host/", *rest, **options))
    message = (
        rf"^{scheme}://host/ cannot be read: this PyAV was built without support for such addresses; pip "
    )
    with pytest.raises(InputError, match=message):
        AddressSource(f"{scheme}://host/")


def test_a_playlist_cannot_name_a_file_of_this_computer(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 12)
    reading, writing = os.pipe()
    os.write(writing, f"ffconcat version 1.0\nfile 'file:{clip}'\n".encode())
    os.close(writing)
    with pytest.raises(InputError, match="the pipe cannot be read"):
        PipeSource(reading)
    os.close(reading)


@pytest.mark.parametrize(("scheme", "answer"), [("rtsp", b""), ("http", b"HTTP/1.0 200 OK\r\n\r\n")])
def test_a_server_that_says_nothing_is_given_up_within_five_seconds(scheme: str, answer: bytes) -> None:
    done = threading.Event()

    def wait(connection) -> None:
        connection.sendall(answer)
        done.wait(30)

    with byte_server(wait) as port:
        with pytest.raises(InputError, match=r"cannot be read: (no frame within 3 s|no answer in time)"):
            AddressSource(f"{scheme}://127.0.0.1:{port}/")
        done.set()


def test_a_server_of_garbage_is_refused() -> None:
    def answer(connection) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + np.random.default_rng(0).bytes(2_000_000))

    with byte_server(answer) as port, pytest.raises(InputError, match=r"cannot be read: "):
        AddressSource(f"http://127.0.0.1:{port}/")


@needs_ffmpeg
def test_a_server_that_dies_and_returns_is_read_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(live, "FIRST_PAUSE", 0.05)
    clip, port = write_clip(tmp_path / "clip.mp4", 90), free_port()
    with killed_at_the_end(http_server(clip, port, "-re")) as servers:
        source = AddressSource(f"http://127.0.0.1:{port}/", patience=30)
        frames = iter(source)
        for _ in range(20):
            next(frames)
        servers[0].send_signal(signal.SIGKILL)
        servers[0].wait()
        servers.append(http_server(clip, port, "-re"))
        before = source.breaks
        for _ in range(90):
            assert next(frames).shape == (240, 320, 3)
        assert (before, source.breaks) == (0, 1)
        frames.close()


@needs_ffmpeg
def test_a_server_that_returns_with_another_size_is_an_error(tmp_path: Path) -> None:
    clip, port = write_clip(tmp_path / "clip.mp4", 30), free_port()
    other = write_clip(tmp_path / "other.mp4", 30, (400, 300))
    with killed_at_the_end(http_server(clip, port)) as servers:
        frames = iter(AddressSource(f"http://127.0.0.1:{port}/", patience=30))
        next(frames)
        servers[0].wait()  # the clip has been sent
        servers.append(http_server(other, port))
        with pytest.raises(InputError, match=r"frame 30 is 400 x 300 px, the first one 320 x 240"):
            list(frames)


@needs_ffmpeg
def test_a_camera_of_the_network_is_read(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 60)
    with rtsp_server(clip) as (address, requests):
        source = AddressSource(address, patience=0)
        assert source.name.startswith("127.0.0.1:")
        count = sum(1 for _ in source)
        assert 50 <= count <= 60
        assert "secret" not in source.name + source.note
    assert [request.split()[0] for request in requests][:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]


@needs_ffmpeg
def test_a_damaged_stream_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """A tenth of the bytes in the middle are noise; what cannot be decoded is left out."""
    clip = remuxed(write_clip(tmp_path / "clip.mp4", 120), tmp_path / "clip.ts")
    data = bytearray(clip.read_bytes())
    rng, middle = np.random.default_rng(1), len(data) // 2
    data[middle : middle + len(data) // 10] = rng.bytes(len(data) // 10)
    reading, writing = os.pipe()

    def send() -> None:
        with open(writing, "wb") as pipe:
            pipe.write(data)

    thread = threading.Thread(target=send)
    thread.start()
    assert 60 <= sum(1 for _ in PipeSource(reading)) <= 120
    thread.join()
    os.close(reading)


def test_sources_are_found_without_torch() -> None:
    """An address that does not answer is told before torch is loaded, which takes seconds."""
    code = "import sys, dlatrack.datasets.sources; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
