"""A folder of numbered images as the frames of one clip.

All names together decide which images are frames: a mask, a cover or another picture among the frames would be
tracked, and a frame of another name be missing, without being noticed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from dlatrack.datasets.image_header import ImageHeader, read_header
from dlatrack.datasets.images import IMAGE_SUFFIXES, UNREADABLE, ImageFiles, fault_in
from dlatrack.errors import InputError, listed, refusals, shortened
from dlatrack.files import is_companion

#: Suffixes of images that cameras and tools write and that are not read.
_OTHER_KINDS = re.compile(
    r"\.(avif|bmp|cr2|cr3|dib|dng|exr|gif|heic|heif|j2k|jfif|jp2|jpe|jxl|nef|pbm|pgm|pnm|ppm|raw|tga|tiff?|webp)",
    re.IGNORECASE,
)

_KINDS = ", ".join(IMAGE_SUFFIXES)

#: From here on a number is a time, such as seconds, ms or ns since 1970; frames are not counted so far.
_TIME = 10_000_000

#: Steps of at least this size may differ by one, as rounded times in ms do.
_ROUNDED = 4

#: How many numbers a message names.
_NAMED = 3

#: A number in a name; after seconds since 1970 a point begins a fraction.
_NUMBER = re.compile(r"([1-9][0-9]{9,}\.[0-9]+|[0-9]+)")

_DATE = re.compile(r"(?:19|20)[0-9]{2}(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3])(-?)[0-5][0-9]\1[0-5][0-9]")


def image_files(folder: Path) -> ImageFiles:
    """The images in `folder`, in the order of the numbers in their names, to be decoded upright.

    Hidden files and files that are no images are ignored. The names of the images may differ only in their numbers
    and in .jpg, .jpeg or .png at the end. The number that counts them may begin anywhere and grow in steps, but none
    may be missing; times only give the order.

    Raises:
        InputError: if the folder is missing, cannot be listed or has no image; naming the file, if there is an image
            of a kind that is not read, one that is named unlike the others, or two of one number; naming the numbers
            that are missing; or if images of several clips are mixed.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is missing; a sequence keeps its images there, e.g. 0001.jpg")
    paths = images_in(folder)
    if not paths:
        raise InputError(f"{folder} has no image; files ending in {_KINDS} are looked for")
    return ImageFiles(tuple(_in_order(folder, paths)), upright=True)


def images_in(folder: Path) -> list[Path]:
    """The image files in a folder, by name, without hidden ones.

    Raises:
        InputError: if it cannot be listed, or naming images of a kind that is not read.
    """
    try:
        files = sorted(file for file in folder.iterdir() if not is_companion(file.name))
    except OSError as error:
        raise InputError(f"{folder} cannot be listed: {error.strerror or error}") from error
    if other := [file.name for file in files if _OTHER_KINDS.fullmatch(file.suffix)]:
        raise InputError(
            f"{folder} has {listed(other)}; only images ending in {_KINDS} are read: convert all to one kind"
        )
    return [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]


def check_headers(images: ImageFiles) -> list[ImageHeader]:
    """The header of each image, read before long work on them.

    Raises:
        InputError: naming the first file that cannot be opened, has no readable header, or has more than 8 bits per
            channel.
    """
    headers: list[ImageHeader] = []
    for path in (images.paths[index] for index in range(len(images))):
        with refusals("read", path):
            header = read_header(path)
        if header is None or header.bits > 8:
            raise InputError(f"{images.place(len(headers))} {fault_in(path.read_bytes()) or UNREADABLE}")
        headers.append(header)
    return headers


def upright_sizes(images: ImageFiles) -> np.ndarray:
    """(T, 2) width and height of each image, px, from its header; for images with boxes.

    Raises:
        InputError: as `check_headers`; and naming the first that an EXIF tag would turn.
    """
    headers = check_headers(images)
    for frame, header in enumerate(headers):
        if header.orientation != 1:
            raise InputError(
                f"{images.paths[frame]} has orientation tag {header.orientation}, so that its boxes may be those "
                f"before or after it is turned; store the image upright, without the tag, and its boxes with it"
            )
    return np.array([(header.width, header.height) for header in headers])


