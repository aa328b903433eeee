"""One-pass evaluation: success, precision and normalised precision, as the pysot toolkit computes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.overlap import centre_errors, normalised_centre_errors, overlaps

#: IoU thresholds of the success curve, 0, 0.05, ..., 1. `arange` as in the toolkits; 0.05 * k has other last bits.
OVERLAP_THRESHOLDS = np.arange(0, 1.05, 0.05)

#: Centre error thresholds of the precision curve, 0, 1, ..., 50 px.
PIXEL_THRESHOLDS = np.arange(0, 51)

#: Centre error thresholds of the normalised precision curve, 0, 0.01, ..., 0.5 of the target size.
NORMALISED_THRESHOLDS = np.arange(0, 51) / 100

#: Index of the precision score, 20 px or 0.2.
_SCORE_INDEX = 20


def success_curve(
    truth_xywh: np.ndarray, predicted_xywh: np.ndarray, present: np.ndarray | None = None
) -> np.ndarray:
    """Share of all frames whose IoU is strictly greater than each of `OVERLAP_THRESHOLDS`.

    A perfect result fails at IoU > 1, so that its area under the curve is 20/21.

    Args:
        truth_xywh: (T, 4).
        predicted_xywh: (T, 4), same coordinates.
        present: (T,) bool; frames without the target never count as success but stay in T. Used by LaSOT.

    Returns:
        (21,) in 0..1.

    Source: pysot, one-pass benchmark; the curve is that of OTB (Wu et al. 2013).
    """
    return _share(overlaps(truth_xywh, predicted_xywh)[:, None] > OVERLAP_THRESHOLDS, present)


def precision_curve(
    truth_xywh: np.ndarray, predicted_xywh: np.ndarray, present: np.ndarray | None = None
) -> np.ndarray:
    """Share of all frames whose centre error is at most each of `PIXEL_THRESHOLDS`.

    A frame without a true box counts as precise: its error is -1, as in pysot and the OTB toolkit.

    Args and source as in `success_curve`.

    Returns:
        (51,) in 0..1.
    """
    return _share(centre_errors(truth_xywh, predicted_xywh)[:, None] <= PIXEL_THRESHOLDS, present)


def normalised_precision_curve(
    truth_xywh: np.ndarray, predicted_xywh: np.ndarray, present: np.ndarray | None = None
) -> np.ndarray:
    """Share of all frames whose normalised centre error is at most each of `NORMALISED_THRESHOLDS`.

    Args and source as in `success_curve`.

    Returns:
        (51,) in 0..1.
    """
    return _share(
        normalised_centre_errors(truth_xywh, predicted_xywh)[:, None] <= NORMALISED_THRESHOLDS, present
    )


@dataclass(frozen=True, eq=False)
class OPEResult:
    """Curves of S sequences; every sequence counts the same, whatever its length.

    Args:
        names: S sequence names.
        success: (S, 21), one `success_curve` per sequence.
        precision: (S, 51).
        normalised_precision: (S, 51).
    """

    names: tuple[str, ...]
    success: np.ndarray
    precision: np.ndarray
    normalised_precision: np.ndarray

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
        """(S,) normalised precision at 0.2."""
        return self.normalised_precision[:, _SCORE_INDEX]

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
        """Normalised precision of the benchmark at 0.2."""
        return float(self.mean_normalised_precision[_SCORE_INDEX])

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
        rows = [self.names.index(name) for name in names]
        return OPEResult(
            tuple(names), self.success[rows], self.precision[rows], self.normalised_precision[rows]
        )


def evaluate(
    results: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray] | None = None,
) -> OPEResult:
    """Evaluate a tracker on all sequences of a benchmark.

    Args:
        results: (T, 4) xywh boxes by sequence; sequences that `truth` lacks are left out.
        truth: (T, 4) xywh true boxes by sequence, same coordinates. NaN or no size: no box in this frame.
        present: (T,) bool by sequence, for benchmarks that mark absent targets (LaSOT); default: not looked at.

    Returns:
        Curves and scores, sequences in the order of `truth`.

    Raises:
        InputError: naming the sequence, if it has no result, another number of rows or another shape.

    Source: pysot, one-pass benchmark. The first frame counts as the tracker wrote it.
    """
    if not truth:
        raise InputError("there are no sequences to evaluate")
    curves: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for name, boxes in truth.items():
        shown = None if present is None else present.get(name)
        _check(name, results.get(name), boxes, shown)
        compared = (boxes, results[name], shown)
        curves.append(
            (success_curve(*compared), precision_curve(*compared), normalised_precision_curve(*compared))
        )
    success, precision, normalised = (np.stack(kind) for kind in zip(*curves, strict=True))
    return OPEResult(tuple(truth), success, precision, normalised)


def _check(name: str, result: np.ndarray | None, truth: np.ndarray, present: np.ndarray | None) -> None:
    if truth.ndim != 2 or truth.shape[1] != 4 or len(truth) == 0:
        raise InputError(f"sequence {name}: true boxes must have shape (T, 4) with T > 0, got {truth.shape}")
    if result is None:
        raise InputError(f"sequence {name} has no result")
    if result.shape != truth.shape:
        raise InputError(f"sequence {name}: result has shape {result.shape}, the truth has {truth.shape}")
    if present is not None and (present.shape != (len(truth),) or present.dtype != bool):
        raise InputError(
            f"sequence {name}: present flags must be {len(truth)} bool, got {present.shape} {present.dtype}"
        )


def _share(hits: np.ndarray, present: np.ndarray | None) -> np.ndarray:
    return hits.mean(0) if present is None else (hits & present[:, None]).mean(0)
