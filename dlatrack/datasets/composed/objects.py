"""Motion of the objects of a composed video: the target and its distractors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.composed.appearance import Appearance
from dlatrack.datasets.synthetic.motion import (
    Body,
    Track,
    axes,
    curve,
    direction,
    draw_wave,
    drift,
    fit,
    rigid,
)

#: Smallest side of a target, px, and largest side of its box as a share of the view.
SMALLEST, LARGEST = 12, 0.6


def draw_composed_target(rng: Generator, length: int, size: tuple[int, int], appearance: Appearance) -> Track:
    """A target that crosses the view, grows or shrinks, turns, stretches and bends.

    Half of the videos are calm; in the others as much happens as in ten times as many frames of real video.
    """
    calm = bool(rng.random() < 0.5)
    every = length / rng.uniform(1, 2.5)
    largest = LARGEST * min(size)
    side = SMALLEST * 1.3 * (largest / SMALLEST / 1.3) ** rng.beta(1.6, 1.3)
    scale = np.exp(drift(rng, length, every, rng.uniform(0, 0.2 if calm else 0.6)))
    angle = rng.normal(0, 0.1) + drift(rng, length, every, rng.uniform(0, 0.15 if calm else 0.8))
    stretch = drift(rng, length, every, rng.uniform(0, 0.08 if calm else 0.35))
    logs = np.clip(appearance.log_aspect + rng.normal(0, 0.12) + stretch, -np.log(4), np.log(4))
    half = side / 2 * scale[:, None] * np.exp(0.5 * logs[:, None] * [1, -1])
    half *= np.maximum(1, SMALLEST / 2 / half.min())
    amplitude = np.full(length, rng.uniform(0, 0.03 if calm else 0.12))
    body = Body(appearance.shape, amplitude, *draw_wave(rng, length, 0.6), np.zeros(length))
    still = Track(body, np.zeros((length, 2)), axes(half, angle))
    shrink = np.minimum(1, LARGEST / (still.extents / size).max())
    still = Track(still.body, still.centre, still.axes * shrink)
    return Track(still.body, _path(rng, still, size, every), still.axes)


def draw_composed_distractors(
    rng: Generator, size: tuple[int, int], target: Track, appearances: Sequence[Appearance]
) -> list[Track]:
    """One object per appearance, half to twice the target's size; most stay close to the target for a while."""
    length = len(target.centre)
    own = 2 * np.sqrt(np.abs(np.linalg.det(target.axes[0])))
    tracks = []
    for appearance in appearances:
        side = own * np.exp(rng.uniform(-0.6, 0.6))
        half = side / 2 * np.exp(0.5 * np.clip(appearance.log_aspect, -1.4, 1.4) * np.array([1, -1]))
        angle = rng.normal(0, 0.15) + drift(rng, length, length / 2, rng.uniform(0, 0.5))
        if rng.random() < 0.7:
            heading = rng.uniform(0, 2 * np.pi) + drift(rng, length, length / 2, rng.uniform(0, 1.2))
            distance = (own + side) / 2 * (rng.uniform(1.0, 2.2) + drift(rng, length, length / 2, 0.4))
            path = target.centre + distance[:, None] * direction(heading)
        else:
            path = np.array(size) * (rng.uniform(0.1, 0.9, 2) + 0.3 * curve(rng, length, length / 2, 2))
        tracks.append(rigid(appearance.shape, path, axes(half, angle)))
    return tracks


def _path(rng: Generator, still: Track, size: tuple[int, int], every: float) -> np.ndarray:
    """A smooth path, (T, 2) px; in one video of four the target may leave the view by up to a third of its size."""
    bounds = still.bounds_xyxy
    beyond = still.extents.min(0) / 3 if rng.random() < 0.25 else np.zeros(2)
    low, high = -bounds[:, :2].min(0) - beyond, np.array(size) - bounds[:, 2:].max(0) + beyond
    reach = rng.choice([0.03, 0.2, 0.5], p=[0.25, 0.4, 0.35]) * np.array(size)
    walk = reach * curve(rng, len(bounds), every, 2)
    return fit(rng.uniform(low, np.maximum(high, low + 1e-9)) + walk, low, high)
