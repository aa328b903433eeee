"""Trackers that take no time; apart from the tests, so that a process that needs one has little to import."""

from __future__ import annotations

import numpy as np

from dlatrack.tracking.static import StaticTracker


class Walker:
    """Moves as the brightness of the images says, and now and then jumps out of them."""

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self._box, self._steps = box_xywh.copy(), 0

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        self._steps += 1
        mean = image[::8, ::8].mean()
        if int(mean * 16) % 7 == 0:
            return np.array([-500.0, -500, 5, 5]), 0.0
        return self._box + self._steps * np.sin(mean + np.arange(4)) * [0.3, 0.3, 0.1, 0.1], 0.5


class Dice:
    """Draws its boxes."""

    def seed(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self._box = box_xywh

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        return self._box + self._draw.normal(size=4) * self._box[2:].mean() * [0.5, 0.5, 0, 0], 0.5


class Counting(StaticTracker):
    """Counts how often it was made and started."""

    made = started = 0

    def __init__(self) -> None:
        Counting.made += 1

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        Counting.started += 1
        super().init(image, box_xywh)
