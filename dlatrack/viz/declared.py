"""Figures of a declared study: differences with their intervals, ranks of rules, and the course of the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.hierarchical import HierarchicalDifference
from dlatrack.pixels.colours import BLACK, DLA, GREY
from dlatrack.viz.style import DOUBLE_WIDTH, figure_style, line_styles, new_figure

_ROW = 6.5  # mm
_MARKERS = "osv^DPX*"
_BANDS = 3  # most courses whose range over seeds is drawn, too
_LEVELS = (0.95, 0.90)


def forest_plot(
    differences: Mapping[str, HierarchicalDifference],
    *,
    margin: float,
    summaries: Sequence[str] = (),
    title: str = "",
    direction: tuple[str, str] = ("own rule is better", "DLA is better"),
) -> Figure:
    """Draw mean differences with their 95 % intervals (thin) and 90 % intervals (thick).

    Args:
        differences: by label of the row, from top to bottom.
        margin: difference that counts as none; a band.
        summaries: labels of the rows that are means of others; their mark is a diamond.
        title: title of the figure.
        direction: what lies left and right of zero.

    Raises:
        InputError: if there is nothing to draw.
    """
    if not differences:
        raise InputError("there is no difference to draw")
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 32 + _ROW * len(differences))
        ax = fig.subplots()
        ax.axvspan(-margin, margin, color=GREY, alpha=0.18, lw=0, label=f"within {margin:g}")
        ax.axvline(0, color=BLACK, lw=0.6)
        for row, (label, each) in enumerate(differences.items()):
            _draw_row(ax, row, each, label in summaries)
        ax.set_yticks(range(len(differences)), list(differences))
        ax.set_ylim(len(differences) - 0.4, -0.6)
        ax.set_xlabel(f"difference in AUC          {direction[0]}   ⟵   0   ⟶   {direction[1]}")
        ax.grid(False, axis="y")
        fig.legend(loc="outside lower center", ncols=4)
        fig.suptitle(title, fontsize=8)
    return fig


def _draw_row(ax: Axes, row: int, each: HierarchicalDifference, summary: bool) -> None:
    named = row == 0
    for level, width in zip(_LEVELS, (1.0, 3.0), strict=True):
        low, high = each.interval(level)
        label = f"{level:.0%} interval".replace("%", " %") if named else None
        ax.plot([low, high], [row, row], color=DLA, lw=width, solid_capstyle="butt", label=label)
    marker = "D" if summary else "o"
    ax.plot(each.value, row, marker, color="white", mec=DLA, ms=5, label="mean" if named else None)
    ax.annotate(
        f"{each.value:+.3f}",
        (1, row),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
    )


def rank_plot(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw rules by mean AUC, with the interval of their rank.

    Args:
        table: result of `analysis.ranking`.
        title: title of the figure.

    Raises:
        InputError: if the table is empty.
    """
    if table.empty:
        raise InputError("there are no two rules with all their seeds yet")
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 24 + _ROW * len(table))
        score, rank = fig.subplots(1, 2, sharey=True)
        rows = np.arange(len(table))
        colours = [DLA if str(name).startswith("DLA") else GREY for name in table.index]
        score.scatter(table["AUC"], rows, c=colours, s=22, zorder=3)
        for row, value in zip(rows, table["AUC"], strict=True):
            score.annotate(
                f"{value:.3f}", (value, row), xytext=(5, 0), textcoords="offset points", va="center"
            )
        score.set_xlabel("AUC on real targets")
        score.margins(x=0.25)
        for row, (low, high), colour in zip(
            rows, table[["rank low", "rank high"]].to_numpy(), colours, strict=True
        ):
            rank.plot([low, high], [row, row], color=colour, lw=3, solid_capstyle="round")
        rank.set_xlabel("rank, 95 % interval")
        rank.set_xticks(range(1, len(table) + 1))
        rank.set_xlim(0.6, len(table) + 0.4)
        score.set_yticks(rows, [str(name) for name in table.index])
        score.set_ylim(len(table) - 0.5, -0.5)
        fig.suptitle(title, fontsize=8)
    return fig


def course_plot(
    courses: Mapping[str, pd.DataFrame], *, pairs_per_epoch: int, start: float | None = None, title: str = ""
) -> Figure:
    """Draw the AUC of rules over the pairs of their training: the mean over seeds and, for a few rules, the range.

    Args:
        courses: by rule, a row for each scored epoch (index; 0: before the training) and a column for each seed.
        pairs_per_epoch: pairs of an epoch.
        start: AUC before the training, drawn as a line; None: unknown.
        title: title of the figure.

    Raises:
        InputError: if there is no course.
    """
    if not courses:
        raise InputError("no cell has a course yet")
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 74)
        ax = fig.subplots()
        for (label, style), marker in zip(line_styles(courses).items(), cycle(_MARKERS), strict=False):
            frame = courses[label]
            pairs = frame.index.to_numpy() * pairs_per_epoch
            ax.plot(pairs, frame.mean(axis=1), label=label, marker=marker, ms=4, **style)
            if len(courses) <= _BANDS:
                ends = frame.min(axis=1), frame.max(axis=1)
                ax.fill_between(pairs, *ends, color=style["color"], alpha=0.12, lw=0)
        if start is not None:
            ax.axhline(start, color=BLACK, lw=0.6, ls=":", label="start")
        ax.set_xlabel("training pairs")
        ax.set_ylabel("AUC, one run")
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        fig.suptitle(title, fontsize=8)
    return fig


def variance_plot(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw the parts of the variance of each mean difference as stacked bars.

    Args:
        table: parts (columns), as shares that sum to 1, by comparison (rows).
        title: title of the figure.

    Raises:
        InputError: if the table is empty.
    """
    if table.empty:
        raise InputError("there is no comparison to split")
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 28 + _ROW * len(table))
        ax = fig.subplots()
        left = np.zeros(len(table))
        for (part, style), hatch in zip(
            line_styles(map(str, table)).items(), ("", "///", "...", "xx"), strict=False
        ):
            share = 100 * table[part].to_numpy()
            ax.barh(
                range(len(table)),
                share,
                left=left,
                color=style["color"],
                label=part,
                hatch=hatch,
                ec="white",
                lw=0,
            )
            left = left + share
        ax.set_yticks(range(len(table)), [str(name) for name in table.index])
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.set_xlim(0, 100)
        ax.set_xlabel("share of the variance of the mean difference (%)")
        ax.grid(False, axis="y")
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        fig.suptitle(title, fontsize=8)
    return fig
