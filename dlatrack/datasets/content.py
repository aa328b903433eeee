"""Hashes of the content of sequences and images, by which work is resumed on the same content only."""

from __future__ import annotations

import hashlib
import io
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from dlatrack import paths
from dlatrack.datasets.images import ImageFiles, NumberedPaths, Paths
from dlatrack.datasets.index.tracks import ImageList
from dlatrack.datasets.sequence import Sequence as Track
from dlatrack.errors import InputError, refusals
from dlatrack.files import write_text
from dlatrack.progress import Progress

#: Bytes of all images of a sequence or a list together up to which they are read whole.
_WHOLE = 16 * 2**30

#: Beyond that, bytes that are read of an image at its start, middle and end.
_BLOCK = 4096

_CHUNK = 64  # images per task of a thread
#: Reading and hashing leave the interpreter free, and remote disks answer several questions at a time.
_THREADS = 8

#: Number of frames from which progress is shown: a hard disk takes some minutes to read so many.
_REPORTED = 20_000

#: Nanoseconds after a change until any later change has another time in the file system.
_SETTLED = 2_000_000_000

_HASHES = re.compile(r"(?:[0-9a-f]{64}\n)*")

_Answer = TypeVar("_Answer")


class _Group(NamedTuple):
    """Image files that belong together, e.g. those of a sequence, and the name with which they are hashed."""

    name: str
    paths: Paths


def content_of(tracks: Sequence[Track]) -> dict[str, dict[str, str]]:
    """`truth_digest` and `images_digest` of each sequence, as "boxes" and "images", by its name and in that order.

    Raises:
        InputError: naming an image that cannot be read.
    """
    found = {}
    stream = None if sum(map(len, tracks)) >= _REPORTED else io.StringIO()
    with Progress(len(tracks), "reading images", unit="sequences", stream=stream) as progress:
        for track in sorted(tracks, key=lambda track: track.name):
            found[track.name] = {"boxes": truth_digest([track]), "images": images_digest(track)}
            progress.step()
    return found


def truth_digest(tracks: Sequence[Track]) -> str:
    """SHA-256 of the names, boxes, visibility and polygons of sequences, in any order."""
    total = hashlib.sha256()
    for track in sorted(tracks, key=lambda track: track.name):
        total.update(f"{track.name} {len(track)}\n".encode())
        total.update(track.boxes_xywh.astype("<f8").tobytes())
        total.update(track.visible.tobytes())
        if track.polygons is not None:
            total.update(track.polygons.astype("<f8").tobytes())
    return total.hexdigest()


def images_digest(track: Track) -> str:
    """SHA-256 of the images of a sequence, in any folder.

    Names, sizes and bytes of image files are hashed, and neither their folders nor their times, which differ between
    copies of a data set. Files of more than 16 GiB in all are not read whole: the size of each and three blocks of
    4 KiB are hashed, at its start, middle and end. A change elsewhere is then missed, but unlikely: compressed images
    of other content have other sizes. Of frames that are not in files, e.g. rendered ones, the first, the middle and
    the last are hashed.

    Files are read once: their hash is kept in the cache folder (`paths.cache_dir`), and valid while inodes, sizes,
    times of modification and times of change are the same. The system sets the last of these at every change.

    Raises:
        InputError: naming an image that cannot be read.
    """
    if isinstance(track.frames, ImageFiles):
        return _digests([_Group(track.name, track.frames.paths)])[0]
    total = hashlib.sha256(f"{track.name} {len(track)}\n".encode())
    for index in sorted({0, len(track) // 2, len(track) - 1}):
        total.update(np.ascontiguousarray(track.frames[index]).tobytes())
    return total.hexdigest()


def listed_images_digests(images: ImageList) -> dict[str, str]:
    """SHA-256 of the images under each template of a list, as `images_digest` of those of a sequence.

    Raises:
        InputError: naming an image that cannot be read.
    """
    limits = zip(images.starts[:-1].tolist(), images.starts[1:].tolist(), strict=True)
    groups = [
        _Group(template, NumberedPaths(images.root, template, images.numbers[start:end]))
        for template, (start, end) in zip(images.templates, limits, strict=True)
    ]
    return dict(zip(images.templates, _digests(groups), strict=True))


def _digests(groups: Sequence[_Group]) -> list[str]:
    """SHA-256 of the files of each group; unchanged files are not read again."""
    key, total_size, newest = hashlib.sha256(f"{_WHOLE} {_BLOCK}\n".encode()), 0, 0
    with ThreadPoolExecutor(_THREADS) as pool:
        every = _each(pool, groups, _facts)
        for group in groups:
            key.update(f"{group.name} {len(group.paths)}\n".encode())
            for facts in islice(every, len(group.paths)):
                key.update(f"{facts}\n".encode())
                *_, size, modified_ns, changed_ns = facts
                total_size, newest = total_size + size, max(newest, modified_ns, changed_ns)
        kept = paths.cache_dir() / "content" / key.hexdigest()
        if (known := _known(kept, len(groups))) is not None:
            return known
        digests = []
        marks = _each(pool, groups, partial(_mark, whole=total_size <= _WHOLE))
        for group in groups:
            total = hashlib.sha256(f"{group.name} {len(group.paths)}\n".encode())
            for mark in islice(marks, len(group.paths)):
                total.update(f"{mark}\n".encode())
            digests.append(total.hexdigest())
    if newest < time.time_ns() - _SETTLED:
        with suppress(InputError):  # without a cache folder the files are read again
            write_text(kept, "".join(f"{digest}\n" for digest in digests))
    return digests


def _known(path: Path, count: int) -> list[str] | None:
    """The hashes that a file of the cache holds; None if there are none, or not `count`."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    hashes = text.split()
    return hashes if _HASHES.fullmatch(text) and len(hashes) == count else None


def _each(
    pool: ThreadPoolExecutor, groups: Sequence[_Group], look: Callable[[Path], _Answer]
) -> Iterator[_Answer]:
    """The results of `look` for every file, in order."""
    chunks = [
        (group.paths, range(start, min(start + _CHUNK, len(group.paths))))
        for group in groups
        for start in range(0, len(group.paths), _CHUNK)
    ]
    for answers in pool.map(lambda chunk: [look(chunk[0][index]) for index in chunk[1]], chunks):
        yield from answers


def _facts(path: Path) -> tuple[str, int, int, int, int, int]:
    """Name, device, inode, size and the times of the last modification and change, ns, of a file."""
    with refusals("read", path):
        found = path.stat()
    return (path.name, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _mark(path: Path, *, whole: bool) -> str:
    """Name, size and hash of the bytes of a file, or of three blocks of them."""
    with refusals("read", path), path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        read = hashlib.sha256()
        if whole or size <= 3 * _BLOCK:
            read.update(stream.read())
        else:
            for start in (0, size // 2, size - _BLOCK):
                stream.seek(start)
                read.update(stream.read(_BLOCK))
    return f"{path.name} {size} {read.hexdigest()}"
