"""Overlap of regions, boxes or polygons of four corners, as the VOT toolkits count it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import numpy as np

from dlatrack.datasets.box_text import MOST_PIXELS
from dlatrack.datasets.vot2019 import box_corners
from dlatrack.errors import InputError
from dlatrack.evaluation.vot.polygons import exact_overlaps
from dlatrack.evaluation.vot.scanline import common_length, crossings, length, pixel_spans

RegionProtocol = Literal["pysot", "vot_toolkit", "exact"]

#: Rows taken at once: enough to make the loop over blocks cheap, few enough to stay in the processor's cache.
_BLOCK_ROWS = 8192

#: A canvas with more rows is a mistake in the coordinates, not an image.
_MOST_ROWS = 1_000_000

#: Clipped bounds whose areas differ by more than this factor count as apart.
_LARGEST_AREA_RATIO = 1e10


def region_overlaps(
    a: np.ndarray,
    b: np.ndarray,
    *,
    bounds: tuple[int, int] | None = None,
    protocol: RegionProtocol = "pysot",
) -> np.ndarray:
    """Intersection over union of N pairs of regions.

    Protocols:
        pysot: results of pysot's compiled extension. Both regions are drawn on a canvas and their pixels counted.
            Coordinates are float32; a box becomes the polygon of its corners; the canvas is what the bounds leave of
            both regions; corners are counted from its origin and rounded, halves away from zero; a row is filled from
            crossing to crossing, both ends included, and tips of a single pixel are not. So a box of 30 x 40 px has
            31 x 41 pixels, and overlaps come out a little above the exact ones. Regions whose bounds only touch, or
            of which nothing is left inside the bounds, overlap by 0.
        vot_toolkit: results of the VOT toolkit 0.9 in Python. Coordinates are rounded before anything else, halves
            to even; a box of 30 x 40 px has 30 x 40 pixels, and none if a side rounds to 0; a polygon is filled with
            its ends, tips and horizontal edges. Two regions without a pixel overlap by 1, unless they leave no
            canvas either. Without bounds a box is cut off too early on a canvas that starts below 0, at the row and
            column with the number of the image's where the canvas ends: a slip of the toolkit, kept.
        exact: real areas inside the bounds, in float64, as got10k takes them. Of a region that crosses itself the
            parts count that a ray from outside reaches after an odd number of edges.

    Args:
        a: (N, 4) xywh boxes or (N, 8) polygons x1, y1 ... x4, y4, px. A row of (N, 8) whose last four numbers are NaN
            is a box.
        b: the same; may have the other width.
        bounds: width and height: regions count from 0 to these. The reset protocol and accuracy use the size of the
            image; pysot's EAO uses one pixel less each way. None: no bounds.
        protocol: one of the three above.

    Returns:
        (N,) float64 in 0..1; NaN where a coordinate is missing or infinite.

    Raises:
        InputError: naming the shape, bounds, protocol or pair that cannot be compared.

    Source: VOT2013 to VOT2019 (Kristan et al.), reset-based experiment; the toolkits STVIR/pysot,
    votchallenge/toolkit and got-10k/toolkit.
    """
    if protocol not in get_args(RegionProtocol):
        raise InputError(
            f"there is no overlap {protocol!r}; choose from {', '.join(get_args(RegionProtocol))}"
        )
    limits = _checked_bounds(bounds)
    first, second = _checked_regions(a, "a"), _checked_regions(b, "b")
    if len(first) != len(second):
        raise InputError(f"a has {len(first)} regions and b has {len(second)}; they are compared in pairs")
    result = np.full(len(first), np.nan)
    whole = np.flatnonzero(_is_whole(first) & _is_whole(second))
    first, second = first[whole], second[whole]
    if protocol == "exact":
        result[whole] = exact_overlaps(region_corners(first), region_corners(second), limits)
    else:
        canvas = _pysot_canvas if protocol == "pysot" else _toolkit_canvas
        result[whole] = _counted(canvas(first, second, limits), whole)
    return result


def region_corners(regions: np.ndarray) -> np.ndarray:
    """Regions as (N, 4, 2) corners; a box clockwise from its top left.

    Args:
        regions: (N, 4) or (N, 8) as in `region_overlaps`; the sums x + w and y + h are taken in its own precision.
    """
    of_boxes = box_corners(regions[:, :4])
    if regions.shape[1] == 4:
        return of_boxes
    return np.where(is_box(regions)[:, None, None], of_boxes, regions.reshape(-1, 4, 2))


def is_box(regions: np.ndarray) -> np.ndarray:
    """(N,) bool, which rows of (N, 4) or (N, 8) regions are boxes."""
    return np.isnan(regions[:, 4:]).all(1)


def _checked_regions(regions: np.ndarray, name: str) -> np.ndarray:
    rows = np.asarray(regions, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] not in (4, 8):
        raise InputError(f"regions {name} must have shape (N, 4) or (N, 8), got {rows.shape}")
    wild = (np.isfinite(rows) & (np.abs(rows) >= MOST_PIXELS)).any(1)
    if wild.any():
        pair = int(wild.argmax())
        raise InputError(
            f"pair {pair}: region {name} is {rows[pair].tolist()}; numbers must be below {MOST_PIXELS:g}"
        )
    return rows


def _checked_bounds(bounds: tuple[int, int] | None) -> np.ndarray:
    """(2, 2), first and last x and y."""
    if bounds is None:
        return np.array([[-np.inf] * 2, [np.inf] * 2])
    width, height = bounds
    if not (0 < width < MOST_PIXELS and 0 < height < MOST_PIXELS and width % 1 == height % 1 == 0):
        raise InputError(f"bounds must be width and height in whole px above 0, got {bounds}")
    return np.array([[0.0, 0.0], [width, height]])


def _is_whole(regions: np.ndarray) -> np.ndarray:
    return np.isfinite(regions[:, :4]).all(1) & (is_box(regions) | np.isfinite(regions[:, 4:]).all(1))


class _Canvas(NamedTuple):
    """Regions of N pairs as they are drawn."""

    #: (N, 4, 2) float64 corners, whole pixels counted from the canvas's origin; NaN: nothing to draw
    a: np.ndarray
    b: np.ndarray  #: the same for the other regions
    size: np.ndarray  #: (N, 2) width and height of the canvas; not above 0: the overlap is 0
    points: bool  #: whether a row of a single pixel counts, see `pixel_spans`
    level: float  #: rise of horizontal edges, see `crossings`
    blank: float  #: overlap of two regions without a pixel


def _pysot_canvas(a: np.ndarray, b: np.ndarray, limits: np.ndarray) -> _Canvas:
    drawn = [region_corners(regions.astype(np.float32)) for regions in (a, b)]
    low = [np.maximum(np.floor(region.min(1)).astype(float), limits[0]) for region in drawn]
    high = [np.minimum(np.ceil(region.max(1)).astype(float), limits[1]) for region in drawn]
    areas = [(stop - start).prod(1) for start, stop in zip(low, high, strict=True)]
    meet = (np.maximum(*low) < np.minimum(*high)).all(1)
    meet &= np.maximum(*areas) <= _LARGEST_AREA_RATIO * np.minimum(*areas)
    origin = np.minimum(*low)
    size = np.where(meet[:, None], np.maximum(*high) - origin + 1, 0)
    shift = origin[:, None].astype(np.float32)
    placed = [_rounded_away((region - shift).astype(float)) for region in drawn]
    return _Canvas(placed[0], placed[1], size, points=False, level=np.nan, blank=0.0)


def _toolkit_canvas(a: np.ndarray, b: np.ndarray, limits: np.ndarray) -> _Canvas:
    drawn = [_toolkit_corners(regions) for regions in (a, b)]
    last = limits[1] - 1
    low = np.maximum(np.minimum(*(region.min(1) for region in drawn)), limits[0])
    high = np.minimum(np.maximum(*(region.max(1) for region in drawn)), last)
    shifted = []
    for regions, region in zip((a, b), drawn, strict=True):
        box, placed = is_box(regions), region - low[:, None]
        # The slip: `high` is counted from the image's origin, `placed` from the canvas's.
        placed[box, 1:] = np.minimum(placed[box, 1:], high[box, None])
        placed[box & (placed[:, 0] > placed[:, 2]).any(1)] = np.nan
        shifted.append(placed)
    return _Canvas(shifted[0], shifted[1], high - low + 1, points=True, level=0.5, blank=1.0)


def _toolkit_corners(regions: np.ndarray) -> np.ndarray:
    """(N, 4, 2) corners on whole pixels; those of a box are its first and last pixels."""
    rounded = np.round(regions.astype(np.float32)).astype(float)
    box = is_box(rounded)
    rounded[box, 2:4] -= 1
    return region_corners(rounded)


def _rounded_away(values: np.ndarray) -> np.ndarray:
    """Values rounded to whole numbers, halves away from zero."""
    return np.trunc(values + np.copysign(0.5, values))


def _counted(canvas: _Canvas, pairs: np.ndarray) -> np.ndarray:
    """(N,) overlaps by the pixels of each pair; `pairs` are their numbers, for messages."""
    result = np.zeros(len(pairs))
    drawn = np.flatnonzero((canvas.size > 0).all(1))
    rows = canvas.size[drawn, 1].astype(int)
    if (rows > _MOST_ROWS).any():
        pair = pairs[drawn[rows.argmax()]]
        raise InputError(f"pair {pair} spans {rows.max()} px in height; at most {_MOST_ROWS} can be compared")
    for block in _blocks(rows):
        some = drawn[block]
        result[some] = _counted_block(
            canvas._replace(a=canvas.a[some], b=canvas.b[some], size=canvas.size[some])
        )
    return result


def _blocks(rows: np.ndarray) -> Iterator[slice]:
    """Slices of pairs, each with about `_BLOCK_ROWS` rows in all."""
    starts = np.flatnonzero(np.diff(np.cumsum(rows) // _BLOCK_ROWS, prepend=-1)).tolist()
    return (slice(*ends) for ends in pairwise([*starts, len(rows)]))


def _counted_block(canvas: _Canvas) -> np.ndarray:
    rows = canvas.size[:, 1].astype(int)
    starts = np.cumsum(rows) - rows
    y = np.arange(float(rows.sum())) - np.repeat(starts, rows)
    width = np.repeat(canvas.size[:, 0], rows)
    a, b = (
        pixel_spans(np.trunc(crossings(region, y, rows, level=canvas.level)), width, points=canvas.points)
        for region in (canvas.a, canvas.b)
    )
    common = np.add.reduceat(common_length(a, b), starts)
    either = np.add.reduceat(length(a) + length(b), starts) - common
    return np.where(either > 0, common / np.maximum(either, 1), canvas.blank)
