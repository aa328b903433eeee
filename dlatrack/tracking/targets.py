"""Targets that are followed through the same frames, each by its own tracker."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dlatrack.errors import InputError
from dlatrack.tracking.run import Tracker
from dlatrack.tracking.table import Certainty, certainty_of


class TrackedFrame(NamedTuple):
    """One frame, and N targets in it."""

    image_rgb: np.ndarray  #: (H, W, 3) uint8
    boxes_xywh: np.ndarray  #: (N, 4) float64, 0-based px
    scores: np.ndarray  #: (N,) float64, target probability 0..1; 1 in the first frame
    certainties: tuple[Certainty, ...] = ()  #: N values

    @property
    def states(self) -> tuple[str, ...]:
        """State of each target for its tag; "" where all is well or unknown."""
        return tuple(sure.state.replace("tracking", "") for sure in self.certainties)

    @property
    def lowest_score(self) -> dict[str, float]:
        """The lowest score as the figure of a progress; none without targets."""
        return {"score": float(self.scores.min())} if len(self.scores) else {}


class Targets:
    """Targets, their trackers, and the boxes with which they start.

    Args:
        trackers: a tracker for each target of `boxes_xywh`, or more; copies of the first serve targets that are added
            later.
        boxes_xywh: (4,) each, the targets in the first frame, 0-based px; none: they come later.
    """

    def __init__(self, trackers: Sequence[Tracker], boxes_xywh: Sequence[np.ndarray]) -> None:
        # Copied before any has a target, so that copies of trackers with a state of their own stay apart.
        self._spare = copy.copy(trackers[0])
        self._trackers = list(trackers[: len(boxes_xywh)])
        self._starts = dict(enumerate(np.asarray(box, np.float64) for box in boxes_xywh))
        self._boxes = np.full((len(boxes_xywh), 4), np.nan)
        self._size = (0, 0)

    def place(self, box_xywh: np.ndarray, *, add: bool = False) -> None:
        """Set a target anew in the next frame: the one that is nearest, or the first if there is none.

        Args:
            box_xywh: (4,), image px; one without area stands for a click and gets the size of the target that it
                moves, or an eighth of the image's smaller side.
            add: whether it is another target.
        """
        box = np.array(box_xywh, np.float64)
        centres = self._boxes[:, :2] + self._boxes[:, 2:] / 2
        distances = np.linalg.norm(centres - (box[:2] + box[2:] / 2), axis=1)
        known = len(distances) > 0 and not np.isnan(distances).all()
        target = int(np.nanargmin(distances)) if known and not add else len(self._trackers)
        if not box[2:].min() > 0:
            side = min(self._size) / 8
            size = self._boxes[target, 2:] if target < len(self._boxes) else np.full(2, side)
            box = np.concatenate([box[:2] - size / 2, size])
        if target == len(self._trackers):
            self._trackers.append(copy.copy(self._spare))
            self._boxes = np.concatenate([self._boxes, box[None]])
        self._starts[target] = box

    def step(self, image_rgb: np.ndarray, frame: int) -> TrackedFrame:
        """Follow the targets into the next frame, (H, W, 3) uint8 RGB, with this number.

        Raises:
            InputError: naming frame and target, if a tracker rejects a frame.
        """
        self._size = (image_rgb.shape[1], image_rgb.shape[0])
        boxes, scores, certainties = [], [], []
        for target, tracker in enumerate(self._trackers):
            try:
                if target in self._starts:
                    box, score = self._starts.pop(target), 1.0
                    tracker.init(image_rgb, box)
                else:
                    box, score = tracker.update(image_rgb)
            except InputError as error:
                raise error.at(f"frame {frame}, target {target + 1}") from error
            boxes.append(box)
            scores.append(score)
            certainties.append(certainty_of(tracker))
        self._boxes = np.array(boxes, np.float64).reshape(-1, 4)
        return TrackedFrame(image_rgb, self._boxes, np.array(scores, np.float64), tuple(certainties))
