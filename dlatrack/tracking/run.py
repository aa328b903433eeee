"""One-pass runs: initialise on the first frame, track to the last, record the boxes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.tracking.static import StaticTracker

#: Stands for an image where none is read.
_NO_IMAGE = np.zeros((1, 1, 3), np.uint8)


class Tracker(Protocol):
    """A tracker of one target. Images are (H, W, 3) uint8 RGB, boxes (4,) xywh, 0-based px."""

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        """Start on the target in the first frame, in place of any other."""
        ...

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        """Box and score of the target in the next frame."""
        ...


@dataclass(frozen=True, eq=False)
class RunResult:
    """Boxes, scores and times of a tracker on a sequence of T frames."""

    boxes_xywh: np.ndarray  #: (T, 4) float64, 0-based px; row 0 is the box the tracker was started on
    scores: np.ndarray  #: (T,) float64; row 0 is 1
    seconds: np.ndarray  #: (T,) float64, seconds in `init` (row 0) and `update`, without reading the image
    read_seconds: np.ndarray  #: (T,) float64, seconds to read and decode the image


def run_one_pass(tracker: Tracker, sequence: Sequence, first_xywh: np.ndarray | None = None) -> RunResult:
    """Track a sequence from its first frame to its last, without a restart.

    Args:
        tracker: any tracker; this function initialises it.
        sequence: a sequence whose first frame shows the target. Images are not read for a `StaticTracker`.
        first_xywh: (4,) box that the tracker is started on, 0-based px; None: the true box of the first frame.

    Raises:
        InputError: naming the sequence, if the target has no box in the first frame, or the tracker rejects a frame.

    Source: OTB, "one-pass evaluation" (Wu et al. 2013).
    """
    true_first = sequence.boxes_xywh[0]
    if not sequence.visible[0] or np.isnan(true_first).any():
        raise InputError(
            f"sequence {sequence.name} does not show its target in the first frame; nothing to track"
        )
    first = true_first if first_xywh is None else first_xywh
    count = len(sequence)
    reads = type(tracker) is not StaticTracker  # its subclasses may look at images
    result = RunResult(np.empty((count, 4)), np.ones(count), np.empty(count), np.empty(count))
    for index in range(count):
        asked = time.perf_counter()
        image = _NO_IMAGE  # the last frame is freed before the next is decoded
        image = sequence.frames[index] if reads else _NO_IMAGE
        started = time.perf_counter()
        try:
            if index == 0:
                tracker.init(image, first.copy())  # a tracker may change its argument
                box, score = first, 1.0
            else:
                box, score = tracker.update(image)
        except InputError as error:
            raise error.at(f"sequence {sequence.name}, frame {index}") from error
        result.seconds[index] = time.perf_counter() - started
        result.read_seconds[index] = started - asked
        result.boxes_xywh[index], result.scores[index] = box, score
    return result
