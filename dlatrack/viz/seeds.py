"""Scores of twins that were trained several times, and their differences between seeds and between rules."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.difference import Difference
from dlatrack.pixels.colours import BLACK, DLA, FIXED, GREY, PURPLE
from dlatrack.viz.style import DOUBLE_WIDTH, figure_style, new_figure


def seed_plot(
    fixed: np.ndarray,
    dynamic: np.ndarray,
    difference: Difference,
    *,
    seeds: tuple[int, ...],
    labels: tuple[str, str],
    note: str,
) -> Figure:
    """Draw the score of twins for every seed, their difference by seed and sequence, and its mean with an interval.

    Args:
        fixed: (R, S) AUC of the fixed twin, by seed and sequence.
        dynamic: (R, S) AUC of the DLA tracker.
        difference: DLA minus fixed, with an interval over seeds and sequences.
        seeds: the R seeds.
        labels: labels of the fixed twin and of the DLA tracker.
        note: text on the size of the study, for the title.

    Raises:
        InputError: if the scores are not of these seeds.
    """
    if not len(fixed) == len(dynamic) == len(seeds):
        raise InputError(
            f"scores of {len(fixed)} and {len(dynamic)} seeds do not fit to the seeds {list(seeds)}"
        )
    names = [*(f"seed {seed}" for seed in seeds), "all"]
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 78)
        score, change = fig.subplots(1, 2)
        _draw_scores(score, fixed, dynamic, labels)
        _draw_differences(change, dynamic - fixed, difference)
        for ax in (score, change):
            ax.set_xticks(range(len(names)), names)
            ax.set_xlim(-0.6, len(seeds) + 0.6)
            ax.grid(False, axis="x")
        fig.legend(loc="outside lower left", ncols=2)
        fig.suptitle(note, fontsize=8)
    return fig


def _draw_scores(ax: Axes, fixed: np.ndarray, dynamic: np.ndarray, labels: tuple[str, str]) -> None:
    """AUC of every seed, and the mean with its standard deviation over the seeds."""
    seeds = np.arange(len(fixed))
    looks: tuple[dict[str, Any], ...] = (
        {"color": FIXED, "marker": "s", "markerfacecolor": "white"},
        {"color": DLA, "marker": "o"},
    )
    for scores, label, look, aside in zip((fixed, dynamic), labels, looks, (-0.1, 0.1), strict=True):
        means = scores.mean(1)
        ax.plot(seeds + aside, means, label=label, linestyle="none", **look)
        look |= {"capsize": 3, "linestyle": "none"}
        ax.errorbar([len(seeds) + aside], [means.mean()], [means.std(ddof=1)], **look)
    ax.margins(y=0.2)
    ax.set(ylabel="AUC", title="scores; all: mean and standard deviation")


def _draw_differences(ax: Axes, cells: np.ndarray, difference: Difference) -> None:
    """Differences of every seed and sequence, of every seed, and their mean with its interval."""
    seeds, sequences = cells.shape
    ax.plot(
        np.repeat(np.arange(seeds), sequences),
        cells.ravel(),
        color=GREY,
        marker=".",
        markersize=3,
        linestyle="none",
        label="one sequence",
    )
    ax.plot(
        range(seeds), cells.mean(1), color=PURPLE, marker="D", linestyle="none", label="mean of the sequences"
    )
    ax.errorbar(
        [seeds],
        [difference.value],
        [[difference.value - difference.low], [difference.high - difference.value]],
        color=BLACK,
        marker="^",
        capsize=3,
        linestyle="none",
        label=f"mean, {100 * difference.confidence:g} % interval over seeds and sequences",
    )
    ax.axhline(0, color=BLACK, linewidth=0.6)
    ax.set(ylabel="difference in AUC", title="DLA less fixed rule")
