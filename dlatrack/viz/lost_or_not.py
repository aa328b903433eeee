"""Reliability of a stated confidence, one track over time, and long-term precision and recall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from dlatrack.errors import InputError
from dlatrack.evaluation.long_term import LongTermResult, Reliability
from dlatrack.pixels.colours import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION
from dlatrack.studies.lost_or_not_runs import TRACK_STATES, WatchedRun
from dlatrack.viz.style import COLUMN_WIDTH, DOUBLE_WIDTH, figure_style, new_figure

#: Colour and line of each way to rank boxes; the last one is what a user gets with recovery.
_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": GREY, "linestyle": (0, (1, 1)), "marker": "s"},
    {"color": BLUE, "linestyle": (0, (4, 1.5)), "marker": "o"},
    {"color": VERMILLION, "linestyle": "-", "marker": "D"},
)
_TRACKERS = (BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK)
_MARKERS = "osD^vP"

#: Colours of the states, from light to dark so that they differ in grey.
_STATES = {"tracking": "#cfe8dd", "uncertain": "#f3cf7f", "lost": VERMILLION}


def reliability_plot(probability: Mapping[str, Reliability], score: Mapping[str, Reliability]) -> Figure:
    """Draw stated over true probability, of the score alone beside the calibrated probability.

    Args:
        probability: bins by tracker, of the calibrated probability.
        score: the same of the score alone.

    Returns:
        A figure of double column width; a curve on the diagonal can be believed.

    Raises:
        InputError: if there is no tracker, or more than six.
    """
    if not 1 <= len(probability) <= len(_TRACKERS) or set(probability) != set(score):
        raise InputError(f"one to {len(_TRACKERS)} trackers are needed in both, got {list(probability)}")
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 86)
        left, right = fig.subplots(1, 2, sharey=True)
        for ax, found, name in ((left, score, "score alone"), (right, probability, "calibrated probability")):
            ax.plot([0, 1], [0, 1], color=BLACK, linewidth=0.8, label="stated = true")
            for number, (tracker, bins) in enumerate(found.items()):
                ax.plot(
                    bins.stated,
                    bins.true,
                    color=_TRACKERS[number],
                    marker=_MARKERS[number],
                    markersize=3.5,
                    linewidth=1.0,
                    label=tracker,
                )
            worst = max(bins.error for bins in found.values())
            ax.set(
                xlim=(-0.02, 1.02),
                ylim=(-0.02, 1.02),
                aspect="equal",
                title=f"{name}, error at most {worst:.3f}",
            )
            ax.set_xlabel("stated: mean of a tenth of the frames")
        left.set_ylabel("true: share of boxes with IoU > 0.5")
        fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


def timeline_plot(runs: Mapping[str, WatchedRun]) -> Figure:
    """Draw score, probability, state and true overlap over the frames of one video, a panel for each way to track.

    Args:
        runs: runs in the same video by title, without recovery and with it.

    Returns:
        A figure of double column width. The band below each panel is the state, the grey areas are frames in which
        the target is absent.

    Raises:
        InputError: if there is no run.
    """
    if not runs:
        raise InputError("there is no run to draw")
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 22 + 42 * len(runs))
        axes = np.atleast_1d(fig.subplots(len(runs), 1, sharex=True, sharey=True))
        for ax, (name, run) in zip(axes, runs.items(), strict=True):
            _draw_timeline(ax, run)
            ax.set_title(name)
        axes[-1].set_xlabel("frame")
        handles, labels = axes[0].get_legend_handles_labels()
        handles += [Patch(color=colour) for colour in _STATES.values()]
        labels += [f"state: {name}" for name in _STATES]
        fig.legend(handles, labels, loc="outside lower center", ncols=4)
    return fig


def _draw_timeline(ax: Axes, run: WatchedRun) -> None:
    track = run.track()
    frames = np.arange(1, len(run.state))
    absent = np.concatenate([[False], ~track.visible])
    for start, end in _stretches(absent):
        label = "target absent" if start == np.flatnonzero(absent)[0] else None
        ax.axvspan(start - 0.5, end - 0.5, color="#dddddd", linewidth=0, zorder=0.5, label=label)
    overlap = np.where(track.visible, track.overlaps, np.nan)
    ax.fill_between(frames, 0, overlap, color=to_rgba(SKY, 0.45), linewidth=0, label="IoU with the true box")
    ax.plot(frames, run.signals[1:, 0], color=GREY, linewidth=0.6, label="score")
    ax.plot(frames, run.probability[1:], color=BLUE, linewidth=1.2, label="probability")
    for number, name in enumerate(TRACK_STATES):
        for start, end in _stretches(run.state == number):
            ax.fill_between([start - 0.5, end - 0.5], -0.14, -0.05, color=_STATES[name], linewidth=0)
    ax.set(xlim=(0, len(run.state)), ylim=(-0.16, 1.04), ylabel="score, probability, IoU")
    ax.set_yticks([0, 0.5, 1])


def _stretches(flags: np.ndarray) -> list[tuple[int, int]]:
    """First frame, and last + 1, of each stretch of frames that are true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def precision_recall_plot(results: Mapping[str, LongTermResult], title: str = "") -> Figure:
    """Draw long-term precision over recall, with lines of equal F and a mark where F is largest.

    Args:
        results: results by what boxes are ranked by, at most three.
        title: title of the figure, usually the tracker.

    Returns:
        A figure of single column width.

    Raises:
        InputError: if there is no result, or more than three.
    """
    if not 1 <= len(results) <= len(_LOOKS):
        raise InputError(f"one to {len(_LOOKS)} results are needed, got {len(results)}")
    with figure_style():
        fig = new_figure(COLUMN_WIDTH, 100)
        ax = fig.subplots()
        grid = np.linspace(0.01, 1, 200)
        for level in (0.2, 0.4, 0.6, 0.8):
            chosen = grid > level / 2
            ax.plot(
                grid[chosen],
                (level * grid / np.where(chosen, 2 * grid - level, 1))[chosen],
                color="#cccccc",
                lw=0.7,
            )
            named = {"color": GREY, "fontsize": 6, "ha": "right", "va": "center"}
            paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            ax.text(0.985, level / (2 - level), f"F = {level}", bbox=paper, **named)  # type: ignore[arg-type]
        for look, (name, result) in zip(_LOOKS, results.items(), strict=False):
            precision, recall, f, _ = result.best
            line = {"color": look["color"], "linestyle": look["linestyle"]}
            ax.plot(result.recall, result.precision, **line, label=f"{name}: F = {f:.3f}")
            ax.plot(
                recall, precision, color=look["color"], marker=look["marker"], markersize=5, linestyle="none"
            )
        ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall (mean IoU where visible)", title=title)
        ax.set_ylabel("precision (mean IoU where a box is given)")
        fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=1)
    return fig
