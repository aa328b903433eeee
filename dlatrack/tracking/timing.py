"""Where the time of a run went: reading images, starting on a target, following it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from dlatrack.errors import InputError
from dlatrack.files import write_text


@dataclass(frozen=True)
class RunTimes:
    """Times of one sequence, or of several together.

    Args:
        frames: on which the tracker worked; those that a reset skips are not counted.
        starts: of these, on how many it was initialised.
        read_seconds: reading and decoding the images.
        init_seconds: in `init`.
        update_seconds: in `update`.
    """

    frames: int = 0
    starts: int = 0
    read_seconds: float = 0.0
    init_seconds: float = 0.0
    update_seconds: float = 0.0

    @classmethod
    def of(cls, seconds: np.ndarray, read_seconds: np.ndarray, started: np.ndarray) -> RunTimes:
        """Sum up frames.

        Args:
            seconds: (T,) in `init` or `update`; NaN where a frame was skipped.
            read_seconds: (T,) reading the image; NaN where a frame was skipped.
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
        """Both together."""
        mine, theirs = asdict(self), asdict(other)
        return RunTimes(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def frames_per_second(self) -> float:
        """Speed of the tracker alone, `init` included and reading left out; 0 without any frame."""
        spent = self.init_seconds + self.update_seconds
        return self.frames / spent if spent > 0 else 0.0


def write_times(folder: Path, name: str, columns: list[np.ndarray], stages: RunTimes) -> None:
    """Write the times of a sequence.

    `<name>_time.txt` is in the form of the got10k toolkit: a row per frame with the seconds in `init` or `update`, a
    column per repetition, NaN where a frame was skipped. `<name>_stages.json` holds the sums.

    Args:
        folder: made when absent.
        name: of the sequence.
        columns: (T,) seconds for each repetition.
        stages: sums over the repetitions.

    Raises:
        InputError: if a file cannot be written.
    """
    rows = np.stack(columns, 1).tolist()
    write_text(
        folder / f"{name}_time.txt",
        "".join(",".join(f"{value:.8f}" for value in row) + "\n" for row in rows),
    )
    write_text(folder / f"{name}_stages.json", json.dumps(asdict(stages)) + "\n")


def write_summary(path: Path, names: Iterable[str]) -> RunTimes:
    """Sum up the stages of sequences in a JSON file beside theirs.

    Args:
        path: of the summary; `<name>_stages.json` are looked for in its folder, and those not there are left out.
        names: of the sequences.

    Returns:
        The sums. The file also has the number of sequences in them and the frames per second.

    Raises:
        InputError: if the file cannot be written, or one of theirs cannot be read.
    """
    files = [file for name in names if (file := path.parent / f"{name}_stages.json").is_file()]
    parts = [_read(file) for file in files]
    total = sum(parts, RunTimes())
    record = {"sequences": len(parts), **asdict(total), "frames_per_second": total.frames_per_second}
    write_text(path, json.dumps(record, indent=2) + "\n")
    return total


def _read(file: Path) -> RunTimes:
    try:
        return RunTimes(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{file} does not hold the times of a sequence ({error}); remove it") from error
