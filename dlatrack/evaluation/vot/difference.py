"""Comparison of trackers by expected average overlap (EAO), which is no mean over sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import TrackerPair
from dlatrack.evaluation.statistics.difference import Estimate
from dlatrack.evaluation.statistics.resampling import difference_of, draw_sequences
from dlatrack.evaluation.truth import BenchmarkTruth
from dlatrack.evaluation.vot.fragments import ALL
from dlatrack.evaluation.vot.overlaps import RunOverlaps, VOTProtocol
from dlatrack.evaluation.vot.scores import expected_average_overlap

#: Overlaps of the runs of a tracker, by sequence.
Measured = Mapping[str, list[RunOverlaps]]


def eao_differences(
    measured: Mapping[str, Measured],
    truth: BenchmarkTruth,
    interval: tuple[int, int],
    *,
    protocol: VOTProtocol = "pysot",
    resamples: int = 1000,
    seed: int = 0,
) -> dict[TrackerPair, Estimate]:
    """Compare every tracker with every other by EAO, all on the same resamples of the sequences.

    Regions are compared once; each resample then has its own fragments and curve, as the protocol computes them. Few
    sequences are treated as in `resampling.difference_of`.

    Args:
        measured: overlaps of `measure_runs` by tracker; sequences that `truth` lacks are left out.
        truth: truth of at least two sequences, with image sizes.
        interval: sequence lengths low and high that EAO averages over, e.g. `VOTResult.interval`.
        protocol: as in `evaluate_vot`.
        resamples: number of resamples.
        seed: seed of the resamples; the same seed gives the same answer.

    Returns:
        `(a, b)`: EAO of a minus EAO of b, for every pair in the order of `measured`.

    Raises:
        InputError: for fewer than two sequences, or an interval that some draw of the sequences has no run for.
    """
    plain = {name: replace(sequence, tags={}) for name, sequence in truth.sequences.items()}  # no EAO by tag
    names = list(plain)
    drawn = [np.arange(len(names)), *draw_sequences(len(names), resamples=resamples, seed=seed)]

    def eao(overlaps: Measured, indices: np.ndarray) -> float:
        """EAO of the sequences with these indices; one that was drawn several times has several names."""
        chosen = {f"{place} {names[index]}": names[index] for place, index in enumerate(indices)}
        sequences = BenchmarkTruth(truth.name, {key: plain[name] for key, name in chosen.items()})
        parts = {key: overlaps[name] for key, name in chosen.items()}
        return expected_average_overlap(parts, sequences, protocol, interval)[1][ALL]

    values = {
        tracker: np.array([eao(overlaps, indices) for indices in drawn])
        for tracker, overlaps in measured.items()
    }
    _require_finite(values, interval)

    def swapped(a: str, b: str, kept: np.ndarray) -> float:
        """EAO of a minus EAO of b with the two swapped on the sequences where `kept` is False."""
        first, second = (
            {name: measured[one if own else other][name] for name, own in zip(names, kept, strict=True)}
            for one, other in ((a, b), (b, a))
        )
        return eao(first, drawn[0]) - eao(second, drawn[0])

    found = {}
    for a, b in combinations(measured, 2):
        value, *resampled = values[a] - values[b]
        found[a, b] = difference_of(float(value), np.array(resampled), len(names), partial(swapped, a, b))
    return found


def _require_finite(values: Mapping[str, np.ndarray], interval: tuple[int, int]) -> None:
    """Raise InputError if an EAO of the benchmark, the first of each tracker, or of a resample is not finite."""
    for tracker, found in values.items():
        if not np.isfinite(found).all():
            place = int(np.argmin(np.isfinite(found)))
            where = f"resample {place - 1}" if place else "the benchmark"
            raise InputError(
                f"the EAO of {tracker} for {where} is not finite: no run is as long as the interval {interval} needs"
            )
