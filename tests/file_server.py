"""A web server of files in a thread of the test, which breaks, stalls or answers oddly when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

Answer = Callable[["Handler", bytes], None]


class FileServer(ThreadingHTTPServer):
    """Files by path, and what to answer to the next requests in place of a file."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, str]] = []  # path and range of every request
        self.ended = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def ranges(self) -> list[str]:
        return [asked for _, asked in self.requests]


class Handler(BaseHTTPRequestHandler):
    """Answers as `server.answers` says, and after those with the file."""

    server: FileServer

    def do_GET(self) -> None:
        path = unquote(self.path)
        self.server.requests.append((path, self.headers.get("Range", "")))
        if path not in self.server.files:
            self.send_error(404)
            return
        answer = self.server.answers.pop(0) if self.server.answers else whole
        answer(self, self.server.files[path])

    def begin(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def whole(handler: Handler, content: bytes) -> None:
    """The file, or what it has from the wanted byte on."""
    start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
    if start >= len(content) > 0:
        handler.send_error(416)
        return
    if start:
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        handler.begin(206, Content_Length=len(content) - start, Content_Range=span)
    else:
        handler.begin(200, Content_Length=len(content))
    handler.wfile.write(content[start:])


def broken_after(count: int) -> Answer:
    """The first bytes of what is wanted, and then the end of the connection."""

    def answer(handler: Handler, content: bytes) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        odd = {"Content_Range": span} if start else {}
        handler.begin(206 if start else 200, Content_Length=len(content) - start, **odd)
        handler.wfile.write(content[start : start + count])

    return answer


def from_the_beginning(handler: Handler, content: bytes) -> None:
    """The whole file, whatever is wanted."""
    handler.begin(200, Content_Length=len(content))
    handler.wfile.write(content)


def without_length(handler: Handler, content: bytes) -> None:
    """The whole file without its length."""
    handler.begin(200)
    handler.wfile.write(content)


def other_range(handler: Handler, content: bytes) -> None:
    """Another part than the wanted one."""
    handler.begin(
        206, Content_Length=len(content), Content_Range=f"bytes 0-{len(content) - 1}/{len(content)}"
    )
    handler.wfile.write(content)


def stalled(handler: Handler, content: bytes) -> None:
    """One byte, and then nothing until the test ends."""
    handler.begin(200, Content_Length=len(content))
    handler.wfile.write(content[:1])
    handler.server.ended.wait()


def refusal(status: int) -> Answer:
    """An error."""
    return lambda handler, content: handler.send_error(status)


def piecewise(size: int, gate: threading.Semaphore) -> Answer:
    """The file in pieces, each after the one before has arrived, which the client says by the gate."""

    def answer(handler: Handler, content: bytes) -> None:
        handler.begin(200, Content_Length=len(content))
        for start in range(0, len(content), size):
            gate.acquire()
            handler.wfile.write(content[start : start + size])

    return answer


@contextmanager
def serving() -> Iterator[FileServer]:
    """A server with no files yet, on a port of its own."""
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
