"""What decides the labels of DLA: positives over K for points and anchors, its threshold, and fixed thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from dlatrack.errors import InputError
from dlatrack.pixels.colours import BLUE, ORANGE
from dlatrack.studies.mechanism import BINS, threshold_shares
from dlatrack.viz.style import COLUMN_WIDTH, DOUBLE_WIDTH, figure_style, new_figure, paper_style

_LOOKS: dict[str, dict[str, Any]] = {
    "points": {"color": ORANGE, "marker": "o"},
    "anchors": {"color": BLUE, "marker": "s"},
}
#: Lines and fill of markers of the first and the second mix of shapes.
_MIXES: tuple[dict[str, Any], ...] = (
    {"linestyle": "-"},
    {"linestyle": (0, (3, 1.5)), "markerfacecolor": "white"},
)


def growth_plot(counts: pd.DataFrame, *, paper: float) -> Figure:
    """Draw mean positives per target over K, for points and anchors and for two mixes of shapes.

    Args:
        counts: table of `positives_by_head`.
        paper: number of positives that the paper's text gives, dashed.

    Returns:
        A figure of single column width.

    Raises:
        InputError: if the table has more than two mixes.

    Source: the question of SiamDLA Fig. 9a, asked of anchors too.
    """
    mixes = _two(counts["mix"])
    with figure_style():
        fig = new_figure(COLUMN_WIDTH, 86)
        ax = fig.add_subplot()
        for head, look in _LOOKS.items():
            for mix, line in zip(mixes, _MIXES, strict=False):
                part = counts[(counts["head"] == head) & (counts["mix"] == mix)]
                label = f"{head}, {mix}"
                ax.errorbar(part["K"], part["positives"], 1.96 * part["error"], label=label, **look, **line)
        ax.axhline(paper, **paper_style(f"about {paper:g}, K = 9"))
        ax.set(xlabel="K, grid points that become candidates", ylabel="positives per target")
        ax.set(ylim=(0, 20.9), xticks=sorted(counts["K"].unique())[::2])
        ax.yaxis.set_major_locator(MultipleLocator(5))
        fig.legend(loc="outside lower center", ncols=2)
    return fig


def threshold_plot(thresholds: Mapping[tuple[str, str], np.ndarray]) -> Figure:
    """Draw how the threshold T is distributed over targets, for points and anchors and for two mixes of shapes.

    Args:
        thresholds: T of every target by mix and head, as of `dynamic_thresholds`.

    Returns:
        A figure of single column width.

    Raises:
        InputError: if there are more than two mixes.

    Source: T of SiamDLA Eq. 2.
    """
    mixes = _two(pd.Series([mix for mix, _ in thresholds]))
    with figure_style():
        fig = new_figure(COLUMN_WIDTH, 78)
        ax = fig.add_subplot()
        for (mix, head), values in thresholds.items():
            first = mix == mixes[0]
            color = _LOOKS[head]["color"]
            look: dict[str, Any] = {"color": color, "linestyle": _MIXES[mixes.index(mix)]["linestyle"]}
            shares = threshold_shares(values)
            ax.stairs(shares, BINS, label=f"{head}, {mix}", linewidth=1.2, **look)
            if first:
                ax.stairs(shares, BINS, fill=True, color=color, alpha=0.2, linewidth=0)
        ax.set(xlabel="threshold T, IoU", ylabel="targets (%), by bins of 0.02")
        ax.set(xlim=(BINS[0], BINS[-1]), ylim=(0, None))
        fig.legend(loc="outside lower center", ncols=2)
    return fig


def fixed_threshold_plot(table: pd.DataFrame) -> Figure:
    """Draw positives, and targets without any, over a fixed IoU threshold, with those of DLA as horizontal lines.

    The mark on DLA's line stands at the median of its threshold.

    Args:
        table: table of `fixed_thresholds`.

    Source: fixed thresholds as in SiamDLA Fig. 1 (b).
    """
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 72)
        count, empty = fig.subplots(1, 2)
        for head, look in _LOOKS.items():
            part = table[table["head"] == head]
            fixed, ours = part[part["rule"] == "fixed"], part[part["rule"] == "DLA"].iloc[0]
            count.plot(fixed["threshold"], fixed["positives"], label=f"{head}, fixed threshold", **look)
            empty.plot(fixed["threshold"], 100 * fixed["empty"], **look)
            _draw_dla(count, float(ours["threshold"]), float(ours["positives"]), f"{head}, DLA", look)
            _draw_dla(empty, float(ours["threshold"]), 100 * float(ours["empty"]), "", look)
        count.set(yscale="log", ylabel="positives per target", title="positives")
        count.set_yticks([0.3, 1, 3, 10, 30, 100], ["0.3", "1", "3", "10", "30", "100"])
        count.minorticks_off()
        empty.set(ylim=(-2, 100), ylabel="targets (%)", title="targets that no sample satisfies")
        for ax in (count, empty):
            ax.set_xlabel("fixed threshold of the IoU")
        fig.legend(loc="outside lower center", ncols=4)
    return fig


def _draw_dla(ax: Axes, threshold: float, value: float, label: str, look: Mapping[str, Any]) -> None:
    """A dotted line at DLA's value, with a diamond at its threshold."""
    ax.axhline(value, color=look["color"], linestyle=(0, (1, 1.5)), linewidth=1.0, zorder=0.9)
    mark: dict[str, Any] = {"marker": "D", "markersize": 6, "markerfacecolor": "white", "zorder": 3}
    line: dict[str, Any] = {"color": look["color"], "linestyle": (0, (1, 1.5)), "linewidth": 1.0}
    ax.plot([threshold], [value], label=label or None, **mark, **line)


def _two(mixes: pd.Series[str]) -> list[str]:
    """The mixes in their order.

    Raises:
        InputError: if there are more than two.
    """
    found = list(dict.fromkeys(mixes))
    if len(found) > len(_MIXES):
        raise InputError(f"one or two mixes of shapes can be drawn, got {', '.join(found)}")
    return found
