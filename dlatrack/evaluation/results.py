"""Result files: one text file per sequence, a box per row."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from dlatrack.errors import InputError
from dlatrack.files import write_text

_SEPARATOR = re.compile(r"\s*[,;\t]\s*|\s+")

#: How a sequence name may be spelt in a file name, from strict to lenient. The strict ways come first because
#: UAV123 has both car1_1 and car11.
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda name: re.sub(r"[-_. ]", "-", name.casefold()),
    lambda name: re.sub(r"[^a-z0-9]", "", name.casefold()),
)


def write_boxes(path: str | Path, boxes_xywh: np.ndarray) -> None:
    """Write boxes in the form of OTB: x,y,w,h with four decimals, the first pixel counted as 1.

    Args:
        path: written whole or not at all.
        boxes_xywh: (T, 4), 0-based px; x and y are written plus one.

    Raises:
        ValueError: for another shape.
        InputError: if the file cannot be written.
    """
    if boxes_xywh.ndim != 2 or boxes_xywh.shape[1] != 4:
        raise ValueError(f"boxes must have shape (T, 4), got {boxes_xywh.shape}")
    shifted = boxes_xywh + np.array([1, 1, 0, 0])
    write_text(path, "".join(",".join(f"{value:.4f}" for value in row) + "\n" for row in shifted.tolist()))


def read_boxes(path: str | Path, rows: int | None = None, *, first_pixel: int = 1) -> np.ndarray:
    """Read the boxes of a result file, ours or a peer's.

    Values may be separated by commas, semicolons, tabs or spaces; NaN stands for no box. Nothing is repaired.

    Args:
        path: text file with x, y, w, h in each row.
        rows: number of frames of the sequence, if known.
        first_pixel: coordinate of the first pixel in the file: 1 in OTB files, which are converted, or 0.

    Returns:
        (T, 4) float64 xywh, 0-based px.

    Raises:
        InputError: naming file and row, if a row is not four numbers, a number is infinite, or rows are missing or
            too many.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path} as a text file: {error}") from error
    if not lines:
        raise InputError(f"{path} is empty; it needs one row x, y, w, h per frame")
    if rows is not None and len(lines) != rows:
        raise InputError(f"{path} has {len(lines)} rows, but the sequence has {rows} frames")
    boxes = np.array([_row(path, number, line) for number, line in enumerate(lines, 1)])
    return boxes - np.array([first_pixel, first_pixel, 0, 0])


def find_results(folder: str | Path, names: Collection[str]) -> dict[str, Path]:
    """Find the result files of sequences in a folder, whatever way the tracker's authors spelt the names.

    Upper and lower case and the separators `-`, `_` and `.` may differ (`jogging_1.txt` serves Jogging-1); an exact
    name wins.

    Args:
        folder: holds `<name>.txt` files; others are left alone.
        names: sequence names.

    Returns:
        A file for each name, in the order of `names`.

    Raises:
        InputError: naming the sequences that have no file, or several that fit equally well.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no results folder {folder}")
    free = sorted(folder.glob("*.txt"))
    found: dict[str, Path] = {}
    for spelling in _SPELLINGS:
        for name in names:
            fitting = (
                [path for path in free if spelling(path.stem) == spelling(name)] if name not in found else []
            )
            if len(fitting) > 1:
                raise InputError(
                    f"{folder} has several files for sequence {name}: {', '.join(p.name for p in fitting)}"
                )
            if fitting:
                found[name] = fitting[0]
        free = [path for path in free if path not in found.values()]
    missing = [name for name in names if name not in found]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(f"{folder} has no result file for {', '.join(missing[:3])}{more}")
    return {name: found[name] for name in names}


def _row(path: str | Path, number: int, line: str) -> list[float]:
    parts = _SEPARATOR.split(line.strip())
    try:
        values = [float(part) for part in parts]
    except ValueError:
        raise InputError(f"{path} row {number}: {line.strip()[:60]!r} is not x, y, w, h in numbers") from None
    if len(values) != 4 or any(map(math.isinf, values)):
        raise InputError(
            f"{path} row {number}: needs four finite numbers x, y, w, h, got {line.strip()[:60]!r}"
        )
    return values
