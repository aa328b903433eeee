"""The CSV files of YouTube-BB: ten columns without a header, boxes relative to the frame."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlatrack.datasets.layout import CheckedFiles

_NUMBER = r"-?\d{1,9}(?:\.\d*)?(?:[eE]-?\d{1,3})?"

#: The columns of a row and a pattern for each. The file has no header, and x comes before y.
_COLUMNS = {
    "youtube_id": r"[\w-]{11}",
    "timestamp_ms": r"\d{1,12}",
    "class_id": r"\d{1,3}",
    "class_name": r"[^,\"]+",
    "object_id": r"\d{1,9}",
    "object_presence": r"present|absent",
    "xmin": _NUMBER,
    "xmax": _NUMBER,
    "ymin": _NUMBER,
    "ymax": _NUMBER,
}
_ROW = re.compile(",".join(f"({pattern})" for pattern in _COLUMNS.values()), re.ASCII)

#: No corner is farther from the frame than this many times its size; pixels would be.
_FAR = 2


@dataclass(frozen=True)
class Rows:
    """N rows ordered by segment and time, no two of the same frame."""

    #: (youtube_id, class_id, object_id) in the order in which they first come
    segments: list[tuple[str, int, int]]
    classes: dict[int, str]  #: names by class id
    segment: np.ndarray  #: (N,) int64, position in `segments`
    stamp: np.ndarray  #: (N,) int64, milliseconds
    row: np.ndarray  #: (N,) int64, row of the file, from 1
    present: np.ndarray  #: (N,) bool
    corners: np.ndarray  #: (N, 4) float64 xmin, xmax, ymin, ymax, relative to the frame

    def take(self, rows: np.ndarray) -> Rows:
        """Rows at (K,) int indices or where a (N,) bool mask is true."""
        columns = ("segment", "stamp", "row", "present", "corners")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})

    def image(self, index: int) -> str:
        """Image of a row, below the folder of the split."""
        youtube, kind, item = self.segments[self.segment[index]]
        return f"{kind}/{youtube}_{self.stamp[index]}_{kind}_{item}.jpg"


def read_segments(file: Path, files: CheckedFiles) -> Rows | None:
    """The rows of a CSV file, or None if it cannot be read or is empty.

    What is no row is reported with the column at fault, and left out.
    """
    text = files.read_text(file)
    if text is None:
        return None
    if not text.strip():
        files.fault(file, "is empty; rows are needed")
        return None
    segments: dict[tuple[str, int, int], int] = {}
    classes: dict[int, str] = {}
    whole, corners = array("q"), array("d")
    for row, line in enumerate(_lines(text.rstrip()), 1):
        match = _ROW.fullmatch(line)
        if match is None:
            _report_row(file, row, line, files)
            continue
        youtube, stamp, kind, name, item, presence, *edges = match.groups()
        if classes.setdefault(int(kind), name) != name:
            what = f"is not the class_name {classes[int(kind)]!r} that class_id {int(kind)} has before"
            files.fault(file, what, row, name)
            continue
        segment = segments.setdefault((youtube, int(kind), int(item)), len(segments))
        whole.extend((segment, int(stamp), row, presence == "present"))
        corners.extend(map(float, edges))
    table = np.array(whole, np.int64).reshape(-1, 4).T
    edges_: np.ndarray = np.array(corners, np.float64).reshape(-1, 4)
    rows = Rows(list(segments), classes, table[0], table[1], table[2], table[3] == 1, edges_)
    rows = rows.take(np.lexsort((rows.row, rows.stamp, rows.segment)))
    again = np.zeros(len(rows.row), bool)
    again[1:] = (np.diff(rows.segment) == 0) & (np.diff(rows.stamp) == 0)
    for index in np.flatnonzero(again).tolist():
        first = rows.row[index - 1]
        files.fault(file, f"comes twice, first in row {first}", int(rows.row[index]), rows.image(index))
    return rows.take(~again)


def _lines(text: str) -> Iterator[str]:
    """Lines one at a time: five million of them at once would take more memory than the text."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end].removesuffix("\r")
        start = end + 1


def _report_row(file: Path, row: int, line: str, files: CheckedFiles) -> None:
    """Report a line that is no row, and name the first column that does not fit."""
    fields = line.split(",")
    if len(fields) != len(_COLUMNS):
        files.fault(file, f"is not {len(_COLUMNS)} fields {','.join(_COLUMNS)}", row, line)
        return
    for (name, pattern), field in zip(_COLUMNS.items(), fields, strict=True):
        if not re.fullmatch(pattern, field, re.ASCII):
            files.fault(file, f"is no {name} (the columns are {','.join(_COLUMNS)})", row, field)
            return


def sound_rows(file: Path, rows: Rows, files: CheckedFiles) -> np.ndarray:
    """(N,) bool, the rows that say absent or have a box with an area that overlaps the frame."""
    xmin, xmax, ymin, ymax = rows.corners.T
    empty = rows.present & ((xmax <= xmin) | (ymax <= ymin))
    outside = (xmax <= 0) | (ymax <= 0) | (xmin >= 1) | (ymin >= 1) | (np.abs(rows.corners) > _FAR).any(1)
    outside &= rows.present & ~empty
    for index in np.flatnonzero(empty | outside).tolist():
        value = ",".join(f"{number:g}" for number in rows.corners[index])
        if empty[index]:
            width, height = xmax[index] - xmin[index], ymax[index] - ymin[index]
            what = f"is xmin,xmax,ymin,ymax with width {width:g} and height {height:g}; both must be above 0"
        else:
            what = "is xmin,xmax,ymin,ymax and lies outside the frame, which reaches from 0 to 1"
        files.fault(file, what, int(rows.row[index]), value)
    return ~empty & ~outside
