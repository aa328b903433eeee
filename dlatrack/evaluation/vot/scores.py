"""Reset-based evaluation of VOT2013 to VOT2019: accuracy, robustness and expected average overlap (EAO).

The protocols have in common: overlaps are those of `regions.region_overlaps`; frames without a region and the first
frames from each initialisation on (the burn-in) do not count for accuracy; EAO is the mean, over an interval of
sequence lengths, of the overlap to expect in a sequence of that length. They differ in:

- Repetitions: pysot takes all if there are exactly 15, else the first; the VOT toolkit takes all.
- Accuracy: pysot averages repetitions frame by frame, then all valid frames of all sequences alike. The VOT toolkit
  takes the mean of each run, the mean of runs (0 for one without a valid frame), then the mean of sequences weighted
  by length.
- Robustness: pysot: failures per 100 frames; VOT toolkit: failures per sequence, weighted by length.
- Bounds: pysot compares inside the image for accuracy and inside one pixel less each way for EAO; the VOT toolkit
  inside the image for both.
- EAO: the cuts are those of `pysot_fragments` and `toolkit_fragments`; pysot weighs each by one over the number of
  repetitions, the VOT toolkit alike. For an interval low..high pysot averages the curve from low - 1 to high - 1,
  which is one frame early, the VOT toolkit from low to high. pysot's curve starts with 1, the VOT toolkit's with 0,
  and neither value is used.
- EAO by tag: pysot alone, fragments weighed by the share of their frames with the tag. Its weights for "empty" carry
  an oversight, see `empty_weights`, so that this value is not comparable with the others.

pysot keeps the curve in float32, this module in float64; results agree to 1e-6.

Source: Kristan et al., VOT challenges 2013 to 2019; STVIR/pysot, toolkit/evaluation/ar_benchmark.py and
eao_benchmark.py; votchallenge/toolkit, vot/analysis/supervised.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.truth import BenchmarkTruth
from dlatrack.evaluation.vot.fragments import ALL, pysot_curves, toolkit_curves
from dlatrack.evaluation.vot.overlaps import (
    RunOverlaps,
    VOTProtocol,
    mean_of_valid,
    pysot_accuracy,
    run_overlaps,
    toolkit_accuracy,
)
from dlatrack.evaluation.vot.results import FAILED, VOTRun

#: Sequence lengths over which EAO averages, by benchmark.
INTERVALS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"VOT2016": (108, 371), "VOT2017": (100, 356), "VOT2018": (100, 356), "VOT2019": (46, 291)}
)

#: Number of repetitions of a tracker at which pysot reads all of them; otherwise it reads the first alone.
PYSOT_REPETITIONS = 15


@dataclass(frozen=True, eq=False)
class VOTResult:
    """Scores of a tracker on S sequences."""

    protocol: VOTProtocol  #: toolkit that was followed
    benchmark: str  #: name of the benchmark
    interval: tuple[int, int]  #: sequence lengths that EAO averages over
    names: tuple[str, ...]  #: S sequence names
    lengths: np.ndarray  #: (S,) frames of each sequence
    #: (S,) mean overlap in the valid frames; where a sequence has none, NaN with pysot and 0 with the VOT toolkit
    sequence_accuracy: np.ndarray
    sequence_failures: np.ndarray  #: (S,) failures per run
    accuracy: float  #: mean overlap of the benchmark; NaN if no frame is valid
    curve: np.ndarray  #: (L,) expected overlap by sequence length
    #: expected average overlap, the mean of the curve over the interval; NaN if every run is too short
    eao: float
    #: EAO weighted by tag, with "empty" for frames without any; pysot alone, and only if the truth has tags. NaN for
    #: a tag that no frame has.
    eao_by_tag: Mapping[str, float]

    @property
    def frames(self) -> int:
        """Frames of all sequences together."""
        return int(self.lengths.sum())

    @property
    def lost(self) -> float:
        """The "lost number": failures on all sequences together, per run."""
        return float(self.sequence_failures.sum())

    @property
    def robustness(self) -> float:
        """pysot: failures per 100 frames. VOT toolkit: failures per sequence, weighted by its length."""
        if self.protocol == "pysot":
            return 100 * self.lost / self.frames
        return float(np.average(self.sequence_failures, weights=self.lengths))

    def ar_point(self, sensitivity: float = 30) -> tuple[float, float]:
        """`reliability` and accuracy: the tracker's place in the accuracy-robustness plot.

        Args:
            sensitivity: number of frames S.

        Source: Kristan et al., VOT2014 and later (A-R plot). The VOT toolkit divides its failures per sequence by the
        mean length of a sequence.
        """
        per_frame = 0.01 if self.protocol == "pysot" else 1 / float(self.lengths.mean())
        return reliability(100 * per_frame * self.robustness, sensitivity), self.accuracy


def reliability(failures_per_100: float, sensitivity: float = 30) -> float:
    """Probability of S frames without a failure, exp(-0.01 S R).

    Args:
        failures_per_100: R, failures per 100 frames.
        sensitivity: S, number of frames; 30 in VOT.

    Source: SiamDLA Fig. 7b, where R and S are described otherwise; this is the reading under which its factor 0.01
    and the definition of VOT agree.
    """
    return math.exp(-0.01 * sensitivity * failures_per_100)


def evaluate_vot(
    runs: Mapping[str, Sequence[VOTRun]],
    truth: BenchmarkTruth,
    *,
    protocol: VOTProtocol = "pysot",
    interval: tuple[int, int] | None = None,
    burn_in: int = 10,
) -> VOTResult:
    """Evaluate a tracker in the reset-based experiment ("baseline", "supervised").

    Args:
        runs: repetitions by sequence; sequences that `truth` lacks are left out.
        truth: polygons or boxes, image sizes and, for EAO by tag, tags; a tag that a sequence lacks is on no frame.
        protocol: "pysot" or "vot_toolkit", for version 0.9 in Python.
        interval: sequence lengths low and high; default: by the name of the benchmark.
        burn_in: number of frames left out of accuracy from each initialisation on.

    Raises:
        InputError: naming the sequence without a run or with a run that does not fit the truth; or an unknown
            protocol, benchmark or a wrong interval.

    Source: as for this module, which says how the protocols differ.
    """
    interval = _checked(truth, protocol, interval, burn_in)
    measured = measure_runs(runs, truth, protocol, burn_in)
    if protocol == "pysot":
        of_sequences, accuracy = pysot_accuracy([*measured.values()])
    else:
        of_sequences, accuracy = toolkit_accuracy([*measured.values()])
    curves, eao = expected_average_overlap(measured, truth, protocol, interval)
    return VOTResult(
        protocol=protocol,
        benchmark=truth.name,
        interval=interval,
        names=tuple(truth.sequences),
        lengths=np.array([len(sequence.regions) for sequence in truth.sequences.values()]),
        sequence_accuracy=of_sequences,
        sequence_failures=np.array(
            [np.mean([np.count_nonzero(run.codes == FAILED) for run in each]) for each in measured.values()]
        ),
        accuracy=accuracy,
        curve=curves[ALL],
        eao=eao.pop(ALL),
        eao_by_tag=MappingProxyType(eao),
    )


def measure_runs(
    runs: Mapping[str, Sequence[VOTRun]], truth: BenchmarkTruth, protocol: VOTProtocol, burn_in: int = 10
) -> dict[str, list[RunOverlaps]]:
    """Overlaps of the runs that a protocol looks at, by sequence; args and errors as in `evaluate_vot`."""
    measured = {}
    for name, sequence in truth.sequences.items():
        if not runs.get(name):
            raise InputError(f"sequence {name} has no result")
        every = protocol == "vot_toolkit" or len(runs[name]) == PYSOT_REPETITIONS
        chosen = runs[name] if every else runs[name][:1]
        measured[name] = [run_overlaps(sequence, run, protocol, burn_in) for run in chosen]
    return measured


def expected_average_overlap(
    measured: Mapping[str, Sequence[RunOverlaps]],
    truth: BenchmarkTruth,
    protocol: VOTProtocol,
    interval: tuple[int, int],
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Expected overlap by sequence length, and its mean over an interval of lengths, by tag; see `evaluate_vot`."""
    low, high = interval
    if protocol == "pysot":
        curves, averaged = pysot_curves(measured, truth), slice(low - 1, high)
    else:
        curves, averaged = toolkit_curves(measured), slice(low, high + 1)
    return curves, {tag: mean_of_valid(curve[averaged]) for tag, curve in curves.items()}


def _checked(
    truth: BenchmarkTruth, protocol: str, interval: tuple[int, int] | None, burn_in: int
) -> tuple[int, int]:
    """The interval of EAO, after checking the arguments of `evaluate_vot`."""
    if not truth.sequences:
        raise InputError("there are no sequences to evaluate")
    if protocol not in get_args(VOTProtocol):
        raise InputError(
            f"there is no VOT protocol {protocol!r}; choose from {', '.join(get_args(VOTProtocol))}"
        )
    if burn_in < 0:
        raise InputError(f"burn_in must be 0 frames or more, got {burn_in}")
    if interval is None:
        if truth.name not in INTERVALS:
            raise InputError(
                f"{truth.name} has no EAO interval; give one, or choose from {', '.join(INTERVALS)}"
            )
        interval = INTERVALS[truth.name]
    if not 1 <= interval[0] <= interval[1]:
        raise InputError(f"an EAO interval needs 1 <= low <= high, got {interval}")
    return interval
