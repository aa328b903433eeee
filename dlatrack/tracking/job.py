"""What a process does with one sequence of a benchmark: run the tracker and write its files."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.results import write_boxes
from dlatrack.evaluation.vot.results import INITIALISED, read_vot_run, write_vot_run
from dlatrack.files import remove_leftovers
from dlatrack.tracking.reset import run_with_resets
from dlatrack.tracking.run import Tracker, has_boxes, run_one_pass
from dlatrack.tracking.timing import RunTimes, write_times


class SequenceSource(Protocol):
    """Where sequences come from. It is pickled, and every process opens it for itself."""

    @property
    def name(self) -> str:
        """Of the benchmark."""
        ...

    @property
    def first_pixel(self) -> int:
        """Coordinate of the first pixel in the benchmark's files, 0 or 1; results count from it, too."""
        ...

    def open(self) -> list[Sequence]:
        """Index the sequences; their frames are decoded when asked for."""
        ...


@runtime_checkable
class Stochastic(Protocol):
    """A tracker that draws random numbers, and so is run several times under the reset protocol."""

    def seed(self, seed: int) -> None:
        """Draw from here on as `seed`, at least 0, decides; called before every run of a sequence.

        The seed depends on the sequence and the number of the run alone. So results are the same in whatever order,
        by however many processes and after however many interruptions they are made.
        """
        ...


@dataclass(frozen=True)
class RunJob:
    """All that a process must know.

    Args:
        make_tracker: makes the tracker.
        source: of the sequences.
        folder: of the tracker's results.
        protocol: "one_pass" or "reset".
        repetitions: runs of each sequence.
    """

    make_tracker: Callable[[], Tracker]
    source: SequenceSource
    folder: Path
    protocol: str
    repetitions: int

    def results(self, name: str) -> list[Path]:
        """Result files of a sequence, one for each repetition."""
        if self.protocol == "one_pass":
            return [self.folder / f"{name}.txt"]
        home = self.folder / "baseline" / name
        return [home / f"{name}_{number:03d}.txt" for number in range(1, self.repetitions + 1)]

    def is_done(self, sequence: Sequence) -> bool:
        """Whether all results of a sequence are there, with a row for every frame."""
        has_rows = has_boxes if self.protocol == "one_pass" else _has_run
        return all(has_rows(path, len(sequence)) for path in self.results(sequence.name))

    def prepare(self, sequences: list[Sequence] | None = None) -> Callable[[str], RunTimes]:
        """Make the tracker, and open the sequences if they are not; gives what runs the sequence of a name.

        Raises:
            InputError: for several repetitions of a tracker that would answer the same in each.
        """
        tracker = self.make_tracker()
        if self.repetitions > 1 and not isinstance(tracker, Stochastic):
            raise InputError(
                f"{self.repetitions} repetitions are for a tracker that draws random numbers, with a method `seed`; "
                f"{type(tracker).__name__} has none, and one repetition says all"
            )
        by_name = {sequence.name: sequence for sequence in sequences or self.source.open()}
        return lambda name: self.run(tracker, by_name[name])

    def run(self, tracker: Tracker, sequence: Sequence) -> RunTimes:
        """Run a sequence and write its files, the results last: they say that it is done."""
        runs = [self._run_once(tracker, sequence, number) for number in range(self.repetitions)]
        stages = sum((run.stages for run in runs), RunTimes())
        times = self.folder / "times"
        paths = self.results(sequence.name)
        for path in (times / f"{sequence.name}_time.txt", times / f"{sequence.name}_stages.json", *paths):
            remove_leftovers(path)
        write_times(times, sequence.name, [run.seconds for run in runs], stages)
        for run, path in zip(runs, paths, strict=True):
            run.write(path)
        return stages

    def _run_once(self, tracker: Tracker, sequence: Sequence, number: int) -> _Run:
        if isinstance(tracker, Stochastic):
            tracker.seed(zlib.crc32(f"{sequence.name}/{number}".encode()))
        first_pixel = self.source.first_pixel
        if self.protocol == "reset":
            resets = run_with_resets(tracker, sequence)
            shift = np.array([first_pixel] * 2 + [0] * 6)  # of boxes; a tracker here answers no polygons
            run = replace(resets.run, regions=resets.run.regions + shift)
            stages = RunTimes.of(resets.seconds, resets.read_seconds, run.codes == INITIALISED)
            return _Run(partial(write_vot_run, run=run), resets.seconds, stages)
        result = run_one_pass(tracker, sequence)
        stages = RunTimes.of(result.seconds, result.read_seconds, np.arange(len(sequence)) == 0)
        write = partial(write_boxes, boxes_xywh=result.boxes_xywh, first_pixel=first_pixel)
        return _Run(write, result.seconds, stages)


@dataclass(frozen=True, eq=False)
class _Run:
    """One run of a sequence, to be written: what writes its file, (T,) seconds, and their sums."""

    write: Callable[[Path], None]
    seconds: np.ndarray
    stages: RunTimes


def _has_run(path: Path, rows: int) -> bool:
    """Whether a result file of VOT is there and has `rows` rows."""
    if not path.exists():
        return False
    try:
        read_vot_run(path, rows)
    except InputError:
        return False
    return True
