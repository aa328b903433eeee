"""Result files in archives: unpacked into a temporary folder, within limits and never outside of it."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from dlatrack.errors import InputError
from dlatrack.files import is_companion
from dlatrack.memory import check_memory
from dlatrack.paths import scratch_folder

#: Limits of unpacking: bytes of one file, of all files, and number of files. LaSOT for ten trackers is a tenth.
FILE_BYTES, TOTAL_BYTES, FILES = 64 * 2**20, 4 * 2**30, 200_000

_KEPT = (".txt", ".mat", ".value", ".bin", ".json")
_TAR = (".tar", ".tar.xz", ".tar.gz", ".tar.bz2", ".txz", ".tgz")


@contextmanager
def opened(path: str | Path) -> Iterator[Path]:
    """A folder with the result files of a folder, a zip file or a tar file, or of a folder inside such an archive.

    An archive is unpacked into a temporary folder that is removed afterwards. Links, devices, hidden companions of
    files (`__MACOSX/`) and files of other kinds than results are left out. Errors that pass through name the archive
    and the path inside it; use `as_given` for others.

    Args:
        path: folder, archive (.zip, .tar, .tar.xz, .tar.gz, .tar.bz2), or ARCHIVE/FOLDER for a folder in it.

    Raises:
        InputError: naming the archive and the entry, if it is no archive, leads out of its folder, holds a file
            twice, lacks the folder, or is larger than `FILE_BYTES`, `TOTAL_BYTES` or `FILES` allow.
    """
    path = Path(path)
    if path.is_dir():
        yield path
        return
    archive = next((place for place in (path, *path.parents) if place.is_file()), None)
    if archive is None:
        raise InputError(f"there is no results folder or archive {path}")
    inside = path.relative_to(archive)
    if ".." in inside.parts:
        raise InputError(f"{path} leads out of the archive {archive}; a folder inside it is needed")
    with scratch_folder(name="results") as folder:
        try:
            _unpack(archive, folder)
            if not (folder / inside).is_dir():
                raise InputError(f"{archive} has no folder {inside.as_posix()} with result files")
            yield folder / inside
        except InputError as error:
            raise InputError(as_given(str(error), folder, archive)) from error


def as_given(message: str, folder: Path, path: Path) -> str:
    """A message with the path that the user gave in place of the folder that its archive is unpacked to.

    Args:
        message: message that may name files in the folder.
        folder: folder that `opened(path)` yields.
        path: folder or archive as the user gave it.
    """
    return message.replace(str(folder), str(path))


def _unpack(path: Path, folder: Path) -> None:
    try:
        if path.name.lower().endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                entries = ((e.filename, e.file_size, e) for e in archive.infolist() if not e.is_dir())
                _write(path, folder, entries, archive.open)
        elif path.name.lower().endswith(_TAR):
            with tarfile.open(path, tarinfo=_Member) as tar:
                files = ((m.name, m.size if m.isfile() else 0, m) for m in tar)
                _write(path, folder, files, tar.extractfile)
                _require_end(tar)
        else:
            raise InputError(
                f"{path} is neither a folder nor an archive .zip or {', '.join(_TAR)}; of a single result file give "
                f"the folder, {path.parent}"
            )
    except InputError:
        raise
    # Damaged archives fail in many ways, depending on where the damage is and on the compression.
    except Exception as error:
        check_memory(error, f"reading {path}")
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"cannot read {path} as an archive: {reason}") from error


class _Member(tarfile.TarInfo):
    """An entry of a tar file; long headers, which tarfile reads into memory, are refused."""

    @classmethod
    def frombuf(cls, *arguments: Any, **named: Any) -> Self:
        """As that of tarfile.

        Raises:
            ValueError: if the part of a header is larger than `FILE_BYTES`.
        """
        member = super().frombuf(*arguments, **named)
        if member.size > FILE_BYTES and not member.isreg():
            raise ValueError(f"a header of {member.size:,} bytes is too much; {FILE_BYTES:,} are allowed")
        return member


def _require_end(tar: tarfile.TarFile) -> None:
    """Refuse an archive that was cut between two files, which tarfile takes for its end."""
    stream: Any = tar.fileobj
    stream.seek(tar.offset)
    rest = TOTAL_BYTES
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("it ends too early")
    while rest > 0 and (data := stream.read(2**20)):  # a compressed stream fails only at its end
        rest -= len(data)


def _write(path: Path, folder: Path, entries: Iterator[tuple[str, int, Any]], open_entry: Any) -> None:
    total = count = 0
    for name, size, entry in entries:
        pure = PurePosixPath(name.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts or ":" in "".join(pure.parts[:1]) or "\0" in name:
            raise InputError(f"{path}: entry {name!r} leads out of its folder")
        total, count = total + size, count + 1
        if size > FILE_BYTES or total > TOTAL_BYTES or count > FILES:
            raise InputError(
                f"{path}: entry {name!r} is too much; a file may have {FILE_BYTES:,} bytes, all together "
                f"{TOTAL_BYTES:,} in {FILES:,} files"
            )
        regular = not isinstance(entry, tarfile.TarInfo) or entry.isfile()
        if not regular or pure.suffix.lower() not in _KEPT or is_companion(pure):
            continue
        target = folder / pure
        if target.exists():
            raise InputError(f"{path}: entry {name!r} is there twice; each file once")
        target.parent.mkdir(parents=True, exist_ok=True)
        source: IO[bytes] = open_entry(entry)
        with source, target.open("xb") as sink:
            shutil.copyfileobj(source, sink)
