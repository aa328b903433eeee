"""A folder of numbered images as the frames of one clip.

All names together decide which images are frames: a mask, a cover or another picture among the frames would be
tracked, and a frame of another name be missing, without being noticed.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

from dlatrack.datasets.image_header import ImageHeader, read_header
from dlatrack.datasets.images import IMAGE_SUFFIXES, UNREADABLE, ImageFiles, fault_in
from dlatrack.datasets.numbering import fault_of_numbers, split_name, values
from dlatrack.errors import InputError, listed
from dlatrack.files import is_companion

#: Suffixes of images that cameras and tools write and that are not read.
_OTHER_KINDS = re.compile(
    r"\.(avif|bmp|cr2|cr3|dib|dng|exr|gif|heic|heif|j2k|jfif|jp2|jpe|jxl|nef|pbm|pgm|pnm|ppm|raw|tga|tiff?|webp)",
    re.IGNORECASE,
)

_KINDS = ", ".join(IMAGE_SUFFIXES)


def image_files(folder: Path) -> ImageFiles:
    """The images in `folder`, in the order of the numbers in their names, to be decoded upright.

    Hidden files and files that are no images are ignored. The names of the images may differ only in their numbers
    and in .jpg, .jpeg or .png at the end. The number that counts them may begin anywhere and grow in steps, but none
    may be missing; times only give the order, see `numbering.fault_of_numbers`.

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
        try:
            header = read_header(path)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error
        if header is None or header.bits > 8:
            raise InputError(f"{path} (frame {len(headers) + 1}) {fault_in(path.read_bytes()) or UNREADABLE}")
        headers.append(header)
    return headers


def _in_order(folder: Path, paths: list[Path]) -> list[Path]:
    """The images by number.

    Raises:
        InputError: as `image_files`.
    """
    parts = {path: split_name(path.stem.casefold()) for path in paths}
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
        number = values(parts[path][1])
        if number in by_number:
            raise InputError(
                f"{folder} has {by_number[number].name} and {path.name}, two images of one number; one image per "
                f"frame is needed, and masks must lie elsewhere"
            )
        by_number[number] = path
    ordered = [by_number[number] for number in sorted(by_number)]
    if fault := fault_of_numbers([parts[path][1] for path in ordered]):
        raise InputError(f"{folder} has {fault} (first {ordered[0].name}, last {ordered[-1].name})")
    return ordered


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
