"""Overlaps of runs with the truth, frame by frame, and accuracy, their mean over the frames that count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.truth import SequenceTruth
from dlatrack.evaluation.vot.regions import region_corners, region_overlaps
from dlatrack.evaluation.vot.results import INITIALISED, VOTRun

VOTProtocol = Literal["pysot", "vot_toolkit"]


class RunOverlaps(NamedTuple):
    """One run on a sequence of T frames."""

    codes: np.ndarray  #: (T,) as in `VOTRun`
    accurate: np.ndarray  #: (T,) overlaps that count for accuracy, NaN in frames that do not
    expected: np.ndarray  #: (T,) overlaps that EAO is computed from, NaN in frames without a region


def run_overlaps(sequence: SequenceTruth, run: VOTRun, protocol: VOTProtocol, burn_in: int) -> RunOverlaps:
    """Compare a run with the truth.

    Args:
        sequence: the truth, with the size of its images.
        run: output of the tracker, as long as the truth.
        protocol: pysot compares inside (width, height) for accuracy and inside (width - 1, height - 1) for EAO, the
            VOT toolkit inside (width, height) for both.
        burn_in: number of frames left out of accuracy from each initialisation on, which is included.

    Raises:
        InputError: naming the sequence, if its size is not known, the run has another length or does not begin with
            an initialisation, or a region cannot be compared.

    Source: benchmarks VOT2013 to VOT2019; STVIR/pysot, toolkit/evaluation.
    """
    size = _checked(sequence, run)
    try:
        inside = region_overlaps(sequence.regions, run.regions, bounds=size, protocol=protocol)
    except InputError as error:
        raise InputError(f"sequence {sequence.name}: {error}") from error
    accurate = np.where(_burning_in(run.codes, burn_in), np.nan, inside)
    if protocol == "vot_toolkit":
        return RunOverlaps(run.codes, accurate, inside)
    smaller = (size[0] - 1, size[1] - 1)
    cut = _reaches_beyond(smaller, sequence.regions) | _reaches_beyond(smaller, run.regions)
    inside[cut] = region_overlaps(sequence.regions[cut], run.regions[cut], bounds=smaller, protocol=protocol)
    return RunOverlaps(run.codes, accurate, inside)


def pysot_accuracy(runs: Sequence[Sequence[RunOverlaps]]) -> tuple[np.ndarray, float]:
    """Accuracy of sequences and benchmark: repetitions averaged per frame, then all valid frames alike.

    Args:
        runs: repetitions of S sequences.

    Returns:
        (S,), NaN for a sequence without a valid frame; and the benchmark's, NaN if there is no valid frame at all.
    """
    frames = [_frame_means([run.accurate for run in each]) for each in runs]
    return np.array([mean_of_valid(each) for each in frames]), mean_of_valid(np.concatenate(frames))


def toolkit_accuracy(runs: Sequence[Sequence[RunOverlaps]]) -> tuple[np.ndarray, float]:
    """Accuracy of sequences and benchmark: mean of each run, of runs, of sequences weighted by their length.

    Args and returns as in `pysot_accuracy`, with 0 for a run without a valid frame.
    """
    of_runs = [[np.nan_to_num(mean_of_valid(run.accurate)) for run in each] for each in runs]
    of_sequences = np.array([np.mean(each) for each in of_runs])
    return of_sequences, float(np.average(of_sequences, weights=[len(each[0].codes) for each in runs]))


def mean_of_valid(values: np.ndarray) -> float:
    """Mean of the values that are not NaN; NaN if there is none."""
    valid = values[~np.isnan(values)]
    return float(valid.mean()) if len(valid) else float("nan")


def _frame_means(repetitions: list[np.ndarray]) -> np.ndarray:
    """(T,) means of the values that are not NaN; NaN where there is none."""
    values = np.stack(repetitions)
    count = (~np.isnan(values)).sum(0)
    return np.where(count > 0, np.nansum(values, 0) / np.maximum(count, 1), np.nan)


def _burning_in(codes: np.ndarray, burn_in: int) -> np.ndarray:
    """(T,) bool, the frames that accuracy leaves out after each initialisation."""
    frame = np.arange(len(codes))
    started = np.maximum.accumulate(np.where(codes == INITIALISED, frame, -burn_in))
    return frame - started < burn_in


def _reaches_beyond(size: tuple[int, int], regions: np.ndarray) -> np.ndarray:
    """(T,) bool, whether a region crosses the right or lower bound; the bounds do not matter to the others."""
    return (region_corners(regions.astype(np.float32)).max(1) > size).any(1)


def _checked(sequence: SequenceTruth, run: VOTRun) -> tuple[int, int]:
    if sequence.size is None:
        raise InputError(
            f"sequence {sequence.name}: the size of its images is not known; the truth must say width and height"
        )
    if len(run) != len(sequence.regions):
        raise InputError(
            f"sequence {sequence.name}: result has {len(run)} rows, the truth has {len(sequence.regions)}"
        )
    if len(run) == 0 or run.codes[0] != INITIALISED:
        raise InputError(f"sequence {sequence.name}: result must begin with 1, the initialisation")
    return sequence.size
