"""The common style of all figures: sizes, styles of lines, the mark of images that are not real.

Colours are those of Okabe and Ito, which people with any kind of colour vision can distinguish. Shape or line style
always has the same meaning as the colour, so that figures stay readable in grey.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import patheffects
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox

from dlatrack.imagery import MARKS, Imagery
from dlatrack.pixels.colours import BLACK, DARK, DLA, FIXED, GREEN, GREY, ORANGE, PURPLE, SKY

MM = 1 / 25.4  # inches
COLUMN_WIDTH = 89.0  #: mm, one column of a page
DOUBLE_WIDTH = 183.0  #: mm, both columns
FIGURE_DPI = 200  #: px per inch of saved PNGs
_SCREEN_DPI = 130  # px per inch in a notebook


_DLA_DASHES: tuple[Any, ...] = ("-", (0, (5, 1)), (0, (3, 1, 1, 1)))
_LINES: tuple[tuple[str, Any], ...] = (
    (FIXED, (0, (3, 1))),
    (ORANGE, (0, (4, 1, 1, 1))),
    (GREEN, (0, (1, 1))),
    (PURPLE, (0, (6, 1, 1, 1, 1, 1))),
    (SKY, "-"),
    (BLACK, (0, (2, 2))),
)

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with Matplotlib: the same letters on every machine
    "font.size": 7.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 7.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "figure.titlesize": 9.0,
    "figure.dpi": 100.0,
    "figure.facecolor": "white",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "image.interpolation": "antialiased",
    "svg.fonttype": "none",
    "svg.hashsalt": "dlatrack",
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw inside this block in the style of the project; the earlier settings are restored after it."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


class SteadyLayout(ConstrainedLayoutEngine):
    """Matplotlib's constrained layout with positions rounded to 2^-20 of the figure.

    Its solver adds in an order that changes from call to call. So do the last bits of its positions, and with them
    the names of an SVG's clip paths, which are hashes of positions.
    """

    def execute(self, fig: Figure) -> None:
        """Arrange the parts of a figure."""
        super().execute(fig)
        for part in fig.subfigs:
            part.bbox_relative.set_points(_on_grid(part.bbox_relative.get_points()))
        for ax in fig.axes:
            arranged = ax.get_in_layout()  # setting a position takes it out
            ax.set_position(Bbox(_on_grid(ax.get_position(original=True).get_points())))
            ax.set_in_layout(arranged)


class StandaloneFigure(Figure):
    """A figure without a window that is shown as the value of a notebook cell."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=_SCREEN_DPI)
        return stream.getvalue()


def new_figure(width_mm: float = DOUBLE_WIDTH, height_mm: float = 60.0) -> Figure:
    """An empty figure of a given size whose parts arrange themselves without overlap.

    It has no window, so that nothing has to be closed. Call inside `figure_style`.
    """
    return StandaloneFigure(figsize=(width_mm * MM, height_mm * MM), layout=SteadyLayout())


def _on_grid(positions: np.ndarray) -> np.ndarray:
    return np.round(positions * 2**20) / 2**20


def line_styles(labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour and line style of each tracker in a plot, as keyword arguments of `Axes.plot`.

    DLA trackers, named `DLA...` or `dla_...`, are vermillion and heavy, the first one solid. The others are thin
    and take the remaining colours and dashes in turn, blue first.
    """
    styles: dict[str, dict[str, Any]] = {}
    dla = plain = 0
    for label in labels:
        if label.lower().startswith("dla"):
            styles[label] = {"color": DLA, "linestyle": _DLA_DASHES[dla % len(_DLA_DASHES)], "linewidth": 1.9}
            dla += 1
        else:
            color, dashes = _LINES[plain % len(_LINES)]
            styles[label] = {"color": color, "linestyle": dashes, "linewidth": 1.2}
            plain += 1
    return styles


def paper_style(label: str = "") -> dict[str, Any]:
    """Keyword arguments of `Axes.plot` for values copied from the paper: grey, long dashes, labelled "paper"."""
    name = f"{label} (paper)" if label else "paper"
    return {"color": GREY, "linestyle": (0, (7, 3)), "linewidth": 1.0, "label": name}


def outlined(linewidth: float) -> list[patheffects.AbstractPathEffect]:
    """Path effects that add a dark rim to a line of `linewidth` pt, so that it is visible on a photograph."""
    return [patheffects.withStroke(linewidth=linewidth + 0.8, foreground=DARK, alpha=0.75)]


def imagery_mark(fig: Figure, imagery: Imagery) -> None:
    """Write what images are, unless real, into the lower right corner of a figure; a second call changes nothing."""
    if not MARKS[imagery] or any(text.get_gid() == "imagery-mark" for text in fig.texts):
        return
    height_pt = 72 * fig.get_figheight()
    layout = fig.get_layout_engine()
    if layout is not None:  # keep a line free for the mark, below everything else
        layout.set(rect=(0, 10 / height_pt, 1, 1 - 10 / height_pt))  # type: ignore[call-arg]
        for legend in fig.legends:
            legend.borderaxespad += 10 / legend.prop.get_size_in_points()
    fig.text(
        1 - 3 / (72 * fig.get_figwidth()),
        2 / height_pt,
        MARKS[imagery],
        fontsize=7,
        fontstyle="italic",
        color=GREY,
        ha="right",
        va="bottom",
        gid="imagery-mark",
    )
