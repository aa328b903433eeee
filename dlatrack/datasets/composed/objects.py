"""How the objects of a composed video move, and what the camera does: everything but the pixels."""

from __future__ import annotations

from collections.abc import Sequence as Appearances

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.composed.appearance import Appearance
from dlatrack.datasets.synthetic.motion import Body, Track, axes, curve, drift, fit, rigid

#: Smallest side of a target, px, and the largest share of the view that its box may take in either direction.
SMALLEST, LARGEST = 12, 0.6


def draw_target_track(rng: Generator, length: int, size: tuple[int, int], appearance: Appearance) -> Track:
    """A target that crosses the view, grows or shrinks, turns, leans and bends.

    A pair of frames shows what ten times as many frames of a film would: half of the videos are calm, the others are
    not.
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
    still = Track(_body(rng, length, appearance.shape, calm), np.zeros((length, 2)), axes(half, angle))
    extent = still.bounds_xyxy[:, 2:] - still.bounds_xyxy[:, :2]
    shrink = np.minimum(1, LARGEST / (extent / size).max())
    still = Track(still.body, still.centre, still.axes * shrink)
    return Track(still.body, _path(rng, still, size, every), still.axes)


def draw_distractor_tracks(
    rng: Generator, size: tuple[int, int], target: Track, appearances: Appearances[Appearance]
) -> list[Track]:
    """One object per appearance, half of the target's size to twice; most keep close to the target for a while."""
    length = len(target.centre)
    own = 2 * np.sqrt(np.abs(np.linalg.det(target.axes[0])))
    tracks = []
    for appearance in appearances:
        side = own * np.exp(rng.uniform(-0.6, 0.6))
        half = side / 2 * np.exp(0.5 * np.clip(appearance.log_aspect, -1.4, 1.4) * np.array([1, -1]))
        angle = rng.normal(0, 0.15) + drift(rng, length, length / 2, rng.uniform(0, 0.5))
        frame = axes(np.repeat(half[None], length, 0), angle)
        if rng.random() < 0.7:
            heading = rng.uniform(0, 2 * np.pi) + drift(rng, length, length / 2, rng.uniform(0, 1.2))
            distance = (own + side) / 2 * (rng.uniform(1.0, 2.2) + drift(rng, length, length / 2, 0.4))
            path = target.centre + distance[:, None] * np.stack([np.cos(heading), np.sin(heading)], 1)
        else:
            path = np.array(size) * (rng.uniform(0.1, 0.9, 2) + 0.3 * curve(rng, length, length / 2, 2))
        tracks.append(rigid(appearance.shape, path, frame))
    return tracks


def draw_camera(rng: Generator, length: int, size: tuple[int, int], canvas: tuple[int, int]) -> np.ndarray:
    """Pan, zoom and roll over a background of `canvas` (width, height) px; (T, 4) as `synthetic.scene.Scene`."""
    every = length / rng.uniform(0.8, 2)
    zoom = np.exp(drift(rng, length, every, rng.uniform(0, 0.15)))
    roll = drift(rng, length, every, rng.uniform(0, 0.1))
    room = np.maximum((np.array(canvas) - np.array(size) * 1.1) / 2, 0)
    start = rng.uniform(-1, 1, 2) * room
    pan = rng.choice([0.0, 0.1, 0.4], p=[0.3, 0.4, 0.3]) * np.array(size) * curve(rng, length, every, 2)
    position = np.array(canvas) / 2 + np.clip(start + pan, -room, room)
    return np.concatenate([position, zoom[:, None], roll[:, None]], 1)


def _body(rng: Generator, length: int, shape: np.ndarray, calm: bool) -> Body:
    amplitude = np.full(length, rng.uniform(0, 0.03 if calm else 0.12))
    heading = rng.uniform(0, 2 * np.pi, 2)
    wave = rng.uniform(1.5, 3, (2, 1)) * np.stack([np.cos(heading), np.sin(heading)], 1)
    phase = rng.uniform(0, 2 * np.pi, 2) + np.outer(np.arange(length), rng.uniform(-0.6, 0.6, 2))
    return Body(shape, amplitude, wave, phase, np.zeros(length))


def _path(rng: Generator, still: Track, size: tuple[int, int], every: float) -> np.ndarray:
    """A smooth path, (T, 2) px; in one video of four the target may leave the view by up to a third of its size."""
    bounds = still.bounds_xyxy
    extent = (bounds[:, 2:] - bounds[:, :2]).min(0)
    beyond = extent / 3 if rng.random() < 0.25 else np.zeros(2)
    low, high = -bounds[:, :2].min(0) - beyond, np.array(size) - bounds[:, 2:].max(0) + beyond
    walk = (
        rng.choice([0.03, 0.2, 0.5], p=[0.25, 0.4, 0.35]) * np.array(size) * curve(rng, len(bounds), every, 2)
    )
    return fit(rng.uniform(low, np.maximum(high, low + 1e-9)) + walk, low, high)
