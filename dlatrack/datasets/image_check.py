"""Check of the image files of a track table: whether they exist, are complete, and overlap their boxes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlatrack.datasets.faults import Fault, FaultLog
from dlatrack.datasets.image_header import read_header
from dlatrack.datasets.images import decode_image
from dlatrack.datasets.index.tracks import ImageList, TrackTable
from dlatrack.progress import Progress

_CHUNK = 64  # images per task of a worker


class Look(NamedTuple):
    """The state of one image file."""

    mark: bytes  #: its size, or with `deep` the SHA-256 of its bytes, for the hash of all images
    width: int = 0  #: px; 0 where the image was not opened or cannot be decoded
    height: int = 0  #: px
    problem: str = ""  #: predicate of the fault; empty if there is none
    missing: bool = False  #: whether there is no such file
    orientation: int = 1  #: EXIF orientation of an opened image, 1 to 8; 1 is upright


def check_images(
    table: TrackTable,
    log: FaultLog,
    *,
    deep: bool,
    one_size: bool,
    notes: list[str] | None = None,
    workers: int | None = None,
    label: str = "",
) -> str:
    """Report images that are missing, empty or not whole, or not what their annotation says, and boxes outside them.

    Every file is looked up. The first image of each video is decoded, with `deep` every one. A decoded image must
    have the size that its annotation lists, and with `one_size` that of the first image of its video. Images are
    decoded as stored, without regard to their EXIF orientation; a tag is reported, because viewers and other readers
    turn the images away from their boxes. Only boxes on images of known size are compared: those decoded, and with
    `one_size` all of the same video.

    Args:
        table: the tracks and their images.
        log: log of the faults; a missing file that it has named already is not named again.
        deep: whether to decode every image and hash its bytes.
        one_size: whether all images of a template have the same size.
        notes: list to which the number of images with an orientation tag is added; by default each is a fault.
        workers: number of threads; by default one per core.
        label: name of the progress.

    Returns:
        SHA-256 over the sizes, with `deep` over the bytes, of all images in order.
    """
    images, image_of_row = table.images()
    first = np.zeros(len(images), bool)
    first[images.starts[:-1]] = True
    sizes = np.zeros((len(images), 2), np.int32)
    total, tagged = hashlib.sha256(), 0
    with Progress(len(images), f"checking {label}", unit="images") as progress:
        for index, look in enumerate(_looks(images, first | deep, deep, workers)):
            total.update(look.mark + b"\n")
            sizes[index] = look.width, look.height
            problem = look.problem or _misfit(look, images, index)
            if look.orientation != 1:
                tagged += 1
                problem = problem or (_tag_fault(look.orientation) if notes is None else "")
            if problem:
                path = images.path(index)
                if not (look.missing and str(path) in log.paths):
                    log(Fault(path, problem))
            progress.step()
    if tagged and notes is not None:
        notes.append(
            f"{tagged:,} images have an orientation tag; they are read as stored, as their boxes are"
        )
    if one_size:
        firsts = sizes[images.starts[images.template_of_image]]
        if deep:
            _report_other_sizes(images, sizes, firsts, log)
        sizes = sizes if deep else firsts
    _report_outside(table, sizes[image_of_row], log)
    return total.hexdigest()


def _looks(images: ImageList, opened: np.ndarray, deep: bool, workers: int | None) -> Iterator[Look]:
    """The state of all images in order, found by several threads: reading and decoding release the interpreter."""

    def chunk(start: int) -> list[Look]:
        part = range(start, min(start + _CHUNK, len(images)))
        return [look_at(images.path(index), opened=bool(opened[index]), deep=deep) for index in part]

    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for looks in pool.map(chunk, range(0, len(images), _CHUNK)):
            yield from looks


def look_at(path: Path, *, opened: bool, deep: bool) -> Look:
    """Check one image file.

    Args:
        path: the file.
        opened: whether to decode it.
        deep: whether to hash its bytes.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if (opened or deep) and size else b""
    except FileNotFoundError:
        return Look(b"missing", problem="is missing; an image is needed", missing=True)
    except OSError as error:
        return Look(b"unreadable", problem=f"cannot be read ({error.strerror or error})")
    mark = hashlib.sha256(data).hexdigest().encode() if deep else b"%d" % size
    if not size:
        return Look(mark, problem="is empty; a JPEG or PNG image is needed")
    if not opened:
        return Look(mark)
    try:
        image, header = decode_image(data), read_header(data)
    except ValueError as error:
        return Look(mark, problem=str(error))
    orientation = 1 if header is None else header.orientation
    return Look(mark, image.shape[1], image.shape[0], orientation=orientation)


def _misfit(look: Look, images: ImageList, index: int) -> str:
    """The fault of a decoded image whose size is not the listed one; empty if it is, or either is unknown."""
    if not look.width or images.listed_wh is None:
        return ""
    width, height = images.listed_wh[index].tolist()
    if not (width or height) or (look.width, look.height) == (width, height):
        return ""
    return (
        f"is {look.width} x {look.height} px, listed as {width} x {height}; its boxes are for the listed size"
    )


def _tag_fault(orientation: int) -> str:
    return (
        f"has an orientation tag, {orientation}, by which viewers turn it away from its boxes; remove the tag"
    )


def _report_other_sizes(images: ImageList, sizes: np.ndarray, firsts: np.ndarray, log: FaultLog) -> None:
    """Report decoded images of another size than the first of their video; (M, 2) sizes are 0 where unknown."""
    known = (sizes > 0).all(1) & (firsts > 0).all(1)
    for index in np.flatnonzero(known & (sizes != firsts).any(1)).tolist():
        size, first = sizes[index], firsts[index]
        what = f"is {size[0]} x {size[1]} px, the first image of its video {first[0]} x {first[1]}"
        log(Fault(images.path(index), what))


def _report_outside(table: TrackTable, sizes: np.ndarray, log: FaultLog) -> None:
    """Report visible boxes that do not overlap their image; (N, 2) `sizes` are width and height, 0 where unknown."""
    low, high = table.boxes_xywh[:, :2], table.boxes_xywh[:, :2] + table.boxes_xywh[:, 2:]
    outside = table.usable & (sizes > 0).all(1) & ((high <= 0).any(1) | (low >= sizes).any(1))
    for row in np.flatnonzero(outside).tolist():
        track = int(np.searchsorted(table.starts, row, "right")) - 1
        frame = row - int(table.starts[track]) + 1
        width, height = sizes[row]
        box = ",".join(f"{value:g}" for value in table.boxes_xywh[row])
        what = (
            f"is the box of {table.names[track]}, 0-based, and lies outside the image of {width} x {height} px; "
            f"it must overlap it"
        )
        log(Fault(table.path(row), what, frame, box, "frame"))
