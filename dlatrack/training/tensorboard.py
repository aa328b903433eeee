"""TensorBoard event files of a run, written while it trains."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dlatrack.errors import InputError
from dlatrack.training.history import StepRow

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

EVENTS = "tensorboard"

#: TensorBoard tags by column of the history.
SCALARS = {
    "loss": "loss/total",
    "loss_classification": "loss/classification",
    "loss_regression": "loss/regression",
    "loss_centerness": "loss/centerness",
    "lr": "optimiser/learning rate",
    "gradient_norm": "optimiser/gradient norm",
    "clipped": "optimiser/clipped",
    "skipped": "optimiser/skipped",
    "positives": "labels/positives per target",
    "quality": "labels/quality of positives",
    "empty": "labels/empty",
    "tied": "labels/tied",
    "rescued": "labels/rescued",
    "pairs_per_second": "speed/pairs per second",
}


class EventFiles:
    """Writer of steps to event files, called with each of them.

    A file is opened at the first step. A resumed run thus writes a file of its own, which tells TensorBoard to
    discard what was written before from that step on. Each step is on the disk before its checkpoint.

    Args:
        folder: folder of the files; created when absent.

    Raises:
        InputError: if TensorBoard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError as error:
            raise InputError(
                'event files need the package tensorboard: pip install "dlatrack[tensorboard]"'
            ) from error
        self._folder = Path(folder)
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __call__(self, _label: str, step: StepRow, _total: int) -> None:
        """Write one step; values that are not finite are left out.

        Raises:
            InputError: if the files cannot be written.
        """
        try:
            writer = self._open(step.step)
            for column, tag in SCALARS.items():
                value = getattr(step, column)
                if math.isfinite(value):
                    writer.add_scalar(tag, value, step.step)
            writer.flush()
        except OSError as error:
            self._writer = None
            raise InputError(f"cannot write {self._folder}: {error.strerror or error}") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files."""
        if self._writer is not None:
            self._writer.close()

    def _open(self, first: int) -> SummaryWriter:
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder), purge_step=first)
        return self._writer
