"""Trials of settings on the sequences of a validation set, one after the other; hopeless ones stop early."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dlatrack.datasets.sequence import Sequence
from dlatrack.evaluation.ope import evaluate
from dlatrack.progress import Progress
from dlatrack.recipes import OnlineConfig
from dlatrack.tracking.job import SequenceSource
from dlatrack.tracking.run import Tracker, run_one_pass
from dlatrack.tracking.workers import one_core, run_tasks

#: Makes, once in each process, what makes the tracker of a setting. With several processes it is pickled.
TrackerFactory = Callable[[], Callable[[OnlineConfig], Tracker]]

#: Protocol of the scores.
PROTOCOL = "pysot"

#: A trial stops when its mean AUC on the first part of the sequences falls behind that of the best trial on the same
#: part by more than this, and by more than so many standard errors of the paired differences, ...
MARGIN, STANDARD_ERRORS = 0.02, 2.0

#: ... if that part has so many sequences at least; with fewer, the standard error says little.
SMALLEST_PART = 5

#: Decimals of the boxes in result files: scores are then those that `dlatrack benchmark` prints.
_DECIMALS = 4


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a trial.

    Args:
        number: of the trial, from 0.
        setting: that was tried.
        sequence_auc: AUC of the sequences, in the order in which they were run: of all S, or of the first part alone
            when the trial was stopped.
        stopped: whether it was.
        seconds: since the trial before it was done.
    """

    number: int
    setting: OnlineConfig
    sequence_auc: np.ndarray
    stopped: bool
    seconds: float


@dataclass(frozen=True)
class TrialJob:
    """All that a process must know to run one sequence of one trial.

    Args:
        make: makes what makes trackers.
        source: of the sequences.
        settings: by number of the trial.
    """

    make: TrackerFactory
    source: SequenceSource
    settings: Mapping[int, OnlineConfig]

    def prepare(self, sequences: list[Sequence] | None = None) -> Callable[[str], float]:
        """Make ready, and open the sequences if they are not; gives what answers a task with its AUC."""
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


def first_part(count: int) -> int:
    """How many of `count` sequences are run before a trial may be stopped: a third, rounded up."""
    return -(-count // 3)


def is_hopeless(part: np.ndarray, best: np.ndarray) -> bool:
    """Whether a trial is so far behind on the first part that the rest cannot be expected to make up for it.

    A trial as good as the best on all sequences is stopped by chance in less than one of a hundred cases: the part is
    a third of a fixed set, where two standard errors are as good as two and a half.

    Args:
        part: (P,) AUC of the sequences of the part.
        best: (P,) AUC of the best trial, the same sequences.
    """
    if len(part) < SMALLEST_PART:
        return False
    behind = best - part
    error = behind.std(ddof=1) / np.sqrt(len(behind))
    return bool(behind.mean() > max(MARGIN, STANDARD_ERRORS * error))


def run_trials(
    job: TrialJob,
    sequences: list[Sequence],
    best: np.ndarray | None,
    *,
    workers: int,
    progress: Progress,
    planned: int,
) -> Iterator[Outcome]:
    """Run the trials of a job, in the order of their numbers.

    Processes take sequences of further trials while others still work on one; but a trial is judged only when all
    before it are done, so that the number of processes changes nothing but the time.

    Args:
        job: settings, sequences and tracker.
        sequences: S of `job.source`, in the order in which they are run.
        best: (S,) AUC of the best trial before these; None: there is none, and the first one is not stopped.
        workers: processes, each of which uses one core; 1: this process.
        progress: counts frames; those that a stopped trial leaves out are taken off its total.
        planned: trials of the whole search, for the progress.

    Yields:
        What came of each trial, as soon as it is known.

    Raises:
        InputError: if a sequence cannot be tracked, or a process dies.
    """
    frames = {sequence.name: len(sequence) for sequence in sequences}
    tasks = _Tasks(list(job.settings), list(frames))
    answers: dict[int, dict[str, float]] = {number: {} for number in job.settings}
    waiting, started = list(job.settings), time.perf_counter()
    for task, auc in _answers(job, sequences, tasks, workers):
        number, name = tasks.parts(task)
        answers[number][name] = auc
        if number in tasks.stopped:  # it was under way when its trial stopped
            progress.total += frames[name]
        progress.step(
            frames[name], trial=f"{number + 1}/{planned}", best="-" if best is None else f"{best.mean():.3f}"
        )
        while waiting and (aucs := _judged(answers[waiting[0]], list(frames), best)) is not None:
            number = waiting.pop(0)
            if len(aucs) < len(frames):
                tasks.stopped.add(number)
                progress.total -= sum(frames.values()) - sum(frames[done] for done in answers[number])
            elif best is None or aucs.mean() > best.mean():
                best = aucs
            seconds = time.perf_counter() - started
            started += seconds
            yield Outcome(number, job.settings[number], aucs, len(aucs) < len(frames), seconds)


def _judged(answered: Mapping[str, float], names: list[str], best: np.ndarray | None) -> np.ndarray | None:
    """AUC of a trial that is done, (S,), or hopeless, (P,); None while neither is known."""
    part = names[: first_part(len(names))]
    if not all(name in answered for name in part):
        return None
    aucs = np.array([answered[name] for name in part])
    if best is not None and is_hopeless(aucs, best[: len(part)]):
        return aucs
    return np.array([answered[name] for name in names]) if len(answered) == len(names) else None


class _Tasks(list[str]):
    """Sequences of trials, one trial after the other; whoever goes through them passes over stopped trials."""

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


def _answers(
    job: TrialJob, sequences: list[Sequence], tasks: _Tasks, workers: int
) -> Iterator[tuple[str, float]]:
    if workers > 1:
        yield from run_tasks(job.prepare, tasks, workers)
        return
    do = job.prepare(sequences)
    for task in tasks:
        with one_core():
            auc = do(task)
        yield task, auc
