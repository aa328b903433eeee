"""Scores of all trackers in folders and archives of result files, on one benchmark under one protocol."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult, evaluate
from dlatrack.evaluation.protocols import PROTOCOLS
from dlatrack.evaluation.results.archives import as_given, opened
from dlatrack.evaluation.results.trackers import find_trackers
from dlatrack.evaluation.results.vot_trackers import find_vot_trackers
from dlatrack.evaluation.truth import BENCHMARKS, BenchmarkTruth
from dlatrack.evaluation.vot import VOTProtocol, VOTResult, evaluate_vot

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
        """Names and scores at full precision; None for a score that the protocol does not know."""
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
        return names | {key: None if math.isnan(value) else value for key, value in scores.items()}


def protocols_of(benchmark: str) -> tuple[str, ...]:
    """Names of the protocols that a benchmark can be scored by, the usual one first."""
    return VOT_PROTOCOLS if BENCHMARKS[benchmark].resets else tuple(PROTOCOLS)


def score(tracker: str, results: dict[str, Any], truth: BenchmarkTruth, protocol: str = "pysot") -> Scored:
    """Score one tracker.

    Args:
        tracker: its name.
        results: (R, 4) rows by sequence, or in VOT the runs of each sequence.
        truth: of the benchmark.
        protocol: one of `protocols_of`.

    Raises:
        InputError: for another protocol, or as `evaluate` and `evaluate_vot`.
    """
    known = protocols_of(truth.name)
    if protocol not in known:
        raise InputError(f"{truth.name} has no protocol {protocol!r}; choose from {', '.join(known)}")
    if BENCHMARKS[truth.name].resets:
        answer = evaluate_vot(results, truth, protocol=cast(VOTProtocol, protocol))
        return Scored(tracker, truth.name, answer)
    result = evaluate(results, truth.boxes, truth.present, protocol=protocol, benchmark=truth.name)
    return Scored(tracker, truth.name, result)


def each_tracker(
    truth: BenchmarkTruth, places: Sequence[str | Path], use: Callable[[str, dict[str, Any]], None]
) -> list[str]:
    """Find and read all trackers, and hand each to `use`.

    Args:
        truth: of the benchmark.
        places: folders and archives of results, see `find_trackers` and `find_vot_trackers`.
        use: called with the tracker's name and its results as `score` takes them; may raise InputError.

    Returns:
        What was wrong with each tracker that could not be read or used; the others are done.

    Raises:
        InputError: if a place holds no results, or two places the same tracker.
    """
    failures: list[str] = []
    seen: set[str] = set()
    for place in map(Path, places):
        label = place.name.split(".")[0] if place.is_file() else place.name
        with opened(place) as folder:
            for name, read in _found(truth, folder, label):
                if name in seen:
                    raise InputError(f"{place} holds tracker {name} a second time")
                seen.add(name)
                try:
                    use(name, read())
                except InputError as error:
                    failures.append(f"tracker {name}: {as_given(str(error), folder, place)}")
    return failures


def _found(truth: BenchmarkTruth, folder: Path, label: str) -> list[tuple[str, Callable[[], dict[str, Any]]]]:
    """Trackers by name, and how to read the results of each."""
    frames = {name: len(sequence.regions) for name, sequence in truth.sequences.items()}
    if BENCHMARKS[truth.name].resets:
        runs = find_vot_trackers(folder, frames, label=label)
        return [(entry.name, partial(entry.read, frames)) for entry in runs]
    boxes = find_trackers(folder, frames, label=label)
    return [(entry.name, partial(entry.read, frames)) for entry in boxes]
