"""History of a training run: losses, gradient norm and label counts of every step, as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from dlatrack.errors import InputError, reading, shortened
from dlatrack.files import atomic_path


class StepRow(NamedTuple):
    """One optimisation step."""

    epoch: int  #: number of the epoch, from 0
    step: int  #: number of the step in the whole run, from 0
    lr: float  #: learning rate of neck and head
    loss: float  #: weighted sum of the terms below, and what is learned from a teacher if there is one
    loss_classification: float  #: loss of classes of the family or the rule, see `losses`
    loss_regression: float  #: loss of boxes
    loss_centerness: float  #: loss of centre-ness
    gradient_norm: float  #: global L2 norm before clipping; not finite in a skipped step
    clipped: int  #: 1 if the gradient was clipped, else 0
    skipped: int  #: 1 if the step was skipped because its gradient overflowed float16, else 0
    positives: float  #: mean positives per pair
    negatives: float  #: mean negatives per pair
    quality: (
        float  #: mean of what the classifier should answer at positives: 1 for hard labels, 0 without any
    )
    empty: int  #: pairs in which no sample satisfied the assignment rule
    tied: int  #: pairs whose candidates all have the same IoU
    rescued: int  #: empty pairs whose best candidate became positive
    pairs_per_second: float  #: speed of this step, data included


_KINDS: dict[str, type[int] | type[float]] = get_type_hints(StepRow)


def write_history(path: Path, steps: list[StepRow]) -> None:
    """Write all steps, whole or not at all, in digits that read back to the same bits.

    Raises:
        InputError: if the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(StepRow._fields)
        writer.writerows(steps)


def read_history(path: Path, steps: int) -> list[StepRow]:
    """Read the first `steps` steps.

    Raises:
        InputError: if the file is missing or does not hold these columns and steps.
    """
    with (
        reading(path, "is not a training history", KeyError, ValueError, TypeError, csv.Error),
        path.open(newline="", encoding="utf-8") as file,
    ):
        rows = [_step(row) for row in islice(csv.DictReader(file), steps)]
    if len(rows) < steps:
        raise InputError(f"{path} holds {len(rows)} of the {steps} steps that its checkpoint has done")
    return rows


def _step(row: Mapping[str, str]) -> StepRow:
    """One line of the file.

    Histories written before float16 was supported have no column `skipped`, and those written before labels could be
    soft no column `quality`.
    """
    hard = "0" if row.get("positives") in ("0", "0.0") else "1"
    row = {"skipped": "0", "quality": hard, **row}
    values: dict[str, Any] = {name: _number(row[name], kind) for name, kind in _KINDS.items()}
    return StepRow(**values)


def _number(text: str, kind: type[int] | type[float]) -> float:
    """A number as `write_history` writes it; Python would also read `1_0` as ten, and the digits of other scripts."""
    if "_" in text or not text.isascii():
        raise ValueError(f"{shortened(text)!r} is not a number")
    return kind(text)
