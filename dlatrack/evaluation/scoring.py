"""Scores of all trackers in folders and archives of result files, on one benchmark under one protocol."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult, evaluate
from dlatrack.evaluation.protocols import ABSENT, PROTOCOLS
from dlatrack.evaluation.tracker_results import tracker_results
from dlatrack.evaluation.truth import BENCHMARKS, BenchmarkTruth
from dlatrack.evaluation.vot.scores import VOTProtocol, VOTResult, evaluate_vot

#: Protocols of the reset-based experiment.
VOT_PROTOCOLS = ("pysot", "vot_toolkit")


@dataclass(frozen=True, eq=False)
class Scored:
    """A tracker and its result.

    Args:
        tracker: its name.
        benchmark: e.g. "OTB100".
        result: curves and scores of one-pass or reset-based evaluation.
    """

    tracker: str
    benchmark: str
    result: OPEResult | VOTResult

    def as_dict(self) -> dict[str, Any]:
        """Names and scores at full precision; None for a score that the protocol does not know.

        Failures are counted: `lost` is an int unless repetitions were averaged.
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
    return int(value) if key == "lost" and value.is_integer() else value


def protocols_of(benchmark: str) -> tuple[str, ...]:
    """Names of the protocols that a benchmark can be scored by, the usual one first."""
    return VOT_PROTOCOLS if BENCHMARKS[benchmark].resets else tuple(PROTOCOLS)


def score_tracker(
    tracker: str,
    results: dict[str, Any],
    truth: BenchmarkTruth,
    protocol: str = "pysot",
    *,
    absent: str | None = None,
) -> Scored:
    """Score one tracker.

    Args:
        tracker: its name.
        results: (R, 4) rows by sequence, or in VOT the runs of each sequence.
        truth: of the benchmark.
        protocol: one of `protocols_of`.
        absent: how frames without the target count in a "folder", see `absent_rule`.

    Raises:
        InputError: for another protocol, or as `absent_rule`, `evaluate` and `evaluate_vot`.
    """
    known = protocols_of(truth.name)
    if protocol not in known:
        raise InputError(f"{truth.name} has no protocol {protocol!r}; choose from {', '.join(known)}")
    absent = absent_rule(truth.name, absent)
    if BENCHMARKS[truth.name].resets:
        answer = evaluate_vot(results, truth, protocol=cast(VOTProtocol, protocol))
        return Scored(tracker, truth.name, answer)
    boxes, present = compared_with(truth)
    result = evaluate(results, boxes, present, protocol=protocol, benchmark=truth.name, absent=absent)
    return Scored(tracker, truth.name, result)


def absent_rule(benchmark: str, absent: str | None = None) -> str | None:
    """How frames without the target count: in a "folder" they fail in every curve unless they are to be dropped.

    Args:
        benchmark: its name.
        absent: "fail" or "drop"; None: the usual way.

    Returns:
        One of `protocols.ABSENT`, or None for the rules of the protocol.

    Raises:
        InputError: for another way, or a benchmark whose protocols have rules of their own.
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
    """True boxes and flags of present targets as `evaluate` takes them; absent frames of a "folder" are in both."""
    if truth.name != "folder":
        return truth.boxes, truth.present
    absent = absent_frames(truth)
    boxes = {name: np.where(flags[:, None], np.nan, truth.boxes[name]) for name, flags in absent.items()}
    return boxes, {name: ~flags for name, flags in absent.items()}


def part_of(truth: BenchmarkTruth, names: Collection[str]) -> BenchmarkTruth:
    """The truth of some of the sequences, in their order there."""
    return BenchmarkTruth(truth.name, {name: s for name, s in truth.sequences.items() if name in names})


def each_tracker(
    truth: BenchmarkTruth,
    places: Sequence[str | Path],
    use: Callable[[str, dict[str, Any]], None],
    *,
    allow_missing: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> list[str]:
    """Find and read all trackers, and hand each to `use`.

    Args:
        truth: of the benchmark.
        places: folders and archives of results, see `tracker_results`.
        use: called with the tracker's name and its results as `score_tracker` takes them; may raise InputError.
        allow_missing: hand on the results of a tracker that lacks some sequences; otherwise that is an error.
        note: as in `tracker_results`.

    Returns:
        What was wrong with each tracker that could not be read or used; the others are done.

    Raises:
        InputError: if a place holds no results.
    """
    failures: list[str] = []
    with tracker_results(truth, places, note) as trackers:
        for name, tracker in trackers.items():
            there, all_names = tracker.sequences, tuple(truth.sequences)
            try:
                rows = tracker.read(there if allow_missing else all_names)
            except InputError as error:
                count = f"{len(there)} of {len(all_names)} sequences"
                more = f"; it has results for {count}: --allow-missing scores those"
                lacks = there != all_names and not allow_missing
                failures.append(tracker.with_place(f"tracker {name}: {error}{more if lacks else ''}"))
                continue
            try:
                use(name, rows)
            except InputError as error:
                failures.append(tracker.with_place(f"tracker {name}: {error}"))
    return failures
