"""Regression targets and centre-ness of the positives as small maps around the target."""

from __future__ import annotations

import numpy as np

from dlatrack.pixels.colours import GREY
from dlatrack.pixels.text import rgb, write_line
from dlatrack.viz.laboratory.study import RuleView

_LEAST_CELLS = 7  # least side of a map, so that one positive does not fill it
_EMPTY = np.array([238, 238, 238], np.uint8)
_POINT_NAMES = ("left, px", "top, px", "right, px", "bottom, px")
_ANCHOR_NAMES = ("dx", "dy", "dw", "dh")


def target_maps(rule: RuleView, width: int, height: int) -> np.ndarray:
    """Maps of the regression targets and of centre-ness at the positives, (height, width, 3) uint8.

    Dark is low and light is high within each map; its lowest and highest value stand below it. With several anchors
    per point a cell shows the mean of its positive anchors, and the last map their number. Grey cells have no
    positive.
    """
    image = np.full((height, width, 3), 255, np.uint8)
    maps = _maps(rule)
    size = rule.assigner.grid.size
    rows, columns = _window(np.isfinite(next(iter(maps.values()))).reshape(size, size))
    room = width // len(maps)
    side = min(room - 6, height - 46)
    cell = max(side // (rows.stop - rows.start), 1)
    for number, (name, values) in enumerate(maps.items()):
        part = values.reshape(size, size)[rows, columns]
        colours = np.repeat(np.repeat(_shaded(part), cell, 0), cell, 1)
        colours[::cell], colours[:, ::cell] = 255, 255
        left, centre = number * room + (room - colours.shape[1]) // 2, number * room + room / 2
        image[18 : 18 + colours.shape[0], left : left + colours.shape[1]] = colours
        write_line(image, name, centre, 12, size=11, align="centre")
        known = part[np.isfinite(part)]
        text = _span(known)
        write_line(image, text, centre, 18 + colours.shape[0] + 12, size=10, colour=rgb(GREY), align="centre")
    title = "training targets of the positives, cell by cell"
    write_line(image, title, width / 2, height - 5, size=11, align="centre")
    return image


def _maps(rule: RuleView) -> dict[str, np.ndarray]:
    """Five maps (N,) by name, NaN where there is no positive."""
    anchors = len(rule.assigner.anchor_shapes)
    values = rule.regression.reshape(-1, anchors, 4)
    known = np.isfinite(values[..., 0])
    count = known.sum(1)
    mean = np.where(known[..., None], values, 0).sum(1) / np.where(count, count, np.nan)[:, None]
    if rule.centerness is None:
        return dict(zip(_ANCHOR_NAMES, mean.T, strict=True)) | {"anchors": np.where(count, count, np.nan)}
    return dict(zip(_POINT_NAMES, mean.T, strict=True)) | {"centre-ness": rule.centerness}


def _window(known: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the smallest square part of a map that has all known cells and a border of one."""
    size = known.shape[0]
    if not known.any():
        return slice(0, min(_LEAST_CELLS, size)), slice(0, min(_LEAST_CELLS, size))
    spans = [np.flatnonzero(known.any(axis))[[0, -1]] for axis in (1, 0)]
    side = min(max(*(int(last - first) + 3 for first, last in spans), _LEAST_CELLS), size)
    starts = [min(max(int(first + last + 1 - side) // 2, 0), size - side) for first, last in spans]
    return slice(starts[0], starts[0] + side), slice(starts[1], starts[1] + side)


def _shaded(values: np.ndarray) -> np.ndarray:
    """(h, w) to (h, w, 3) uint8: dark green for the lowest, through green, to light yellow for the highest."""
    known = np.isfinite(values)
    picture = np.broadcast_to(_EMPTY, (*values.shape, 3)).copy()
    if known.any():
        low, high = values[known].min(), values[known].max()
        share = (values[known] - low) / (high - low) if high > low + 1e-9 else np.ones(int(known.sum()))
        stops = np.array([[12, 44, 84], [0, 158, 115], [240, 228, 66]], np.float64)
        picture[known] = np.stack([np.interp(share, (0, 0.5, 1), stops[:, band]) for band in range(3)], 1)
    return picture


def _span(values: np.ndarray) -> str:
    """The lowest and highest value, e.g. "0.3..0.9"; one number where both have the same text."""
    if not len(values):
        return "none"
    low, high = f"{values.min():.2g}", f"{values.max():.2g}"
    return low if low == high else f"{low}..{high}"
