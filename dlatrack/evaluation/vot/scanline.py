"""Rows of quadrangles: the stretches of a row that lie inside, and the length that two regions share.

Nothing is drawn. A row meets the four edges of a quadrangle in at most four places, so its pixels are at most two
stretches, and counting them takes a handful of array operations for all rows of many pairs at once. Arrays are laid
out (edge, row), and a span is a pair of arrays (from, to), half open, one entry per row; an empty one runs from
`inf` to `-inf`.
"""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np

Span = tuple[np.ndarray, np.ndarray]

#: Compare-and-swap steps that put four values in order.
_SORT_FOUR = ((0, 1), (2, 3), (0, 2), (1, 3), (1, 2))


def crossings(corners: np.ndarray, y: np.ndarray, rows: np.ndarray, *, level: float = np.nan) -> np.ndarray:
    """Where rows cross the edges of quadrangles, ends of edges included.

    An edge runs from a corner to the corner before it. That is the direction of the toolkits, and it matters: a
    crossing on a whole number from one end can come out just below it from the other, and is cut to another pixel.

    Args:
        corners: (N, 4, 2), x then y; NaN corners make no edges.
        y: (R,) heights of the rows, those of quadrangle 0 first.
        rows: (N,) how many rows each quadrangle has, R in all.
        level: rise that a horizontal edge is given. NaN: no row crosses it; 0.5: of rows at whole numbers the one it
            lies on crosses it, at its first corner.

    Returns:
        (4, R) x of the crossings in ascending order, `inf` in place of edges that are not crossed.
    """
    before = [3, 0, 1, 2]
    x, top = corners.T  # (4, N) each
    run, rise = x[before] - x, top[before] - top
    rise = np.where(rise == 0, level, rise)
    x, top, run, rise = (np.repeat(each, rows, axis=1) for each in (x, top, run, rise))
    share = (y - top) / rise
    at = np.where((share >= 0) & (share <= 1), x + share * run, np.inf)
    for i, j in _SORT_FOUR:
        at[i], at[j] = np.minimum(at[i], at[j]), np.maximum(at[i], at[j])
    return at


def pixel_spans(at: np.ndarray, width: np.ndarray, *, points: bool) -> list[Span]:
    """The pixels a scanline fill covers in each row, both ends included.

    The fill goes from a crossing to the next and leaves out the gap that follows, in turn. Where two crossings are
    equal (a corner, met by both its edges) the first is passed over, unless they are the last two.

    Args:
        at: (4, R) as `crossings` gives them, on whole numbers.
        width: (R,) pixels in the row; 0..width-1 are counted.
        points: whether a stretch from a crossing to an equal one is a pixel or nothing.

    Returns:
        One or two spans of (R,) that share no pixel.
    """
    c0, c1, c2, c3 = at
    corner = (c0 == c1) & (c2 < np.inf)
    first = _covered(np.where(corner, c1, c0), np.where(corner, c2, c1), width, points)
    second_starts = np.where(corner & (c1 < c2), np.inf, c2)
    if not (np.maximum(second_starts, c3) < np.inf).any():
        return [first]
    start, stop = _covered(second_starts, c3, width, points)
    return [first, (np.maximum(start, first[1]), stop)]


def _covered(first: np.ndarray, last: np.ndarray, width: np.ndarray, points: bool) -> Span:
    filled = (first <= last if points else first < last) & (last < np.inf)
    return (
        np.where(filled, np.maximum(first, 0), np.inf),
        np.where(filled, np.minimum(last + 1, width), -np.inf),
    )


def length(spans: list[Span]) -> np.ndarray:
    """(R,) length of all spans of a row together."""
    return reduce(np.add, [(stop - start).clip(0) for start, stop in spans])


def common_length(a: list[Span], b: list[Span]) -> np.ndarray:
    """(R,) length that lies in a span of `a` and in a span of `b`."""
    return reduce(
        np.add,
        [
            (np.minimum(a_stop, b_stop) - np.maximum(a_start, b_start)).clip(0)
            for (a_start, a_stop), (b_start, b_stop) in product(a, b)
        ],
    )
