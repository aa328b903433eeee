"""A drawing of a network with the measured sizes of its maps (SiamDLA Figs. 2 and 3)."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from dlatrack.paper.architecture import NetworkDrawing
from dlatrack.pixels.colours import BLUE, DARK, DLA, GREY, ORANGE, SKY
from dlatrack.viz.style import figure_style, new_figure

#: Left edge and width of the boxes in each column; the drawing is 100 wide.
_COLUMNS = {
    "image": (0.0, 12.0),
    "backbone": (15.5, 15.0),
    "neck": (34.0, 13.0),
    "correlation": (50.5, 14.0),
    "outputs": (68.0, 13.0),
    "training": (84.5, 15.5),
}
_TEMPLATE, _SEARCH = 40.0, 15.0  # middle of the two branches
_HALF = 7.0  # of the height of a box
_OUTPUTS = ("classes", "boxes", "centre-ness")
_APART = 8.6  # middles of two outputs


def network_diagram(network: NetworkDrawing) -> Figure:
    """Draw both branches of a Siamese network from image to outputs, and the place of label assignment.

    Args:
        network: sizes and parameters of the network.

    Source: SiamDLA Figs. 2 and 3, whose content is the same: template and search branch, correlation, heads, and
    dynamic label assignment between heads and target.
    """
    sizes = network.shapes.map(lambda text: text.replace(", ", "\n").replace("x", " × "))
    template, search = sizes["template"], sizes["search, training"]
    counts = {part: f"{number / 1e6:.3g} M parameters" for part, number in network.parameters.items()}
    outputs = [name for name in _OUTPUTS if search[name]]
    with figure_style():
        fig = new_figure(height_mm=88)
        ax = fig.subplots()
        ax.set(xlim=(-0.5, 100.5), ylim=(2, 50), title=network.title)
        ax.axis("off")
        for branch, column, middle in (("template", template, _TEMPLATE), ("search region", search, _SEARCH)):
            own = counts if middle == _SEARCH else dict.fromkeys(counts, "")
            _box(ax, "image", middle, branch, column["image"], GREY)
            _box(ax, "backbone", middle, "backbone", f"{column['backbone']}\n{own['backbone']}", BLUE)
            _box(ax, "neck", middle, "neck", f"{_levels(column, 'neck')}\n{own['neck']}", SKY)
            _arrow(ax, "image", middle, "backbone", middle)
            _arrow(ax, "backbone", middle, "neck", middle)
        _box(ax, "correlation", _TEMPLATE, "kernels", _levels(template, "correlation kernels"), ORANGE)
        head = f"of every channel,\nthen the head\n{counts['head']}"
        _box(ax, "correlation", _SEARCH, "correlation", head, ORANGE)
        _arrow(ax, "neck", _TEMPLATE, "correlation", _TEMPLATE)
        _arrow(ax, "neck", _SEARCH, "correlation", _SEARCH)
        middle = _COLUMNS["correlation"][0] + _COLUMNS["correlation"][1] / 2
        _line(ax, (middle, _TEMPLATE - _HALF), (middle, _SEARCH + _HALF))
        between = (_TEMPLATE + _SEARCH) / 2
        ax.text(
            _COLUMNS["backbone"][0], between, "the same weights in both branches", color=GREY, va="center"
        )
        for number, name in enumerate(outputs):
            height = _SEARCH + _APART * ((len(outputs) - 1) / 2 - number)
            _box(ax, "outputs", height, name, search[name], DARK, half=3.6)
            _arrow(ax, "correlation", _SEARCH, "outputs", height)
            _arrow(ax, "outputs", height, "training", height, dashed=True)
        _box(ax, "training", _SEARCH + 4, "labels and loss", network.rule, DLA, half=16, dashed=True)
    return fig


def _levels(column: pd.Series[str], step: str) -> str:
    """Sizes of maps, or one size and the number of levels where all are the same."""
    levels = column["backbone"].count("\n") + 1
    alike = levels > 1 and "\n" not in column[step]
    return f"{column[step]}\nat {levels} levels" if alike else column[step]


def _box(
    ax: Axes,
    column: str,
    middle: float,
    head: str,
    lines: str,
    color: str,
    *,
    half: float = _HALF,
    dashed: bool = False,
) -> None:
    """A box with a heading and the sizes of maps, a line for each level."""
    left, width = _COLUMNS[column]
    ax.add_patch(
        FancyBboxPatch(
            (left, middle - half),
            width,
            2 * half,
            boxstyle="round,pad=0,rounding_size=1",
            facecolor="white",
            edgecolor=color,
            linewidth=1.3,
            linestyle=(0, (4, 2)) if dashed else "-",
        )
    )
    centre = left + width / 2
    ax.text(centre, middle + half - 1.2, head, ha="center", va="top", weight="bold", fontsize=7)
    ax.text(centre, middle + half - 4.4, lines, ha="center", va="top", fontsize=5.6, linespacing=1.3)


def _arrow(ax: Axes, start: str, low: float, end: str, high: float, *, dashed: bool = False) -> None:
    """From the right edge of one column to the left edge of another."""
    _line(ax, (sum(_COLUMNS[start]), low), (_COLUMNS[end][0], high), dashed=dashed)


def _line(ax: Axes, start: tuple[float, float], end: tuple[float, float], *, dashed: bool = False) -> None:
    look = {"arrowstyle": "-|>", "linewidth": 0.8, "shrinkA": 1, "shrinkB": 1}
    look |= {"color": DLA, "linestyle": (0, (3, 2))} if dashed else {"color": DARK}
    ax.annotate("", end, start, arrowprops=look)
