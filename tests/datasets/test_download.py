"""Downloads from a server that breaks, stalls and answers oddly: the right file, or one line and no file."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import file_server
import pytest

from dlatrack.datasets import download as module
from dlatrack.datasets.download import download
from dlatrack.errors import InputError

#: SHA-256 of "abc", as FIPS 180-2 has it.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

CONTENT = bytes(range(256)) * 40
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0)


@pytest.fixture
def server() -> Iterator[file_server.FileServer]:
    with file_server.serving() as server:
        server.files = {"/a b.txt": CONTENT, "/abc": b"abc", "/empty": b""}
        yield server


@pytest.fixture
def address(server: file_server.FileServer) -> str:
    return f"{server.address}/a%20b.txt"


def only(path: Path) -> bytes:
    """Content of a file that is alone in its folder."""
    assert list(path.parent.iterdir()) == [path]
    return path.read_bytes()


def test_a_file_arrives_whole(server: file_server.FileServer, tmp_path: Path) -> None:
    counts: list[int] = []
    download(f"{server.address}/abc", tmp_path / "new" / "abc.txt", sha256=ABC, received=counts.append)
    assert only(tmp_path / "new" / "abc.txt") == b"abc"
    assert sum(counts) == 3
    download(f"{server.address}/empty", tmp_path / "other" / "empty.txt")
    assert only(tmp_path / "other" / "empty.txt") == b""


def test_a_broken_connection_is_resumed_where_it_broke(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    server.answers = [file_server.broken_after(1000), file_server.broken_after(500)]
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT
    assert server.ranges == ["", "bytes=1000-", "bytes=1500-"]


def test_many_breaks_are_no_error_while_bytes_come(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    server.answers = [file_server.broken_after(1000)] * 10
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT
    assert len(server.requests) == 11


def test_a_server_that_ignores_ranges_sends_all_again(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    server.answers = [file_server.broken_after(1000), file_server.from_the_beginning]
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT
    assert server.ranges == ["", "bytes=1000-"]


def test_another_range_than_the_wanted_one_is_not_used(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    server.answers = [file_server.broken_after(1000), file_server.other_range]
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT
    assert server.ranges == ["", "bytes=1000-", ""]


def test_without_a_length_the_end_of_the_connection_counts(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    server.answers = [file_server.without_length]
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT


def test_a_slow_connection_takes_as_long_as_it_needs(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    gate, counts = threading.Semaphore(1), []

    def received(count: int) -> None:
        counts.append(count)
        gate.release()

    server.answers = [file_server.piecewise(1024, gate)]
    download(address, tmp_path / "file", sha256=HASH, received=received)
    assert only(tmp_path / "file") == CONTENT
    assert counts == [1024] * 10  # each piece is there before the next one is sent
    assert len(server.requests) == 1


def test_a_connection_that_falls_silent_is_resumed(
    server: file_server.FileServer, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SILENCE", 0.2)
    server.answers = [file_server.stalled]
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT
    assert server.ranges == ["", "bytes=1-"]


def test_an_interrupted_download_resumes_in_the_next_call(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    gate = threading.Semaphore(1)
    server.answers = [file_server.piecewise(1024, gate)]

    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(address, tmp_path / "file", sha256=HASH, received=interrupt)
    gate.release(10)
    assert only(tmp_path / "file.part") == CONTENT[:1024]
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT
    assert server.ranges == ["", "bytes=1024-"]


def test_the_part_of_another_file_is_not_kept(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    (tmp_path / "file.part").write_bytes(b"something else")
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT
    assert server.ranges == ["bytes=14-", ""]
    (tmp_path / "file.part").write_bytes(CONTENT + b"more")
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT
    assert server.ranges[2:] == [f"bytes={len(CONTENT) + 4}-", ""]


def test_without_a_hash_a_part_is_not_trusted(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:100])
    download(address, tmp_path / "file")
    assert only(tmp_path / "file") == CONTENT
    assert server.ranges == [""]


def test_a_wrong_hash_is_named_and_nothing_is_kept(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as error:
        download(address, tmp_path / "file", sha256=ABC)
    assert str(error.value) == f"{address} has SHA-256 {HASH}, but file needs {ABC}; it is not kept"
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_hash_leaves_the_old_file(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    with pytest.raises(InputError, match="it is not kept"):
        download(address, tmp_path / "file", sha256=ABC)
    assert only(tmp_path / "file") == b"abc"


def test_a_refusal_ends_at_once(server: file_server.FileServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^cannot download http.*/none: the server answers 404 Not Found$"):
        download(f"{server.address}/none", tmp_path / "file", sha256=HASH)
    assert len(server.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_busy_server_is_asked_again_a_few_times(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    server.answers = [file_server.refusal(503), file_server.refusal(429)]
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT
    server.answers = [file_server.refusal(503)] * 3
    with pytest.raises(InputError, match="the server answers 503 Service Unavailable"):
        download(address, tmp_path / "other" / "file", sha256=HASH)
    assert len(server.requests) == 6


def test_a_server_that_sends_nothing_is_given_up(
    server: file_server.FileServer, address: str, tmp_path: Path
) -> None:
    server.answers = [file_server.broken_after(100), *[file_server.broken_after(0)] * 3]
    with pytest.raises(InputError, match="the connection ended too early"):
        download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file.part") == CONTENT[:100]


def test_without_a_network_it_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(InputError, match=rf"127\.0\.0\.1:{port} cannot be reached \(.*refused") as error:
        download(f"http://127.0.0.1:{port}/file", tmp_path / "file", sha256=HASH)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_and_the_part_stays(
    server: file_server.FileServer, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match=r"^cannot write .*file\.part: No space left on device$"):
            download(address, tmp_path / "file", sha256=HASH)
    assert list(tmp_path.iterdir()) == [tmp_path / "file.part"]
    download(address, tmp_path / "file", sha256=HASH)
    assert only(tmp_path / "file") == CONTENT


def test_a_folder_that_cannot_be_made_is_named(address: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(InputError, match=r"^cannot write .*taken/file\.part: "):
        download(address, tmp_path / "taken" / "file", sha256=HASH)


def test_a_file_that_is_too_large_is_not_kept(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 10_000)
    with pytest.raises(InputError, match="is larger than 10,000 bytes; it is not kept"):
        download(address, tmp_path / "file", sha256=HASH)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x", "abc", ""])
def test_only_the_web_is_asked(address: str, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="is no web address; one that begins with https:// or http:// is needed"
    ):
        download(address, tmp_path / "file")
