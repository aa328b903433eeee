"""Smooth random curves over time, and the outlines that move along them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.random import Generator
from scipy.interpolate import CubicSpline

#: Points of a closed outline.
OUTLINE_POINTS = 96


def generator(seed: int, *stream: int) -> Generator:
    """The random generator of one stream of a video's seed; streams are independent of each other."""
    return np.random.Generator(np.random.PCG64([seed, *stream]))


def direction(angle: float | np.ndarray) -> np.ndarray:
    """Unit vectors (..., 2) of angles (...) in radians."""
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def curve(rng: Generator, length: int, every: float, columns: int = 1) -> np.ndarray:
    """A random cubic spline with a knot about every `every` frames, (length, columns), values about -1..1."""
    knots = max(int(np.ceil(length / every)) + 1, 3)
    times = np.linspace(0, max(length - 1, 1), knots)
    return CubicSpline(times, rng.uniform(-1, 1, (knots, columns)))(np.arange(length))


def drift(rng: Generator, length: int, every: float, swing: float, sign: int = 0) -> np.ndarray:
    """A smooth curve (length,) that starts at 0 and whose largest excursion is exactly `swing`.

    Args:
        rng: source of the knots.
        length: frames.
        every: frames between knots.
        swing: largest absolute value; a curve of one frame stays at 0.
        sign: sign of the largest excursion, 1 or -1; 0 leaves it to chance.
    """
    values = curve(rng, length, every)[:, 0]
    values -= values[0]
    peak = values[np.abs(values).argmax()]
    return values * (swing / (peak * sign if sign else abs(peak))) if peak else values


def smoothstep(times: np.ndarray, start: float, duration: float) -> np.ndarray:
    """0 before `start`, 1 after `start + duration`, a smooth rise between."""
    x = np.clip((times - start) / duration, 0, 1)
    return x * x * (3 - 2 * x)


