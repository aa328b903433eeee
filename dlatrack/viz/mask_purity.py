"""Purity of the positives of label assignment rules, and how far the rules agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.pixels.colours import BLACK, BLUE, GREY, ORANGE
from dlatrack.viz.style import DOUBLE_WIDTH, figure_style, new_figure

_COLOURS = {"points": ORANGE, "anchors": BLUE}
_MARKERS = {"points": "o", "anchors": "s"}
_ROW = 4.4  # mm
_CELL = 7.0  # mm
_DARK = 0.6  # share from which a cell is so dark that its number is white


def purity_plot(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the purity of every rule on videos of several kinds, and beside it how many positives it has.

    Hollow markers are rules that look at predictions.

    Args:
        tables: tables of `purity_table` by kind of video, all of the same rules; the first gives the numbers of
            positives.

    Raises:
        InputError: if there is no table, or the rules of one differ from those of the first.
    """
    if not tables:
        raise InputError("there is no purity to draw")
    first = next(iter(tables.values()))
    for kind, table in tables.items():
        if list(zip(table["head"], table["rule"], strict=True)) != list(
            zip(first["head"], first["rule"], strict=True)
        ):
            raise InputError(f"the rules on {kind} videos are not those on {next(iter(tables))} videos")
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 32 + _ROW * len(first))
        axes = np.atleast_1d(fig.subplots(1, len(tables) + 1, sharey=True))
        for ax, (kind, table) in zip(axes, tables.items(), strict=False):
            _draw_rows(ax, table, "purity")
            ax.set(xlim=(0, 104), title=f"{kind} video", xlabel="positives on the target (%)")
        _draw_rows(axes[-1], first, "positives")
        axes[-1].set(xscale="log", title="how many", xlabel=f"positives, {next(iter(tables))} video")
        axes[-1].set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
        axes[-1].minorticks_off()
        names = [f"{rule}, {head}" for head, rule in zip(first["head"], first["rule"], strict=True)]
        axes[0].set_yticks(range(len(first)), names)
        axes[0].set_ylim(len(first) - 0.5, -0.5)
        plain: dict[str, Any] = {"color": BLACK, "marker": "o", "linestyle": "none"}
        axes[0].plot([], [], label="looks at the target alone", **plain)
        axes[0].plot([], [], label="looks at predictions", markerfacecolor="white", **plain)
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return fig


def _draw_rows(ax: Axes, table: pd.DataFrame, column: str) -> None:
    """One marker per rule and, for the purity, its interval."""
    for place, row in enumerate(table.to_dict("records")):
        color = _COLOURS[str(row["head"])]
        look: dict[str, Any] = {"color": color, "marker": _MARKERS[str(row["head"])]}
        look["markerfacecolor"] = "white" if row["looks at predictions"] else color
        scale = 100 if column == "purity" else 1
        if column == "purity" and np.isfinite(row["low"]):
            ax.hlines(place, 100 * row["low"], 100 * row["high"], color=color, linewidth=1.0)
        ax.plot([scale * row[column]], [place], **look)
    for place in np.flatnonzero(table["head"] != table["head"].shift())[1:]:
        ax.axhline(place - 0.5, color=GREY, linewidth=0.6)
    ax.grid(axis="y", visible=False)


def agreement_plot(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw which share of a rule's positives (rows) every other rule (columns) has as well, a panel per head.

    Args:
        tables: tables of `mask_purity.agreement` by head.

    Raises:
        InputError: if there is no table.
    """
    if not tables:
        raise InputError("there is no agreement to draw")
    widths = [len(table) + 4.5 for table in tables.values()]
    most = max(map(len, tables.values()))
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 30 + _CELL * most)
        axes = np.atleast_1d(fig.subplots(1, len(tables), width_ratios=widths))
        for ax, (head, table) in zip(axes, tables.items(), strict=True):
            percent = 100 * table.to_numpy(float)
            image = ax.imshow(percent, cmap="cividis_r", vmin=0, vmax=100, interpolation="nearest")
            for (row, column), value in np.ndenumerate(percent):
                color = "white" if value > 100 * _DARK else BLACK
                text = "" if np.isnan(value) else f"{value:.0f}"
                ax.text(column, row, text, ha="center", va="center", color=color, fontsize=6)
            ax.set_xticks(
                range(len(table)), list(table.columns), rotation=60, ha="right", rotation_mode="anchor"
            )
            ax.set_yticks(range(len(table)), list(table.index))
            ax.grid(False)
            ax.spines[:].set_visible(False)
            ax.tick_params(length=0)
            ax.set(title=head, ylabel="of the positives of", xlabel="so many are positive by")
        fig.colorbar(image, ax=axes, label="shared positives (%)", shrink=0.6, aspect=30, pad=0.01)
    return fig