def _in_order(folder: Path, paths: list[Path]) -> list[Path]:
    """The images by number.

    Raises:
        InputError: as `image_files`.
    """
    parts = {path: _split_name(path.stem.casefold()) for path in paths}
    texts = Counter(text for text, _ in parts.values())
    (usual, _), *others = texts.most_common()
    if others or (len(usual) == 1 and len(paths) > 1):
        like = next(path.name for path in paths if parts[path][0] == usual)
        unlike = [path.name for path in paths if parts[path][0] != usual]
        odd = next(iter(unlike), paths[-1].name)
        raise InputError(
            f"{folder} has {like} and {odd}; the images of a clip must differ in their numbers alone, as 0001.jpg "
            f"and 0002.jpg do, and masks and other pictures must lie elsewhere"
        )
    by_number: dict[tuple[Fraction, ...], Path] = {}
    for path in paths:
        number = _values(parts[path][1])
        if number in by_number:
            raise InputError(
                f"{folder} has {by_number[number].name} and {path.name}, two images of one number; one image per "
                f"frame is needed, and masks must lie elsewhere"
            )
        by_number[number] = path
    ordered = [by_number[number] for number in sorted(by_number)]
    if fault := _fault_of_numbers([parts[path][1] for path in ordered]):
        raise InputError(f"{folder} has {fault} (first {ordered[0].name}, last {ordered[-1].name})")
    return ordered


def _split_name(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a name into the texts around its numbers, and the numbers."""
    parts = _NUMBER.split(name)
    return tuple(parts[::2]), tuple(parts[1::2])


def _values(numbers: Sequence[str]) -> tuple[Fraction, ...]:
    """The values of the numbers in a name."""
    return tuple(map(Fraction, numbers))


def _fault_of_numbers(rows: Sequence[tuple[str, ...]]) -> str:
    """Why images with these numbers are not the consecutive frames of one clip.

    A number that grows from image to image counts them, and must grow by even steps. Times only give the order: a
    number of ten million or more, a date (20240501, 2024-05-01), a time of day (123058 or 12-30-58; six digits are
    one from 010000 on, or after a date), and every number to the right of one. A time that is the same in all names
    does not count: it says when the clip began.

    Args:
        rows: the numbers of each image, equally many, in the order of their values.

    Returns:
        The fault, as the object of "has"; empty if there is none.
    """
    columns = list(zip(*rows, strict=True))[: _first_time(rows)]
    left = [[int(value) for value in _values(column)] for column in columns if len(set(column)) > 1]
    counters = [column for column in left if all(a < b for a, b in pairwise(column))]
    if left and not counters:
        return (
            "numbers of which none grows from image to image, as if there were several clips; a folder holds one, "
            "numbered 1, 2, 3 and so on"
        )
    if not counters or any(_even(counter) for counter in counters):
        return ""
    return _gap(min(counters, key=lambda numbers: min(_steps(numbers))))


def _first_time(rows: Sequence[tuple[str, ...]]) -> int:
    """Index of the first number that is a time, or how many numbers there are."""
    dated = False
    count = len(rows[0])
    for index in range(count):
        for width in (1, 3) if index + 3 <= count else (1,):
            texts = {"-".join(row[index : index + width]) for row in rows}
            date = all(map(_DATE.fullmatch, texts))
            clock = all(map(_CLOCK.fullmatch, texts)) and (dated or width == 3 or min(texts) >= "010000")
            large = width == 1 and min(map(Fraction, texts)) >= _TIME
            if len(texts) > 1 and (date or clock or large):
                return index
            dated = dated or date
    return count


def _steps(numbers: Sequence[int]) -> list[int]:
    return [after - before for before, after in pairwise(numbers)]


def _even(numbers: Sequence[int]) -> bool:
    """Whether all steps are the same, apart from rounding."""
    steps = _steps(numbers)
    if min(steps) == max(steps):
        return True
    mean = (numbers[-1] - numbers[0]) / len(steps)
    off = max(abs(number - numbers[0] - mean * index) for index, number in enumerate(numbers))
    return min(steps) >= _ROUNDED and off <= 1


def _gap(numbers: Sequence[int]) -> str:
    """The fault of numbers in uneven steps, with those that are missing if the steps show which."""
    steps = _steps(numbers)
    step = min(steps)
    first, last, least, most = (shortened(str(n)) for n in (numbers[0], numbers[-1], step, max(steps)))
    found = f"{len(numbers)} images with numbers {first} to {last}"
    if any(amount % step for amount in steps):
        return f"{found} in steps of {least} to {most}; number them in even steps if none is missing"
    missing = [
        number
        for before, after in pairwise(numbers)
        for number in range(before + step, min(after, before + (_NAMED + 1) * step), step)
    ]
    count = (numbers[-1] - numbers[0]) // step + 1 - len(numbers)
    named = ", ".join(shortened(str(number)) for number in missing[:_NAMED]) + (
        " and more" if count > _NAMED else ""
    )
    found += f" in steps of {least}" if step > 1 else ""
    return f"{found}, but lacks {named}; number them without a gap if none is missing"


def utf8_name(path: Path) -> str:
    """The last part of a path, as the name of a sequence in result files.

    Raises:
        InputError: if it is not UTF-8, so that no result file could hold it.
    """
    try:
        path.name.encode()
    except UnicodeEncodeError:
        what = "has a name that is not UTF-8 text here; rename it, or use a UTF-8 locale"
        raise InputError(f"{str(path)!r} {what}") from None
    return path.name
