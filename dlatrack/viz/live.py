"""Training curves that grow while a notebook cell runs."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from IPython.display import DisplayHandle, Image, display

from dlatrack.training.history import StepRow
from dlatrack.viz.curves import training_curves


class LiveCurves:
    """Draw the curves of the current run in one output of the cell, again every few seconds.

    Pass it as `on_step` to `studies.twins.train_all`; a run with another label gets a new picture.

    Args:
        every: seconds between two pictures.
        clock: function that gives the seconds from any starting point.
    """

    def __init__(self, every: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._clock = every, clock
        self._label: str | None = None
        self._steps: list[StepRow] = []
        self._drawn = 0.0
        self._handle: DisplayHandle | None = None

    def __call__(self, label: str, step: StepRow, total: int) -> None:
        """Take one step, and draw if it is time or the run has ended."""
        if label != self._label:
            self._label, self._steps, self._handle = label, [], None
            self._drawn = self._clock()
        self._steps.append(step)
        if self._clock() - self._drawn >= self._every or step.step == total - 1:
            self._show()
            self._drawn = self._clock()

    def _show(self) -> None:
        figure = training_curves(pd.DataFrame(self._steps))
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=100)
        picture: Any = Image(data=stream.getvalue(), format="png")
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
