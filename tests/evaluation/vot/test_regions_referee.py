"""Overlap of any regions: a plain referee that draws pixel by pixel, and what must hold for all."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.boxes import iou, xywh_to_xyxy
from dlatrack.evaluation.vot.regions import RegionProtocol, region_corners, region_overlaps


def drawn(
    region: list[float], bounds: tuple[int, int] | None
) -> tuple[list[tuple[float, float]], list[float]]:
    """The referee's corners, and left, top, right and bottom as clipped by the bounds."""
    v = [np.float32(value) for value in region if not math.isnan(value)]
    if len(v) == 4:
        v = [v[0], v[1], v[0] + v[2], v[1], v[0] + v[2], v[1] + v[3], v[0], v[1] + v[3]]
    points = [(float(x), float(y)) for x, y in zip(v[::2], v[1::2], strict=True)]
    xs, ys = zip(*points, strict=True)
    box = [math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys))]
    if bounds is not None:
        box = [max(box[0], 0), max(box[1], 0), min(box[2], bounds[0]), min(box[3], bounds[1])]
    return points, box


def painted(points: list[tuple[int, int]], width: int, height: int) -> set[tuple[int, int]]:
    """The referee's pixels, one row and one edge at a time."""
    pixels = set()
    for row in range(height):
        hits = []
        for (xa, ya), (xb, yb) in zip(points, [points[-1], *points[:-1]], strict=True):
            if ya != yb and min(ya, yb) <= row <= max(ya, yb):
                hits.append(int(xa + (row - ya) / (yb - ya) * (xb - xa)))
        hits.sort()
        taken = 0
        for index, (start, stop) in enumerate(pairwise(hits)):
            if index >= taken and start != stop:
                pixels |= {(x, row) for x in range(max(start, 0), min(stop, width - 1) + 1)}
                taken = index + 2
    return pixels


def referee(a: list[float], b: list[float], bounds: tuple[int, int] | None) -> float:
    """pysot's overlap as its rules are told: draw both regions and count."""
    (points_a, box_a), (points_b, box_b) = drawn(a, bounds), drawn(b, bounds)
    if max(box_a[0], box_b[0]) >= min(box_a[2], box_b[2]) or max(box_a[1], box_b[1]) >= min(
        box_a[3], box_b[3]
    ):
        return 0.0
    left, top = min(box_a[0], box_b[0]), min(box_a[1], box_b[1])
    width, height = int(max(box_a[2], box_b[2]) - left) + 1, int(max(box_a[3], box_b[3]) - top) + 1

    def nearest(value: float, origin: float) -> int:
        moved = float(np.float32(value) - np.float32(origin))
        return int(math.copysign(math.floor(abs(moved) + 0.5), moved))

    in_a, in_b = (
        painted([(nearest(x, left), nearest(y, top)) for x, y in points], width, height)
        for points in (points_a, points_b)
    )
    return len(in_a & in_b) / len(in_a | in_b) if in_a | in_b else 0.0


NUMBER = st.one_of(st.floats(-15, 45, width=32), st.integers(-30, 90).map(lambda half: half / 2))
POLYGON = st.lists(NUMBER, min_size=8, max_size=8)
BOX = st.tuples(NUMBER, NUMBER, st.floats(-2, 40, width=32), st.floats(-2, 40, width=32)).map(
    lambda box: [*box, *[math.nan] * 4]
)
PAIRS = st.lists(st.tuples(POLYGON, st.one_of(POLYGON, BOX)), min_size=1, max_size=6)


@settings(max_examples=80, deadline=None)
@given(pairs=PAIRS, bounds=st.sampled_from([None, (32, 24), (31, 23)]))
def test_pixels_agree_with_the_referee(pairs: list[Any], bounds: tuple[int, int] | None) -> None:
    """To the last bit, for any polygons: crossed, dented, flat, outside."""
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    assert region_overlaps(a, b, bounds=bounds).tolist() == [referee(*pair, bounds) for pair in pairs]


@settings(max_examples=50, deadline=None)
@given(
    pairs=PAIRS,
    protocol=st.sampled_from(["pysot", "vot_toolkit", "exact"]),
    bounds=st.sampled_from([None, (32, 24)]),
)
def test_overlap_is_symmetric_and_a_share(
    pairs: list[Any], protocol: RegionProtocol, bounds: tuple[int, int] | None
) -> None:
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    result = region_overlaps(a, b, bounds=bounds, protocol=protocol)
    assert ((result >= 0) & (result <= 1 + 1e-12)).all()
    assert result == pytest.approx(region_overlaps(b, a, bounds=bounds, protocol=protocol), abs=1e-9)
    own = region_overlaps(a, a, bounds=bounds, protocol=protocol)
    assert np.minimum(own, 1 - own) == pytest.approx(0, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(boxes=st.lists(st.tuples(*[st.floats(0.1, 50)] * 8), min_size=1, max_size=6))
def test_exact_overlap_of_boxes_is_their_iou(boxes: list[tuple[float, ...]]) -> None:
    a, b = np.split(np.array(boxes), 2, axis=1)
    expected = iou(xywh_to_xyxy(a), xywh_to_xyxy(b))
    assert region_overlaps(a, b, protocol="exact") == pytest.approx(expected, abs=1e-9)
    as_polygons = region_corners(b).reshape(-1, 8)[:, [2, 3, 4, 5, 6, 7, 0, 1]]
    assert region_overlaps(a, as_polygons, protocol="exact") == pytest.approx(expected, abs=1e-9)
