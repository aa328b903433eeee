"""Download of a file: a broken download is resumed, and nothing wrong gets the file's name."""

from __future__ import annotations

import http
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from dlatrack.errors import InputError, refusals
from dlatrack.files import file_digest
from dlatrack.version import __version__

#: Attempts in a row that bring no byte before a download is given up, and seconds between attempts.
_ATTEMPTS, _PAUSE = 3, 1.0

#: Seconds in which at least one byte has to come. A slow connection may take as long as it needs.
_SILENCE = 60.0

#: The largest file that is downloaded, bytes.
_MOST_BYTES = 2**28

_BLOCK = 2**16

#: What ends a connection before the file is whole: timeouts, resets, and servers that close too early.
_BREAKS = (OSError, http.client.HTTPException)


def download(
    address: str, path: str | Path, *, sha256: str = "", received: Callable[[int], None] = lambda count: None
) -> None:
    """Download a file, whole and with the right content or not at all.

    What has come lies in `NAME.part` beside the file until all is there. A broken connection is resumed at that byte,
    in this call and in later ones; a server that cannot do so sends the file from its beginning.

    Args:
        address: address of the file, http or https.
        path: file to write; its folder is created when absent.
        sha256: SHA-256 of the file, in hexadecimal. "": not known, so that the part of an earlier call is not used.
        received: function that is called with the number of bytes that have just come.

    Raises:
        InputError: in one line naming the address, if it is no web address, the server cannot be reached or refuses,
            connections break again and again without a byte, or the content has another hash or is larger than
            256 MiB; or naming the file, if it cannot be written. After a wrong hash nothing is kept; after a
            break or on a full disk the part is.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    if urlsplit(address).scheme not in ("http", "https"):
        raise InputError(f"{address} is no web address; one that begins with https:// or http:// is needed")
    with refusals("write", part):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not sha256:
            part.unlink(missing_ok=True)
    of_earlier_call = part.exists()
    _receive(address, part, received)
    if sha256 and of_earlier_call and file_digest(part) != sha256:
        _remove(part)  # the part may have been that of another file
        _receive(address, part, received)
    if sha256 and (found := file_digest(part)) != sha256:
        _remove(part)
        raise InputError(f"{address} has SHA-256 {found}, but {path.name} needs {sha256}; it is not kept")
    with refusals("write", path):
        part.replace(path)


def _receive(address: str, part: Path, received: Callable[[int], None]) -> None:
    """Download until all is there, one attempt after the other."""
    fruitless = 0
    while True:
        before = _size(part)
        try:
            if _attempt(address, part, received):
                return
            reason = "the connection ended too early"
        except urllib.error.HTTPError as error:
            reason = f"the server answers {error.code} {error.reason}"
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                _remove(part)  # it is as long as the file or longer
            elif error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR and error.code not in (408, 429):
                raise InputError(f"cannot download {address}: {reason}") from error
        except urllib.error.URLError as error:
            reason = f"{urlsplit(address).netloc} cannot be reached ({error.reason})"
        except _BREAKS as error:
            reason = str(error) or type(error).__name__
        fruitless = 0 if _size(part) > before else fruitless + 1
        if fruitless == _ATTEMPTS:
            raise InputError(f"cannot download {address}: {reason}")
        time.sleep(_PAUSE)


def _attempt(address: str, part: Path, received: Callable[[int], None]) -> bool:
    """Receive what is missing over one connection; whether all is there then."""
    start = _size(part)
    headers = {"User-Agent": f"dlatrack/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=_SILENCE) as response:
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            begins = re.match(rf"bytes {start}-", response.headers.get("Content-Range", ""))
            if not begins:
                _remove(part)
                return False
        else:
            start = 0  # the server sends all of it
        length = response.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        with refusals("write", part):
            sink = part.open("ab" if start else "wb")
        with sink:
            while block := response.read1(_BLOCK):
                start += len(block)
                if start > _MOST_BYTES:
                    _remove(part)
                    raise InputError(f"{address} is larger than {_MOST_BYTES:,} bytes; it is not kept")
                with refusals("write", part):
                    sink.write(block)
                    sink.flush()
                received(len(block))
            with refusals("write", part):
                os.fsync(sink.fileno())
    return total is None or start == total


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _remove(part: Path) -> None:
    with refusals("remove", part):
        part.unlink(missing_ok=True)
