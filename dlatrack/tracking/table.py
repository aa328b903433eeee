"""The table of `dlatrack track`: a row for each target in each frame."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlatrack.errors import InputError, refusals

#: Header of the tables up to version 0.1, with which every table begins.
_FIRST_COLUMNS = "frame,target,x,y,w,h,score"

#: Header of the table.
CSV_HEADER = f"{_FIRST_COLUMNS},probability,state"


class Certainty(NamedTuple):
    """How sure a calibrated tracker is of a box."""

    probability: float  #: probability that the box overlaps the target by more than 0.5; NaN: not known
    state: str  #: "tracking", "uncertain" or "lost"; "": not known


UNKNOWN = Certainty(float("nan"), "")


def certainty_of(tracker: object) -> Certainty:
    """How sure a tracker is of its last box; `UNKNOWN` for one without a calibration."""
    confidence = getattr(tracker, "confidence", None)
    return UNKNOWN if confidence is None else Certainty(float(confidence.probability), confidence.state)


def table_rows(
    frame: int, boxes_xywh: np.ndarray, scores: np.ndarray, certainties: Sequence[Certainty]
) -> str:
    """Rows of a frame, a line for each target, with line ends.

    Args:
        frame: number of the frame, from 0.
        boxes_xywh: (N, 4), 0-based px; NaN for a target that is not tracked yet and gets no row.
        scores: (N,), 0..1.
        certainties: N values.
    """
    rows = []
    for target, (box, score, sure) in enumerate(zip(boxes_xywh, scores, certainties, strict=True), 1):
        if np.isnan(score):
            continue
        x, y, w, h = box
        probability = "" if np.isnan(sure.probability) else f"{sure.probability:.4f}"
        rows.append(
            f"{frame},{target},{x:.3f},{y:.3f},{w:.3f},{h:.3f},{score:.4f},{probability},{sure.state}\n"
        )
    return "".join(rows)


def is_table(path: Path) -> bool:
    """Whether a file is a table of `dlatrack track`, of this version or an earlier one.

    Raises:
        InputError: if it cannot be read.
    """
    with refusals("read", path), path.open("rb") as file:
        return file.read(len(_FIRST_COLUMNS)) == _FIRST_COLUMNS.encode()


class GrowingTable:
    """A table that is written while frames are tracked, as `growing_table` yields it.

    Args:
        path: the file, for messages.
        descriptor: the open file; the rows of a frame are handed to the system at once, so that a killed process
            loses none.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor
        self.add_text(f"{CSV_HEADER}\n")

    def add_text(self, text: str) -> None:
        """Append lines.

        Raises:
            InputError: if the disk takes no more.
        """
        content = text.encode()
        with refusals("write", self._path):
            while content:
                content = content[os.write(self._descriptor, content) :]


@contextmanager
def growing_table(path: Path) -> Iterator[GrowingTable]:
    """Write a table in place, row by row; an earlier table of `dlatrack track` is replaced.

    Raises:
        InputError: if it cannot be written.
    """
    with refusals("write", path):
        file = path.open("wb", buffering=0)
    with file:
        yield GrowingTable(path, file.fileno())


def check_table(table: Path) -> None:
    """Reject a place where something else than a table of `dlatrack track` lies.

    Raises:
        InputError: naming it.
    """
    if table.is_dir():
        raise InputError(f"{table} is a folder; boxes and scores go there, so the output needs another name")
    if table.exists() and not is_table(table):
        raise InputError(
            f"{table} exists and is no table of dlatrack track, which would overwrite it; the output needs another "
            f"name"
        )
