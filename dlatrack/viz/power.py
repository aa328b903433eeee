"""Differences of twins on every target, and the number of targets that would show a difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.difference import Difference
from dlatrack.evaluation.statistics.power import power_of
from dlatrack.pixels.colours import BLACK, DLA, FIXED, GREEN, GREY, PURPLE
from dlatrack.viz.style import COLUMN_WIDTH, DOUBLE_WIDTH, figure_style, new_figure

_NAMED = 45  # largest number of targets that are named
_ROW = 3.0  # mm
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1, 1, 1)))


def target_dots(
    differences: Mapping[str, pd.Series[float]], summaries: Mapping[str, Difference], *, source: str
) -> Figure:
    """Draw the difference of twins on every target as a dot, sorted, with the mean and its interval.

    Filled dots are targets on which DLA is better, hollow squares those on which its fixed twin is.

    Args:
        differences: for each tracker, AUC of DLA minus that of its twin by target, the largest first.
        summaries: mean difference and interval by tracker.
        source: description of the targets, for the title.

    Returns:
        A figure of double column width, or of single width for one pair of twins.

    Raises:
        InputError: if there is nothing to draw, or a difference is not finite.

    Source: the question behind SiamDLA Tables 2 and 3.
    """
    if not differences:
        raise InputError("there are no twins to draw")
    for tracker, values in differences.items():
        for target, value in values.items():
            if not np.isfinite(value):
                raise InputError(f"the difference of {tracker} on {target} must be finite, got {value}")
    most = max(map(len, differences.values()))
    height = 36 + (_ROW * most if most <= _NAMED else 70)
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH if len(differences) > 1 else COLUMN_WIDTH, height)
        axes = np.atleast_1d(fig.subplots(1, len(differences), sharex=True))
        for ax, (tracker, values) in zip(axes, differences.items(), strict=True):
            _draw_dots(ax, values, summaries[tracker])
            ax.set_title(f"{tracker}\nless its fixed twin")
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        fig.suptitle(source, fontsize=8)
    return fig


def power_plot(
    spreads: Mapping[str, float],
    differences: Sequence[float],
    benchmarks: Mapping[str, int],
    *,
    power: float = 0.8,
) -> Figure:
    """Draw the chance to find a true difference over the number of targets.

    Args:
        spreads: standard deviation of the differences of single targets, by tracker.
        differences: true differences in AUC, one line each.
        benchmarks: numbers of targets to mark, by name.
        power: the wanted chance, marked.

    Returns:
        A figure of single column width for each tracker.

    Raises:
        InputError: if there is nothing to draw, or a number is out of range.
    """
    if not spreads:
        raise InputError("there is no spread to draw")
    counts = np.unique(np.geomspace(5, 5000, 160).astype(int))
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH if len(spreads) > 1 else COLUMN_WIDTH, 76)
        axes = np.atleast_1d(fig.subplots(1, len(spreads), sharey=True))
        for ax, (tracker, spread) in zip(axes, spreads.items(), strict=True):
            for number, difference in enumerate(differences):
                look = {"color": (GREEN, PURPLE)[number % 2], "linestyle": _DASHES[number % len(_DASHES)]}
                found = power_of(counts, difference, spread)
                ax.plot(counts, found, label=f"true difference {difference:g} AUC", **look)
            ax.axhline(power, color=BLACK, linewidth=0.8, label=f"{100 * power:.0f} %")
            ax.set(xscale="log", xlim=(5, 5000), ylim=(0, 1), xlabel="targets")
            ax.set_title(f"{tracker} and its twin{chr(10) if len(spreads) > 2 else ', '}spread {spread:.3f}")
            ax.set_xticks([10, 100, 1000], ["10", "100", "1,000"])
            _mark_benchmarks(ax, benchmarks)  # last: a second axis copies the scale of the first
        axes[0].set_ylabel("chance to find it")
        columns = 3 if len(spreads) > 1 else 2
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=columns)
    return fig


def _draw_dots(ax: Axes, values: pd.Series[float], summary: Difference) -> None:
    rows, found = np.arange(len(values)), values.to_numpy()
    interval = f"{100 * summary.confidence:g} % interval of the mean"
    ax.axvspan(summary.low, summary.high, color="#c8c8c8", linewidth=0, zorder=0.6, label=interval)
    ax.axvline(summary.value, color=BLACK, linewidth=1.0, linestyle=(0, (5, 2)), label="mean")
    ax.axvline(0, color=BLACK, linewidth=0.6)
    ax.hlines(rows, 0, found, color=GREY, linewidth=0.5)
    looks = {
        "DLA better": (found > 0, {"color": DLA, "marker": "o"}),
        "fixed rule better": (found < 0, {"color": FIXED, "marker": "s", "markerfacecolor": "white"}),
    }
    for label, (chosen, look) in looks.items():
        ax.plot(found[chosen], rows[chosen], label=label, linestyle="none", **look)  # type: ignore[arg-type]
    if not found.all():
        ax.plot(found[found == 0], rows[found == 0], color=GREY, marker="|", linestyle="none", label="equal")
    ax.set(xlabel="difference in AUC", ylim=(len(values) - 0.4, -0.6))
    ax.grid(False, axis="y")
    if len(values) <= _NAMED:
        ax.set_yticks(rows, [str(name) for name in values.index], fontsize=6)
    else:
        ax.set(yticks=[], ylabel="targets, sorted")


def _mark_benchmarks(ax: Axes, benchmarks: Mapping[str, int]) -> None:
    """Dotted verticals, named above the axes."""
    for count in benchmarks.values():
        ax.axvline(count, color=GREY, linewidth=0.8, linestyle=(0, (1, 1)))
    top = ax.secondary_xaxis("top")
    names = [f"{name}\n{count}".replace(" ", "\n") for name, count in benchmarks.items()]
    top.set_xticks(list(benchmarks.values()), names, fontsize=6)
    top.minorticks_off()
    top.spines["top"].set_visible(False)
