"""Selecting targets in a browser: the first frame as a page on the loopback interface, until boxes are sent."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

import cv2
import numpy as np

from dlatrack.errors import InputError
from dlatrack.pixels.annotate import TARGET_COLOURS

#: Names by which a browser may ask. A page elsewhere whose name was made to lead here ("DNS rebinding") has another.
_HOSTS = ("127.0.0.1", "localhost")

_MOST_BYTES = 100_000  # of the boxes that a page sends
_POLL = 0.1  # seconds between looks at whether the user wants to stop


def select_on_page(
    image_rgb: np.ndarray,
    check: Callable[[Sequence[np.ndarray]], object],
    announce: Callable[[str], object],
    stopped: Callable[[], object] = lambda: False,
) -> list[np.ndarray]:
    """Serve a picture on 127.0.0.1 until a user has drawn boxes and started.

    The address holds a secret, so that neither other users of the computer nor other pages can open it.

    Args:
        image_rgb: (H, W, 3) uint8.
        check: function that raises InputError for boxes that are refused; the page shows its message.
        announce: function that tells the user the address.
        stopped: function that says whether to give up.

    Returns:
        (4,) xywh of each target, picture px.

    Raises:
        KeyboardInterrupt: once `stopped` says so.
    """
    server = _Server(image_rgb, check)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": _POLL}, daemon=True)
    thread.start()
    try:
        announce(server.address)
        while not server.chosen.wait(_POLL):
            if stopped():
                raise KeyboardInterrupt
    finally:
        server.shutdown()
        server.server_close()
    return server.boxes


class _Server(ThreadingHTTPServer):
    """The page, its picture, and the boxes that it sends."""

    daemon_threads = True  # browsers open connections in advance and leave them silent

    def __init__(self, image_rgb: np.ndarray, check: Callable[[Sequence[np.ndarray]], object]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.check = check
        self.token = secrets.token_urlsafe(24)
        self.nonce = secrets.token_urlsafe(16)
        self.chosen = threading.Event()
        self.boxes: list[np.ndarray] = []
        self.picture = cv2.imencode(".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))[1].tobytes()
        page = files("dlatrack.pixels").joinpath("select_page.html").read_text("utf-8")
        values = {"NONCE": self.nonce, "WIDTH": image_rgb.shape[1], "HEIGHT": image_rgb.shape[0]}
        for name, value in {**values, "COLOURS": json.dumps(TARGET_COLOURS)}.items():
            page = page.replace(name, str(value))
        self.page = page.encode()

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.server_address[1]}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10  # seconds for a request to arrive
    server_version, sys_version = "dlatrack", ""

    def do_GET(self) -> None:  # as the standard library wants it
        """Answer with the page or its picture."""
        contents = {
            "": (self.server.page, "text/html; charset=utf-8"),
            "frame.jpg": (self.server.picture, "image/jpeg"),
        }
        if (name := self._name()) in contents:
            self._answer(200, *contents[name])
        elif name is not None:
            self._answer(404, b"there is no such page")

    def do_POST(self) -> None:
        """Take the boxes, or say what is wrong with them."""
        if (name := self._name()) is None:
            return
        length = self.headers.get("Content-Length", "")
        if name != "boxes" or not length.isascii() or not length.isdigit() or int(length) > _MOST_BYTES:
            self._answer(400, b"boxes were expected")
            return
        try:
            sent = json.loads(self.rfile.read(int(length)))
            boxes = [np.array([float(value) for value in box], np.float64) for box in sent]
            self.server.check(boxes)
        except InputError as error:
            self._answer(422, str(error).encode())
        except (ValueError, TypeError, RecursionError):
            self._answer(400, b"boxes were expected")
        else:
            self._answer(200, b"started")
            self.server.boxes = boxes
            self.server.chosen.set()

    def _name(self) -> str | None:
        """The part of the path after the secret; None where the asker is refused, which has been answered."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        _, token, name = [*self.path.split("/", 2), "", ""][:3]
        if host not in _HOSTS or not secrets.compare_digest(token.encode(), self.server.token.encode()):
            self._answer(403, b"this address is not allowed")
            return None
        return name

    def _answer(self, status: int, content: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        own = f"'nonce-{self.server.nonce}'"
        policy = "default-src 'none'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        policy += f"frame-ancestors 'none'; script-src {own}; style-src {own}"
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the address is a secret."""
