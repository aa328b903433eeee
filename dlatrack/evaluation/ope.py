"""One-pass evaluation: success, precision and normalised precision, under a named protocol."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.alignment import pair_rows
from dlatrack.evaluation.overlap import NOT_COMPARED, centre_errors, normalised_centre_errors, overlaps
from dlatrack.evaluation.protocols import Rules, rules

#: IoU thresholds of the success curve, 0, 0.05, ..., 1. `arange` as in the toolkits; 0.05 * k has other last bits.
OVERLAP_THRESHOLDS = np.arange(0, 1.05, 0.05)

#: Centre error thresholds of the precision curve, 0, 1, ..., 50 px.
PIXEL_THRESHOLDS = np.arange(0, 51)

#: Centre error thresholds of the normalised precision curve, 0, 0.01, ..., 0.5 of the target size.
NORMALISED_THRESHOLDS = np.arange(0, 51) / 100

#: Index of the precision scores, 20 px or 0.2, and of the success rate at IoU 0.5.
_SCORE_INDEX, _HALF = 20, 10


#: Boxes of a sequence: (T, 4) xywh of one run, or a list with those of each run.
BoxRows = np.ndarray | list[np.ndarray]


@dataclass(frozen=True, eq=False)
class OPEResult:
    """Curves of S sequences; every sequence has the same weight, whatever its length.

    Args:
        names: S sequence names.
        success: (S, 21), share of frames whose IoU is strictly greater than each of `OVERLAP_THRESHOLDS`. A perfect
            result fails at IoU > 1, so that its area under the curve is 20/21.
        precision: (S, 51), share of frames whose centre error is at most each of `PIXEL_THRESHOLDS`.
        normalised_precision: (S, 51), the same for `NORMALISED_THRESHOLDS`.
        protocol: name of the protocol by which frames were counted.
        notes: sentences on oddities of the results, and on how the protocol treated them.
        runs: for results of N runs, the result of each; the curves are then means over the runs. Empty for results of
            one plain run.
        first_xywh: (N, S, 4) first rows of the runs' results, the boxes that they were started on; None for one plain
            run.

    Source: OTB (Wu et al. 2013), TrackingNet (Mueller et al. 2018) for normalised precision.
    """

    names: tuple[str, ...]
    success: np.ndarray
    precision: np.ndarray
    normalised_precision: np.ndarray
    protocol: str = "pysot"
    notes: tuple[str, ...] = ()
    runs: tuple[OPEResult, ...] = ()
    first_xywh: np.ndarray | None = None

    @property
    def sequence_auc(self) -> np.ndarray:
        """(S,) area under each success curve, the mean of its 21 values."""
        return self.success.mean(1)

    @property
    def sequence_precision(self) -> np.ndarray:
        """(S,) precision at 20 px."""
        return self.precision[:, _SCORE_INDEX]

    @property
    def sequence_normalised_precision(self) -> np.ndarray:
        """(S,) normalised precision as the protocol reports it: at 0.2 (got10k: the mean of the curve)."""
        return self._normalised(self.normalised_precision)

    @property
    def mean_success(self) -> np.ndarray:
        """(21,) success curve of the benchmark."""
        return self.success.mean(0)

    @property
    def mean_precision(self) -> np.ndarray:
        """(51,) precision curve of the benchmark."""
        return self.precision.mean(0)

    @property
    def mean_normalised_precision(self) -> np.ndarray:
        """(51,) normalised precision curve of the benchmark."""
        return self.normalised_precision.mean(0)

    @property
    def auc(self) -> float:
        """Area under the success curve of the benchmark, the "success score"."""
        return float(self.mean_success.mean())

    @property
    def precision_score(self) -> float:
        """Precision of the benchmark at 20 px."""
        return float(self.mean_precision[_SCORE_INDEX])

    @property
    def normalised_precision_score(self) -> float:
        """Normalised precision of the benchmark as the protocol reports it; NaN where it knows none (otb_matlab)."""
        return float(self._normalised(self.mean_normalised_precision))

    @property
    def success_rate(self) -> float:
        """Share of frames with IoU > 0.5, mean over sequences."""
        return float(self.mean_success[_HALF])

    @property
    def auc_std(self) -> float:
        """Standard deviation (n - 1) of the AUC of the benchmark over the runs; NaN for fewer than two runs."""
        return float(np.std([run.auc for run in self.runs], ddof=1)) if len(self.runs) > 1 else np.nan

    @property
    def run_auc(self) -> np.ndarray:
        """(N, S) area under the success curve of each run and sequence; N = 1 for one plain run."""
        return np.stack([run.sequence_auc for run in self.runs or (self,)])

    def _normalised(self, curves: np.ndarray) -> np.ndarray:
        kind = rules(self.protocol).normalised
        if kind == "none":
            return np.full(curves.shape[:-1], np.nan)
        scores: np.ndarray = curves.mean(-1) if kind == "mean" else curves[..., _SCORE_INDEX]
        return scores

    def subset(self, names: Collection[str]) -> OPEResult:
        """The result on some of the sequences, e.g. those with one attribute.

        Raises:
            InputError: naming a sequence that was not evaluated, or if `names` is empty.
        """
        unknown = [name for name in names if name not in self.names]
        if unknown or not names:
            raise InputError(
                f"no results for sequence {unknown[0]}" if unknown else "a subset needs a sequence"
            )
        kept = [self.names.index(name) for name in names]
        return replace(
            self,
            names=tuple(names),
            success=self.success[kept],
            precision=self.precision[kept],
            normalised_precision=self.normalised_precision[kept],
            notes=(),
            runs=tuple(run.subset(names) for run in self.runs),
            first_xywh=None if self.first_xywh is None else self.first_xywh[:, kept],
        )


def evaluate(
    results: Mapping[str, BoxRows],
    truth: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray] | None = None,
    *,
    protocol: str = "pysot",
    benchmark: str = "",
    absent: str | None = None,
) -> OPEResult:
    """Evaluate a tracker on all sequences of a benchmark.

    Args:
        results: (T, 4) xywh boxes by sequence, or a list with those of each run from perturbed first boxes; sequences
            that `truth` lacks are left out.
        truth: (T, 4) xywh true boxes by sequence, same coordinates. NaN or no size: no box in this frame.
        present: (T,) bool by sequence, for benchmarks that mark absent targets (LaSOT); default: not used.
        protocol: a name of `protocols.PROTOCOLS`.
        benchmark: e.g. "UAV123", for the exceptions that toolkits make.
        absent: as in `protocols.rules`.

    Returns:
        Curves and scores, sequences in the order of `truth`. The curve of a sequence is the mean over its runs.

    Raises:
        InputError: for an unknown protocol; naming the sequence, if it has no result or another number of runs than
            the first, or as `alignment.pair_rows`.
    """
    return evaluate_by(rules(protocol, benchmark, absent=absent), results, truth, present)


def evaluate_by(
    how: Rules,
    results: Mapping[str, BoxRows],
    truth: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray] | None = None,
) -> OPEResult:
    """Evaluate a tracker as `evaluate` does, by rules that need not be those of a toolkit."""
    if not truth:
        raise InputError("there are no sequences to evaluate")
    runs: dict[str, list[np.ndarray]] = {}
    for name in truth:
        if name not in results:
            raise InputError(f"sequence {name} has no result")
        rows = results[name]
        runs[name] = rows if isinstance(rows, list) else [rows]
    if any(isinstance(results[name], list) for name in truth):
        return _mean_of_runs(how, runs, truth, present)
    return _evaluate_run(how, {name: rows for name, (rows,) in runs.items()}, truth, present)


def _mean_of_runs(
    how: Rules,
    results: Mapping[str, list[np.ndarray]],
    truth: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray] | None,
) -> OPEResult:
    """Mean of the curves of each run, and the runs themselves; arguments as in `evaluate`."""
    first, count = next((name, len(runs)) for name, runs in results.items())
    for name, runs in results.items():
        if len(runs) != count or not count:
            raise InputError(
                f"sequence {name} has {len(runs)} runs, but {first} has {count}; every sequence needs the same "
                "number, and at least one"
            )
    single = []
    for number in range(count):
        try:
            rows = {name: runs[number] for name, runs in results.items()}
            single.append(_evaluate_run(how, rows, truth, present, perturbed=True))
        except InputError as error:
            raise InputError(f"run {number + 1}: {error}") from error
    return replace(
        single[0],
        success=np.mean([run.success for run in single], 0),
        precision=np.mean([run.precision for run in single], 0),
        normalised_precision=np.mean([run.normalised_precision for run in single], 0),
        notes=tuple(f"run {number}: {note}" for number, run in enumerate(single, 1) for note in run.notes),
        runs=tuple(single),
        first_xywh=np.stack([[runs[number][0] for runs in results.values()] for number in range(count)]),
    )


def _evaluate_run(
    how: Rules,
    results: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray] | None,
    *,
    perturbed: bool = False,
) -> OPEResult:
    """Evaluate one run of every sequence; arguments as in `evaluate` and `alignment.pair_rows`."""
    paired = []
    for name, boxes in truth.items():
        shown = None if present is None else present.get(name)
        paired.append(pair_rows(name, boxes, results[name], shown, how, perturbed=perturbed))
    true_boxes, predicted, shown_all = (
        np.concatenate(parts) for parts in list(zip(*paired, strict=True))[:3]
    )
    # Errors in units of true sides of next to nothing may be infinite, which is imprecise.
    with np.errstate(over="ignore", invalid="ignore"):
        overlap = np.where(shown_all, overlaps(true_boxes, predicted, how), NOT_COMPARED)
        errors = np.where(shown_all, centre_errors(true_boxes, predicted, how), np.inf)
        normalised = np.where(shown_all, normalised_centre_errors(true_boxes, predicted, how), np.inf)
    lengths = np.array([len(frames.truth_xywh) for frames in paired])
    return OPEResult(
        names=tuple(truth),
        success=1 - _share_up_to(overlap, OVERLAP_THRESHOLDS, lengths, nan_counts=True),
        precision=_share_up_to(errors, PIXEL_THRESHOLDS, lengths),
        normalised_precision=_share_up_to(normalised, NORMALISED_THRESHOLDS, lengths),
        protocol=how.protocol,
        notes=tuple(note for frames in paired for note in frames.notes),
    )


def _share_up_to(
    values: np.ndarray, thresholds: np.ndarray, lengths: np.ndarray, *, nan_counts: bool = False
) -> np.ndarray:
    """(S, K) share of each sequence's values that are <= each threshold, (N,) values being those of all sequences."""
    bins = np.searchsorted(thresholds, values)  # the first threshold that is not smaller; NaN comes last
    if nan_counts:
        bins[np.isnan(values)] = 0
    width = len(thresholds) + 1
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    counts = np.bincount(sequence * width + bins, minlength=len(lengths) * width).reshape(-1, width)
    shares: np.ndarray = counts.cumsum(1)[:, :-1] / lengths[:, None]
    return shares
