"""Purity of the positives of label assignment rules, and how far the rules agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.pixels.colours import BLACK, BLUE, GREY, ORANGE
from dlatrack.viz.style import DOUBLE_WIDTH, figure_style, new_figure

_LOOKS: dict[str, dict[str, Any]] = {
    "points": {"color": ORANGE, "marker": "o", "linestyle": "none"},
    "anchors": {"color": BLUE, "marker": "s", "linestyle": "none"},
}
_CROSS: dict[str, Any] = {"color": BLACK, "marker": "x", "markersize": 3.5, "linestyle": "none"}
_SAME = 1e-9  # difference of shares that is rounding
_ROW = 4.0  # mm
_CELL = 5.6  # mm
_DARK = 0.6  # share from which a cell is so dark that its number is white
_STEPS = 10  # of colour


def purity_plot(tables: Mapping[str, pd.DataFrame], *, predictions: str) -> Figure:
    """Draw the purity of every rule on videos of several kinds, and beside it how many positives it has.

    Hollow markers are rules that look at predictions; a cross is the purity of samples counted by their weight,
    where a rule gives some.

    Args:
        tables: tables of `purity_table` by kind of video, all of the same rules; the first gives the numbers of
            positives.
        predictions: description of whose predictions these rules looked at, for the legend.

    Raises:
        InputError: if there is no table, or the rules of one differ from those of the first.
    """
    if not tables:
        raise InputError("there is no purity to draw")
    kinds, first = list(tables), next(iter(tables.values()))
    for kind, table in tables.items():
        if not table[["head", "rule"]].equals(first[["head", "rule"]]):
            raise InputError(f"the rules on {kind} videos are not those on {kinds[0]} videos")
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 36 + _ROW * len(first))
        axes = np.atleast_1d(fig.subplots(1, len(tables) + 1, sharey=True))
        for ax, (kind, table) in zip(axes, tables.items(), strict=False):
            _draw_purity(ax, table)
            ax.set(xlim=(28, 102), title=f"{kind} video", xlabel="on the target (%)")
        _draw_counts(axes[-1], first)
        axes[-1].set(title="how many", xlabel=f"positives, {kinds[0]} video")
        names = [f"{rule}, {head}" for head, rule in zip(first["head"], first["rule"], strict=True)]
        axes[0].set_yticks(range(len(first)), names)
        axes[0].set_ylim(len(first) - 0.5, -0.5)
        for ax in axes:
            ax.grid(axis="y", visible=False)
            ax.tick_params(axis="y", length=0)
            for place in np.flatnonzero(first["head"] != first["head"].shift())[1:]:
                ax.axhline(place - 0.5, color=GREY, linewidth=0.6)
        dot: dict[str, Any] = {"color": BLACK, "marker": "o", "linestyle": "none"}
        axes[0].plot([], [], label="rule that looks at the target alone", **dot)
        axes[0].plot([], [], label=f"at predictions of {predictions}", markerfacecolor="white", **dot)
        axes[0].plot([], [], label="by the rule's weights", **_CROSS)
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return fig


def _draw_purity(ax: Axes, table: pd.DataFrame) -> None:
    """Purities with their intervals, and the weighted ones where they differ."""
    places = np.arange(len(table))
    for head, look in _LOOKS.items():
        here = (table["head"] == head).to_numpy()
        ends = 100 * table.loc[here, ["low", "high"]].to_numpy(float)
        ax.hlines(places[here], ends[:, 0], ends[:, 1], color=look["color"], linewidth=1.0)
        for predicts in (False, True):
            part = here & (table["looks at predictions"] == predicts).to_numpy()
            fill = "white" if predicts else look["color"]
            ax.plot(100 * table.loc[part, "purity"], places[part], **look, markerfacecolor=fill)
    weighted = ((table["weighted purity"] - table["purity"]).abs() > _SAME).to_numpy()
    ax.plot(100 * table.loc[weighted, "weighted purity"], places[weighted], **_CROSS)


def _draw_counts(ax: Axes, table: pd.DataFrame) -> None:
    """Mean positives per search region."""
    places = np.arange(len(table))
    for head, look in _LOOKS.items():
        for predicts in (False, True):
            part = (table["head"] == head).to_numpy() & (table["looks at predictions"] == predicts).to_numpy()
            fill = "white" if predicts else look["color"]
            ax.plot(table.loc[part, "positives"], places[part], **look, markerfacecolor=fill)
    ax.set_xscale("log")
    ax.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    ax.minorticks_off()


def agreement_plot(tables: Mapping[str, pd.DataFrame], *, predictions: Mapping[str, str]) -> Figure:
    """Draw which share of a rule's positives (rows) every other rule (columns) has as well, a panel per head.

    Args:
        tables: tables of `mask_purity.agreement` by head.
        predictions: name of the network whose predictions some rules looked at, by head.

    Raises:
        InputError: if there is no table.
    """
    if not tables:
        raise InputError("there is no agreement to draw")
    colours = mpl.colormaps["cividis_r"].resampled(_STEPS)
    widths = [len(table) + 4.5 for table in tables.values()]
    most = max(map(len, tables.values()))
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 30 + _CELL * most)
        axes = np.atleast_1d(fig.subplots(1, len(tables), width_ratios=widths))
        for ax, (head, table) in zip(axes, tables.items(), strict=True):
            percent = 100 * table.to_numpy(float)
            image = ax.imshow(percent, cmap=colours, vmin=0, vmax=100, interpolation="nearest")
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
            ax.set(title=f"{head}, predictions of {predictions[head]}", xlabel="share that is positive by")
        axes[0].set_ylabel("of the positives of")
        fig.colorbar(image, ax=axes, label="shared positives (%)", shrink=0.6, aspect=30, pad=0.01)
    return fig
