"""Why an address gives no video, as far as its host and the beginning of an answer tell."""

from __future__ import annotations

import base64
import socket
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

#: Contents that a server may send instead of a video, by the beginning of their type.
_OTHERS = ("text/html", "text/plain", "application/json", "application/xhtml")


def fault_of_address(address: str, seconds: float = 1.0) -> str:
    """Say what is wrong with an address from which FFmpeg got no video.

    FFmpeg says "Input/output error" for a host that does not exist, a page, a stream that has ended, and a file in
    which it would have to jump to a place that the server does not send.

    Args:
        address: address that begins with rtsp://, rtsps://, http:// or https://.
        seconds: time to wait for the answer of the server.

    Returns:
        The fault, without user name and password; "" if there is nothing to tell.
    """
    parts = urlsplit(address)
    try:
        socket.getaddrinfo(parts.hostname, None)
    except (OSError, UnicodeError):
        return f"the name of its host, {parts.hostname}, cannot be resolved"
    if parts.scheme.lower() not in ("http", "https"):
        return ""
    try:
        return _fault_of_answer(parts, seconds)
    except (OSError, HTTPException, ValueError):
        return ""


def _fault_of_answer(parts: SplitResult, seconds: float) -> str:
    """Ask an HTTP server for the whole content, and judge its type and its first bytes."""
    kind = HTTPSConnection if parts.scheme.lower() == "https" else HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=seconds)
    headers = {"Range": "bytes=0-"}
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
    try:
        connection.request("GET", parts._replace(scheme="", netloc="").geturl() or "/", headers=headers)
        answer = connection.getresponse()
        content, begin = answer.headers.get_content_type(), answer.read(12)
    finally:
        connection.close()
    if answer.status not in (200, 206):
        return ""
    if "Content-Type" in answer.headers and content.startswith(_OTHERS):
        return f"the server sends {content} and no video"
    if not begin:
        return "the server sends nothing; the stream may have ended"
    if begin[4:8] == b"ftyp" and answer.status == 200:
        return (
            "it is an MP4 or QuickTime file, and the server does not send parts of files (byte ranges), which it "
            "takes where the index lies at the end; ffmpeg -i FILE -c copy -movflags faststart OUT moves it forward"
        )
    return ""
