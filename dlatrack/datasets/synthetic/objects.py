"""The objects of a synthetic video: the target, its distractors, and its occluders, which composed videos share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.synthetic.motion import (
    BAR,
    Body,
    Track,
    axes,
    curve,
    direction,
    draw_wave,
    drift,
    fit,
    random_outline,
    rigid,
    smoothstep,
)


def draw_shift(rng: Generator, length: int, unit: float, chosen: Collection[str]) -> tuple[np.ndarray, bool]:
    """Sudden motion: shake, and with FM also leaps.

    Args:
        rng: source of the values.
        length: frames T.
        unit: view px per px of a 320 x 240 view.
        chosen: the challenges of the scene.

    Returns:
        (T, 2) px, 0 in frame 0, and whether it is motion of the camera, which moves everything, or of the target.
    """
    shake = rng.uniform(2.5, 6) if "MB" in chosen else rng.uniform(0, 1.2)
    shift = shake * unit * curve(rng, length, 2.2, 2)
    jerk = bool(rng.random() < 0.5)
    if "FM" in chosen:
        reach = rng.uniform(60, 85) * np.array([1.0, rng.uniform(-0.3, 0.3)]) * rng.choice([-1, 1])
        times = np.arange(length)
        starts = np.sort(rng.uniform(0.1, 0.9, int(rng.integers(1, 5)))) * (length - 2)
        for number, start in enumerate(starts):
            shift = shift + (-1) ** number * reach * smoothstep(times, start, 3.5)[:, None]
    return shift - shift[:1], jerk or "MB" in chosen


def draw_synthetic_target(
    rng: Generator,
    length: int,
    size: tuple[int, int],
    unit: float,
    chosen: Collection[str],
    shift: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Track]:
    """Draw a target with the challenges of a scene.

    Args:
        rng: source of the values.
        length: frames T.
        size: view width and height, px.
        unit: view px per px of a 320 x 240 view.
        chosen: the challenges of the scene.
        shift: (T, 2) sudden motion of the target, px.

    Returns:
        Yaw and in-plane angle in radians and the logarithm of the aspect ratio relative to frame 0, each (T,), and
        the track.
    """
    low, high = (14, 17.5) if "LR" in chosen else (25, 110)
    side = low * (high / low) ** rng.random() * (1 if "LR" in chosen else unit)
    grows = -1 if side > 60 * unit else 1 if side < 35 * unit else 0
    swing = rng.uniform(0.42, 0.8) if "SV" in chosen else rng.uniform(0, 0.15)
    scale = np.exp(drift(rng, length, 20, swing, grows))
    turn = 0.45 * np.exp(rng.uniform(0, 1.6)) if "IPR" in chosen else rng.uniform(0, 0.2)
    angle = rng.normal(0, 0.35) + drift(rng, length, 20, turn)
    yaw = drift(rng, length, 24, rng.uniform(0.6, 1.3) if "OPR" in chosen else rng.uniform(0, 0.2))
    bends = "DEF" in chosen
    stretch = drift(rng, length, 16, rng.uniform(0.3, 0.7) if bends and rng.random() < 0.5 else 0.1)
    aspect = np.clip(rng.normal(0, 0.3), -0.6, 0.6)
    logs = np.clip(aspect + stretch, -np.log(2.5), np.log(2.5))
    half = side / 2 * scale[:, None] * np.exp(0.5 * logs[:, None] * [1, -1])
    half[:, 0] *= 0.45 + 0.55 * np.cos(yaw)  # a turning body narrows, but is no sheet of paper
    amplitude = np.full(length, rng.uniform(0.1, 0.2) if bends else rng.uniform(0, 0.03))
    wave, phase = draw_wave(rng, length, 0.4)
    body = Body(random_outline(rng), amplitude, wave, phase, 0.9 * np.sin(yaw))
    still = Track(body, np.zeros((length, 2)), axes(half, angle))
    shrink = np.minimum(1, (0.75 * np.array(size) / still.extents).min(1))
    still = Track(body, still.centre, axes(half * shrink[:, None], angle))
    return yaw, angle, logs - logs[0], placed(rng, still, size, unit, shift, "OV" in chosen)


def placed(
    rng: Generator, still: Track, size: tuple[int, int], unit: float, shift: np.ndarray, leaves: bool
) -> Track:
    """Put an object, whose centre stays at 0, on a smooth path that begins fully inside the image.

    Args:
        rng: source of the values.
        still: the object, its centre at 0 in all T frames.
        size: view width and height, px.
        unit: view px per px of a 320 x 240 view.
        shift: (T, 2) sudden motion, px.
        leaves: whether it makes a trip outside the image.
    """
    length = len(shift)
    bounds = still.bounds_xyxy
    margin = 3 * unit
    low, high = margin - bounds[:, :2].min(0), np.array(size) - margin - bounds[:, 2:].max(0)
    walk = np.array(size) * curve(rng, length, rng.uniform(12, 30), 2)
    fastest = np.hypot(*np.diff(walk, axis=0).T).max(initial=1e-9)
    walk *= min(rng.uniform(2, 11) * unit / fastest, 0.5)
    path = fit(rng.uniform(low, np.maximum(high, low)) + walk + shift, low, high)
    if leaves:
        times, start = np.arange(length), length * rng.uniform(0.2, 0.5)
        ramp = length * rng.uniform(0.15, 0.25)
        stay = ramp + length * rng.uniform(0, 0.12)
        trip = smoothstep(times, start, ramp) - smoothstep(times, start + stay, ramp)
        middle = int(min(start + ramp, length - 1))
        gaps = np.concatenate(
            [path[middle] + bounds[middle, 2:], np.array(size) - path[middle] - bounds[middle, :2]]
        )
        side = int(gaps.argmin())
        distance = gaps[side] - still.extents[middle, side % 2] * rng.choice(
            [-0.2, 0.1, 0.5], p=[0.5, 0.2, 0.3]
        )
        path = path + trip[:, None] * distance * np.array([[-1, 0], [0, -1], [1, 0], [0, 1]][side])
    return replace(still, centre=path)


def draw_synthetic_distractors(
    rng: Generator, size: tuple[int, int], target: Track, twins: int
) -> list[Track]:
    """`twins` objects shaped like the target, the first of which comes close to it, and sometimes others."""
    length = len(target.centre)
    others = int(rng.choice([0, 1, 2], p=[0.55, 0.3, 0.15]))
    own = np.sqrt(np.linalg.det(target.axes[0]))
    tracks = []
    for number in range(twins + others):
        likeness = number < twins
        half = own * rng.uniform(0.8, 1.2) * np.exp(rng.normal(0, 0.0 if likeness else 0.3, 2))
        half = half * (np.linalg.norm(target.axes[0], axis=0) / own if likeness else 1)
        angle = rng.normal(0, 0.4) + drift(rng, length, 20, rng.uniform(0, 0.6))
        middle = 0.5 + rng.uniform(-0.4, 0.4, 2)
        path = np.array(size) * (middle + 0.4 * curve(rng, length, rng.uniform(14, 40), 2))
        if number == 0 and likeness:
            meet = int(rng.integers(length))
            aside = 2.2 * own * direction(rng.uniform(0, 2 * np.pi))
            path += target.centre[meet] - path[meet] + aside
        shape = target.body.shape if likeness else random_outline(rng)
        tracks.append(rigid(shape, path, axes(half, angle)))
    return tracks


def draw_occluders(rng: Generator, size: tuple[int, int], target: Track) -> list[Track]:
    """One or two objects that pass in front of the target, none of which touches it in frame 0."""
    length = len(target.centre)
    times = np.arange(length)
    tracks = []
    for _ in range(int(rng.integers(1, 3))):
        meet = int(length * rng.uniform(0.3, 0.85))
        extent = target.extents[meet] / 2
        full = bool(rng.random() < 0.4)
        heading = rng.uniform(0, 2 * np.pi)
        shape, angle = random_outline(rng), rng.uniform(0, 2 * np.pi)
        half = extent.max() * (rng.uniform(1.5, 2, 2) if full else rng.uniform(0.5, 0.9, 2))
        if rng.random() < 0.5:  # a post or beam across the whole view
            shape, heading = BAR, rng.choice([0, np.pi]) + rng.normal(0, 0.12)
            if rng.random() < 0.3:
                heading += np.pi / 2
            angle = heading
            half = np.array(
                [extent.max() * (rng.uniform(1.2, 1.5) if full else rng.uniform(0.25, 0.6)), 2 * max(size)]
            )
        towards = direction(heading)
        if towards @ (target.centre[min(meet + 4, length - 1)] - target.centre[max(meet - 4, 0)]) < 0:
            towards = -towards  # against the motion of the target, or both would travel together for long
        aside = 0 if full else rng.uniform(-0.4, 0.4) * extent.max()
        wait = rng.uniform(0, 5) if full else rng.uniform(0, 2)
        since = times - meet
        speed = 2 * (half.min() + extent.max()) / rng.uniform(10, 25)  # px per frame: over in 10 to 25 frames
        travel = np.sign(since) * np.maximum(np.abs(since) - wait, 0) * speed
        path = target.centre[meet] + aside * towards[::-1] * [-1, 1] - travel[:, None] * towards
        frame = axes(half, np.full(length, angle))
        track = rigid(shape, path, frame)
        gap = (track.outlines[0] @ towards).min() - (target.outlines[0] @ towards).max()
        push = max(4 - gap, 0) * np.clip(-since / meet, 0, 1) if meet else 0
        tracks.append(rigid(shape, path + np.multiply.outer(push, towards), frame))
    return tracks
