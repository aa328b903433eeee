"""The two plots of a VOT benchmark: EAO ranking, and accuracy against robustness."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.evaluation.vot.scores import reliability
from dlatrack.pixels.colours import GREY
from dlatrack.viz.style import figure_style, new_figure
from dlatrack.viz.trackers import by_score, check_scores, marker_styles, paper_styles

_LEVEL = 14  # trackers whose texts fit side by side


def eao_ranking(
    eao: Mapping[str, float],
    *,
    paper: Mapping[str, float] | None = None,
    benchmark: str = "VOT2019",
    protocol: str = "pysot",
) -> Figure:
    """Draw trackers ordered by expected average overlap, the best right-most.

    Values that the paper prints are ranked by themselves, in grey in axes of their own.

    Args:
        eao: expected average overlap in 0..1 by tracker.
        paper: printed values by tracker; None or empty: none.
        benchmark: name of the benchmark, for the title.
        protocol: protocol of the values, for the title.

    Raises:
        InputError: if there is no tracker or a value lies outside 0..1.

    Source: SiamDLA Fig. 7a.
    """
    if not eao:
        raise InputError("an EAO ranking needs a measured tracker")
    paper = paper or {}
    check_scores(eao, "EAO")
    check_scores(paper, "the paper's EAO")
    crowded = len(eao) + len(paper) > _LEVEL
    with figure_style():
        fig = new_figure(height_mm=100 if crowded else 80)
        widths = [len(paper), len(eao)] if paper else [len(eao)]
        axes = fig.subplots(1, len(widths), squeeze=False, sharey=True, width_ratios=widths)[0]
        if paper:
            _draw_ranking(axes[0], paper, paper_styles(paper), "paper: ", crowded)
            axes[0].set_title("paper", fontstyle="italic", color=GREY)
            axes[1].set_title("measured")
            for tick in axes[0].get_xticklabels():
                tick.set(fontstyle="italic", color=GREY)
        _draw_ranking(axes[-1], eao, marker_styles(eao), "", crowded)
        fig.suptitle(f"{benchmark}: expected average overlap ({protocol} protocol)", fontsize=8)
        axes[0].set_ylim(0, (1.3 if crowded else 1.15) * max(*eao.values(), *paper.values(), 0.01))
        axes[0].set_ylabel("expected average overlap (EAO)")
        axes[-1].set_xlabel("tracker (rank), best on the right")
    return fig


def ar_plot(
    points: Mapping[str, tuple[float, float]],
    sensitivity: float = 30,
    *,
    benchmark: str = "VOT2019",
    protocol: str = "pysot",
) -> Figure:
    """Draw accuracy over reliability, the best tracker in the upper right corner.

    See `reliability` for its definition. The axes show the part of 0..1 where the trackers are.

    Args:
        points: accuracy (mean overlap, 0..1) and robustness R (failures per 100 frames, >= 0) by tracker; both
            pooled over the sequences.
        sensitivity: S, frames; 30 in VOT.
        benchmark: name of the benchmark, for the title.
        protocol: protocol of the points, for the title.

    Returns:
        A figure of double column width, the legend sorted by accuracy.

    Raises:
        InputError: if there is no tracker, or accuracy, robustness or `sensitivity` is out of range.

    Source: SiamDLA Fig. 7b.
    """
    if not points:
        raise InputError("an A-R plot needs a tracker")
    if not (math.isfinite(sensitivity) and sensitivity > 0):
        raise InputError(f"the sensitivity must be a positive number of frames, got {sensitivity}")
    accuracy = {label: point[0] for label, point in points.items()}
    check_scores(accuracy, "accuracy")
    for label, (_, robustness) in points.items():
        if not (math.isfinite(robustness) and robustness >= 0):
            raise InputError(f"robustness of {label} must be failures per 100 frames, >= 0, got {robustness}")
    chances = {label: reliability(point[1], sensitivity) for label, point in points.items()}
    styles = marker_styles(points)
    with figure_style():
        fig = new_figure(height_mm=85)
        ax = fig.add_subplot()
        for label in by_score(accuracy):
            text = f"{label} [A {points[label][0]:.3f}, R {points[label][1]:.3f}]"
            ax.plot(chances[label], accuracy[label], label=text, clip_on=False, **styles[label])
        ax.set(xlim=_limits(chances.values()), ylim=_limits(accuracy.values()))
        ax.set_title(f"{benchmark}: accuracy and robustness ({protocol} protocol)")
        ax.set_xlabel(f"reliability: probability of {sensitivity:g} frames without a failure")
        ax.set_ylabel("accuracy (mean overlap)")
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(1.04, 1),
            borderaxespad=0,
            alignment="left",
            title="A: accuracy, R: failures per 100 frames\nbest: upper right corner",
        )
    return fig


def _limits(values: Iterable[float]) -> tuple[float, float]:
    """Ends of an axis within 0..1, on tenths, around all values with some room."""
    known = list(values)
    return max(math.floor(10 * min(known) - 0.3) / 10, 0), min(math.ceil(10 * max(known) + 0.3) / 10, 1)


def _draw_ranking(
    ax: Axes, values: Mapping[str, float], styles: Mapping[str, dict[str, Any]], prefix: str, crowded: bool
) -> None:
    """A stem per tracker, worst first; the texts of a crowded plot stand upright."""
    order = by_score(values)[::-1]
    for place, label in enumerate(order):
        look = styles[label]
        stem = "-" if look["linestyle"] == "none" else look["linestyle"]
        ax.plot([place, place], [0, values[label]], color=look["color"], linestyle=stem, linewidth=1.0)
        ax.plot(place, values[label], **look)
        ax.annotate(
            f"{values[label]:.3f}",
            (place, values[label]),
            (0, 6),
            textcoords="offset points",
            ha="center",
            rotation=90 if crowded else 0,
        )
    names = [f"{prefix}{label} ({len(order) - place})" for place, label in enumerate(order)]
    slanted = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(order)), names, **({"rotation": 90} if crowded else slanted))
    ax.set_xlim(-0.6, len(order) - 0.4)
    ax.grid(False, axis="x")
