"""Illumination that changes over time and across the view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.synthetic.motion import direction, drift


@dataclass(frozen=True, eq=False)
class Light:
    """Brightness factor over place and time: gain, a slope across the view, and a soft shadow that moves across."""

    size: tuple[int, int]  #: view width and height, px
    log_gain: np.ndarray  #: (T,) natural logarithm of the overall factor
    slope: np.ndarray  #: (2,) relative change of brightness across the whole width and height
    shadow: float  #: darkest part of the shadow, 0 (no shadow) to 1
    heading: np.ndarray  #: (2,) unit vector across the shadow's edge
    edge: np.ndarray  #: (T,) position of the shadow's edge along `heading`, px

    def at(self, index: int | slice, points: np.ndarray) -> np.ndarray:
        """Factor at `points` (..., 2), view px; with a slice of frames, one point (T, 2) for each."""
        gain = np.exp(self.log_gain[index]) * (1 + (points / self.size - 0.5) @ self.slope)
        soft = 0.04 * max(self.size)
        depth = 1 / (1 + np.exp(np.clip((points @ self.heading - self.edge[index]) / soft, -50, 50)))
        return gain * (1 - self.shadow * depth)


def draw_light(rng: Generator, length: int, size: tuple[int, int], varies: bool) -> Light:
    """Nearly constant light, or light that `varies`: brighter, darker, flickering, or with a passing shadow."""
    swing, every = rng.uniform(0, 0.1), 25.0
    shadow = 0.0
    edge = np.zeros(length)
    heading = direction(rng.uniform(0, 2 * np.pi))
    if varies:
        swing, every = rng.uniform(0.5, 0.9), rng.choice([6.0, 25.0], p=[0.3, 0.7])
        if rng.random() < 0.4:
            shadow = rng.uniform(0.4, 0.65)
            corners = np.array([[0, 0], [size[0], 0], [0, size[1]], size]) @ heading
            edge = np.linspace(corners.min() - 40, corners.max() + 40, length)
    log_gain = drift(rng, length, every, swing, -1 if rng.random() < 0.7 else 1)
    return Light(size, np.clip(log_gain, -1.2, 0.5), rng.normal(0, 0.2, 2), shadow, heading, edge)
