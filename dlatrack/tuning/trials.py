"""Trials of settings on the sequences of a validation set, one after the other; hopeless ones stop early."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from dlatrack.datasets.sequence import Sequence
from dlatrack.evaluation.ope import evaluate
from dlatrack.memory import reuse_freed_memory
from dlatrack.progress import Progress
from dlatrack.recipes import OnlineConfig
from dlatrack.tracking.job import SequenceSource
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import Tracker, run_one_pass
from dlatrack.tracking.workers import run_in_turn, run_tasks
from dlatrack.tuning.record import Trial
from dlatrack.tuning.search import is_hopeless

#: Factory of tracker factories: called once in each process, it gives a function from a setting to a tracker. With
#: several processes it is pickled.
TrackerFactory = Callable[[], Callable[[OnlineConfig], Tracker]]

#: Protocol of the scores.
PROTOCOL = "pysot"

#: Decimals of the boxes in result files: scores are then those that `dlatrack benchmark` prints.
_DECIMALS = 4


def network_trackers(weights: Path, device: str, fast: bool) -> Callable[[OnlineConfig], OnlineTracker]:
    """Read weights once, and return the function from a setting to a tracker; all trackers share the network.

    Args:
        weights: weight file, as in `OnlineTracker.from_weights`.
        device: torch device of the network.
        fast: as in `OnlineTracker`.

    Raises:
        InputError: as `OnlineTracker.from_weights`.
    """
    reuse_freed_memory()
    return OnlineTracker.from_weights(weights, device=device, fast=fast).with_setting


@dataclass(frozen=True)
class TrialJob:
    """Picklable description of trials, for the processes that run their sequences."""

    make: TrackerFactory  #: factory of tracker factories
    source: SequenceSource  #: source of the sequences
    settings: Mapping[int, OnlineConfig]  #: settings by number of the trial

    def prepare(self, sequences: list[Sequence] | None = None) -> Callable[[str], float]:
        """Open the sequences if none are given, and give the function from a task to its AUC."""
        tracker_of = self.make()
        tracker = lru_cache(maxsize=1)(lambda number: tracker_of(self.settings[number]))
        by_name = {sequence.name: sequence for sequence in sequences or self.source.open()}

        def do(task: str) -> float:
            number, name = _Tasks.parts(task)
            return one_pass_auc(tracker(number), by_name[name], self.source.first_pixel)

        return do


def one_pass_auc(tracker: Tracker, sequence: Sequence, first_pixel: int) -> float:
    """AUC of a tracker on one sequence, by one pass and the protocol of pysot.

    Args:
        tracker: initialised here.
        sequence: frames where the target is absent fail, whatever the tracker answers.
        first_pixel: coordinate of the first pixel in the benchmark's files.

    Raises:
        InputError: as `run_one_pass`.
    """
    shift = np.array([first_pixel, first_pixel, 0, 0])
    answered = np.round(run_one_pass(tracker, sequence).boxes_xywh + shift, _DECIMALS)
    truth = sequence.boxes_xywh.astype(np.float64) + shift
    name = sequence.name
    scored = evaluate({name: answered}, {name: truth}, {name: sequence.visible}, protocol=PROTOCOL)
    return float(scored.sequence_auc[0])


def run_trials(
    job: TrialJob,
    sequences: list[Sequence],
    best: np.ndarray | None,
    *,
    workers: int,
    progress: Progress,
    planned: int,
) -> Iterator[Trial]:
    """Run the trials of a job, in the order of their numbers.

    Processes take sequences of further trials while others still work on one; but a trial is judged sequence by
    sequence in their order, and when all trials before it are done, so that the number of processes changes nothing
    but the time.

    Args:
        job: settings, sequences and tracker.
        sequences: the S sequences of `job.source`, in the order in which they are run.
        best: (S,) AUC of the best trial before these; None if there is none, and the first one is not stopped.
        workers: number of processes, each on one core; 1: this process.
        progress: counts frames; those that a stopped trial leaves out are taken off its total.
        planned: number of trials of the whole search, for the progress.

    Yields:
        Each trial, as soon as it is done or stopped.

    Raises:
        InputError: if a sequence cannot be tracked, or a process dies.
    """
    frames = {sequence.name: len(sequence) for sequence in sequences}
    names, waiting = list(frames), list(job.settings)
    tasks = _Tasks(waiting, names)
    answers: dict[int, dict[str, float]] = {number: {} for number in waiting}
    judged: list[float] = []  # of the trial that comes next
    started = time.perf_counter()
    here = partial(job.prepare, sequences)
    finished = run_tasks(job.prepare, tasks, workers) if workers > 1 else run_in_turn(here, tasks)
    for task, auc in finished:
        number, name = tasks.parts(task)
        answers[number][name] = auc
        if number in tasks.stopped:  # it was under way when its trial stopped
            progress.total += frames[name]
        progress.step(
            frames[name], trial=f"{number + 1}/{planned}", best="-" if best is None else f"{best.mean():.3f}"
        )
        while waiting and names[len(judged)] in answers[waiting[0]]:
            judged.append(answers[waiting[0]][names[len(judged)]])
            aucs, whole = np.array(judged), len(judged) == len(names)
            stopped = best is not None and not whole and is_hopeless(aucs, best[: len(aucs)])
            if not (whole or stopped):
                continue
            number, judged, expected = waiting.pop(0), [], float(aucs.mean())
            if best is not None and stopped:
                expected = float(best.mean() + (aucs - best[: len(aucs)]).mean())
                tasks.stopped.add(number)
                progress.total -= sum(frames.values()) - sum(frames[done] for done in answers[number])
            elif best is None or aucs.mean() > best.mean():
                best = aucs
            before, started = started, time.perf_counter()
            yield Trial(number, job.settings[number], aucs, expected, stopped, started - before)


class _Tasks(list[str]):
    """Sequences of trials, one trial after the other; those of stopped trials are passed over on the way."""

    def __init__(self, numbers: list[int], names: list[str]) -> None:
        super().__init__(f"{number} {name}" for number in numbers for name in names)
        self.stopped: set[int] = set()

    def __iter__(self) -> Iterator[str]:
        return (task for task in super().__iter__() if self.parts(task)[0] not in self.stopped)

    @staticmethod
    def parts(task: str) -> tuple[int, str]:
        """Number of the trial and name of the sequence."""
        number, _, name = task.partition(" ")
        return int(number), name
