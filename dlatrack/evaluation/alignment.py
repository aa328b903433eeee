"""Pairing of the rows of a result with those of the truth, as a protocol does it; every anomaly is noted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlatrack.boxes import iou, xywh_to_xyxy
from dlatrack.datasets.box_text import MOST_OF_RESULT, MOST_PIXELS
from dlatrack.errors import InputError
from dlatrack.evaluation.protocols import Rules

#: Overlap of the first row with the first true box below which a note says that the first row is odd.
_ODD_FIRST_ROW = 0.5


class AlignedRows(NamedTuple):
    """The frames of one sequence that are compared."""

    truth_xywh: np.ndarray  #: (T, 4) true boxes
    predicted_xywh: np.ndarray  #: (T, 4) boxes of the tracker
    present: np.ndarray  #: (T,) bool, False where the target is absent
    notes: list[str]  #: sentences on oddities, and on how the protocol treated them


def pair_rows(
    name: str,
    truth_xywh: np.ndarray,
    predicted_xywh: np.ndarray,
    present: np.ndarray | None,
    how: Rules,
    *,
    perturbed: bool = False,
) -> AlignedRows:
    """Pair the rows of one sequence and repair what the protocol's toolkit repairs.

    Args:
        name: name of the sequence, for messages.
        truth_xywh: (T, 4) true boxes; NaN: no box.
        predicted_xywh: (R, 4) rows of a result.
        present: (T,) bool; None: the target is present in every frame.
        how: rules of the protocol.
        perturbed: whether the tracker was started on a perturbed first box; the first row of a tiny target may then
            be far from the truth, which is not noted.

    Raises:
        InputError: naming the sequence, for shapes that are no boxes, numbers that are not below
            `box_text.MOST_PIXELS` (in results `MOST_OF_RESULT`), and for numbers of rows, NaN in the truth or
            negative sides that the toolkit refuses.
    """
    check_box_rows(name, truth_xywh, predicted_xywh, present)
    notes: list[str] = []
    shown = np.ones(len(truth_xywh), bool) if present is None or not how.absence else present
    truth, predicted = _same_length(name, truth_xywh, predicted_xywh, how, notes)
    shown = shown[: len(truth)]
    missing = np.isnan(truth).any(1)
    if how.missing_truth == "refused" and missing.any():
        raise InputError(
            f"sequence {name}: the true box of row {_first(missing)} is NaN, which {how.protocol} refuses"
        )
    predicted = _repaired(name, predicted, missing, how, notes)
    if not perturbed:
        _note_first_row(name, truth, predicted, notes)
    if how.first_row != "written":
        predicted = np.concatenate([truth[:1], predicted[1:]])
    if how.missing_truth == "dropped" and missing.any():
        truth, predicted, shown = truth[~missing], predicted[~missing], shown[~missing]
        if not len(truth):
            raise InputError(
                f"sequence {name}: every true box is NaN; {how.protocol} leaves no frame to score"
            )
    return AlignedRows(truth, predicted, shown, notes)


def check_box_rows(name: str, truth: np.ndarray, predicted: np.ndarray, present: np.ndarray | None) -> None:
    """Raise InputError for arrays of other shapes and for absurd numbers; arguments as in `pair_rows`."""
    if truth.ndim != 2 or truth.shape[1] != 4 or len(truth) == 0:
        raise InputError(f"sequence {name}: true boxes must have shape (T, 4) with T > 0, got {truth.shape}")
    if predicted.ndim != 2 or predicted.shape[1] != 4 or len(predicted) == 0:
        raise InputError(
            f"sequence {name}: a result must have shape (T, 4) with T > 0, got {predicted.shape}"
        )
    for what, rows, most in (("true box", truth, MOST_PIXELS), ("result", predicted, MOST_OF_RESULT)):
        large = (np.abs(rows) >= most).any(1)
        if large.any():
            row = _first(large)
            values = ",".join(f"{value:g}" for value in rows[row - 1])
            raise InputError(
                f"sequence {name} row {row}: the {what} {values} is absurd; numbers must be below {most:g}"
            )
    if present is not None and (present.shape != (len(truth),) or present.dtype != bool):
        raise InputError(
            f"sequence {name}: present flags must be {len(truth)} bool, got {present.shape} {present.dtype}"
        )


def _same_length(
    name: str, truth: np.ndarray, predicted: np.ndarray, how: Rules, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    rows, frames = len(predicted), len(truth)
    if rows == frames:
        return truth, predicted
    rule = how.longer if rows > frames else how.shorter
    what = f"sequence {name}: result has {rows} rows, the truth has {frames}"
    if rule == "refused":
        raise InputError(f"{what}; {how.protocol} refuses that")
    if rule == "padded":
        notes.append(f"{what}; zero rows are added")
        return truth, np.concatenate([predicted, np.zeros((frames - rows, 4))])
    notes.append(f"{what}; the longer is cut")
    return truth[:rows], predicted[:frames]


def _repaired(
    name: str, predicted: np.ndarray, missing: np.ndarray, how: Rules, notes: list[str]
) -> np.ndarray:
    if (predicted[:, 2:] > 0).all() and not np.isnan(predicted[:, :2]).any():
        return predicted
    undefined = np.isnan(predicted).any(1)
    negative = (predicted[:, 2:] < 0).any(1) | undefined
    broken = (predicted[:, 2:] <= 0).any(1) | undefined
    if how.negative == "refused" and negative.any():
        row = _first(negative)
        values = ",".join(f"{value:g}" for value in predicted[row - 1])
        raise InputError(
            f"sequence {name} row {row}: {values} has a negative side or NaN, which {how.protocol} refuses"
        )
    what = f"sequence {name}: {int(broken.sum())} predicted boxes have no size, the first in row {_first(broken)}"
    if how.broken == "kept":
        notes.append(what)
        return predicted
    notes.append(f"{what}; the rows before them are repeated")
    kept = ~broken | missing
    kept[0] = True
    source = np.maximum.accumulate(np.where(kept, np.arange(len(kept)), 0))
    repaired: np.ndarray = predicted[source]
    return repaired


def _note_first_row(name: str, truth: np.ndarray, predicted: np.ndarray, notes: list[str]) -> None:
    if truth[0].tolist() == predicted[0].tolist():
        return
    common = iou(xywh_to_xyxy(truth[0]), xywh_to_xyxy(predicted[0]))
    if not common > _ODD_FIRST_ROW:
        boxes = (",".join(f"{value:g}" for value in box) for box in (predicted[0], truth[0]))
        notes.append("sequence {}: the first row is {} where the target starts at {}".format(name, *boxes))


def _first(flags: np.ndarray) -> int:
    """Number of the first row that is set, from 1."""
    return int(np.argmax(flags)) + 1
