"""Files are written whole or not at all."""

from __future__ import annotations

import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from dlatrack.errors import InputError

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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8 with unix line ends."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def is_companion(path: PurePath) -> bool:
    """Whether a path is, or lies in, something that a system keeps beside data and that is no data itself.

    Such are names that begin with a dot (macOS writes `._NAME` beside each NAME on disks of other systems), files
    like `Thumbs.db`, and folders like `__MACOSX` in zip files.

    Args:
        path: below the folder that is looked through; what lies above is not judged.
    """
    return any(part.startswith(".") or part.casefold() in _COMPANIONS for part in path.parts if part != "..")


def check_writable(path: str | Path) -> None:
    """Find out before long work whether a file could be written at its end.

    Raises:
        InputError: as `atomic_path`.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as stream:
            stream.write(bytes(1))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def sweep(path: str | Path) -> None:
    """Remove what a killed process has left half-written beside `path`."""
    path = Path(path)
    for leftover in path.parent.glob(f".{glob.escape(path.stem)}-????????{path.suffix}"):
        leftover.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
