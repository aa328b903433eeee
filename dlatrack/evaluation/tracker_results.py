"""Trackers in folders and archives of result files: their names, and the sequences that they have results for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.results.archives import as_given, opened
from dlatrack.evaluation.results.trackers import find_trackers
from dlatrack.evaluation.truth import BENCHMARKS, BenchmarkTruth
from dlatrack.evaluation.vot.results import VOTRun, find_vot_trackers


@dataclass(frozen=True, eq=False)
class TrackerResults:
    """Results of one tracker in a folder or an archive."""

    name: str  #: name of the tracker, after the folders that distinguish it from others of the same name
    place: Path  #: folder or archive as the user gave it
    folder: Path  #: the same folder, or the one that the archive is unpacked to
    sequences: tuple[str, ...]  #: sequences that have results, in the order of the benchmark
    #: function that reads the results of some sequences, as `scoring.score_tracker` takes them
    read: Callable[[Collection[str]], dict[str, Any]]

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders that lead to the tracker, and its name."""
        inside = tuple(self.name.split("/"))
        outside = Path(os.path.abspath(self.place)).parts[1:]  # without "." and ".."; links keep their names
        return outside if outside[-1:] == inside else outside + inside

    def content(self) -> str:
        """A hash of all numbers; for results that cannot be read, the error."""
        digest = hashlib.sha256()
        try:
            results = self.read(self.sequences)
        except InputError as error:
            return f"{self.folder}: {error}"
        for sequence, found in results.items():
            for run in found if isinstance(found, list) else [found]:
                is_run = isinstance(run, VOTRun)
                for array in (run.codes, run.regions) if is_run else (np.asarray(run, np.float64),):
                    digest.update(repr((sequence, array.shape)).encode())
                    digest.update(array.tobytes())
        return digest.hexdigest()

    def with_place(self, message: str) -> str:
        """A message with the archive in place of the folder in which it is unpacked."""
        return as_given(message, self.folder, self.place)


@contextmanager
def tracker_results(
    truth: BenchmarkTruth, places: Sequence[str | Path], note: Callable[[str], None]
) -> Iterator[dict[str, TrackerResults]]:
    """Trackers of all places by unique names; archives stay unpacked in the context.

    Trackers of one name whose numbers are the same count as one tracker, such as the static box that `dlatrack
    benchmark` runs beside each of several trackers. If their numbers differ, each gets as many of the folders that
    lead to it as distinguish them: `first/static`, `second/static`.

    Args:
        truth: truth of the benchmark.
        places: folders and archives of results, see `find_trackers` and `find_vot_trackers`.
        note: function that is called with a sentence on each tracker that was found several times.

    Raises:
        InputError: if a place holds no results.
    """
    with ExitStack() as stack:
        found: dict[str, list[TrackerResults]] = {}
        for place in map(Path, places):
            folder = stack.enter_context(opened(place))
            try:
                trackers = _found(truth, place, folder)
            except InputError as error:
                raise InputError(as_given(str(error), folder, place)) from error
            for tracker in trackers:
                found.setdefault(tracker.name.rpartition("/")[2], []).append(tracker)
        named: dict[str, TrackerResults] = {}
        for name, alike in found.items():
            different = _different(name, alike, note) if len(alike) > 1 else alike
            named |= {name: different[0]} if len(different) == 1 else _by_folders(different)
        yield named


def _different(
    name: str, alike: Sequence[TrackerResults], note: Callable[[str], None]
) -> list[TrackerResults]:
    """The first tracker of each group with the same numbers."""
    by_content: dict[str, list[TrackerResults]] = {}
    for tracker in alike:
        by_content.setdefault(tracker.content(), []).append(tracker)
    for first, *others in by_content.values():
        if others:
            where = ", ".join("/".join(tracker.parts[-3:-1]) for tracker in (first, *others))
            note(f"tracker {name} has the same results in {where} and counts once")
    return [first for first, *_ in by_content.values()]


def _by_folders(trackers: Sequence[TrackerResults]) -> dict[str, TrackerResults]:
    """Trackers of one name by as many of the folders that lead to them as distinguish them."""
    parts = [tracker.parts for tracker in trackers]
    for count in range(2, max(map(len, parts)) + 1):
        names = ["/".join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            return dict(zip(names, trackers, strict=True))
    return {f"{'/'.join(each.parts)} ({place})": each for place, each in enumerate(trackers, 1)}


def _found(truth: BenchmarkTruth, place: Path, folder: Path) -> list[TrackerResults]:
    own = os.path.basename(os.path.abspath(place))
    label = own.split(".")[0] if place.is_file() else own
    frames = {name: len(sequence.regions) for name, sequence in truth.sequences.items()}
    find: Callable[..., Any] = find_vot_trackers if BENCHMARKS[truth.name].resets else find_trackers
    if BENCHMARKS[truth.name].average_overlap:
        find = partial(find_trackers, repetitions=True)
    return [
        TrackerResults(entry.name, place, folder, tuple(n for n in frames if n in entry.files), entry.read)
        for entry in find(folder, frames, label=label)
    ]
