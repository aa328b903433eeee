"""The coordinates and the look of what is drawn in axes, by kind of artist."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle, StepPatch
from matplotlib.text import Text
from matplotlib.transforms import Transform


def coordinates(part: Artist, ax: Axes) -> Iterator[dict[str, Any]]:
    """Rows of an artist, as in `tidy.tidy`, in the units of the axes."""
    read = next(reader for kind, reader in _READERS if isinstance(part, kind))
    yield from read(part, ax)


def _of_line(part: Line2D, ax: Axes) -> Iterator[dict[str, Any]]:
    kind = "points" if part.get_linestyle() in ("None", "", " ") else "line"
    for x, y in _in_data(part.get_xydata(), part.get_transform(), ax):
        yield {"kind": kind, "x": x, "y": y}


def _of_points(part: PathCollection, ax: Axes) -> Iterator[dict[str, Any]]:
    for x, y in _in_data(part.get_offsets(), part.get_offset_transform(), ax):
        yield {"kind": "points", "x": x, "y": y}


def _of_segments(part: LineCollection, ax: Axes) -> Iterator[dict[str, Any]]:
    for segment in part.get_segments():
        (x, y), (x2, y2) = _in_data(np.asarray(segment)[[0, -1]], part.get_transform(), ax)
        yield {"kind": "segment", "x": x, "y": y, "x2": x2, "y2": y2}


def _of_area(part: PolyCollection, ax: Axes) -> Iterator[dict[str, Any]]:
    """An area between two curves as a band, another as a polygon."""
    for path in part.get_paths():
        corners = _in_data(path.vertices, part.get_transform(), ax)
        spans = pd.DataFrame(corners, columns=["x", "y"]).groupby("x")["y"].agg(["min", "max"])
        if 2 * len(spans) <= len(corners) <= 2 * len(spans) + 3:
            for x, (low, high) in zip(spans.index, spans.to_numpy(), strict=True):
                yield {"kind": "band", "x": x, "y": low, "y2": high}
        else:
            yield from _corners(corners)


def _of_paths(part: Collection, ax: Axes) -> Iterator[dict[str, Any]]:
    for path in part.get_paths():
        for polygon in path.to_polygons(closed_only=False):
            yield from _corners(_in_data(polygon, part.get_transform(), ax))


def _of_box(part: Rectangle, ax: Axes) -> Iterator[dict[str, Any]]:
    (x, y), (x2, y2) = _in_data([[0, 0], [1, 1]], part.get_transform(), ax)
    yield {"kind": "bar", "x": x, "y": y, "x2": x2, "y2": y2}


def _of_steps(part: StepPatch, ax: Axes) -> Iterator[dict[str, Any]]:
    values, edges, baseline = part.get_data()
    base = np.broadcast_to(0.0 if baseline is None else baseline, np.shape(values))
    for left, right, low, high in zip(edges[:-1], edges[1:], base, values, strict=True):
        yield {"kind": "bar", "x": left, "y": low, "x2": right, "y2": high}


def _of_patch(part: Patch, ax: Axes) -> Iterator[dict[str, Any]]:
    path = part.get_path().transformed(part.get_transform())
    for polygon in path.to_polygons(closed_only=False):
        yield from _corners(ax.transData.inverted().transform(polygon))


def _of_map(part: AxesImage, ax: Axes) -> Iterator[dict[str, Any]]:
    """Cells of a map; a colour image has no numbers."""
    values = part.get_array()
    if values is None or values.ndim != 2:
        return
    left, right, bottom, top = part.get_extent()
    height, width = values.shape
    upper = part.origin == "upper"
    for row in range(height):
        share = (row + 0.5) / height
        y = top + share * (bottom - top) if upper else bottom + share * (top - bottom)
        for column in range(width):
            x = left + (column + 0.5) / width * (right - left)
            yield {"kind": "cell", "x": x, "y": y, "value": float(values[row, column])}


def _of_text(part: Text, ax: Axes) -> Iterator[dict[str, Any]]:
    if part.get_text():
        ((x, y),) = _in_data([part.get_position()], part.get_transform(), ax)
        yield {"kind": "text", "x": x, "y": y, "text": part.get_text()}


def _corners(corners: np.ndarray) -> Iterator[dict[str, Any]]:
    for x, y in corners:
        yield {"kind": "polygon", "x": x, "y": y}


#: What reads each kind of artist; the first that fits counts.
_READERS: tuple[tuple[type[Artist], Callable[[Any, Axes], Iterator[dict[str, Any]]]], ...] = (
    (Line2D, _of_line),
    (PathCollection, _of_points),
    (LineCollection, _of_segments),
    (PolyCollection, _of_area),
    (Collection, _of_paths),
    (Rectangle, _of_box),
    (StepPatch, _of_steps),
    (Patch, _of_patch),
    (AxesImage, _of_map),
    (Text, _of_text),
)


def _in_data(points: Any, transform: Transform, ax: Axes) -> np.ndarray:
    """Points (N, 2) in the units of the axes; those given in them as they are."""
    known: np.ndarray = np.ma.filled(np.ma.asarray(points, dtype=float), np.nan).reshape(-1, 2)
    if transform == ax.transData:
        return known
    return np.asarray(ax.transData.inverted().transform(transform.transform(known)))


def look(part: Artist) -> dict[str, Any]:
    """Colours, lines and markers of an artist: what is needed to draw it in the same way."""
    alpha = {} if part.get_alpha() is None else {"alpha": part.get_alpha()}
    if isinstance(part, Line2D):
        marker: dict[str, Any] = {"marker": part.get_marker(), "size": part.get_markersize()}
        marker["face"] = _colour(part.get_markerfacecolor())
        plain: dict[str, Any] = {
            "colour": _colour(part.get_color()),
            "line": part.get_linestyle(),
            "width": part.get_linewidth(),
        }
        dashes = part._dash_pattern[1]  # type: ignore[attr-defined]
        if dashes:
            plain["dashes"] = [round(float(dash) / part.get_linewidth(), 3) for dash in dashes]
        return plain | alpha | (marker if marker["marker"] not in ("None", None, "", " ") else {})
    if isinstance(part, AxesImage):
        low, high = part.get_clim()
        array = part.get_array()
        shape = [] if array is None else list(array.shape[:2])
        return {"colours": part.get_cmap().name, "least": low, "most": high, "shape": shape} | alpha
    if isinstance(part, Text):
        return {
            "colour": _colour(part.get_color()),
            "size": part.get_fontsize(),
            "align": [part.get_horizontalalignment(), part.get_verticalalignment()],
            "rotation": part.get_rotation(),
            "slant": part.get_fontstyle(),
        }
    faces, edges = (_first(getattr(part, name)()) for name in ("get_facecolor", "get_edgecolor"))
    width = float(np.ravel(part.get_linewidth())[0]) if np.size(part.get_linewidth()) else 0.0  # type: ignore[attr-defined]
    size = {"size": float(np.sqrt(part.get_sizes()[0]))} if isinstance(part, PathCollection) else {}
    hatch = {"hatch": part.get_hatch()} if isinstance(part, Patch) and part.get_hatch() else {}
    return {"face": faces, "colour": edges, "width": width} | size | hatch | alpha


def _first(colours: Any) -> str | None:
    """Colour of an artist, or of the first of a collection; None: nothing is painted."""
    flat = np.atleast_2d(np.asarray(colours, dtype=float))
    return _colour(flat[0]) if flat.size else None


def _colour(colour: Any) -> str | None:
    if colour is None or (isinstance(colour, str) and colour in ("none", "None")):
        return None
    text = to_hex(colour, keep_alpha=True)
    return (
        None
        if text.endswith("00") and len(text) == 9
        else text.removesuffix("ff")
        if len(text) == 9
        else text
    )
