"""The baseline that every tracker must beat: a box that does not move."""

from __future__ import annotations

import numpy as np

from dlatrack.tracking.steps.state import first_box


class StaticTracker:
    """Answers the first box in every frame, with score 1."""

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        """Remember the box.

        Raises:
            InputError: if the box is not four finite numbers.
        """
        self._box_xywh = first_box(box_xywh)

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        """Repeat the box."""
        return self._box_xywh.copy(), 1.0
