"""Tunes the online hyper-parameters of a tracker on a validation set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.datasets.content import content_of, truth_digest
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.files import check_writable, owned_file
from dlatrack.processes import check_may_start
from dlatrack.progress import Progress
from dlatrack.recipes import Recipe
from dlatrack.tracking.benchmark import DataSetSource
from dlatrack.tracking.job import SequenceSource
from dlatrack.tracking.run_record import check_names
from dlatrack.tuning.guard import check_declared, check_listed
from dlatrack.tuning.record import Trial, TuningRecord
from dlatrack.tuning.search import Search
from dlatrack.tuning.trials import PROTOCOL, TrackerFactory, TrialJob, run_trials


def tune(
    make_trackers: TrackerFactory,
    source: SequenceSource,
    out: str | Path,
    *,
    recipe: Recipe,
    benchmark: str = "OTB100",
    weights_sha256: str | None = None,
    conditions: Mapping[str, Any] | None = None,
    trials: int = 40,
    seed: int = 0,
    workers: int = 1,
    on_test_set: bool = False,
) -> TuningRecord:
    """Try settings of penalty, window and rate on the sequences of a validation set, and keep the best.

    The score of a setting is the mean AUC over the sequences, by one pass and the protocol of pysot. `search.Search`
    chooses the settings, and `search.is_hopeless` stops a trial early. The record is written after every trial; the
    same call resumes it, and gives the same file but for times. It holds hashes of the boxes and images of each
    sequence (`content.content_of`), and only one call at a time writes it.

    Args:
        make_trackers: factory of tracker factories, called once in each process; pickled if there are several.
        source: source of the sequences.
        out: JSON file of the record.
        recipe: recipe of the tracker.
        benchmark: key of `recipe.online` whose setting is trial 0.
        weights_sha256: hash of the weights, if the tracker has any.
        conditions: further JSON values that decide the answers, e.g. the device.
        trials: number of settings to try.
        seed: seed of the settings, and of the order of the sequences.
        workers: number of processes, each on one core; 1: this process.
        on_test_set: whether a test set is accepted; its name then marks the record.

    Raises:
        InputError: for a test set that is not allowed, fewer than two sequences or one without a truth, a number that
            makes no sense, a file of another tuning or one that another call is writing, or as `trials.run_trials`.
    """
    check_may_start()
    if benchmark not in recipe.online:
        known = ", ".join(recipe.online) or "none"
        raise InputError(f"recipe {recipe.name} has no online settings for {benchmark!r}; it has {known}")
    if workers < 1:
        raise InputError(f"workers must be 1 or more, got {workers}")
    search = Search(recipe.net.head, recipe.online[benchmark], trials, seed)
    sequences, test_set = _open(source, out, seed, on_test_set)
    identity = {
        "recipe": recipe.name,
        "weights_sha256": weights_sha256,
        "data": _data_record(source, sequences),
        "tuned_on_test_set": test_set,
        "protocol": {"run": "one-pass", "rules": PROTOCOL, "score": "mean over sequences of AUC"},
        "search": {**search.as_dict(), "start": {"benchmark": benchmark, **asdict(search.start)}},
        "conditions": dict(conditions or {}),
    }
    with owned_file(out):
        record = TuningRecord(out, identity, [sequence.name for sequence in sequences])
        for trial in _missing_trials(make_trackers, source, sequences, search, record, workers):
            record.add(trial)
    return record


def _missing_trials(
    make_trackers: TrackerFactory,
    source: SequenceSource,
    sequences: list[Sequence],
    search: Search,
    record: TuningRecord,
    workers: int,
) -> Iterator[Trial]:
    """The trials that the record lacks; each is to be added to it before the next is asked for."""
    missing = search.trials - len(record.trials)
    if not missing:
        return
    with Progress(
        missing * sum(map(len, sequences)), f"tuning {record.identity['recipe']}", unit="frames"
    ) as progress:
        for numbers in search.rounds():
            done = len(record.trials)
            if done > numbers[-1]:
                continue
            chosen = search.settings(numbers, record.trials[: numbers[0]])
            job = TrialJob(
                make_trackers, source, {number: chosen[number] for number in numbers if number >= done}
            )
            best = None if record.best is None else record.best.sequence_auc
            yield from run_trials(
                job, sequences, best, workers=workers, progress=progress, planned=search.trials
            )


def _open(
    source: SequenceSource, out: str | Path, seed: int, on_test_set: bool
) -> tuple[list[Sequence], str | None]:
    """The sequences in the order in which they are run, and the name of the test set that they are allowed to be."""
    declared = check_declared(source, allowed=on_test_set)
    check_writable(out)
    sequences = source.open()
    check_names([sequence.name for sequence in sequences])
    if len(sequences) < 2:
        raise InputError(f"tuning compares settings over sequences and needs 2 or more, got {len(sequences)}")
    for sequence in sequences:
        if not np.isfinite(sequence.boxes_xywh[1:]).all(1).any():
            raise InputError(
                f"sequence {sequence.name} has no true box after its first frame; nothing can be scored on it"
            )
    listed = check_listed([sequence.name for sequence in sequences], allowed=on_test_set)
    order = np.random.default_rng(seed).permutation(len(sequences))
    test_set = (declared or listed or source.name) if on_test_set else None
    return [sequences[index] for index in order], test_set


def _data_record(source: SequenceSource, sequences: list[Sequence]) -> dict[str, Any]:
    return {
        "name": source.name,
        "split": source.split if isinstance(source, DataSetSource) and source.name != "folder" else None,
        "count": len(sequences),
        "frames": sum(map(len, sequences)),
        "first_pixel": source.first_pixel,
        "sequences": content_of(sequences),
        "truth_sha256": truth_digest(sequences),
    }
