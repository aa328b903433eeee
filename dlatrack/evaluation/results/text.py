"""Result files of one-pass evaluation: one text file per sequence, a box per row."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path

import numpy as np

from dlatrack.errors import InputError
from dlatrack.files import write_text

#: Between the values of a row.
SEPARATOR = re.compile(r"\s*[,;\t]\s*|\s+")

#: What the quick reader must not take: a missing value between two separators or at an end of a row, an empty row.
_HOLE = re.compile(rb"[,;][ \t]*(?:[,;\n]|\Z)|(?:\A|\n)[ \t]*[,;\n]")
_HOLES = (b",,", b", ,", b",\n", b", \n", b"\n,", b"\n ,", b"\n\n", b"\n \n")
_PLAIN = re.compile(rb"[-+.0-9eENnAa,; \t\r\n]+")
_ALIKE = bytes.maketrans(b";\t", b", ")
_BLANKS = bytes.maketrans(b",;\t", b"   ")


def write_boxes(path: str | Path, boxes_xywh: np.ndarray, *, first_pixel: int = 1) -> None:
    """Write boxes as rows x,y,w,h with four decimals.

    Args:
        path: written whole or not at all.
        boxes_xywh: (T, 4), 0-based px.
        first_pixel: coordinate of the first pixel in the file: 1 as in OTB and UAV123, or 0 as in LaSOT.

    Raises:
        ValueError: for another shape.
        InputError: if the file cannot be written.
    """
    if boxes_xywh.ndim != 2 or boxes_xywh.shape[1] != 4:
        raise ValueError(f"boxes must have shape (T, 4), got {boxes_xywh.shape}")
    shifted = boxes_xywh + np.array([first_pixel, first_pixel, 0, 0])
    write_text(path, "".join(",".join(f"{value:.4f}" for value in row) + "\n" for row in shifted.tolist()))


def read_boxes(path: str | Path, rows: int | None = None, *, first_pixel: int = 1) -> np.ndarray:
    """Read the boxes of a result file, ours or a peer's.

    Args:
        path: text file with x, y, w, h in each row.
        rows: number of frames of the sequence, if known.
        first_pixel: coordinate of the first pixel in the file: 1 in OTB files, which are converted, or 0.

    Returns:
        (T, 4) float64 xywh, 0-based px.

    Raises:
        InputError: as `read_rows`, or if rows are missing or too many.
    """
    boxes = read_rows(path)
    if rows is not None and len(boxes) != rows:
        raise InputError(f"{path} has {len(boxes)} rows, but the sequence has {rows} frames")
    return boxes - np.array([first_pixel, first_pixel, 0, 0])


def read_rows(path: str | Path) -> np.ndarray:
    """Read the rows of a result file as they are.

    Values may be separated by commas, semicolons, tabs or blanks; NaN stands for no box. Nothing is repaired.

    Args:
        path: text file with x, y, w, h in each row.

    Returns:
        (R, 4) float64, coordinates as in the file.

    Raises:
        InputError: naming file and row, if a row is not four numbers or a number is infinite.
    """
    try:
        data = Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf").rstrip()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if not data:
        raise InputError(f"{path} is empty; it needs one row x, y, w, h per frame")
    boxes = _quick(data)
    return _slow(path, data) if boxes is None else boxes


def _quick(data: bytes) -> np.ndarray | None:
    """All rows at once; None if there is anything to look at row by row."""
    data = data.replace(b"\r\n", b"\n")
    if not _PLAIN.fullmatch(data) or _has_hole(data):
        return None
    try:
        text = data.translate(_BLANKS).decode("ascii")
        boxes = np.loadtxt(io.StringIO(text), ndmin=2, comments=None)
    except ValueError:
        return None
    return boxes if boxes.shape[1] == 4 and not np.isinf(boxes).any() else None


def _has_hole(data: bytes) -> bool:
    """As `_HOLE`, whose search through a megabyte takes longer than reading its numbers."""
    if b"\r" in data:
        return True
    plain = b"\n" + data.translate(_ALIKE) + b"\n"
    if b"  " in plain:
        return _HOLE.search(data) is not None
    return any(hole in plain for hole in _HOLES)


def _slow(path: str | Path, data: bytes) -> np.ndarray:
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read {path} as a text file: {error}") from error
    return np.array([_row(path, number, line) for number, line in enumerate(lines, 1)])


def _row(path: str | Path, number: int, line: str) -> list[float]:
    parts = SEPARATOR.split(line.strip())
    try:
        values = [float(part) for part in parts]
    except ValueError:
        raise InputError(f"{path} row {number}: {line.strip()[:60]!r} is not x, y, w, h in numbers") from None
    if len(values) != 4 or any(map(math.isinf, values)):
        raise InputError(
            f"{path} row {number}: needs four finite numbers x, y, w, h, got {line.strip()[:60]!r}"
        )
    return values
