"""Servers of video on the loopback interface, for tests of streams: FFmpeg's over HTTP, and a small one of RTSP."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from dlatrack.datasets.video.writer import record

FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed")

#: Seconds that a test waits for what must happen, a guard against hanging.
DEADLINE = 60.0

BOX = "60,40,48,48"  # of the target of `moving_square` in its first frame

SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
)


def moving_square(frames: int, size: tuple[int, int] = (320, 240)) -> Iterator[np.ndarray]:
    """A chequered square of 48 px that goes to and fro over soft noise."""
    rng = np.random.default_rng(3)
    ground = cv2.GaussianBlur(rng.integers(60, 200, (size[1], size[0], 3)).astype(np.uint8), (0, 0), 4)
    square = np.kron(np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]]), np.ones((16, 16)))[..., None]
    square = (square * [220, 40, 40] + (1 - square) * [30, 30, 160]).astype(np.uint8)
    for frame in range(frames):
        step = 24 - abs(frame % 48 - 24)
        image = ground.copy()
        image[40 + 2 * step : 88 + 2 * step, 60 + 3 * step : 108 + 3 * step] = square
        yield image


def write_clip(path: Path, frames: int = 60, size: tuple[int, int] = (320, 240), fps: float = 30) -> Path:
    """Write the moving square as H.264."""
    with record(path, fps) as video:
        for image in moving_square(frames, size):
            video.add(image)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(happened: Callable[[], object], what: str) -> None:
    """Look again and again until something has happened."""
    until, pause = time.monotonic() + DEADLINE, threading.Event()
    while not happened():
        assert time.monotonic() < until, f"{what} did not happen within {DEADLINE:g} s"
        pause.wait(0.02)


def http_server(clip: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    """FFmpeg that serves a clip to one client at http://127.0.0.1:PORT/, and listens already.

    Args:
        clip: video of H.264.
        port: port to listen on.
        options: options before the input, e.g. "-re" for its own pace.
    """
    assert FFMPEG is not None
    command = [FFMPEG, "-v", "quiet", "-nostdin", *options, "-i", str(clip), "-c", "copy", "-f", "mpegts"]
    server = subprocess.Popen([*command, "-flush_packets", "1", "-listen", "1", f"http://127.0.0.1:{port}/"])

    def listening() -> bool:
        assert server.poll() is None, "the server has ended"
        return any(c.status == psutil.CONN_LISTEN for c in psutil.Process(server.pid).net_connections())

    wait_until(listening, "listening")
    return server


@contextmanager
def killed_at_the_end(*processes: subprocess.Popen[bytes]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Kill processes when the block ends, and those that it adds to the list."""
    started = list(processes)
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


@contextmanager
def byte_server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that hands each connection to a function in a thread; gives its port."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                connection.settimeout(DEADLINE)
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

        def handle(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            ended.set()
            thread.join()


@contextmanager
def rtsp_server(clip: Path) -> Iterator[tuple[str, list[str]]]:
    """A server of RTSP that plays a clip in its own pace to each client, over the client's connection.

    Yields:
        Its address, and the requests that came.
    """
    requests: list[str] = []

    def answer(connection: socket.socket) -> None:
        text = b""
        while True:
            while b"\r\n\r\n" not in text:
                if not (more := connection.recv(4096)):
                    return
                text += more
            head, _, text = text.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            requests.append(lines[0])
            method = lines[0].split()[0]
            number = next(line.partition(":")[2].strip() for line in lines if line.lower().startswith("cseq"))
            fields, body = f"CSeq: {number}\r\nSession: 1\r\n", ""
            if method == "DESCRIBE":
                body = SDP
                fields += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            elif method == "SETUP":
                fields += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
            elif method == "OPTIONS":
                fields += "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
            connection.sendall(f"RTSP/1.0 200 OK\r\n{fields}\r\n{body}".encode())
            if method == "PLAY":
                play(clip, connection)
                return

    with byte_server(answer) as port:
        yield f"rtsp://name:secret@127.0.0.1:{port}/camera", requests


def play(clip: Path, connection: socket.socket) -> None:
    """Send the packets that FFmpeg makes of a clip, until it ends."""
    assert FFMPEG is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets:
        packets.bind(("127.0.0.1", 0))
        packets.settimeout(0.05)
        target = f"rtp://127.0.0.1:{packets.getsockname()[1]}?pkt_size=1300"
        command = [FFMPEG, "-v", "quiet", "-nostdin", "-re", "-i", str(clip), "-c", "copy"]
        command += ["-bsf:v", "h264_mp4toannexb,dump_extra", "-f", "rtp", target]
        sender = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with killed_at_the_end(sender):
            while True:
                try:
                    packet = packets.recv(2048)
                except TimeoutError:
                    if sender.poll() is not None:
                        return
                    continue
                connection.sendall(b"$\x00" + len(packet).to_bytes(2, "big") + packet)
