"""Timings of the benches in one figure."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.pixels.colours import BLUE, GREY
from dlatrack.viz.style import figure_style, new_figure


def bench_dots(table: pd.DataFrame) -> Figure:
    """Draw each timing as its median with the range from the 5 % to the 95 % percentile, over a logarithmic axis.

    Args:
        table: table of `studies.cost.read_bench`.

    Returns:
        A figure of double column width; its height grows with the number of timings.

    Raises:
        InputError: if there are no timings.
    """
    if table.empty:
        raise InputError("there are no timings to draw")
    names = list(dict.fromkeys(table["benchmark"]))
    rows: list[int] = []
    labels: list[str] = []
    heads: list[tuple[int, str]] = []
    place = 0
    for name in names:
        heads.append((place, name))
        group = table[table["benchmark"] == name]
        rows += range(place + 1, place + 1 + len(group))
        labels += list(group["what"])
        place += len(group) + 1
    median, low, high = (table[column].to_numpy(float) for column in ("median, ms", "5 %, ms", "95 %, ms"))
    with figure_style():
        fig = new_figure(height_mm=22 + 3.9 * place)
        ax = fig.subplots()
        ax.hlines(rows, low, high, color=GREY, linewidth=1.2)
        ax.plot(median, rows, "o", color=BLUE, markersize=3.5, label="median, 5 % to 95 %")
        for row, value in zip(rows, median, strict=True):
            text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
            ax.annotate(text, (value, row), (0, 3), textcoords="offset points", ha="center", fontsize=5)
        ax.set_xscale("log")
        ax.set_yticks([*rows, *(row for row, _ in heads)], [*labels, *(f"bench {name}" for _, name in heads)])
        for label in ax.get_yticklabels()[len(rows) :]:
            label.set_fontweight("bold")
        ax.tick_params(axis="y", length=0, labelsize=6)
        ax.grid(False, axis="y")
        ax.set(xlabel="ms, logarithmic", ylim=(place - 0.3, -0.7))
        ax.set_xlim(0.6 * low.min(), 1.7 * high.max())
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        ax.legend(loc="lower right")
    return fig
