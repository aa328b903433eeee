"""A plot, drawn again from its table of numbers alone."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from dlatrack.errors import InputError
from dlatrack.files import read_bytes
from dlatrack.structured.json_files import parse_json
from dlatrack.structured.typed import as_type
from dlatrack.viz.style import StandaloneFigure, figure_style
from dlatrack.viz.tidy import TIDY_COLUMNS, Panel, Plot

#: Columns with numbers.
_NUMBERS = TIDY_COLUMNS[4:9]


def read_tidy(path: Path) -> tuple[Plot, pd.DataFrame]:
    """Read a table of `tidy.tidy`.

    Raises:
        InputError: if the file cannot be read, or is no such table.
    """
    head, _, rows = read_bytes(path).partition(b"\n")
    if not head.startswith(b"# {"):
        raise InputError(
            f"{path} is no table of a figure: its first line must be a comment with its axes, '# {...}'"
        )
    plot = as_type(parse_json(head[2:], str(path)), Plot, f"{path}, first line")
    try:
        empty = {name: [""] for name in _NUMBERS}
        table = pd.read_csv(io.BytesIO(rows), keep_default_na=False, na_values=empty)
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(f"{path} is no table of a figure: {error}") from error
    if tuple(table.columns) != TIDY_COLUMNS:
        raise InputError(
            f"{path} must have the columns {', '.join(TIDY_COLUMNS)}, got {', '.join(table.columns)}"
        )
    return plot, table


def redraw(path: Path) -> Figure:
    """Draw a plot from its table alone, in the style of the project.

    Args:
        path: table of `tidy.tidy`.

    Raises:
        InputError: as `read_tidy`, or naming the row whose values cannot be drawn.
    """
    plot, table = read_tidy(path)
    with figure_style():
        fig = StandaloneFigure(figsize=plot.size)
        for number, panel in enumerate(plot.panels):
            ax = fig.add_axes(panel.box)
            own = table[table["panel"] == number]
            for _, rows in own.groupby("artist", sort=True):
                try:
                    _draw(ax, rows)
                except (ValueError, TypeError, KeyError) as error:
                    raise InputError(f"{path}, row {rows.index[0] + 3}: {error}") from error
            _finish(ax, panel)
        for legend in plot.legends:
            _legend(fig, legend)
        for text in plot.texts:
            across, up = text["place"]
            fig.text(across, up, text["text"], **_text(text["style"]))
        if plot.title:
            fig.suptitle(plot.title)
    return fig


def _draw(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw the rows of one artist."""
    kind, style = rows["kind"].iloc[0], json.loads(rows["style"].iloc[0] or "{}")
    x, y, x2, y2 = (rows[name].to_numpy(float) for name in ("x", "y", "x2", "y2"))
    painted: dict[str, Any] = {
        "facecolor": style.get("face") or "none",
        "edgecolor": style.get("colour") or "none",
    }
    painted |= {"linewidth": style.get("width", 0.0), "alpha": style.get("alpha"), "zorder": 2}
    if kind in ("line", "points") and "face" in style and "line" not in style:
        ax.scatter(x, y, s=style["size"] ** 2, **painted)
    elif kind in ("line", "points"):
        ax.add_line(_line(style, x, y))
    elif kind == "segment":
        ends = list(np.stack([x, y, x2, y2], axis=1).reshape(-1, 2, 2))
        ax.add_collection(LineCollection(ends, colors=style["colour"], linewidths=style["width"]))
    elif kind == "band":
        ax.fill_between(x, y, y2, **painted)
    elif kind == "bar":
        for left, low, right, high in zip(x, y, x2, y2, strict=True):
            ax.bar(left, high - low, right - left, low, align="edge", hatch=style.get("hatch"), **painted)
    elif kind == "polygon":
        ax.fill(x, y, **painted)
    elif kind == "cell":
        _map(ax, rows, style)
    elif kind == "text":
        ax.text(x[0], y[0], rows["text"].iloc[0], **_text(style))
    else:
        raise ValueError(
            f"kind must be line, points, segment, band, bar, polygon, cell or text, got {kind!r}"
        )


def _text(style: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a text."""
    across, along = style.get("align", ["left", "baseline"])
    look = {
        "fontsize": style.get("size"),
        "color": style.get("colour") or "black",
        "fontstyle": style.get("slant"),
    }
    return look | {"ha": across, "va": along, "rotation": style.get("rotation", 0)}


def _line(style: Mapping[str, Any], x: Any = (), y: Any = ()) -> Line2D:
    """A line with its markers."""
    width = style.get("width", 1.0)
    dashes = style.get("dashes")
    return Line2D(
        x,
        y,
        color=style.get("colour") or "none",
        linestyle=(0, dashes) if dashes else style.get("line", "-"),
        linewidth=width,
        marker=style.get("marker", "None"),
        markersize=style.get("size", 0),
        markerfacecolor=style.get("face") or "none",
        alpha=style.get("alpha"),
    )


def _map(ax: Axes, rows: pd.DataFrame, style: Mapping[str, Any]) -> None:
    height, width = style["shape"]
    values = rows["value"].to_numpy(float).reshape(height, width)
    x, y = (rows[name].to_numpy(float).reshape(height, width) for name in ("x", "y"))
    step_x = (x[0, -1] - x[0, 0]) / max(width - 1, 1) or 1.0
    step_y = (y[-1, 0] - y[0, 0]) / max(height - 1, 1) or 1.0
    edges_x = x[0, 0] + step_x * (np.arange(width + 1) - 0.5)
    edges_y = y[0, 0] + step_y * (np.arange(height + 1) - 0.5)
    ax.pcolormesh(edges_x, edges_y, values, cmap=style["colours"], vmin=style["least"], vmax=style["most"])


def _finish(ax: Axes, panel: Panel) -> None:
    """Title, labels, scales, limits, ticks and frame of the axes."""
    ax.set(xscale=panel.x_scale, yscale=panel.y_scale)
    ax.set(xlim=panel.x_limits, ylim=panel.y_limits, xlabel=panel.x_label, ylabel=panel.y_label)
    ax.set_title(panel.title)
    for side, ticks in (("x", panel.x_ticks), ("y", panel.y_ticks)):
        if ticks:
            getattr(ax, f"set_{side}ticks")([place for place, _ in ticks], [text for _, text in ticks])
    ax.grid(visible=False)
    if panel.grid:
        ax.grid(visible=True, axis=panel.grid)  # type: ignore[arg-type]
    for side, spine in ax.spines.items():
        spine.set_visible(side in panel.frame)


def _legend(fig: Figure, legend: Mapping[str, Any]) -> None:
    handles = [
        Patch(facecolor=style["face"], edgecolor=style.get("colour"), hatch=style.get("hatch"))
        if style.get("face") and "line" not in style
        else _line(style)
        for style in legend["styles"]
    ]
    fig.legend(
        handles,
        legend["names"],
        title=legend["title"] or None,
        ncols=legend["columns"],
        alignment=legend["align"],
        loc="lower left",
        bbox_to_anchor=legend["place"],
        borderaxespad=0,
        bbox_transform=fig.transFigure,
    )
