"""Overlap of quadrangles by their real areas."""

from __future__ import annotations

import numpy as np

from dlatrack.evaluation.vot.scanline import Span, common_length, crossings, length


def exact_overlaps(a: np.ndarray, b: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Intersection over union of N pairs of quadrangles of any shape, inside an upright rectangle.

    The plane is cut at the height of every corner and of every point where two edges, or an edge and a side of the
    rectangle, meet. Between two such heights all outlines are straight and keep their order, so that an
    area is the length in the middle times the height.

    Args:
        a: (N, 4, 2) corners, x then y, px.
        b: (N, 4, 2).
        limits: (2, 2), first and last x and y of the rectangle; may be infinite.

    Returns:
        (N,) in 0..1; 0 for two regions without area.
    """
    if len(a) == 0:
        return np.zeros(0)
    heights = np.sort(np.clip(_events(a, b, limits), limits[0, 1], limits[1, 1]), 1)
    thickness = np.diff(heights)  # (N, S)
    middle = (heights[:, :-1] + heights[:, 1:]) / 2
    rows = np.full(len(a), middle.shape[1])
    first, second = (_spans(crossings(region, middle.ravel(), rows), limits[:, 0]) for region in (a, b))
    common, total = (
        (lengths.reshape(thickness.shape) * thickness).sum(1)
        for lengths in (common_length(first, second), length(first) + length(second))
    )
    either = total - common
    return np.where(either > 0, common / np.where(either > 0, either, 1), 0)


def _spans(at: np.ndarray, limits: np.ndarray) -> list[Span]:
    """Spans inside a quadrangle between two limits, by the even-odd rule."""
    return [
        (np.maximum(start, limits[0]), np.where(stop < np.inf, np.minimum(stop, limits[1]), -np.inf))
        for start, stop in (at[:2], at[2:])
    ]


def _events(a: np.ndarray, b: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """(N, E) heights between which no two outlines cross; some of them twice."""
    both = np.concatenate([a, b], 1)
    ends = np.concatenate([np.roll(a, 1, 1), np.roll(b, 1, 1)], 1)
    along = ends - both  # (N, 8, 2)
    first, second = np.triu_indices(8, 1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        across = _cross(along[:, first], along[:, second])
        at = _cross(both[:, second] - both[:, first], along[:, second]) / across
        meets = both[:, first, 1] + at * along[:, first, 1]
        at_sides = (limits[:, 0] - both[..., :1]) / along[..., :1]  # (N, 8, 2)
        sides = both[..., 1:] + at_sides * along[..., 1:]
    corner = both[:, :1, 1]
    inside = (at >= 0) & (at <= 1)
    inside_sides = (at_sides >= 0) & (at_sides <= 1)
    return np.concatenate(
        [
            both[..., 1],
            np.where(inside, meets, corner),
            np.where(inside_sides, sides, corner[..., None]).reshape(len(a), -1),
        ],
        1,
    )


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
