"""The spread of scores over runs from perturbed first boxes, beside the gains that the paper claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.pixels.colours import BLACK, DLA, FIXED, GREY
from dlatrack.recipes.twins import is_dla
from dlatrack.viz.style import DOUBLE_WIDTH, figure_style, new_figure, paper_style

_ROW, _AROUND = 5.2, 40.0  # mm

#: Markers of runs, by whether the tracker learns by dynamic label assignment.
_LOOKS: Mapping[bool, dict[str, Any]] = {
    True: {"color": DLA, "marker": "o", "label": "run of a DLA tracker"},
    False: {"color": FIXED, "marker": "s", "markerfacecolor": "white", "label": "run of a fixed rule"},
}


def first_box_plot(auc: pd.DataFrame, gains: Mapping[str, float], *, source: str) -> Figure:
    """Draw the AUC of each run less the mean over runs, and below, on the same scale, the gains of the paper.

    Circles are DLA trackers, hollow squares those with a fixed rule, bars one standard deviation to both sides;
    hollow grey diamonds at the end of a dashed line are the paper's numbers.

    Args:
        auc: mean AUC over the targets, by run (rows, at least two) and tracker.
        gains: gains in AUC that the paper prints, by a text that names tracker and benchmark.
        source: description of the targets, for the title.

    Raises:
        InputError: for fewer than two runs, no tracker or no gain, or a score that is not finite.
    """
    if len(auc) < 2 or auc.columns.empty or not gains:
        raise InputError(
            f"a spread needs two runs or more, a tracker, and a gain beside it; got {len(auc)} runs, "
            f"{len(auc.columns)} trackers and {len(gains)} gains"
        )
    if not np.isfinite(auc.to_numpy()).all():
        raise InputError(f"every AUC must be finite, got {auc.to_numpy().min()}")
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, _AROUND + _ROW * (len(auc.columns) + len(gains)))
        ours, paper = fig.subplots(2, 1, sharex=True, height_ratios=(len(auc.columns), len(gains)))
        _draw_runs(ours, auc)
        _draw_gains(paper, gains)
        ours.set_title(f"ours, {source}: AUC of each of {len(auc)} runs less their mean")
        paper.set_title("the paper: AUC of the DLA tracker less that of the tracker it is built on")
        paper.set_xlabel("difference in AUC (scores are 0 to 1)")
        fig.suptitle(
            "What a first box that is up to 0.5 px off changes, beside the gains that the paper claims"
        )
        fig.legend(*_unique_handles(ours, paper), loc="outside lower center", ncols=4)
    return fig


def runs_plot(auc: pd.DataFrame, *, source: str) -> Figure:
    """Draw the AUC of each run by tracker; grey lines join runs from the same first boxes.

    Markers are those of `first_box_plot`; black is the mean with one standard deviation to both sides.

    Args:
        auc: mean AUC over the targets, by run (rows, at least two) and tracker.
        source: description of the targets, for the title.

    Raises:
        InputError: for fewer than two runs or no tracker.
    """
    if len(auc) < 2 or auc.columns.empty:
        raise InputError(
            f"runs are drawn from two on, of one tracker or more; got {len(auc)} runs and {len(auc.columns)} trackers"
        )
    rows = np.arange(len(auc.columns))
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, _AROUND - 6 + 2 * _ROW * len(rows))
        ax = fig.subplots()
        ax.plot(auc.to_numpy().T, rows, color=GREY, linewidth=0.5, alpha=0.6, zorder=1)
        for row, (tracker, values) in enumerate(auc.items()):
            look = _LOOKS[is_dla(str(tracker))]
            ax.plot(values, np.full(len(values), row), linestyle="none", alpha=0.85, **look)
            mean, deviation = float(values.mean()), float(values.std(ddof=1))
            bar = {
                "color": BLACK,
                "marker": "|",
                "markersize": 9,
                "capsize": 3,
                "label": "mean, standard deviation",
            }
            ax.errorbar([mean], [row + 0.28], xerr=[deviation], linestyle="none", **bar)  # type: ignore[arg-type]
        means, deviations = auc.mean(), auc.std(ddof=1)
        names = [f"{name}: {means[name]:.3f}, std {deviations[name]:.3f}" for name in auc.columns]
        ax.set_yticks(rows, names)
        ax.set_ylim(len(names) - 0.4, -0.5)
        ax.grid(False, axis="y")
        ax.set_xlabel("AUC, mean over the targets")
        ax.set_title(f"{source}: {len(auc)} runs, first boxes up to 0.5 px off")
        fig.legend(*_unique_handles(ax), loc="outside lower center", ncols=3)
    return fig


def _draw_runs(ax: Axes, auc: pd.DataFrame) -> None:
    names = []
    for row, (tracker, values) in enumerate(auc.items()):
        mean, deviation = float(values.mean()), float(values.std(ddof=1))
        bar = {"color": BLACK, "linewidth": 0.8, "capsize": 3, "label": "one standard deviation"}
        ax.errorbar([0], [row], xerr=[deviation], linestyle="none", zorder=1.5, **bar)  # type: ignore[arg-type]
        ax.plot(
            values - mean,
            np.full(len(values), row),
            linestyle="none",
            alpha=0.85,
            **_LOOKS[is_dla(str(tracker))],
        )
        names.append(f"{tracker}: {mean:.3f}, std {deviation:.3f}")
    _set_rows(ax, names)


def _draw_gains(ax: Axes, gains: Mapping[str, float]) -> None:
    look = paper_style()
    for row, gain in enumerate(gains.values()):
        ax.plot([0, gain], [row, row], **look | {"label": "_"})
        ax.plot(
            [gain],
            [row],
            color=GREY,
            marker="D",
            markerfacecolor="white",
            linestyle="none",
            label=look["label"],
        )
    _set_rows(ax, [f"{name}: {gain:.3f} (paper)" for name, gain in gains.items()])


def _set_rows(ax: Axes, names: list[str]) -> None:
    ax.axvline(0, color=BLACK, linewidth=0.6)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(False, axis="y")


def _unique_handles(*axes: Axes) -> tuple[list[Any], list[str]]:
    """Handles and labels of a legend, one for each label."""
    found: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
