"""Time of a run: reading images, initialising the tracker, updating it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta

from dlatrack.errors import InputError
from dlatrack.files import write_text
from dlatrack.structured.json_files import read_json_as

_Count = Annotated[int, Meta(ge=0, lt=2**53)]
_Seconds = Annotated[float, Meta(ge=0, lt=1e12)]


@dataclass(frozen=True)
class RunTimes:
    """Times of one sequence, or of several together."""

    frames: _Count = 0  #: number of tracked frames, without those that a reset skips
    starts: _Count = 0  #: number of these frames in which the tracker was initialised
    read_seconds: _Seconds = 0.0  #: seconds to read and decode the images
    init_seconds: _Seconds = 0.0  #: seconds in `init`
    update_seconds: _Seconds = 0.0  #: seconds in `update`

    @classmethod
    def of(cls, seconds: np.ndarray, read_seconds: np.ndarray, started: np.ndarray) -> RunTimes:
        """Times of T frames.

        Args:
            seconds: (T,) seconds in `init` or `update`; NaN for skipped frames.
            read_seconds: (T,) seconds to read the image; NaN for skipped frames.
            started: (T,) bool, the frames of `init`.
        """
        return cls(
            frames=int(np.isfinite(seconds).sum()),
            starts=int(started.sum()),
            read_seconds=float(np.nansum(read_seconds)),
            init_seconds=float(seconds[started].sum()),
            update_seconds=float(np.nansum(seconds[~started])),
        )

    def __add__(self, other: RunTimes) -> RunTimes:
        """Sum of both."""
        return RunTimes(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def frames_per_second(self) -> float:
        """Speed of the tracker, with `init` and without reading images; 0 without any frame."""
        spent = self.init_seconds + self.update_seconds
        return self.frames / spent if spent > 0 else 0.0


def write_times(folder: Path, name: str, columns: list[np.ndarray], total: RunTimes) -> None:
    """Write the times of a sequence.

    `<name>_time.txt` has the format of the got10k toolkit: a row per frame with the seconds in `init` or `update`, a
    column per repetition, NaN for skipped frames. `<name>_stages.json` holds the sums.

    Args:
        folder: folder of both files, created if needed.
        name: name of the sequence.
        columns: (T,) seconds for each repetition.
        total: sums over the repetitions.

    Raises:
        InputError: if a file cannot be written.
    """
    rows = np.stack(columns, 1).tolist()
    write_text(
        folder / f"{name}_time.txt",
        "".join(",".join(f"{value:.8f}" for value in row) + "\n" for row in rows),
    )
    write_text(folder / f"{name}_stages.json", json.dumps(asdict(total)) + "\n")


def write_summary(path: Path, names: Iterable[str]) -> None:
    """Write the sums over sequences to a JSON file, with the number of sequences and the frames per second.

    Args:
        path: file to write, in the folder of the `<name>_stages.json`; sequences without such a file are left out.
        names: names of the sequences.

    Raises:
        InputError: if the file cannot be written, or one of the sequences' files cannot be read.
    """
    files = [file for name in names if (file := path.parent / f"{name}_stages.json").is_file()]
    total = sum(map(_read, files), RunTimes())
    record = {"sequences": len(files), **asdict(total), "frames_per_second": total.frames_per_second}
    write_text(path, json.dumps(record, indent=2) + "\n")


def _read(file: Path) -> RunTimes:
    try:
        return read_json_as(file, RunTimes)
    except InputError as error:
        raise InputError(f"{error}; {file.name} does not hold the times of a sequence; remove it") from None
