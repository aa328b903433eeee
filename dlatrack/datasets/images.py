"""Frames in image files: where they are, and decoding that refuses what is cut short."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from dlatrack.errors import InputError

#: Image files that a reader looks for.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


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
    """Frames in image files, decoded when asked for."""

    paths: Paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 RGB; negative indices count from the end.

        Raises:
            InputError: naming file and frame, when the image cannot be decoded or is cut short.
        """
        path = self.paths[index]
        try:
            image = decode(path.read_bytes())
        except OSError:
            image = None
        if image is None:
            frame = range(len(self))[index] + 1
            raise InputError(f"{path} (frame {frame}) is not a readable, complete JPEG or PNG image")
        return image


def fill(template: str, number: int) -> str:
    """Put a number into a template with at most one directive like %d or %08d; %% stands for a percent sign."""
    return template % (number if "%" in template.replace("%%", "") else ())


def decode(data: bytes) -> np.ndarray | None:
    """Decode a JPEG or PNG file to (H, W, 3) uint8 RGB; None if it is neither or is cut short."""
    if not is_whole(data):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def is_whole(data: bytes) -> bool:
    """Whether image data has its end mark; OpenCV 4 fills what is cut off with grey and does not complain.

    An embedded preview has an end mark too, but lies before the last start of scan.
    """
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")
    return data.startswith(b"\x89PNG") and b"IEND" in data


def image_files(folder: Path) -> ImageFiles:
    """The images in `folder`, in the order of the numbers in their names.

    Raises:
        InputError: when the folder is missing or has no image.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is missing; a sequence keeps its images there, e.g. 0001.jpg")
    paths = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    if not paths:
        raise InputError(f"{folder} has no image; files ending in {', '.join(IMAGE_SUFFIXES)} are looked for")
    return ImageFiles(tuple(sorted(paths, key=lambda path: _by_number(path.name))))


def _by_number(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key that compares runs of digits as numbers: 2.jpg before 10.jpg."""
    return tuple((int(part), part) if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))


def read_image(path: Path) -> np.ndarray:
    """Decode an image file, (H, W, 3) uint8 RGB.

    Raises:
        InputError: naming the file, if it is missing or not whole.
    """
    try:
        image = decode(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if image is None:
        raise InputError(f"{path} is not a readable, complete JPEG or PNG image")
    return image
