"""Where one tracker beats another: the difference on every sequence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import Difference, sentence
from dlatrack.pixels.colours import BLACK
from dlatrack.viz.style import figure_style, line_styles, new_figure

_NAMED = 3  # sequences named at each end
_LINE_LENGTH = 125  # characters that fit over the axes
_ROW = 0.09  # height of a line of text, in heights of all bars


def difference_plot(
    differences: Mapping[str, float],
    summary: Difference,
    *,
    name_a: str,
    name_b: str,
    metric: str = "AUC",
    benchmark: str,
) -> Figure:
    """Draw the difference of two trackers on every sequence, sorted, with the mean and its interval.

    Bars above zero are sequences on which a is better, in its colour; below zero b is. The ends carry the names of
    their sequences, and the title says what the difference amounts to.

    Args:
        differences: score of a minus score of b by sequence.
        summary: of the same differences, from `compare.paired_bootstrap`.
        name_a: tracker a.
        name_b: tracker b.
        metric: name of the score.
        benchmark: name, for the title.

    Returns:
        A figure of double column width.

    Raises:
        InputError: if a difference is not finite, or `summary` is of others.

    Source: the question behind SiamDLA Tables 2 and 3, which print differences of benchmark scores alone.
    """
    _check(differences, summary)
    order = sorted(differences, key=lambda name: -differences[name])
    values = np.array([differences[name] for name in order])
    verdict = sentence(summary, name_a, name_b, metric=metric)
    with figure_style():
        fig = new_figure(height_mm=80)
        ax = fig.add_subplot()
        looks = line_styles([name_a, name_b])
        for name, wins in ((name_a, values > 0), (name_b, values < 0)):
            label = f"{name} better: {int(wins.sum())} of {len(values)}"
            ax.bar(np.flatnonzero(wins), values[wins], 0.8, color=looks[name]["color"], label=label)
        interval = f"{100 * summary.confidence:g} % interval"
        ax.axhspan(summary.low, summary.high, color="#c8c8c8", linewidth=0, zorder=0.6, label=interval)
        mean = f"mean {summary.value:+.3f}"
        ax.axhline(summary.value, color=BLACK, linewidth=1.0, linestyle=(0, (5, 2)), label=mean)
        ax.axhline(0, color=BLACK, linewidth=0.6)
        _name_ends(ax, order, values, summary)
        fig.suptitle(f"{benchmark}: {name_a} minus {name_b}, {metric} of every sequence", fontsize=8)
        ax.set_title(verdict if len(verdict) <= _LINE_LENGTH else verdict.replace(" (", "\n(", 1), fontsize=7)
        ax.set(xlabel="sequences, sorted by difference", ylabel=f"difference in {metric}")
        ax.set(xlim=(-0.7, len(values) - 0.3), xticks=[])
        ax.grid(False, axis="x")
        handles, labels = ax.get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=4)
    return fig


def _name_ends(ax: Axes, order: list[str], values: np.ndarray, summary: Difference) -> None:
    """Write names and values of the largest gains and losses beside their bars, none over another or over a bar."""
    ends = {-1: min(values.min(), summary.low, 0), 1: max(values.max(), summary.high, 0)}
    row = _ROW * (float(ends[1] - ends[-1]) or 1.0)
    for sign, places in ((1, range(len(order))), (-1, range(len(order) - 1, -1, -1))):
        named = [place for place in places if sign * values[place] > 0][:_NAMED]
        free = 0.0  # from the axis outwards
        for place in reversed(named):
            height = max(sign * values[place], free)
            free = height + row
            ax.annotate(
                f"{order[place]} {values[place]:+.3f}",
                (place - 0.4 * sign, sign * height),
                (0, 2 * sign),
                textcoords="offset points",
                ha="left" if sign > 0 else "right",
                va="bottom" if sign > 0 else "top",
            )
        ends[sign] = sign * max(sign * ends[sign], free) + 0.3 * sign * row
    ax.set_ylim(ends[-1], ends[1])


def _check(differences: Mapping[str, float], summary: Difference) -> None:
    for name, value in differences.items():
        if not np.isfinite(value):
            raise InputError(f"the difference on sequence {name} must be finite, got {value}")
    if len(differences) != summary.sequences:
        raise InputError(
            f"there are {len(differences)} differences, but the summary is of {summary.sequences}"
        )
    mean = float(np.mean(list(differences.values())))
    if abs(mean - summary.value) > 1e-9:
        raise InputError(f"the differences have the mean {mean:.6f}, but the summary {summary.value:.6f}")
