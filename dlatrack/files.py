"""Reading files with errors that name them, and writing them whole or not at all, by one run at a time."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import re
import shlex
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from filelock import FileLock, Timeout

from dlatrack.errors import InputError, refusals, without_secrets

#: Name of the file in a folder that is locked while a run writes there.
LOCK = ".dlatrack.lock"

#: End of the name of an unfinished file, as long as what `mkstemp` puts there.
_UNFINISHED = "unfinish"

#: Seconds to wait for a lock: long enough for one that is just being given up, and too short to be noticed.
_PATIENCE = 0.2

#: Errors of file systems that have no locks.
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}

#: What systems leave beside data, in lower case, apart from names that begin with a dot.
_COMPANIONS = frozenset(("__macosx", "@eadir", "$recycle.bin", "thumbs.db", "ehthumbs.db", "desktop.ini"))


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and move it into place once the block succeeds.

    The file at `path` is either the old one or the complete new one, also after a crash or on a full disk;
    a failed block leaves no partial file behind.

    Args:
        path: the file to write; its folder is created when absent.

    Yields:
        A path in the same folder, with the same suffix, for the caller to write.

    Raises:
        InputError: when the system refuses to write (full disk, no permission), naming `path`.
    """
    path = Path(path)
    with refusals("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = _open_unfinished(path)
    try:
        with refusals("write", path):
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        if handle is not None:
            os.close(handle)


def _open_unfinished(path: Path) -> tuple[int | None, Path]:
    """Make the empty file that becomes `path`.

    Its name is the same each time, so that what a killed process has left is written over. The descriptor holds a
    lock; a second process that writes the same file, or a file system without locks, has a random name and no lock.
    """
    fixed = path.with_name(f".{path.stem}-{_UNFINISHED}{path.suffix}")
    with suppress(ImportError, OSError):  # Windows; or mkstemp says what is wrong, if anything is
        import fcntl

        handle = os.open(fixed, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), fixed.lstat()):  # else it has its final name already
                os.ftruncate(handle, 0)
                return handle, fixed
        except OSError as error:
            if error.errno in _NO_LOCKS:
                fixed.unlink(missing_ok=True)
        os.close(handle)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    return None, Path(name)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8 with unix line ends.

    Raises:
        InputError: as `atomic_path`; or if the text holds a name that is not UTF-8.
    """
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError as error:
        odd = text[max(error.start - 20, 0) : error.end]
        raise InputError(f"cannot write {path}: {odd!r} holds a name that is not UTF-8; rename it") from error
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def is_companion(path: str | PurePath) -> bool:
    """Whether a path is, or lies in, a file or folder that a system keeps beside data and that holds no data.

    These are names that begin with a dot (macOS writes `._NAME` beside each NAME on disks of other systems), files
    like `Thumbs.db`, and folders like `__MACOSX` in zip files.

    Args:
        path: path below the searched folder; the folders above it are not looked at.
    """
    return any(
        part.startswith(".") or part.casefold() in _COMPANIONS
        for part in PurePath(path).parts
        if part != ".."
    )


def check_writable(path: str | Path) -> None:
    """Check before long work that a file can be written at its end.

    Raises:
        InputError: as `atomic_path`.
    """
    path = Path(path)
    with refusals("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as stream:
            stream.write(bytes(1))


def same_file(first: str | Path, second: str | Path) -> bool:
    """Whether two paths lead to one file, also through links or, where the system ignores case, other letters."""
    try:
        return os.path.samefile(first, second)
    except OSError:  # one of them does not exist yet
        return os.path.normcase(os.path.realpath(first)) == os.path.normcase(os.path.realpath(second))


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file.

    Raises:
        InputError: if it cannot be read.
    """
    with refusals("read", path), Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_bytes(path: str | Path) -> bytes:
    """Content of a file.

    Raises:
        InputError: if it cannot be read.
    """
    with refusals("read", path):
        return Path(path).read_bytes()


def remove_leftovers(path: str | Path) -> None:
    """Remove the unfinished files that a killed process has left beside `path`."""
    path = Path(path)
    for leftover in path.parent.glob(f".{glob.escape(path.stem)}-????????{path.suffix}"):
        leftover.unlink(missing_ok=True)


