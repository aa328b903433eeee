"""Costs of training with a fixed rule and with DLA (SiamDLA Figs. 10 and 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.bench.step import STAGES
from dlatrack.bench.train import SIDES, TRUNK_STATES, StepCost
from dlatrack.errors import InputError
from dlatrack.pixels.colours import BLACK, BLUE, DLA, FIXED, GREEN, GREY, ORANGE, VERMILLION
from dlatrack.recipes import recipe
from dlatrack.recipes.twins import dla_label
from dlatrack.studies.courses import Course
from dlatrack.viz.style import figure_style, new_figure

#: Stages without data, which is the same for both twins.
_LOOKS = {
    "forward": (ORANGE, ""),
    "assignment": (VERMILLION, ""),
    "loss": (GREEN, "...."),
    "backward and step": (BLUE, "////"),
}
_HALF = 0.19  # a bar is this far above or below the middle of its row
_HEIGHT = 0.34
_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}  # behind text on bars
_SECONDS_PER_HOUR, _SECONDS_PER_MINUTE = 3600, 60
_UNFROZEN: Any = {"color": GREY, "linewidth": 0.8, "linestyle": ":", "zorder": 0}
_REACH = 5  # steps on each side of the middle one of a mean


def stage_bars(costs: Sequence[StepCost]) -> Figure:
    """Draw the stages of a training step as stacked bars, the fixed twin above DLA, and the ratio of the two steps.

    Bars are medians in per cent of the fixed step, because networks differ a hundredfold; the time of that step is
    written on them. Data is left out.

    Args:
        costs: costs of one or more trackers, frozen and unfrozen.

    Raises:
        InputError: if there are none, or a tracker lacks a state.

    Source: SiamDLA Figs. 10a and 11a, which print whole steps alone.
    """
    trackers = list(dict.fromkeys(cost.tracker for cost in costs))
    found = {(cost.tracker, cost.backbone): cost for cost in costs}
    if not costs or len(found) != len(TRUNK_STATES) * len(trackers):
        raise InputError("stage bars need the frozen and the unfrozen step of every tracker")
    rows = range(len(trackers))
    with figure_style():
        fig = new_figure(height_mm=38 + 13 * len(trackers))
        axes = fig.subplots(1, 3, sharey=True, width_ratios=[1, 1, 0.75])
        for ax, state in zip(axes, TRUNK_STATES, strict=False):
            for row, tracker in enumerate(trackers):
                _stack(ax, row, found[tracker, state])
            ax.set(title=f"backbone {state}", xlabel="share of the fixed step (%)", xlim=(0, 118))
        for state, marker, fill, place in zip(TRUNK_STATES, "os", (DLA, "white"), (-1, 1), strict=True):
            _ratios(axes[2], [found[tracker, state] for tracker in trackers], place * _HALF, marker, fill)
        axes[2].axvline(1, color=BLACK, linewidth=0.8)
        axes[2].set(title="DLA step / fixed step", xlabel="ratio, 95 % interval")
        axes[0].set_yticks(rows, [f"{recipe(t).title}\n{found[t, 'frozen'].batch} pairs" for t in trackers])
        axes[0].set_ylim(len(trackers) - 0.5, -0.5)
        for ax in axes:
            ax.tick_params(axis="y", length=0)
            ax.grid(False, axis="y")
        stages, ratios = (axes[place].get_legend_handles_labels() for place in (0, 2))
        fig.legend(stages[0] + ratios[0], stages[1] + ratios[1], loc="outside lower left", ncols=3)
    return fig


def training_course_plot(
    course: Course, *, paper: pd.DataFrame, tracker: str, iterations: int, device: str
) -> Figure:
    """Draw time and total loss of a training over its iterations, the paper's and ours in panels of their own.

    Ours was measured step by step, both twins in turn on the same pairs. Of the loss the paper prints no number.

    Args:
        course: our trainings of both twins.
        paper: table of `studies.cost.paper_costs`.
        tracker: tracker of the paper to draw, e.g. "SiamRPN++".
        iterations: number of iterations of the whole training, as printed.
        device: device of our trainings.

    Raises:
        InputError: if the paper prints nothing for the tracker.

    Source: SiamDLA Figs. 10 and 11.
    """
    printed = paper[paper["tracker"] == tracker].set_index("backbone")
    if printed.empty:
        raise InputError(f"the paper prints no training time of {tracker!r}")
    titles = {"fixed": tracker, "DLA": dla_label(tracker)}
    own = recipe(course.tracker).title
    with figure_style():
        fig = new_figure(height_mm=72)
        theirs, ours, losses = fig.subplots(1, 3, width_ratios=[1.35, 1, 1])
        for side, dashes in zip(SIDES, ((0, (7, 3)), (0, (2, 1.2))), strict=True):
            seconds = printed.loc[list(TRUNK_STATES), f"{side}, s"].tolist()
            look = {"color": GREY, "linestyle": dashes, "linewidth": 1.0 if side == "fixed" else 1.7}
            _pieces(theirs, seconds, iterations, f"{titles[side]} (paper)", **look)
            color, line, name = (FIXED, (0, (3, 1)), own) if side == "fixed" else (DLA, "-", dla_label(own))
            steps = range(1, len(course.losses[side]) + 1)
            minutes = [seconds / _SECONDS_PER_MINUTE for seconds in course.elapsed(side)]
            ours.plot([0, *steps], [0, *minutes], color=color, linestyle=line, label=name)
            losses.plot(steps, course.losses[side], color=color, linewidth=0.4, alpha=0.5)
            losses.plot(steps, _smoothed(course.losses[side]), color=color, linestyle=line, label=name)
        theirs.set_title(
            f"(a) as printed (paper)\n{int(printed['batch'].iloc[0])} pairs", color=GREY, style="italic"
        )
        ours.set_title(f"(a) ours, measured\n{course.batch} pairs, {device}")
        losses.set_title("(b) ours, measured\nmean of 11 steps, and each step")
        theirs.set(ylabel="time (h)", xlim=(0, iterations))
        ours.set(ylabel="time (min)", xlim=(0, len(course.losses["DLA"])))
        losses.set(ylabel="total loss", xlim=ours.get_xlim())
        theirs.axvline(iterations / 2, **_UNFROZEN)
        for ax in (ours, losses):
            ax.axvline(course.unfrozen_from, **_UNFROZEN)
        for ax in (theirs, ours, losses):
            ax.set(xlabel="iteration", ylim=(0, 1.4 * ax.get_ylim()[1]))  # room for the legend
        theirs.legend(loc="upper left", title="s per iteration, frozen, unfrozen", alignment="left")
        ours.legend(loc="upper left")
        losses.legend(loc="upper right")
    return fig


def _smoothed(values: Sequence[float]) -> np.ndarray:
    """Mean over a value and up to five on each side of it."""
    return np.array([np.mean(values[max(0, n - _REACH) : n + _REACH + 1]) for n in range(len(values))])


def _stack(ax: Axes, row: int, cost: StepCost) -> None:
    """The bars of both twins, the time of the fixed step, and the share of DLA's assignment."""
    stages = STAGES[1:]
    whole = sum(cost.milliseconds("fixed", stage) for stage in stages)
    texts = {
        "fixed": f"{cost.milliseconds('fixed'):,.0f} ms",
        "DLA": f"{cost.assignment_percent:.2g} % assignment",
    }
    for side, place in zip(SIDES, (row - _HALF, row + _HALF), strict=True):
        left = 0.0
        for stage in stages:
            color, hatch = _LOOKS[stage]
            width = 100 * cost.milliseconds(side, stage) / whole
            look: Any = {"facecolor": color, "edgecolor": "white", "linewidth": 0, "hatch": hatch}
            ax.barh(
                place, width, _HEIGHT, left, label=stage if row == 0 and side == "fixed" else None, **look
            )
            left += width
        ax.text(2, place, f"{side}: {texts[side]}", va="center", bbox=_BOX)


def _ratios(ax: Axes, costs: Sequence[StepCost], shift: float, marker: str, fill: str) -> None:
    """A point with its interval per tracker."""
    places = [row + shift for row in range(len(costs))]
    ratios = [cost.ratio for cost in costs]
    spread = [[cost.ratio - cost.low for cost in costs], [cost.high - cost.ratio for cost in costs]]
    ax.errorbar(
        ratios,
        places,
        xerr=spread,
        color=DLA,
        marker=marker,
        markerfacecolor=fill,
        linestyle="none",
        capsize=2,
        label=f"backbone {costs[0].backbone}",
    )


def _pieces(ax: Axes, seconds: Sequence[float], iterations: int, name: str, **look: Any) -> None:
    """Two straight lines, which meet at the iteration where the backbone joins."""
    half = iterations / 2
    hours = [0.0, half * seconds[0] / _SECONDS_PER_HOUR, half * sum(seconds) / _SECONDS_PER_HOUR]
    label = f"{name}: {seconds[0]:.2f}, {seconds[1]:.2f}"
    ax.plot([0, half, iterations], hours, label=label, **look)
