"""Frames in image files: where they are, and decoding that refuses what is cut short."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from PIL.PngImagePlugin import PngImageFile

from dlatrack.datasets.image_header import JPEG, PNG, read_header
from dlatrack.errors import InputError

#: Image files that a reader looks for.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")

#: A mark of JPEG: within a scan, FF 00 is a pixel value and FF D0 to FF D7 are points to restart from.
_MARK = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_END, _SCAN = 0xD9, 0xDA
_BARE = (0x01, 0xD8)  # marks without a length after them

#: Where a PNG file has its colour type, and the types that have an alpha channel.
_PNG_COLOUR, _WITH_ALPHA = 25, (4, 6)

_UNREADABLE = "is not a readable, complete JPEG or PNG image"


class Paths(Protocol):
    """A list of files that may be worked out when asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Path: ...


@dataclass(frozen=True, eq=False)
class NumberedPaths:
    """The files that a template names, worked out one at a time, so that a million of them take no memory.

    Args:
        root: folder that the template is relative to.
        template: as `fill` takes it.
        numbers: (T,) int, what goes into the template.
    """

    root: Path
    template: str
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int, /) -> Path:
        return self.root / fill(self.template, int(self.numbers[index]))


@dataclass(frozen=True)
class ImageFiles:
    """Frames in image files, decoded when asked for.

    Args:
        paths: the files.
        upright: turn images as their EXIF tag says; by default pixels are as stored, as the boxes of data sets are.
    """

    paths: Paths
    upright: bool = False

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 RGB; negative indices count from the end.

        Raises:
            InputError: naming file and frame, when the image cannot be decoded, is cut short, or holds more than 8
                bits per channel or transparent pixels.
        """
        path = self.paths[index]
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        image = decode_image(data, upright=self.upright)
        if image is None:
            raise InputError(f"{path} (frame {range(len(self))[index] + 1}) {fault_in(data)}")
        return image


def fill(template: str, number: int) -> str:
    """Put a number into a template with at most one directive like %d or %08d; %% stands for a percent sign."""
    return template % (number if "%" in template.replace("%%", "") else ())


def decode_image(data: bytes, *, upright: bool = False) -> np.ndarray | None:
    """Decode a JPEG or PNG file to (H, W, 3) uint8 RGB.

    Args:
        data: content of the file. What follows the end of the image, such as the trailers of phones, is passed over.
        upright: turn the image as its EXIF tag says; by default pixels are as stored.

    Returns:
        The image; None if `fault_in` has something to say.
    """
    if _fault_of_bytes(data):
        return None
    flags = cv2.IMREAD_COLOR | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def fault_in(data: bytes) -> str:
    """Why `decode_image` refuses the content of a file, as a predicate."""
    return _fault_of_bytes(data) or _UNREADABLE


def is_whole(data: bytes) -> bool:
    """Whether a JPEG or PNG file has its end; OpenCV 4 fills what is cut off with grey and does not complain.

    The end is that of the image itself: an embedded preview has an end mark too, and other data may follow.
    """
    if data.startswith(JPEG):
        return _end_of_jpeg(data)
    return data.startswith(PNG) and b"IEND" in _chunks(data)


def _fault_of_bytes(data: bytes) -> str:
    """What is wrong with the content of an image file, without decoding it; empty if nothing is found."""
    if not is_whole(data):
        return _UNREADABLE
    header = read_header(data)
    if header is not None and header.bits > 8:
        return (
            f"has {header.bits} bits per channel; stretch all images of the clip to 8 bits by one rule first"
        )
    may_be_transparent = data.startswith(PNG) and (
        data[_PNG_COLOUR] in _WITH_ALPHA or b"tRNS" in _chunks(data)
    )
    if may_be_transparent and _is_transparent(data):
        return "has transparent pixels; flatten it to an opaque image first"
    return ""


def _end_of_jpeg(data: bytes) -> bool:
    """Whether the end mark of a JPEG file is reached from mark to mark, after at least one scan."""
    position, scanned = len(JPEG), False
    while match := _MARK.search(data, position):
        code = match[1][0]
        if code == _END:
            return scanned
        scanned |= code == _SCAN
        position = match.end()
        if code not in _BARE:
            position += max(int.from_bytes(data[position : position + 2], "big"), 2)
    return False


def _chunks(data: bytes) -> set[bytes]:
    """The kinds of the whole chunks of a PNG file, up to its end."""
    kinds: set[bytes] = set()
    position = len(PNG)
    while b"IEND" not in kinds:
        length, kind = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        position += 12 + length
        if position > len(data):
            break
        kinds.add(kind)
    return kinds


def _is_transparent(data: bytes) -> bool:
    """Whether something would show through a PNG image; OpenCV would show what lies hidden under it instead."""
    try:
        with PngImageFile(BytesIO(data)) as image:
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
    except (OSError, SyntaxError, ValueError):
        return False
    return bool((alpha < 255).any())


def read_image(path: Path, *, upright: bool = False) -> np.ndarray:
    """Decode an image file, (H, W, 3) uint8 RGB.

    Args:
        path: the file.
        upright: as in `decode_image`.

    Raises:
        InputError: naming the file, if it is missing, or refused by `decode_image`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    image = decode_image(data, upright=upright)
    if image is None:
        raise InputError(f"{path} {fault_in(data)}")
    return image
