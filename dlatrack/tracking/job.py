"""A benchmark run as a picklable value, and its work on one sequence: run the tracker and write the result files."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError, listed
from dlatrack.evaluation.results import read_result_boxes, write_boxes
from dlatrack.evaluation.vot.results import INITIALISED, read_vot_run, write_vot_run
from dlatrack.files import remove_leftovers
from dlatrack.tracking.perturbation import Perturbation
from dlatrack.tracking.reset import ResetResult, run_with_resets
from dlatrack.tracking.run import RunResult, Tracker, run_one_pass
from dlatrack.tracking.timing import RunTimes, write_times


class SequenceSource(Protocol):
    """A source of sequences. It is pickled, and every process opens it for itself."""

    @property
    def name(self) -> str:
        """Name of the benchmark."""
        ...

    @property
    def first_pixel(self) -> int:
        """Coordinate of the first pixel in the benchmark's files, 0 or 1; result files use the same."""
        ...

    def open(self) -> list[Sequence]:
        """Index the sequences; frames are decoded when they are read."""
        ...


@runtime_checkable
class Stochastic(Protocol):
    """A tracker that draws random numbers, and so is run several times under the reset protocol."""

    def seed(self, seed: int) -> None:
        """Seed the random numbers; called before every run of a sequence.

        Args:
            seed: a number from 0, which depends only on the sequence and the number of the run. Results are then the
                same in any order, with any number of processes and after any interruption.
        """
        ...


@dataclass(frozen=True)
class RunJob:
    """Picklable description of a run over a benchmark."""

    make_tracker: Callable[[], Tracker]  #: factory of the tracker
    source: SequenceSource  #: source of the sequences
    folder: Path  #: folder of the tracker's results
    protocol: str  #: "one_pass" or "reset"
    repetitions: int  #: runs of each sequence
    perturbation: Perturbation | None = (
        None  #: perturbation of the first boxes of these runs; None: the true boxes
    )

    def results(self, name: str) -> list[Path]:
        """Paths of the result files of the sequence `name`, one for each repetition."""
        if self.protocol == "one_pass" and self.perturbation is None:
            return [self.folder / f"{name}.txt"]
        home = self.folder if self.protocol == "one_pass" else self.folder / "baseline" / name
        return [home / f"{name}_{number:03d}.txt" for number in range(1, self.repetitions + 1)]

    def is_done(self, sequence: Sequence) -> bool:
        """Whether all result files of a sequence exist, with a row for every frame."""
        read = read_result_boxes if self.protocol == "one_pass" else read_vot_run
        try:
            for path in self.results(sequence.name):
                read(path, len(sequence))
        except InputError:
            return False
        return True

    def prepare(self, sequences: list[Sequence] | None = None) -> Callable[[str], RunTimes]:
        """Make the tracker, and return a function that runs the sequence of a name.

        Args:
            sequences: the sequences of the source, if they are already open.

        Raises:
            InputError: for several repetitions of a tracker that would answer the same in each.
        """
        tracker = self.make_tracker()
        alike = self.perturbation is None and not isinstance(tracker, Stochastic)
        if self.repetitions > 1 and alike:
            raise InputError(
                f"{self.repetitions} repetitions are for a tracker that draws random numbers, with a method `seed`; "
                f"{type(tracker).__name__} has none, and all repetitions would be the same"
            )
        by_name = {sequence.name: sequence for sequence in sequences or self.source.open()}
        return lambda name: self.run(tracker, by_name[name])

    def run(self, tracker: Tracker, sequence: Sequence) -> RunTimes:
        """Run a sequence and write its files, the results last: they mark it as done."""
        first, _ = self._first_boxes(sequence)
        runs = [
            self._run_once(tracker, sequence, number, first[number]) for number in range(self.repetitions)
        ]
        times = sum((run_times for _, _, run_times in runs), RunTimes())
        folder = self.folder / "times"
        paths = self.results(sequence.name)
        for path in (folder / f"{sequence.name}_time.txt", folder / f"{sequence.name}_stages.json", *paths):
            remove_leftovers(path)
        write_times(folder, sequence.name, [seconds for _, seconds, _ in runs], times)
        for (write, _, _), path in zip(runs, paths, strict=True):
            write(path)
        return times

    def clipped(self, sequences: Iterable[Sequence]) -> str:
        """A sentence on the perturbed boxes that are clipped to the first image, and their sequences; "": none is."""
        counts = {s.name: int(self._first_boxes(s)[1].sum()) for s in sequences if self.perturbation}
        found = [f"{name} ({count})" for name, count in counts.items() if count]
        if not found:
            return ""
        return (
            f"{sum(counts.values())} of {self.repetitions * len(counts)} perturbed first boxes leave the image and "
            f"are clipped to it, in {len(found)} of {len(counts)} sequences: {listed(found, 10)}"
        )

    def _first_boxes(self, sequence: Sequence) -> tuple[np.ndarray | list[None], np.ndarray]:
        """The box that each run is started on, None for the true one; and (N,) bool, those that were clipped."""
        if self.perturbation is None:
            return [None] * self.repetitions, np.zeros(self.repetitions, bool)
        height, width = sequence.frames[0].shape[:2]
        return self.perturbation.first_boxes(sequence.name, sequence.boxes_xywh[0], (width, height))

    def _run_once(
        self, tracker: Tracker, sequence: Sequence, number: int, first_xywh: np.ndarray | None
    ) -> tuple[Callable[[Path], None], np.ndarray, RunTimes]:
        """Run a sequence: a function that writes the result file, (T,) seconds, and their sums."""
        if isinstance(tracker, Stochastic):
            tracker.seed(zlib.crc32(f"{sequence.name}/{number}".encode()))
        first_pixel = self.source.first_pixel
        write: Callable[[Path], None]
        found: ResetResult | RunResult
        if self.protocol == "reset":
            found = run_with_resets(tracker, sequence)
            started = found.run.codes == INITIALISED
            shift = np.array([first_pixel] * 2 + [0] * 6)  # of boxes; trackers answer no polygons
            write = partial(write_vot_run, run=replace(found.run, regions=found.run.regions + shift))
        else:
            found = run_one_pass(tracker, sequence, first_xywh)
            started = np.arange(len(sequence)) == 0
            write = partial(write_boxes, boxes_xywh=found.boxes_xywh, first_pixel=first_pixel)
        return write, found.seconds, RunTimes.of(found.seconds, found.read_seconds, started)
