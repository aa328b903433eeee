"""Parts of an assignment picture: panels, search region, target, markers of points, anchor boxes, legend."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.path import Path
from matplotlib.transforms import AffineDeltaTransform

from dlatrack.pixels.colours import CANDIDATE, DARK, GREY, NEGATIVE_COLOUR, POSITIVE_COLOUR, TARGET
from dlatrack.viz.style import DOUBLE_WIDTH, new_figure, outlined

#: Characters that the titles of a row of panels have room for, and the fewest in a line.
_TITLE_CHARACTERS, _SHORTEST_LINE = 100, 12

_ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)

#: (V, 2) corners of markers of radius 1.
CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], 1)
DIAMOND = CIRCLE[::6]


def wrapped(title: str, columns: int) -> str:
    """The title of one of `columns` panels in a row, in as many lines as it needs."""
    return textwrap.fill(title, max(_TITLE_CHARACTERS // columns, _SHORTEST_LINE))


def panels(count: int, columns: int) -> tuple[Figure, list[Axes]]:
    """A double-width figure with `count` panels, each square with room for title and caption."""
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    width = DOUBLE_WIDTH * columns / max(columns, 3)  # one or two panels need not fill the page
    fig = new_figure(width, rows * (width / columns + 14) + 6)
    fig.get_layout_engine().set(h_pad=0.08, w_pad=0.03)  # type: ignore[union-attr, call-arg]
    axes = [fig.add_subplot(rows, columns, number + 1) for number in range(count)]
    return fig, axes


def inner_axes(cell: Axes) -> Axes:
    """Axes inside an empty square panel, whose labels stay within it, so that all panels keep one size."""
    cell.set_axis_off()
    cell.set_box_aspect(1)
    return cell.inset_axes((0.2, 0.1, 0.78, 0.66))


def legend(fig: Figure, *, candidates: bool, boxes: bool, more: Sequence[Line2D] = ()) -> None:
    """Add a legend of the marks below a figure; candidates and positive anchors only where they are drawn.

    `more` holds entries of other marks.
    """
    marker: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0.6}
    entries = [
        Line2D([], [], color=TARGET, linewidth=1.6, path_effects=outlined(1.6), label="target"),
        Line2D([], [], marker="o", markersize=5, color=POSITIVE_COLOUR, label="positive", **marker),
        Line2D(
            [],
            [],
            marker="D",
            markersize=3,
            color=NEGATIVE_COLOUR,
            markeredgecolor=DARK,
            label="negative",
            **marker,
        ),
        Line2D([], [], marker="o", markersize=1.5, color=GREY, label="ignored", **marker),
    ]
    if candidates:
        ring: dict[str, Any] = {"marker": "o", "markersize": 6, "color": CANDIDATE, "fillstyle": "none"}
        entries.append(Line2D([], [], label="candidate", **ring, **marker))
    if boxes:
        entries.append(Line2D([], [], color=POSITIVE_COLOUR, linewidth=0.7, label="positive anchor"))
    entries += more
    columns = math.ceil(len(entries) / (2 if more else 1))
    fig.legend(handles=entries, loc="outside lower center", ncols=columns, columnspacing=1.4)


def dimmed(crop_rgb: np.ndarray) -> np.ndarray:
    """The search region, (S, S, 3) uint8, with half its colour and less light, so that marks stand out."""
    picture = crop_rgb.astype(np.float32)
    grey = picture.mean(-1, keepdims=True)
    return (0.8 * (0.55 * picture + 0.45 * grey)).round().astype(np.uint8)


def draw_box(ax: Axes, box_xywh: np.ndarray, color: str, dashes: Any = "-", width: float = 1.4) -> Rectangle:
    """Draw a box (4,) in px of the image, set off by a dark rim; one that is not finite is not shown."""
    x, y, w, h = (float(value) for value in box_xywh)
    frame = Rectangle((x, y), w, h, fill=False, edgecolor=color, linewidth=width, linestyle=dashes)
    frame.set_path_effects(outlined(width))
    if np.isfinite(box_xywh).all():
        ax.add_patch(frame)
    return frame


def draw_markers(ax: Axes, points: np.ndarray, shape: np.ndarray, **look: Any) -> None:
    """Draw the same polygon `shape` (V, 2) around all `points` (n, 2), both in search-region px.

    `look` holds keyword arguments of Matplotlib collections, e.g. `facecolors`.
    """
    outline = Path(np.concatenate([shape, shape[:1]]), closed=True)
    markers = PathCollection([outline], offsets=points, offset_transform=ax.transData, **look)
    markers.set_transform(AffineDeltaTransform(ax.transData))  # type: ignore[arg-type]
    ax.add_collection(markers, autolim=False)


def draw_boxes(ax: Axes, boxes_xyxy: np.ndarray) -> None:
    """Draw thin outlines of positive anchors, (n, 4) in search-region px."""
    outlines = boxes_xyxy[:, [[0, 1], [2, 1], [2, 3], [0, 3], [0, 1]]]
    ax.add_collection(LineCollection(list(outlines), colors=POSITIVE_COLOUR, linewidths=0.6), autolim=False)
