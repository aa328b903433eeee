"""A tracker over a whole benchmark: result files in official form, in several processes, on several machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dlatrack.datasets import registry
from dlatrack.datasets.content import content_of
from dlatrack.datasets.folder import read_folders
from dlatrack.datasets.manifests import manifest
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.files import owned_folder, remove_leftovers
from dlatrack.processes import check_may_start
from dlatrack.progress import Progress
from dlatrack.tracking.job import RunJob, SequenceSource
from dlatrack.tracking.run import Tracker
from dlatrack.tracking.run_record import check_names, claim_sequences, write_or_check
from dlatrack.tracking.timing import RunTimes, write_summary
from dlatrack.tracking.workers import one_core, run_tasks

#: How a tracker is run, and what `run.json` calls it.
RUN_PROTOCOLS = {"one_pass": "one-pass", "reset": "reset"}


@dataclass(frozen=True)
class DataSetSource:
    """A split of a data set that has a manifest, or folders in the layout of OTB.

    Args:
        name: e.g. "otb100", "uav123", "lasot_test", "vot2019", or "folder".
        root: its root folder.
        split: one of the manifest's; not looked at for "folder".
        allow_missing: whether the data set may lack sequences; not looked at for "folder".
    """

    name: str
    root: Path
    split: str = "test"
    allow_missing: bool = False

    @property
    def first_pixel(self) -> int:
        """As the manifest says; 1 in folders, as in OTB."""
        return 1 if self.name == "folder" else manifest(self.name).pixel_origin

    def open(self) -> list[Sequence]:
        """Index the sequences.

        Raises:
            InputError: as the reader.
        """
        if self.name == "folder":
            return read_folders(self.root)
        table = registry.read_benchmark(self.name, self.root, self.split, allow_missing=self.allow_missing)
        return list(table.sequences())


def run_benchmark(
    make_tracker: Callable[[], Tracker],
    sequences_source: SequenceSource,
    out: str | Path,
    *,
    tracker: str,
    weights_sha256: str | None = None,
    settings: Mapping[str, Any] | None = None,
    protocol: Literal["one_pass", "reset"] = "one_pass",
    repetitions: int = 1,
    workers: int = 1,
    shard: tuple[int, int] = (1, 1),
    on_sequence: Callable[[str, RunTimes], None] | None = None,
) -> Path:
    """Run a tracker over a benchmark, or one of several parts of it, and write its results.

    One pass gives `<out>/<tracker>/<sequence>.txt` with a row x,y,w,h per frame, in the coordinates of the
    benchmark's own files. Resets give `<out>/<tracker>/baseline/<sequence>/<sequence>_001.txt` and so on, as the VOT
    toolkits read them. `run.json` says what made them, `times/` how long it took: see `stages.write_times`, and
    `summary.json`, or `summary_2of4.json` for a part, has the sums.

    Files appear whole, a sequence's results last. A sequence is done when all its results are there, and is then
    passed over; so a run that was stopped, however, goes on where it ended. `content/<sequence>.json` holds hashes of
    its boxes and images (`content.content_of`): sequences that have changed since are refused by name, and nothing is
    tracked over their results. Sequences may be added, and are tracked then; results of those that are no longer in
    the benchmark are left alone. A second run may not write to the folder while one is at work, unless both are parts
    of the same. The parts of a run may be made in one folder or in several that are copied together: results,
    `run.json` and `content/` are those of a single run, byte for byte, as long as the tracker answers the same on all
    machines.

    Args:
        make_tracker: makes the tracker; called once in each process that has something to do. With several
            processes it is pickled.
        sequences_source: of the benchmark.
        out: folder for the results of trackers.
        tracker: name of the tracker and of its folder.
        weights_sha256: hash of the weights, if the tracker has any.
        settings: further JSON values that decide the results, e.g. the online hyper-parameters.
        protocol: "one_pass" or "reset" (VOT).
        repetitions: runs of each sequence under "reset"; more than 1 only for a tracker that is `Stochastic`, 15 by
            the rules of VOT.
        workers: processes, each of which uses one core; 1: this process.
        shard: (k, n): the k-th of n parts, k from 1. Part k has the sequences k, k + n, ... in the order of their
            length, the longest first.
        on_sequence: called in this process after each sequence with its name and times.

    Returns:
        The folder of the tracker.

    Raises:
        InputError: if the folder holds another run, or results of sequences that have changed, naming them; if a run
            is at work there, an image cannot be read, names cannot be file names, a number makes no sense, a sequence
            cannot be tracked, or a process dies.
    """
    check_may_start()
    _check_numbers(protocol, repetitions, workers, shard)
    check_names([tracker], "tracker")
    sequences = sequences_source.open()
    check_names([sequence.name for sequence in sequences])
    job = RunJob(make_tracker, sequences_source, Path(out) / tracker, protocol, repetitions)
    identity = {
        "benchmark": sequences_source.name,
        "first_pixel": sequences_source.first_pixel,
        "tracker": tracker,
        "weights_sha256": weights_sha256,
        "settings": dict(settings or {}),
        "protocol": RUN_PROTOCOLS[protocol],
    }
    with owned_folder(job.folder, part=shard):
        write_or_check(job.folder, identity)
        part = sorted(sequences, key=len, reverse=True)[shard[0] - 1 :: shard[1]]
        claim_sequences(job.folder, content_of(part), job.results)
        _run_part(job, sequences, part, shard, workers, on_sequence)
    return job.folder


def _run_part(
    job: RunJob,
    sequences: list[Sequence],
    part: list[Sequence],
    shard: tuple[int, int],
    workers: int,
    on_sequence: Callable[[str, RunTimes], None] | None,
) -> None:
    """Run what is not done of a part, and sum up its times; `part` of the sequences, all else as `run_benchmark`."""
    todo = {sequence.name: len(sequence) for sequence in part if not job.is_done(sequence)}
    with Progress(sum(todo.values()), f"tracking with {job.folder.name}", unit="frames") as progress:
        done = len(part) - len(todo)
        for name, stages in _answers(job, sequences, list(todo), workers):
            done += 1
            progress.step(todo[name], sequences=f"{done}/{len(part)}")
            if on_sequence is not None:
                on_sequence(name, stages)
    summary = "summary" if shard[1] == 1 else f"summary_{shard[0]}of{shard[1]}"
    path = job.folder / "times" / f"{summary}.json"
    remove_leftovers(path)
    write_summary(path, [sequence.name for sequence in part])


def _answers(
    job: RunJob, sequences: list[Sequence], todo: list[str], workers: int
) -> Iterator[tuple[str, RunTimes]]:
    if not todo:
        return
    if workers > 1:
        yield from run_tasks(job.prepare, todo, workers)
        return
    run = job.prepare(sequences)
    for name in todo:
        with one_core():
            stages = run(name)
        yield name, stages


def _check_numbers(protocol: str, repetitions: int, workers: int, shard: tuple[int, int]) -> None:
    if protocol not in RUN_PROTOCOLS:
        raise InputError(f"there is no protocol {protocol!r}; choose from {', '.join(RUN_PROTOCOLS)}")
    if repetitions < 1 or (repetitions > 1 and protocol == "one_pass"):
        raise InputError(
            f"repetitions must be 1, or more under the protocol reset; got {repetitions} under {protocol}"
        )
    if workers < 1:
        raise InputError(f"workers must be 1 or more, got {workers}")
    if not 1 <= shard[0] <= shard[1]:
        raise InputError(f"shard {shard[0]}/{shard[1]} does not exist; k/n needs 1 <= k <= n")
