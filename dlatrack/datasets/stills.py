"""Still pictures with boxes in one CSV file, `boxes.csv`: training data of things that nobody has filmed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Never

import numpy as np

from dlatrack.datasets.box_text import LARGEST_PX, decode_text, split_lines, to_number
from dlatrack.datasets.faults import Fault, stop_at_first
from dlatrack.datasets.image_folder import upright_sizes
from dlatrack.datasets.images import IMAGE_SUFFIXES, ImageFiles
from dlatrack.datasets.index.builder import literal, still_tracks
from dlatrack.datasets.index.columns import TextColumn
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import is_plain_name
from dlatrack.errors import InputError, counted, reading

#: File of the boxes, and its columns; the first line names them.
STILLS_FILE, COLUMNS = "boxes.csv", ("picture", "class", "x", "y", "w", "h")

_FPS = 30.0  # of the table; a still has no rate

#: Least side of a box, px, and its largest in sides of the picture: beyond these the numbers are hardly px of the
#: picture, but fractions of its sides or px of a larger version.
_LEAST_PX, _LARGEST_SHARE = 1, 4


class _Box(NamedTuple):
    """A line of the file."""

    line: int  #: number in the file, from 1
    picture: str  #: path of the picture below the folder, with /
    object_class: str
    xywh: tuple[float, ...]  #: 0-based px

    @property
    def text(self) -> str:
        """The box, for messages."""
        return ",".join(f"{value:g}" for value in self.xywh)


def read_stills(folder: str | Path) -> TrackTable:
    """Index a folder of still pictures with boxes.

    `boxes.csv` has the header `picture,class,x,y,w,h` and a line for each box: the picture's path below the folder
    with its suffix, what the box shows (may be empty), and the box in px of the picture as it is stored, counted from
    0. A picture may have several boxes, and a box may reach beyond its picture, as in COCO. Pictures without a line
    are not used.

    Args:
        folder: folder with `boxes.csv` and the pictures, JPEG or PNG.

    Returns:
        One track of one row per box, named PICTURE, or PICTURE-1, PICTURE-2 and so on where there are several;
        pictures in the order of their names, boxes in that of their lines. Boxes are float32.

    Raises:
        InputError: naming file, line and value. The file is missing, not UTF-8, or has another header or no box; a
            line has more or fewer than six fields, or repeats another one; a picture is missing, its header cannot be
            read, it has more than 8 bits per channel or a tag that turns it; a number is none; or a box has no area,
            lies outside its picture, or has a side that is below 1 px or over four times the picture's.
    """
    folder = Path(folder)
    file = folder / STILLS_FILE
    boxes = sorted(_read_boxes(file), key=lambda box: box.picture)  # lines of a picture keep their order
    names = {picture: number for number, picture in enumerate(dict.fromkeys(box.picture for box in boxes))}
    image = np.array([names[box.picture] for box in boxes])
    sizes = _sizes(file, boxes)
    for box in boxes:
        _check_inside(file, box, sizes[names[box.picture]])
    return still_tracks(
        folder,
        TextColumn.of(map(literal, names)),
        image,
        TextColumn.of(_track_names(image, list(names))),
        TextColumn.of(box.object_class for box in boxes),
        np.array([box.xywh for box in boxes]),
        fps=_FPS,
        listed_wh=sizes,
    )


def _read_boxes(file: Path) -> list[_Box]:
    """The lines of the file, pictures not looked at.

    Raises:
        InputError: as `read_stills`.
    """
    with reading(file, "cannot be read as text", ValueError):
        lines = split_lines(decode_text(file.read_bytes()))
    if not lines:
        raise InputError(f"{file} is empty; a line {','.join(COLUMNS)} and a line for each box are needed")
    _check_header(file, lines[0])
    boxes: list[_Box] = []
    lines_of: dict[_Box, int] = {}
    for number, text in enumerate(lines[1:], 2):
        fields = _fields(file, number, text)
        if len(fields) != len(COLUMNS):
            what = f"has {counted(len(fields), 'field')}{_other_separator(fields)}; {','.join(COLUMNS)} are needed"
            _refuse(file, number, text, what)
        box = _Box(number, _picture(file, number, fields[0]), fields[1], _numbers(file, number, fields[2:]))
        first = lines_of.setdefault(box._replace(line=0), number)
        if first != number:
            _refuse(file, number, text, f"repeats line {first}; each box is needed once")
        boxes.append(box)
    if not boxes:
        raise InputError(f"{file} has a header and no box; a line {','.join(COLUMNS)} for each box is needed")
    return boxes


def _check_header(file: Path, text: str) -> None:
    fields = _fields(file, 1, text)
    if fields == list(COLUMNS):
        return
    lacking = [name for name in COLUMNS if name not in fields]
    strange = [name for name in fields if name not in COLUMNS]
    reasons = [f"it lacks {', '.join(lacking)}"] * bool(lacking)
    reasons += [f"it has {', '.join(map(repr, strange))} besides"] * bool(strange)
    reason = " and ".join(reasons) or "the order is another"
    if separated := _other_separator(fields):
        reason = f"it is{separated}"
    _refuse(file, 1, text, f"is not the header {','.join(COLUMNS)}; {reason}")


def _other_separator(fields: list[str]) -> str:
    """Say that a line is separated by something other than commas; "" if it is not."""
    signs = {";": "semicolons", "\t": "tabs"}
    found = [name for sign, name in signs.items() if len(fields) == 1 and sign in fields[0]]
    return f" separated by {found[0]}, where commas are needed" if found else ""


def _fields(file: Path, number: int, text: str) -> list[str]:
    """The fields of a line; those in quotation marks may hold commas."""
    try:
        return [field.strip(" \t") for field in next(csv.reader([text], strict=True), [])]
    except csv.Error as error:
        _refuse(file, number, text, f"is not a line of a CSV file ({error}); fields are separated by commas")


def _picture(file: Path, number: int, name: str) -> str:
    if not all(map(is_plain_name, name.split("/"))) or not name.lower().endswith(IMAGE_SUFFIXES):
        kinds = ", ".join(IMAGE_SUFFIXES)
        what = f"is not the path of a picture below {file.parent}, with / between folders, ending in {kinds}"
        _refuse(file, number, name, what)
    return name


def _numbers(file: Path, number: int, fields: list[str]) -> tuple[float, ...]:
    """The four numbers of a box."""
    values = []
    for column, text in zip(COLUMNS[2:], fields, strict=True):
        try:
            value = to_number(text)
        except ValueError:
            value = np.nan
        if not abs(value) <= LARGEST_PX:
            what = f"is no value of {column}; a number of px with a decimal point, at most {LARGEST_PX}, is needed"
            _refuse(file, number, text, what)
        if column in "wh" and not np.float32(value) > 0:
            _refuse(file, number, text, f"is no value of {column}; a number above 0 is needed")
        values.append(value)
    return tuple(values)


def _sizes(file: Path, boxes: list[_Box]) -> np.ndarray:
    """(M, 2) width and height of the pictures by name, px; each is looked at once, for its first line."""
    first = {box.picture: box.line for box in reversed(boxes)}
    sizes = []
    for picture in dict.fromkeys(box.picture for box in boxes):
        try:
            sizes.append(upright_sizes(ImageFiles((file.parent / picture,)))[0])
        except InputError as error:
            raise InputError(f"{file} line {first[picture]}: {error}") from None
    return np.array(sizes)


def _check_inside(file: Path, box: _Box, size: np.ndarray) -> None:
    x, y, w, h = np.array(box.xywh, np.float32).tolist()  # as the table keeps them
    if not (min(w, h) >= _LEAST_PX and w <= _LARGEST_SHARE * size[0] and h <= _LARGEST_SHARE * size[1]):
        what = (
            f"is not in px of {box.picture} as it is stored, which has {size[0]} x {size[1]}: width and height must "
            f"be at least {_LEAST_PX} px and at most {_LARGEST_SHARE} times the picture's"
        )
        _refuse(file, box.line, box.text, what)
    if x >= size[0] or y >= size[1] or x + w <= 0 or y + h <= 0:
        what = f"lies outside {box.picture} of {size[0]} x {size[1]} px; x,y,w,h must overlap it, px from 0"
        _refuse(file, box.line, box.text, what)


def _track_names(image: np.ndarray, names: list[str]) -> Iterator[str]:
    """Names of the boxes of images in order."""
    counts = np.bincount(image)
    starts = np.cumsum(counts) - counts
    for position, number in enumerate(image.tolist()):
        place = f"-{position - starts[number] + 1}" if counts[number] > 1 else ""
        yield f"{names[number]}{place}"


def _refuse(file: Path, line: int, value: str, what: str) -> Never:
    stop_at_first(Fault(file, what, line, value, "line"))