def fit(path: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Shrink and shift a path (T, 2) until it lies between the points `low` and `high` (2,)."""
    room = np.maximum(high - low, 0)
    bottom, top = path.min(0), path.max(0)
    factor = np.minimum(1, room / np.maximum(top - bottom, 1e-9))
    path = path * factor
    return path + np.clip(0, low - path.min(0), np.maximum(high - path.max(0), low - path.min(0)))


def random_outline(rng: Generator) -> np.ndarray:
    """A closed random shape that fills the square from -1 to 1: smooth, polygonal, elliptic or boxy.

    Returns:
        (96, 2) float64 points, x then y, in order around the shape.
    """
    turn = np.linspace(0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)
    kind = rng.choice(4, p=[0.45, 0.2, 0.15, 0.2])
    if kind == 0:
        waves = np.arange(2, 6)[:, None]
        heights = rng.normal(0, 0.32, (4, 1)) / waves
        radius = np.maximum(1 + (heights * np.cos(waves * turn + rng.uniform(0, 7, (4, 1)))).sum(0), 0.35)
        points = radius[:, None] * direction(turn)
    elif kind == 1:
        corners = int(rng.integers(3, 9))
        angles = 2 * np.pi * (np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) / corners
        corner = rng.uniform(0.6, 1, (corners, 1)) * direction(angles)
        closed = np.vstack([corner, corner[:1]])
        along = np.linspace(0, corners, OUTLINE_POINTS, endpoint=False)
        points = np.stack([np.interp(along, np.arange(corners + 1), closed[:, c]) for c in (0, 1)], 1)
    else:
        power = 1.0 if kind == 2 else rng.uniform(0.15, 0.6)  # superellipse: 1 an ellipse, near 0 a box
        cos, sin = np.cos(turn), np.sin(turn)
        points = np.stack([np.sign(a) * np.abs(a) ** power for a in (cos, sin)], 1)
    return fill_square(points)


def fill_square(points: np.ndarray) -> np.ndarray:
    """Stretch and shift points (P, 2) until they fill the square from -1 to 1."""
    low, high = points.min(0), points.max(0)
    filling: np.ndarray = (2 * points - low - high) / (high - low)
    return filling


#: Outline of a rectangle, (96, 2).
BAR = np.stack(
    [np.interp(np.arange(96) / 24, np.arange(5), side) for side in ([-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1])],
    1,
)


@dataclass(frozen=True, eq=False)
class Body:
    """An object in its own coordinates: outline and non-rigid motion over T frames."""

    shape: np.ndarray  #: (P, 2) outline at rest, -1..1
    amplitude: np.ndarray  #: (T,) height of the waves that bend the object, in object units, at most 0.2
    #: (2, 2) wave vectors of the displacement in x and in y, radians per object unit, norm at most 3
    wave: np.ndarray
    phase: np.ndarray  #: (T, 2) phases of the two waves
    scroll: np.ndarray  #: (T,) distance that the surface has turned sideways under the outline, object units

    def bend(self, index: int | slice, points: np.ndarray) -> np.ndarray:
        """Displacement of `points` (..., 2) at one frame, or at a slice of frames with points (T, P, 2)."""
        phase, amplitude = self.phase[index], self.amplitude[index]
        if isinstance(index, slice):
            phase, amplitude = phase[:, None], amplitude[:, None, None]
        return amplitude * np.sin(points @ self.wave.T + phase)

    @cached_property
    def outlines(self) -> np.ndarray:
        """(T, P, 2) the bent outline: the points q with q + bend(q) on the outline at rest."""
        rest = np.broadcast_to(self.shape, (len(self.scroll), *self.shape.shape))
        points = rest
        for _ in range(14 if self.amplitude.any() else 0):  # a contraction by at most 0.2 * 3
            points = rest - self.bend(slice(None), points)
        return points


@dataclass(frozen=True, eq=False)
class Track:
    """An object in the view over T frames.

    The view point v shows the point q + bend(q) of the object at rest, with q = axes^-1 (v - centre): the body
    bends, then `axes` scales, stretches and turns it, then `centre` places it. Pixel i of the view spans i to i + 1.
    With a `tilt` the object lies in a plane that is seen in perspective: q = w / (1 - tilt . w) with
    w = axes^-1 (v - centre), which is any homography between the object's plane and the view.
    """

    body: Body  #: the object in its own coordinates
    centre: np.ndarray  #: (T, 2) view px
    axes: np.ndarray  #: (T, 2, 2) px per object unit; columns are the object's x and y direction
    tilt: np.ndarray | None = None  #: (T, 2) growth of the depth per object unit; None: no perspective

    @cached_property
    def outlines(self) -> np.ndarray:
        """(T, P, 2) view px: the outline in every frame."""
        points = self.body.outlines
        if self.tilt is not None:
            points = points / (1 + points @ self.tilt[:, :, None])
        return points @ self.axes.transpose(0, 2, 1) + self.centre[:, None]

    @cached_property
    def bounds_xyxy(self) -> np.ndarray:
        """(T, 4) view px: the tight axis-aligned box of the whole outline, not clipped to the image."""
        return np.concatenate([self.outlines.min(1), self.outlines.max(1)], 1)

    @property
    def extents(self) -> np.ndarray:
        """(T, 2) width and height of the tight upright box, px."""
        return self.bounds_xyxy[:, 2:] - self.bounds_xyxy[:, :2]

    @cached_property
    def polygons(self) -> np.ndarray:
        """(T, 4, 2) view px: the tight box along the object's own axes, from its top left corner clockwise."""
        across = self.axes / np.linalg.norm(self.axes, axis=1, keepdims=True)  # (T, 2, 2) orthonormal columns
        if self.tilt is not None:  # perspective shears: keep the object's x direction
            across[:, :, 1] = across[:, ::-1, 0] * [-1, 1]
        along = self.outlines @ across
        low, high = along.min(1), along.max(1)
        corners = np.stack(
            [low, np.stack([high[:, 0], low[:, 1]], 1), high, np.stack([low[:, 0], high[:, 1]], 1)], 1
        )
        return corners @ across.transpose(0, 2, 1)


def projected(body: Body, homographies: np.ndarray) -> Track:
    """The track of a body whose plane is mapped to the view by homographies (T, 3, 3), object units to view px."""
    scaled = homographies / homographies[:, 2:, 2:]
    centre, tilt = scaled[:, :2, 2], scaled[:, 2, :2]
    return Track(body, centre, scaled[:, :2, :2] - centre[:, :, None] * tilt[:, None], tilt)


def rigid(shape: np.ndarray, centre: np.ndarray, axes: np.ndarray) -> Track:
    """A track whose body neither bends nor turns sideways."""
    still = np.zeros(len(centre))
    return Track(Body(shape, still, np.zeros((2, 2)), np.zeros((len(centre), 2)), still), centre, axes)


def draw_wave(rng: Generator, length: int, fastest: float) -> tuple[np.ndarray, np.ndarray]:
    """Wave vectors (2, 2) and phases (T, 2) of a `Body`; the phases change by at most `fastest` radians per frame."""
    heading = direction(rng.uniform(0, 2 * np.pi, 2))
    wave = rng.uniform(1.5, 3, (2, 1)) * heading
    phase = rng.uniform(0, 2 * np.pi, 2) + np.outer(np.arange(length), rng.uniform(-fastest, fastest, 2))
    return wave, phase


def axes(half_sizes: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Axes (T, 2, 2) of a `Track` from half sizes, (T, 2) or (2,) px, and angles, (T,) radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    return turn * half_sizes[..., None, :]


def shown_fractions(
    target: Track, occluders: list[Track], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the target's area inside the image and visible, each (T,), on a 64 x 64 raster over its box.

    Args:
        target: the target.
        occluders: objects in front of it.
        size: view width and height, px.

    Returns:
        Share inside the image, and share that is also free of occluders.
    """
    cells = 64
    frames = len(target.centre)
    inside, shown = np.ones(frames), np.ones(frames)
    view = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], float)
    for t, bounds in enumerate(target.bounds_xyxy):
        near = [o.outlines[t] for o in occluders if _meet(o.bounds_xyxy[t], bounds)]
        leaves = bounds.min() < 0 or bounds[2] > size[0] or bounds[3] > size[1]
        if not near and not leaves:
            continue
        masks = np.zeros((3, cells, cells), np.uint8)
        cell = (bounds[2:] - bounds[:2]) / cells
        _fill(masks[0], (target.outlines[t] - bounds[:2]) / cell)
        _fill(masks[1], (view - bounds[:2]) / cell)
        for polygon in near:
            _fill(masks[2], (polygon - bounds[:2]) / cell)
        total = max(int(masks[0].sum()), 1)
        inside[t] = (masks[0] & masks[1]).sum() / total
        shown[t] = (masks[0] & masks[1] & (1 - masks[2])).sum() / total
    return inside, shown


def _meet(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> bool:
    return bool((a_xyxy[:2] < b_xyxy[2:]).all() and (b_xyxy[:2] < a_xyxy[2:]).all())


def _fill(mask: np.ndarray, polygon: np.ndarray) -> None:
    fixed = np.rint(np.clip(polygon - 0.5, -4000, 4000) * 16).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 1, cv2.LINE_8, 4)