@contextmanager
def owned_folder(folder: str | Path, *, part: tuple[int, int] = (1, 1)) -> Iterator[None]:
    """Keep every other run from writing to a folder while the block runs.

    A file in the folder is locked by the operating system, which takes the lock back when this process ends, however
    it ends; so a killed run leaves nothing that has to be removed. Forked and spawned processes do not hold the lock.
    The same thread may own a folder several times over. The lock covers the files of this folder; folders below it
    have owners of their own. On a file system without locks the block runs all the same, with a warning; in a folder
    that cannot be written there is nothing to protect, and the lock is left out.

    Args:
        folder: folder to own; created when absent, and removed again if it is still empty at the end of the block.
        part: (k, n), the k-th of n parts of one run, which may run at the same time. Runs that are cut into another
            number of parts are kept out.

    Raises:
        InputError: if another run owns the folder, naming its process, host and command where they are known, or if
            the folder cannot be made.
    """
    folder, (number, parts) = Path(folder), part
    own = LOCK if parts == 1 else f"{LOCK}-{number}-of-{parts}"
    with _folder_in_use(folder, folder), _locked(folder / own, folder):
        for other in folder.glob(f"{LOCK}*"):
            cut = re.fullmatch(rf"{re.escape(LOCK)}(?:-\d+-of-(\d+))?", other.name)
            if cut and int(cut[1] or 1) != parts:
                # A lock that can be taken is free; a run that takes it later is refused for the one held above.
                with _locked(other, folder):
                    pass
        yield


@contextmanager
def owned_file(path: str | Path, *, what: str = "", otherwise: str = "write elsewhere") -> Iterator[None]:
    """Keep every other run from writing a file that is rewritten several times, as `owned_folder` does.

    Args:
        path: the file, or any path that stands for the output.
        what: name of the output, for the message; empty: the path.
        otherwise: alternative to waiting, for the message.

    Raises:
        InputError: as `owned_folder`.
    """
    path = Path(path)
    lock = path.parent / f".{path.name}{LOCK}"
    with _folder_in_use(path.parent, path), _locked(lock, what or path, otherwise):
        yield


@contextmanager
def _folder_in_use(folder: Path, path: Path) -> Iterator[None]:
    """Make a folder in which `path` is to be written; remove it at the end if it was made and is still empty."""
    made = not folder.exists()
    with refusals("write", path):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if made:
            with suppress(OSError):  # the block has written something
                folder.rmdir()


@contextmanager
def _locked(path: Path, guarded: str | Path, otherwise: str = "write elsewhere") -> Iterator[None]:
    """Hold the lock file `path`, which names its owner, and remove it in the end."""
    lock = FileLock(path, timeout=_PATIENCE, is_singleton=True, fallback_to_soft=False)
    outermost = not lock.is_locked
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{guarded} is being written by another run{_owner(path)}; wait until it ends, or {otherwise}"
        ) from None
    except OSError as error:
        _do_without(path, guarded, error)
    try:
        if outermost and lock.is_locked:
            with suppress(OSError):  # the disk is full: the name of the owner is a courtesy
                path.write_text(json.dumps(_myself()), encoding="utf-8")
        yield
    finally:
        if lock.is_locked:
            if outermost:
                with suppress(OSError):  # Windows does not remove a file that is open
                    path.unlink(missing_ok=True)
            lock.release()


def _do_without(path: Path, guarded: str | Path, error: OSError) -> None:
    """Continue without a lock where the file system has none, or where nothing can be written."""
    if error.errno in _NO_LOCKS:
        warnings.warn(
            f"{guarded} lies on a file system without locks: see to it that no other run writes there",
            stacklevel=6,
        )
    elif os.access(path.parent, os.W_OK):
        raise InputError(f"cannot lock {path}: {error.strerror or error}") from error


def _myself() -> dict[str, str | int]:
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "command": shlex.join(map(without_secrets, sys.argv)),
    }


def _owner(path: Path) -> str:
    """What a lock file says of its owner; nothing if it cannot be read."""
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        command = " ".join(str(owner["command"]).split())
        return f" (process {owner['process']} on {owner['host']}: {command[:200]})"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
