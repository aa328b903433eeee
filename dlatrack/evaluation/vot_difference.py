"""Better, or noise? Two trackers compared by expected average overlap (EAO), which is no mean over sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dlatrack.evaluation.difference import Estimate
from dlatrack.evaluation.resampling import bootstrap_statistic
from dlatrack.evaluation.truth import BenchmarkTruth
from dlatrack.evaluation.vot import expected_average_overlap, measure_runs
from dlatrack.evaluation.vot_fragments import ALL
from dlatrack.evaluation.vot_overlaps import RunOverlaps, VOTProtocol
from dlatrack.evaluation.vot_results import VOTRun


def eao_difference(
    a: Mapping[str, Sequence[VOTRun]],
    b: Mapping[str, Sequence[VOTRun]],
    truth: BenchmarkTruth,
    interval: tuple[int, int],
    *,
    protocol: VOTProtocol = "pysot",
    resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """EAO of a minus EAO of b, with what resampling the sequences says about it.

    Regions are compared once; each resample then has its own fragments and curve, as the protocol computes them.

    Args:
        a: repetitions by sequence.
        b: of the other tracker.
        truth: at least two sequences, with image sizes.
        interval: sequence lengths low and high that EAO averages over, e.g. `VOTResult.interval`.
        protocol: as in `evaluate_vot`.
        resamples: how often the sequences are drawn.
        seed: same seed, same answer.

    Raises:
        InputError: as `evaluate_vot` and `bootstrap_statistic`; for an interval that some draw of the sequences has
            no run for.
    """
    plain = {name: replace(sequence, tags={}) for name, sequence in truth.sequences.items()}
    untagged = BenchmarkTruth(truth.name, plain)
    measured = [measure_runs(runs, untagged, protocol) for runs in (a, b)]
    names = list(plain)

    def difference(drawn: np.ndarray) -> float:
        """Sequences that were drawn several times are told apart by their place."""
        chosen = {f"{place} {names[index]}": names[index] for place, index in enumerate(drawn)}
        sequences = BenchmarkTruth(truth.name, {key: plain[name] for key, name in chosen.items()})

        def eao(overlaps: Mapping[str, list[RunOverlaps]]) -> float:
            parts = {key: overlaps[name] for key, name in chosen.items()}
            return expected_average_overlap(parts, sequences, protocol, interval)[1][ALL]

        return eao(measured[0]) - eao(measured[1])

    return bootstrap_statistic(difference, len(names), resamples=resamples, seed=seed)
