"""Significance of the differences of trackers on one benchmark, in numbers and in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.got10k import AOResult, ao_differences
from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.scoring import Scored, part_of
from dlatrack.evaluation.statistics.compare import TrackerPair, compare_all
from dlatrack.evaluation.statistics.difference import Difference, Estimate, sentence
from dlatrack.evaluation.statistics.few_sequences import ENOUGH, EXACT, TOO_FEW
from dlatrack.evaluation.statistics.runs import compare_runs
from dlatrack.evaluation.truth import BENCHMARKS, BenchmarkTruth
from dlatrack.evaluation.vot.difference import Measured, eao_differences
from dlatrack.evaluation.vot.scores import VOTResult


def differences(
    scored: Sequence[Scored], truth: BenchmarkTruth, measured: Mapping[str, Measured]
) -> tuple[str, dict[TrackerPair, Estimate]]:
    """Compare every tracker with every other on the sequences that all have results for.

    Args:
        scored: scored trackers under one protocol.
        truth: truth of the benchmark.
        measured: for VOT, overlaps of `measure_runs` by tracker.

    Returns:
        Name of the compared score, "AUC", "EAO" or "AO", and the difference of each pair: that of AUC as in
        `compare_all`, or as in `compare_runs` where one of the two has runs from perturbed first boxes. Runs are
        paired where the trackers have the same number of them and the first rows of their results are equal, run by
        run.

    Raises:
        InputError: for fewer than two trackers, and as `compare_all`, `eao_differences` and `ao_differences`.
    """
    vot = [entry.result for entry in scored if isinstance(entry.result, VOTResult)]
    entry = BENCHMARKS[truth.name]
    metric = "EAO" if entry.resets else "AO" if entry.average_overlap else "AUC"
    if len(scored) < 2:
        per = " per sequence" if metric == "AUC" else ""
        left = f"there is {scored[0].tracker} alone" if scored else "none could be scored"
        raise InputError(f"significance needs {metric}{per} of two trackers or more; {left}")
    common = [name for name in truth.sequences if all(name in entry.result.names for entry in scored)]
    if len(common) < 2:
        raise InputError(
            f"significance needs two sequences or more that all trackers have results for; there are {len(common)}"
        )
    if vot:
        trackers = {entry.tracker: measured[entry.tracker] for entry in scored}
        return metric, eao_differences(
            trackers, part_of(truth, common), vot[0].interval, protocol=vot[0].protocol
        )
    overlaps = {e.tracker: e.result.subset(common) for e in scored if isinstance(e.result, AOResult)}
    if overlaps:
        return metric, ao_differences(overlaps)
    results = {e.tracker: e.result.subset(common) for e in scored if isinstance(e.result, OPEResult)}
    found: dict[TrackerPair, Estimate] = {}
    plain = {tracker: result.sequence_auc for tracker, result in results.items() if not result.runs}
    of_plain = compare_all(plain) if len(plain) > 1 else {}
    for (a, first), (b, second) in combinations(results.items(), 2):
        if (a, b) in of_plain:
            found[a, b] = of_plain[a, b]
        else:
            found[a, b] = compare_runs(first.run_auc, second.run_auc, paired=_same_starts(first, second))
    return metric, found


def _same_starts(first: OPEResult, second: OPEResult) -> bool:
    """Whether two trackers have the same number of runs, and those of one number started from the same boxes."""
    one, other = first.first_xywh, second.first_xywh
    return one is not None and other is not None and np.array_equal(one, other, equal_nan=True)


def as_sentences(metric: str, found: Mapping[TrackerPair, Estimate]) -> list[str]:
    """A sentence for each pair, and one on the number of sequences if there are few."""
    lines = [sentence(difference, *pair, metric=metric) for pair, difference in found.items()]
    plain = [each for each in found.values() if not isinstance(each, Difference) or each.runs is None]
    if any(difference.sequences < ENOUGH for difference in plain):
        lines.append(TOO_FEW)
    return lines


def as_numbers(metric: str, found: Mapping[TrackerPair, Estimate]) -> dict[str, list[dict[str, Any]]]:
    """For each tracker, its score minus that of each other one: JSON values at full precision.

    Every pair is included in both directions. An effect of None is infinite, and without resamples the interval is
    that of Student's t.
    """
    trackers = list(dict.fromkeys(tracker for pair in found for tracker in pair))
    both = dict(found) | {(b, a): _reversed(difference) for (a, b), difference in found.items()}
    return {a: [_entry(metric, b, both[a, b]) for b in trackers if b != a] for a in trackers}


def _entry(metric: str, against: str, difference: Estimate) -> dict[str, Any]:
    keys = ["value", "low", "high", "p", "distinguishable", "sequences", "resamples", "confidence"]
    if isinstance(difference, Difference):
        keys += ["effect", "better", "worse"]
        keys += ["runs", "paired_runs"] if difference.runs is not None else []
    values = {key: getattr(difference, key) for key in keys} | _method(difference)
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
    return {"metric": metric, "against": against} | finite


def _method(difference: Estimate) -> dict[str, str | None]:
    """How interval and p-value were found; few sequences are not resampled."""
    runs = isinstance(difference, Difference) and difference.runs is not None
    few = difference.sequences < ENOUGH and not runs
    interval = "Student's t" if few else "bootstrap"
    test = "sign flips" if difference.sequences < EXACT else interval
    return {"interval": interval, "test": test} | ({"resamples": None} if few else {})


def _reversed(difference: Estimate) -> Estimate:
    """A difference in the other direction; 0 - 0 is 0 and not -0."""
    turned = replace(difference, value=0 - difference.value, low=0 - difference.high, high=0 - difference.low)
    if not isinstance(turned, Difference):
        return turned
    return replace(
        turned,
        effect=0 - turned.effect,
        better=turned.worse,
        worse=turned.better,
        runs=turned.runs and turned.runs[::-1],
    )
