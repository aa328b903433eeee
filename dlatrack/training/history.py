"""History of a training run: losses, gradient norm and label counts of every step, as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from dlatrack.errors import InputError, reading
from dlatrack.files import atomic_path


class StepRow(NamedTuple):
    """One optimisation step.

    Attributes:
        epoch: number of the epoch, from 0.
        step: number of the step in the whole run, from 0.
        lr: learning rate of neck and head.
        loss: weighted sum of the terms below.
        loss_classification: balanced cross-entropy.
        loss_regression: IoU loss.
        loss_centerness: binary cross-entropy.
        gradient_norm: global L2 norm before clipping; not finite in a skipped step.
        clipped: 1 if the gradient was clipped, else 0.
        skipped: 1 if the step was skipped because its gradient overflowed float16, else 0.
        positives: mean positives per pair.
        negatives: mean negatives per pair.
        empty: pairs in which no sample satisfied the assignment rule.
        tied: pairs whose candidates all have the same IoU.
        rescued: empty pairs whose best candidate became positive.
        pairs_per_second: speed of this step, data included.
    """

    epoch: int
    step: int
    lr: float
    loss: float
    loss_classification: float
    loss_regression: float
    loss_centerness: float
    gradient_norm: float
    clipped: int
    skipped: int
    positives: float
    negatives: float
    empty: int
    tied: int
    rescued: int
    pairs_per_second: float


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
    """One line of the file; histories written before float16 was supported have no column `skipped`."""
    row = {"skipped": "0", **row}
    values: dict[str, Any] = {name: kind(row[name]) for name, kind in _KINDS.items()}
    return StepRow(**values)
