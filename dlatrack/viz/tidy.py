"""The numbers of a plot as a table with its axes and units, read from the drawn figure itself."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

from dlatrack.viz.drawn import coordinates, look

#: Columns of the table.
TIDY_COLUMNS = ("panel", "artist", "kind", "series", "x", "y", "x2", "y2", "value", "text", "style")

#: Digits of a number; more say nothing that a picture shows.
_DIGITS = 10


@dataclass(frozen=True)
class Panel:
    """Axes of a plot."""

    title: str
    x_label: str  #: what x is, with its unit
    y_label: str  #: what y is, with its unit
    x_scale: str  #: "linear" or "log"
    y_scale: str
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    #: positions and labels of ticks that are named; empty where the numbers themselves are
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    box: tuple[float, float, float, float]  #: left, bottom, width and height, shares of the figure
    grid: str  #: axis with grid lines: "x", "y", "both" or ""
    frame: tuple[str, ...]  #: sides with a line


@dataclass(frozen=True)
class Plot:
    """A plot without its numbers."""

    size: tuple[float, float]  #: width and height, inches
    title: str  #: title over all panels
    panels: tuple[Panel, ...]
    legends: tuple[dict[str, Any], ...]  #: names, styles, columns, and place in shares of the figure
    texts: tuple[
        dict[str, Any], ...
    ]  #: texts beside the panels, with style and place in shares of the figure


def tidy(fig: Figure) -> str:
    """A plot as CSV: what it is in a first line, a comment of JSON (`Plot`), and a row per point that is drawn.

    Args:
        fig: a figure whose layout has settled.

    Returns:
        CSV with the columns `TIDY_COLUMNS`. `panel` and `artist` count from 0; `kind` is "line" (points joined in
        order), "points", "segment" (x, y to x2, y2), "band" (from y to y2 at x), "bar" (a box from x, y to x2, y2),
        "polygon" (its corners in order), "cell" (of a map: its centre and its value) or "text". Coordinates are
        those of the panel's axes, in the units of its labels. `style` is JSON, in the first row of an artist.
    """
    panels, rows = [], []
    for number, ax in enumerate(_all_axes(fig)):
        panels.append(_panel(ax, fig))
        names = {id(part): str(box.get_label() or "") for box in ax.containers for part in box.get_children()}
        for artist, drawn in enumerate(_drawn(ax)):
            for row in _rows(drawn, ax, names.get(id(drawn), "")):
                rows.append({"panel": number, "artist": artist} | row)
    title = fig.get_suptitle()
    plot = Plot(
        (fig.get_figwidth(), fig.get_figheight()),
        title,
        tuple(panels),
        tuple(_legends(fig)),
        tuple(_texts(fig)),
    )
    table = pd.DataFrame(rows, columns=list(TIDY_COLUMNS))
    table[list(TIDY_COLUMNS[4:9])] = table[list(TIDY_COLUMNS[4:9])].astype("float64")
    written = io.StringIO()
    written.write(f"# {json.dumps(asdict(plot), ensure_ascii=False)}\n")
    table.to_csv(written, index=False, float_format=f"%.{_DIGITS}g", lineterminator="\n")
    return written.getvalue()


def shows_numbers(fig: Figure) -> bool:
    """Whether a figure is a plot, with axes that are labelled, and no diagram or photograph."""
    return any(ax.axison and (ax.get_xlabel() or ax.get_ylabel()) for ax in _all_axes(fig))


def _all_axes(fig: Figure) -> list[Axes]:
    """Axes of a figure, insets too."""
    found: list[Axes] = []
    for ax in fig.axes:
        found += [ax, *(child for child in ax.child_axes if isinstance(child, Axes))]
    return found


def _panel(ax: Axes, fig: Figure) -> Panel:
    title = next((text for side in ("left", "center", "right") if (text := ax.get_title(loc=side))), "")
    box = fig.transFigure.inverted().transform_bbox(ax.get_window_extent()) if ax.axison else None
    place = ax.get_position() if box is None else box
    lines = {
        side
        for side in ("x", "y")
        if any(line.get_visible() for line in getattr(ax, f"get_{side}gridlines")())
    }
    return Panel(
        title,
        ax.get_xlabel(),
        ax.get_ylabel(),
        ax.get_xscale(),
        ax.get_yscale(),
        ax.get_xlim(),
        ax.get_ylim(),
        _ticks(ax, "x"),
        _ticks(ax, "y"),
        tuple(round(float(value), 6) for value in (place.x0, place.y0, place.width, place.height)),  # type: ignore[arg-type]
        "both" if len(lines) == 2 else "".join(lines),
        tuple(side for side, spine in ax.spines.items() if spine.get_visible()) if ax.axison else (),
    )


def _ticks(ax: Axes, side: str) -> tuple[tuple[float, str], ...]:
    """Positions and labels of ticks with a text of their own, or with none where panels share an axis."""
    axis = getattr(ax, f"{side}axis")
    places, formatter = axis.get_majorticklocs(), axis.get_major_formatter()
    hidden = not any(tick.label1.get_visible() for tick in axis.get_major_ticks())
    if not hidden and not isinstance(formatter, FixedFormatter | FuncFormatter):
        return ()
    texts = [""] * len(places) if hidden else formatter.format_ticks(places)
    return tuple((float(place), text) for place, text in zip(places, texts, strict=True))


def _legends(fig: Figure) -> Iterator[dict[str, Any]]:
    found: list[Legend] = [legend for part in (fig, *fig.subfigs) for legend in part.legends]
    found += [legend for ax in _all_axes(fig) if (legend := ax.get_legend()) is not None]
    for legend in found:
        box = fig.transFigure.inverted().transform_bbox(legend.get_window_extent())
        yield {
            "names": [text.get_text() for text in legend.texts],
            "styles": [
                look(handle) if isinstance(handle, Artist) else {} for handle in legend.legend_handles
            ],
            "title": legend.get_title().get_text(),
            "align": legend.get_alignment(),
            "columns": legend._ncols,  # type: ignore[attr-defined]
            "place": [round(box.x0, 6), round(box.y0, 6)],
        }


def _texts(fig: Figure) -> Iterator[dict[str, Any]]:
    """Texts of the figure itself, such as the mark that says what its images are."""
    title = fig._suptitle  # type: ignore[attr-defined]
    for text in fig.texts:
        if text is not title and text.get_visible() and text.get_text():
            place = fig.transFigure.inverted().transform(text.get_transform().transform(text.get_position()))
            yield {
                "text": text.get_text(),
                "place": [round(float(each), 6) for each in place],
                "style": look(text),
            }


def _drawn(ax: Axes) -> list[Artist]:
    """What is drawn in the axes, in the order of drawing, without their own lines and labels."""
    own = {id(part) for part in (ax.patch, *ax.spines.values(), ax.xaxis, ax.yaxis, ax.title)}
    kinds = (Line2D, Collection, Patch, AxesImage, Text)
    parts = [part for part in ax.get_children() if isinstance(part, kinds) and id(part) not in own]
    titles = {id(text) for text in (ax.title, ax._left_title, ax._right_title)}  # type: ignore[attr-defined]
    shown = [part for part in parts if part.get_visible() and id(part) not in titles]
    return sorted(shown, key=lambda part: part.get_zorder())


def _rows(part: Artist, ax: Axes, name: str) -> list[dict[str, Any]]:
    """Rows of an artist, which has this name if it has none of its own; none for one without numbers."""
    rows = list(coordinates(part, ax))
    if not rows:
        return []
    label = str(part.get_label())
    series = label if label and not label.startswith("_") else "" if str(name).startswith("_") else str(name)
    first = {"style": json.dumps(look(part), sort_keys=True)}
    return [row | {"series": series} | (first if number == 0 else {}) for number, row in enumerate(rows)]
