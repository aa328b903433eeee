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
from dlatrack.tuning.record import TuningRecord
from dlatrack.tuning.space import Search, search_box
from dlatrack.tuning.trials import (
    MARGIN,
    PROTOCOL,
    SMALLEST_PART,
    STANDARD_ERRORS,
    TrackerFactory,
    TrialJob,
    first_part,
    run_trials,
)


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

    The score of a setting is the mean AUC over the sequences, by one pass and the protocol of pysot. Which settings
    are tried, and when a trial stops early, is told in `space.Search` and `trials.is_hopeless`. The record is written
    after every trial; the same call goes on where it ended, and gives the same file but for times. It holds hashes of
    the boxes and images of each sequence (`content.content_of`), and only one call at a time writes it.

    Args:
        make_trackers: called once in each process, gives what makes a tracker of a setting. With several processes
            it is pickled.
        source: of the sequences.
        out: JSON file of the record.
        recipe: of the tracker.
        benchmark: whose setting is trial 0, a key of `recipe.online`.
        weights_sha256: hash of the weights, if the tracker has any.
        conditions: further JSON values that decide the answers, e.g. the device.
        trials: settings to try.
        seed: of the sample of settings, and of the order of the sequences.
        workers: processes, each of which uses one core; 1: this process.
        on_test_set: take the sequences of a test set, and mark the record with its name.

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
    declared = check_declared(source, allowed=on_test_set)
    check_writable(out)
    sequences = _checked(source)
    listed = check_listed([sequence.name for sequence in sequences], allowed=on_test_set)
    order = np.random.default_rng(seed).permutation(len(sequences))
    sequences = [sequences[index] for index in order]
    names = [sequence.name for sequence in sequences]
    identity = {
        "recipe": recipe.name,
        "weights_sha256": weights_sha256,
        "data": {
            "name": source.name,
            "split": _split(source),
            "count": len(names),
            "frames": sum(map(len, sequences)),
            "first_pixel": source.first_pixel,
            "sequences": content_of(sequences),
            "truth_sha256": truth_digest(sequences),
        },
        "tuned_on_test_set": (declared or listed or source.name) if on_test_set else None,
        "protocol": {"run": "one-pass", "rules": PROTOCOL, "score": "mean over sequences of AUC"},
        "search": _search_record(search, benchmark, len(names)),
        "conditions": dict(conditions or {}),
    }
    with owned_file(out):
        record = TuningRecord(out, identity, names)
        left = trials - len(record.trials)
        if left:
            frames = left * sum(map(len, sequences))
            with Progress(frames, f"tuning {recipe.name}", unit="frames") as progress:
                for job in _jobs(make_trackers, source, search, record):
                    best = None if record.best is None else record.best.sequence_auc
                    outcomes = run_trials(
                        job, sequences, best, workers=workers, progress=progress, planned=trials
                    )
                    for outcome in outcomes:
                        record.add(outcome)
    return record


def _jobs(
    make_trackers: TrackerFactory, source: SequenceSource, search: Search, record: TuningRecord
) -> Iterator[TrialJob]:
    """The trials that the record lacks, round by round; each is asked for when the rounds before it are done."""
    for number, numbers in enumerate(search.rounds()):
        if len(record.trials) <= numbers[-1]:
            chosen = search.settings(number, record.best_before(numbers[0]) or search.start)
            lacking = {trial: chosen[trial] for trial in numbers if trial >= len(record.trials)}
            yield TrialJob(make_trackers, source, lacking)


def _split(source: SequenceSource) -> str | None:
    """Of the data set; None where there are no splits."""
    return source.split if isinstance(source, DataSetSource) and source.name != "folder" else None


def _checked(source: SequenceSource) -> list[Sequence]:
    sequences = source.open()
    check_names([sequence.name for sequence in sequences])
    if len(sequences) < 2:
        raise InputError(f"tuning compares settings over sequences and needs 2 or more, got {len(sequences)}")
    for sequence in sequences:
        if not np.isfinite(sequence.boxes_xywh[1:]).all(1).any():
            raise InputError(
                f"sequence {sequence.name} has no true box after its first frame; nothing can be scored on it"
            )
    return sequences


def _search_record(search: Search, benchmark: str, count: int) -> dict[str, Any]:
    box = search_box(search.head)
    return {
        "trials": search.trials,
        "seed": search.seed,
        "start": {"benchmark": benchmark, **asdict(search.start)},
        "box": {name: [axis.low, axis.high] for name, axis in box.items()},
        "rounds": [len(numbers) for numbers in search.rounds()],
        "first_part": first_part(count),
        "stopped_if_behind_by": {
            "auc": MARGIN,
            "standard_errors": STANDARD_ERRORS,
            "sequences_needed": SMALLEST_PART,
        },
    }
