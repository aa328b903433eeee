"""Runs of a tracker over a benchmark: official result files, with several processes or machines.

Files of a run, in the folder `<out>/<tracker>`:

- One pass: `<sequence>.txt` with a row x,y,w,h per frame, in the coordinates of the benchmark's own files. Resets:
  `baseline/<sequence>/<sequence>_001.txt` and so on, as the VOT toolkits read them. One pass from perturbed first
  boxes: `<sequence>_001.txt` and so on, a file per run; its first row is the box that the tracker was started on.
- `run.json` describes the run, see `run_record.write_or_check`.
- `content/<sequence>.json` holds hashes of a sequence's boxes and images, see `datasets.content.content_of`.
- `times/` holds times, see `timing.write_times`; `summary.json`, or `summary_2of4.json` for a part, has their sums.

Files appear whole, the results of a sequence last. The parts of a run may be made in one folder, or in several that
are copied together: results, `run.json` and `content/` are then the same bytes as those of a single run, if the
tracker answers the same on all machines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
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
from dlatrack.tracking.perturbation import Perturbation
from dlatrack.tracking.run import Tracker
from dlatrack.tracking.run_record import check_names, write_or_check, write_or_check_content
from dlatrack.tracking.timing import RunTimes, write_summary
from dlatrack.tracking.workers import run_in_turn, run_tasks

#: Protocols of a run, and their names in `run.json`.
RUN_PROTOCOLS = {"one_pass": "one-pass", "reset": "reset"}


@dataclass(frozen=True)
class DataSetSource:
    """A split of a data set with a manifest, or a folder of sequences in the layout of OTB."""

    name: str  #: name of the data set, e.g. "otb100", "uav123", "lasot_test", "vot2019", or "folder"
    root: Path  #: root folder
    split: str = "test"  #: a split of the manifest; ignored for "folder"
    allow_missing: bool = False  #: whether the data set may lack sequences; ignored for "folder"

    @property
    def first_pixel(self) -> int:
        """Coordinate of the first pixel in the files: that of the manifest; 1 for "folder", as in OTB."""
        return 1 if self.name == "folder" else manifest(self.name).pixel_origin

    def open(self) -> list[Sequence]:
        """Index the sequences.

        Raises:
            InputError: as `read_benchmark` or `read_folders`.
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
    perturbation: Perturbation | None = None,
    workers: int = 1,
    shard: tuple[int, int] = (1, 1),
    on_sequence: Callable[[str, RunTimes], None] | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Path:
    """Run a tracker over a benchmark, or over one part of it, and write its results; see the module for the files.

    Sequences with complete results are skipped, so that an interrupted run resumes. New sequences may be added to the
    benchmark; results of removed ones are left alone. Only parts of one run may write to a folder at the same time.

    Args:
        make_tracker: factory of the tracker, called once in each process; pickled for several processes.
        sequences_source: source of the benchmark's sequences.
        out: folder for the results of trackers.
        tracker: name of the tracker and of its folder.
        weights_sha256: hash of the weights, if the tracker has any.
        settings: further JSON values that decide the results, e.g. the online hyper-parameters.
        protocol: "one_pass" or "reset" (VOT).
        repetitions: runs of each sequence under "reset"; more than 1 only for a `Stochastic` tracker, 15 in VOT.
        perturbation: perturbation of the first boxes under "one_pass", with a run for each; None: one run, from the
            true box.
        workers: number of processes, each on one core; 1: this process.
        shard: (k, n): the k-th of n parts, k from 1. With the sequences ordered by length, the longest first, part k
            has the sequences k, k + n, ...
        on_sequence: callback in this process after each sequence, with its name and times.
        note: function that is called with a sentence if perturbed boxes would leave the image and are clipped.

    Returns:
        The folder of the tracker.

    Raises:
        InputError: if the folder holds another run or is in use, a sequence has changed since its results were
            made or cannot be tracked, a name cannot be a file name, a number is out of range, or a process dies.
    """
    check_may_start()
    _check_numbers(protocol, repetitions, perturbation, workers, shard)
    check_names([tracker], "tracker")
    sequences = sequences_source.open()
    check_names([sequence.name for sequence in sequences])
    runs = perturbation.runs if perturbation else repetitions
    job = RunJob(make_tracker, sequences_source, Path(out) / tracker, protocol, runs, perturbation)
    with owned_folder(job.folder, part=shard):
        write_or_check(job.folder, _identity(job, weights_sha256, settings or {}))
        part = sorted(sequences, key=len, reverse=True)[shard[0] - 1 :: shard[1]]
        write_or_check_content(job.folder, content_of(part), job.results)
        if text := job.clipped(part):
            note(text)
        _run_part(job, sequences, part, shard, workers, on_sequence)
    return job.folder


def _identity(job: RunJob, weights_sha256: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values that decide the results, for `run.json`; that of a run without perturbation has no such entry."""
    perturbation = {"perturbation": job.perturbation.as_json()} if job.perturbation else {}
    return {
        "benchmark": job.source.name,
        "first_pixel": job.source.first_pixel,
        "tracker": job.folder.name,
        "weights_sha256": weights_sha256,
        "settings": dict(settings),
        "protocol": RUN_PROTOCOLS[job.protocol],
        **perturbation,
    }


def _run_part(
    job: RunJob,
    sequences: list[Sequence],
    part: list[Sequence],
    shard: tuple[int, int],
    workers: int,
    on_sequence: Callable[[str, RunTimes], None] | None,
) -> None:
    """Run the remaining sequences of a part, and write the sums of its times; arguments as in `run_benchmark`."""
    todo = {each.name: len(each) * job.repetitions for each in part if not job.is_done(each)}
    here = partial(job.prepare, sequences)
    answers = run_tasks(job.prepare, list(todo), workers) if workers > 1 else run_in_turn(here, todo)
    with Progress(sum(todo.values()), f"tracking with {job.folder.name}", unit="frames") as progress:
        done = len(part) - len(todo)
        for name, times in answers:
            done += 1
            progress.step(todo[name], sequences=f"{done}/{len(part)}")
            if on_sequence is not None:
                on_sequence(name, times)
    summary = "summary" if shard[1] == 1 else f"summary_{shard[0]}of{shard[1]}"
    path = job.folder / "times" / f"{summary}.json"
    remove_leftovers(path)
    write_summary(path, [sequence.name for sequence in part])


def _check_numbers(
    protocol: str, repetitions: int, perturbation: Perturbation | None, workers: int, shard: tuple[int, int]
) -> None:
    if protocol not in RUN_PROTOCOLS:
        raise InputError(f"there is no protocol {protocol!r}; choose from {', '.join(RUN_PROTOCOLS)}")
    if repetitions < 1 or (repetitions > 1 and protocol == "one_pass"):
        raise InputError(
            f"repetitions must be 1, or more under the protocol reset; got {repetitions} under {protocol}"
        )
    if perturbation is not None and protocol == "reset":
        raise InputError(
            "a perturbation of the first box is for runs of one pass; under the protocol reset (VOT) a tracker is "
            "restarted on true boxes"
        )
    if workers < 1:
        raise InputError(f"workers must be 1 or more, got {workers}")
    if not 1 <= shard[0] <= shard[1]:
        raise InputError(f"shard {shard[0]}/{shard[1]} does not exist; k/n needs 1 <= k <= n")
