"""What sequences and images hold, as hashes: work is done only if it was done on the same content."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from dlatrack.datasets.images import ImageFiles, NumberedPaths, Paths
from dlatrack.datasets.index.image_list import ImageList
from dlatrack.datasets.sequence import Sequence as Track
from dlatrack.errors import InputError

#: Bytes of all images together up to which they are read whole.
_WHOLE = 16 * 2**30

#: Beyond that, bytes that are read of an image at its start, middle and end.
_BLOCK = 4096

_CHUNK = 64  # images per task of a thread
_THREADS = (
    8  # reading and hashing leave the interpreter free, and remote disks answer several questions at a time
)

#: Nanoseconds after which a file that is changed once more has another time.
_SETTLED = 2_000_000_000

Answer = TypeVar("Answer")

_known: dict[str, str] = {}  # hash by what the file system says of the images; see `_files_digest`


class _Group(NamedTuple):
    """Image files that belong together, e.g. those of a sequence, and the name under which they are hashed."""

    name: str
    paths: Paths


class _Facts(NamedTuple):
    """What the file system says of a file: its size, and times in ns, `changed_ns` being that of the last change."""

    path: Path
    size: int
    modified_ns: int
    changed_ns: int


def content_of(tracks: Sequence[Track]) -> dict[str, str]:
    """`images_digest` and `truth_digest` of sequences, as "images" and "boxes".

    Raises:
        InputError: naming an image that cannot be read.
    """
    return {"images": images_digest(tracks), "boxes": truth_digest(tracks)}


def truth_digest(tracks: Sequence[Track]) -> str:
    """SHA-256 of the names, boxes, visibility and polygons of sequences, in whatever order they come."""
    total = hashlib.sha256()
    for track in sorted(tracks, key=lambda track: track.name):
        total.update(f"{track.name} {len(track)}\n".encode())
        total.update(track.boxes_xywh.astype("<f8").tobytes())
        total.update(track.visible.tobytes())
        if track.polygons is not None:
            total.update(track.polygons.astype("<f8").tobytes())
    return total.hexdigest()


def images_digest(tracks: Sequence[Track]) -> str:
    """SHA-256 of the images of sequences, in whatever order they come, wherever they lie.

    Names, sizes and bytes of image files are hashed, and neither their folders nor their times, which differ between
    copies of a data set. Files of more than 16 GiB in all are not read whole: of each the size and three blocks of
    4 KiB count, at its start, middle and end. A change that touches none of these is then missed, as it would be hard
    to make: compressed images of other content have other sizes. Of frames that are not in files, e.g. drawn ones,
    the first, the middle and the last are hashed.

    Raises:
        InputError: naming an image that cannot be read.
    """
    ordered = sorted(tracks, key=lambda track: track.name)
    groups = [_Group(t.name, t.frames.paths) for t in ordered if isinstance(t.frames, ImageFiles)]
    total = hashlib.sha256(_files_digest(groups).encode() if groups else b"")
    for track in ordered:
        if not isinstance(track.frames, ImageFiles):
            total.update(f"{track.name} {len(track)}\n".encode())
            for index in sorted({0, len(track) // 2, len(track) - 1}):
                total.update(np.ascontiguousarray(track.frames[index]).tobytes())
    return total.hexdigest()


def listed_images_digest(images: ImageList) -> str:
    """SHA-256 of the images of a data set, as `images_digest` of those of sequences.

    Raises:
        InputError: naming an image that cannot be read.
    """
    limits = zip(images.starts[:-1].tolist(), images.starts[1:].tolist(), strict=True)
    return _files_digest(
        [
            _Group(template, NumberedPaths(images.root, template, images.numbers[start:end]))
            for template, (start, end) in zip(images.templates, limits, strict=True)
        ]
    )


def _files_digest(groups: Sequence[_Group]) -> str:
    """SHA-256 of the contents of files; those that this process has read are not read again while they stay as is."""
    told, size, newest = hashlib.sha256(), 0, 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for facts in _each(pool, groups, _facts):
            told.update(f"{facts}\n".encode())
            size, newest = size + facts.size, max(newest, facts.changed_ns)
        key, whole = told.hexdigest(), size <= _WHOLE
        if key in _known:
            return _known[key]
        total = hashlib.sha256()
        marks = _each(pool, groups, partial(_mark, whole=whole))
        for group in groups:
            total.update(f"{group.name} {len(group.paths)}\n".encode())
            for mark in islice(marks, len(group.paths)):
                total.update(f"{mark}\n".encode())
    if newest < time.time_ns() - _SETTLED:
        _known[key] = total.hexdigest()
    return total.hexdigest()


def _each(
    pool: ThreadPoolExecutor, groups: Sequence[_Group], look: Callable[[Path], Answer]
) -> Iterator[Answer]:
    """What `look` answers for every file, in order."""
    chunks = [
        (group.paths, range(start, min(start + _CHUNK, len(group.paths))))
        for group in groups
        for start in range(0, len(group.paths), _CHUNK)
    ]
    for answers in pool.map(lambda chunk: [look(chunk[0][index]) for index in chunk[1]], chunks):
        yield from answers


def _facts(path: Path) -> _Facts:
    try:
        found = path.stat()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    return _Facts(path, found.st_size, found.st_mtime_ns, max(found.st_mtime_ns, found.st_ctime_ns))


def _mark(path: Path, *, whole: bool) -> str:
    """Name, size and hash of the bytes of a file, or of three blocks of them."""
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            read = hashlib.sha256()
            if whole or size <= 3 * _BLOCK:
                read.update(stream.read())
            else:
                for start in (0, size // 2, size - _BLOCK):
                    stream.seek(start)
                    read.update(stream.read(_BLOCK))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    return f"{path.name} {size} {read.hexdigest()}"
