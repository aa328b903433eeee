"""Result files of one-pass evaluation: one text file per sequence, a box per row."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from dlatrack.datasets.box_text import MOST_PIXELS, decode_text, quick_table, split_lines, split_numbers
from dlatrack.errors import InputError, shortened
from dlatrack.files import read_bytes, write_text


def write_boxes(path: str | Path, boxes_xywh: np.ndarray, *, first_pixel: int = 1) -> None:
    """Write boxes as rows x,y,w,h with four decimals.

    Args:
        path: file to write, whole or not at all.
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


def read_result_boxes(path: str | Path, rows: int | None = None, *, first_pixel: int = 1) -> np.ndarray:
    """Read the boxes of a result file, of this library or of another tracker.

    Args:
        path: text file with x, y, w, h in each row.
        rows: number of frames of the sequence, if known.
        first_pixel: coordinate of the first pixel in the file: 1 in OTB files, which are converted, or 0.

    Returns:
        (T, 4) float64 xywh, 0-based px.

    Raises:
        InputError: as `read_result_rows`, or if rows are missing or too many.
    """
    boxes = read_result_rows(path)
    if rows is not None and len(boxes) != rows:
        raise InputError(f"{path} has {len(boxes)} rows, but the sequence has {rows} frames")
    return boxes - np.array([first_pixel, first_pixel, 0, 0])


def read_result_rows(
    path: str | Path, columns: Collection[int] = (4,), most: float = MOST_PIXELS
) -> np.ndarray:
    """Read the rows of a result file as they are.

    Values may be separated by commas, semicolons, tabs or blanks; NaN stands for no box. Nothing is repaired.

    Args:
        path: text file with x, y, w, h in each row.
        columns: numbers of values that a row may have; 8 are the corners x1, y1 ... x4, y4 of a polygon.
        most: bound that numbers must be below; `box_text.MOST_OF_RESULT` for results that are only scored.

    Returns:
        (R, C) float64, coordinates as in the file.

    Raises:
        InputError: naming file and row, if a row is no such number of values, has another length than the first, or
            has a number that is not below `most`.
    """
    text = read_text_file(path)
    boxes = quick_table(text, columns, most)
    if boxes is not None:
        return boxes
    lines = split_lines(text)
    if not lines:
        raise InputError(f"{path} is empty; it needs one row {_what(columns)} per frame")
    rows = [_row(path, number, line, columns, most) for number, line in enumerate(lines, 1)]
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise InputError(f"{path} row {number}: has {len(row)} numbers, but row 1 has {len(rows[0])}")
    return np.array(rows)


def read_text_file(path: str | Path) -> str:
    """Content of a UTF-8 text file.

    Raises:
        InputError: if it cannot be read, or is no such text.
    """
    data = read_bytes(path)
    try:
        return decode_text(data)
    except ValueError as error:
        raise InputError(f"cannot read {path} as a text file: {error}") from error


def _row(path: str | Path, number: int, line: str, columns: Collection[int], most: float) -> list[float]:
    where, shown = f"{path} row {number}", repr(shortened(line.strip()))
    try:
        values = split_numbers(line, most)
    except ValueError as error:
        raise InputError(f"{where}: {shown} is not {_what(columns)} in numbers: {error}") from None
    if len(values) not in columns:
        counts = " or ".join("four" if count == 4 else str(count) for count in columns)
        raise InputError(f"{where}: needs {counts} finite numbers {_what(columns)}, got {shown}")
    return values


def _what(columns: Collection[int]) -> str:
    return "x, y, w, h" if tuple(columns) == (4,) else "x, y, w, h or x1, y1 ... x4, y4"
