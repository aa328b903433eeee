"""Scores of all trackers in folders and archives of result files, on one benchmark under one protocol."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.got10k import AOResult, evaluate_got10k
from dlatrack.evaluation.ope import OPEResult, evaluate
from dlatrack.evaluation.protocols import ABSENT, PROTOCOLS
from dlatrack.evaluation.tracker_results import tracker_results
from dlatrack.evaluation.truth import BENCHMARKS, BenchmarkTruth
from dlatrack.evaluation.vot.scores import VOTProtocol, VOTResult, evaluate_vot

#: Results of the kinds of benchmarks.
Result = OPEResult | VOTResult | AOResult


@dataclass(frozen=True, eq=False)
class Scored:
    """A tracker and its result."""

    tracker: str  #: name of the tracker
    benchmark: str  #: name of the benchmark, e.g. "OTB100"
    result: Result  #: curves and scores of one-pass or reset-based evaluation, or of GOT-10k

    def as_dict(self) -> dict[str, Any]:
        """Names and scores at full precision; None for a score that the protocol does not define.

        The number of failures, `lost`, is an int unless repetitions were averaged. Results of runs from perturbed
        first boxes also have the standard deviation of the AUC over the runs, `auc_std`, and their number, `runs`;
        several runs on GOT-10k have the largest number of a sequence as `runs`.
        """
        result = self.result
        scores: dict[str, float]
        if isinstance(result, OPEResult):
            scores = {
                "auc": result.auc,
                "precision": result.precision_score,
                "norm_precision": result.normalised_precision_score,
                "success_rate": result.success_rate,
            }
            if result.runs:
                scores |= {"auc_std": result.auc_std, "runs": len(result.runs)}
        elif isinstance(result, AOResult):
            scores = {
                "ao": result.ao,
                "sr_0.5": result.success_rate(0.5),
                "sr_0.75": result.success_rate(0.75),
            }
            if max(result.runs) > 1:
                scores["runs"] = max(result.runs)
        else:
            scores = {
                "accuracy": result.accuracy,
                "robustness": result.robustness,
                "lost": result.lost,
                "eao": result.eao,
            }
        names = {"tracker": self.tracker, "benchmark": self.benchmark, "protocol": result.protocol}
        return names | {key: _number(key, value) for key, value in scores.items()}


def _number(key: str, value: float) -> float | int | None:
    if math.isnan(value):
        return None
    return int(value) if key == "lost" and float(value).is_integer() else value


def protocols_of(benchmark: str) -> tuple[str, ...]:
    """Names of the protocols that a benchmark can be scored by, the default first."""
    entry = BENCHMARKS[benchmark]
    if entry.average_overlap:
        return ("got10k",)
    return get_args(VOTProtocol) if entry.resets else tuple(PROTOCOLS)


def check_protocol(name: str, protocol: str) -> None:
    """Raise InputError if a benchmark has no such protocol, naming those it has."""
    if protocol not in (known := protocols_of(name)):
        raise InputError(f"{name} has no protocol {protocol!r}; choose from {', '.join(known)}")


def score_tracker(
    tracker: str,
    results: dict[str, Any],
    truth: BenchmarkTruth,
    protocol: str | None = None,
    *,
    absent: str | None = None,
) -> Scored:
    """Score one tracker.

    Args:
        tracker: name of the tracker.
        results: (R, 4) rows by sequence, or a list of those of each run; in VOT the runs of each sequence.
        truth: truth of the benchmark.
        protocol: one of `protocols_of`; None: the first of them.
        absent: way to count frames without the target in a "folder", see `absent_rule`.

    Raises:
        InputError: for another protocol, or as `absent_rule`, `evaluate` and `evaluate_vot`.
    """
    protocol = protocol or protocols_of(truth.name)[0]
    check_protocol(truth.name, protocol)
    absent = absent_rule(truth.name, absent)
    if BENCHMARKS[truth.name].average_overlap:
        return Scored(tracker, truth.name, evaluate_got10k(results, truth))
    if BENCHMARKS[truth.name].resets:
        answer = evaluate_vot(results, truth, protocol=cast(VOTProtocol, protocol))
        return Scored(tracker, truth.name, answer)
    boxes, present = compared_with(truth)
    result = evaluate(results, boxes, present, protocol=protocol, benchmark=truth.name, absent=absent)
    return Scored(tracker, truth.name, result)


def absent_rule(benchmark: str, absent: str | None = None) -> str | None:
    """The way to count frames without the target: in a "folder" they fail in every curve unless they are dropped.

    Args:
        benchmark: name of the benchmark.
        absent: "fail" or "drop"; None: the default.

    Returns:
        One of `protocols.ABSENT`, or None for the rules of the protocol.

    Raises:
        InputError: for an unknown way, or a benchmark whose protocols have rules of their own.
    """
    if absent is not None and absent not in ABSENT:
        raise InputError(f"absent frames are counted by {' or '.join(ABSENT)}, got {absent!r}")
    if benchmark == "folder":
        return absent or ABSENT[0]
    if absent is not None:
        raise InputError(
            f"absent frames are counted by {absent!r} only in the benchmark folder; those of {benchmark} count as "
            f"the protocol says"
        )
    return None


def absent_frames(truth: BenchmarkTruth) -> dict[str, np.ndarray]:
    """(T,) bool by sequence, frames without the target: marked as absent, or their box is NaN or has no size."""
    found = {}
    for name, sequence in truth.sequences.items():
        found[name] = ~(sequence.regions[:, 2:4] > 0).all(1) | np.isnan(sequence.regions).any(1)
        if sequence.present is not None:
            found[name] |= ~sequence.present
    return found


def compared_with(truth: BenchmarkTruth) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray] | None]:
    """True boxes and flags of present targets for `evaluate`; absent frames of a "folder" are marked in both."""
    if truth.name != "folder":
        return truth.boxes, truth.present
    absent = absent_frames(truth)
    boxes = {name: np.where(flags[:, None], np.nan, truth.boxes[name]) for name, flags in absent.items()}
    return boxes, {name: ~flags for name, flags in absent.items()}


def part_of(truth: BenchmarkTruth, names: Collection[str]) -> BenchmarkTruth:
    """The truth of some of the sequences, in the order of the benchmark."""
    return BenchmarkTruth(truth.name, {name: s for name, s in truth.sequences.items() if name in names})


def each_tracker(
    truth: BenchmarkTruth,
    places: Sequence[str | Path],
    use: Callable[[str, dict[str, Any]], None],
    *,
    allow_missing: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> list[str]:
    """Find and read all trackers, and call `use` with the results of each.

    Args:
        truth: truth of the benchmark.
        places: folders and archives of results, see `tracker_results`.
        use: function of the tracker's name and its results as `score_tracker` takes them; may raise InputError.
        allow_missing: whether a tracker may lack the results of some sequences.
        note: as in `tracker_results`.

    Returns:
        An error message for each tracker that could not be read or used.

    Raises:
        InputError: if a place holds no results.
    """
    failures: list[str] = []
    with tracker_results(truth, places, note) as trackers:
        for name, tracker in trackers.items():
            found, every = tracker.sequences, tuple(truth.sequences)
            try:
                rows = tracker.read(found if allow_missing else every)
            except InputError as error:
                count = f"{len(found)} of {len(every)} sequences"
                more = f"; it has results for {count}: --allow-missing scores those"
                lacks = found != every and not allow_missing
                failures.append(tracker.with_place(f"tracker {name}: {error}{more if lacks else ''}"))
                continue
            try:
                use(name, rows)
            except InputError as error:
                failures.append(tracker.with_place(f"tracker {name}: {error}"))
    return failures
