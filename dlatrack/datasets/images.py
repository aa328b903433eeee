"""Frames in image files: their paths, and decoding that refuses files that are cut short."""

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
from dlatrack.errors import InputError, NotEnoughMemoryError
from dlatrack.files import read_bytes
from dlatrack.memory import check_memory

#: Image files that a reader looks for.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")

#: A marker of JPEG: within a scan, FF 00 is a pixel value and FF D0 to FF D7 are restart markers.
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_END, _SCAN = 0xD9, 0xDA
_BARE = (0x01, 0xD8)  # markers without a length after them

#: Position of the colour type in a PNG file, and the types that have an alpha channel.
_PNG_COLOUR, _WITH_ALPHA = 25, (4, 6)

#: Largest image that is decoded, px. Decoded it takes 400 MB; a frame of an 8K video has a quarter.
LARGEST_IMAGE = 2**27

UNREADABLE = "is not a readable, complete JPEG or PNG image"


class Paths(Protocol):
    """A list of files, which may compute each path when it is needed."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Path: ...


@dataclass(frozen=True, eq=False)
class NumberedPaths:
    """The files that a template names, computed one at a time, so that a million of them take no memory."""

    root: Path  #: folder that the template is relative to
    template: str  #: template of the paths, as in `fill`
    numbers: np.ndarray  #: (T,) int, numbers for the template

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int, /) -> Path:
        return self.root / fill(self.template, int(self.numbers[index]))


@dataclass(frozen=True)
class ImageFiles:
    """Frames in image files, decoded when they are needed."""

    paths: Paths  #: the files
    #: whether to turn images as their EXIF tag says; by default pixels are as stored, as boxes are
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
            return decode_image(path.read_bytes(), upright=self.upright)
        except NotEnoughMemoryError as error:
            raise error.at(self.place(index)) from error
        except (OSError, ValueError) as error:
            fault = UNREADABLE if isinstance(error, OSError) else error
            raise InputError(f"{self.place(index)} {fault}") from None

    def place(self, index: int) -> str:
        """File and number of a frame, for messages; the only image of a list has no number."""
        number = f" (frame {range(len(self))[index] + 1})" if len(self) > 1 else ""
        return f"{self.paths[index]}{number}"


def fill(template: str, number: int) -> str:
    """Put a number into a template with at most one directive like %d or %08d; %% stands for a percent sign."""
    return template % (number if "%" in template.replace("%%", "") else ())


def decode_image(data: bytes, *, upright: bool = False) -> np.ndarray:
    """Decode a JPEG or PNG file to (H, W, 3) uint8 RGB.

    Args:
        data: content of the file. Data after the end of the image, such as the trailers of phones, are ignored.
        upright: whether to turn the image as its EXIF tag says; by default pixels are as stored.

    Raises:
        ValueError: with the fault as a predicate, e.g. "is not a readable, complete JPEG or PNG image".
        NotEnoughMemoryError: if memory is short.
    """
    if fault := fault_in(data):
        raise ValueError(fault)
    flags = cv2.IMREAD_COLOR_RGB | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        check_memory(error, "decoding an image")
        image = None
    if image is None:
        raise ValueError(UNREADABLE)
    return image


def is_whole(data: bytes) -> bool:
    """Whether a JPEG or PNG file has its end; OpenCV 4 fills what is cut off with grey and does not complain.

    The end is that of the image itself: an embedded preview has an end marker too, and other data may follow.
    """
    if data.startswith(JPEG):
        return _end_of_jpeg(data)
    return data.startswith(PNG) and b"IEND" in _chunks(data)


def fault_in(data: bytes) -> str:
    """The fault of an image file as a predicate, as far as it shows without decoding; empty if none is found."""
    if not is_whole(data):
        return UNREADABLE
    header = read_header(data)
    if header is not None and header.width * header.height > LARGEST_IMAGE:
        return f"has {header.width} x {header.height} px; images of at most {LARGEST_IMAGE:,} px are decoded"
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
    """Whether the end marker of a JPEG file is reached from marker to marker, after at least one scan."""
    position, scanned = len(JPEG), False
    while match := _MARKER.search(data, position):
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
    """Whether a PNG image has transparent pixels; OpenCV would show the colours hidden under them."""
    try:
        with PngImageFile(BytesIO(data)) as image:
            with_alpha = image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
            return with_alpha.getextrema()[-1][0] < 255  # type: ignore[index]  # a pair for each of several channels
    except (OSError, SyntaxError, ValueError):
        return False


def read_image(path: Path, *, upright: bool = False) -> np.ndarray:
    """Decode an image file, (H, W, 3) uint8 RGB.

    Args:
        path: the file.
        upright: as in `decode_image`.

    Raises:
        InputError: naming the file, if it is missing, or refused by `decode_image`.
    """
    data = read_bytes(path)
    try:
        return decode_image(data, upright=upright)
    except NotEnoughMemoryError as error:
        raise error.at(str(path)) from error
    except ValueError as error:
        raise InputError(f"{path} {error}") from None
