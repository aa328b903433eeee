"""Effects of the hyper-parameter K: positives per target and along training, and the tracker's score (Fig. 9)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import Difference
from dlatrack.pixels.colours import BLACK, DLA, FIXED, GREY
from dlatrack.viz.style import figure_style, line_styles, new_figure, paper_style
from dlatrack.viz.trackers import curve_styles

_MARKERS = "osD^vP"


def positives_over_candidates_plot(
    counts: pd.DataFrame, *, paper: tuple[float, float], mixes: tuple[str, str]
) -> Figure:
    """Draw mean positives per target over K: every reading on two mixes of shapes, and our default on all mixes.

    The last panel shows the share of targets that no sample satisfies.

    Args:
        counts: table of `positives_over_candidates`, a row per mix, reading and K; our default is the
            first reading.
        paper: least and largest number that the paper's text gives, dashed.
        mixes: the two mixes that are drawn with every reading.

    Raises:
        InputError: if a mix is not in `counts`.

    Source: SiamDLA Fig. 9a.
    """
    known = list(dict.fromkeys(counts["mix"]))
    if absent := [mix for mix in mixes if mix not in known]:
        raise InputError(f"there are no counts of the mix {absent[0]!r}; there are of {', '.join(known)}")
    readings = list(dict.fromkeys(counts["reading"]))
    looks, of_mix = line_styles(readings), line_styles(known)
    with figure_style():
        fig = new_figure(height_mm=72)
        axes = fig.subplots(1, 4)
        for ax, mix in zip(axes, mixes, strict=False):
            for number, reading in enumerate(readings):
                part = counts[(counts["mix"] == mix) & (counts["reading"] == reading)]
                ax.plot(
                    part["K"], part["positives"], marker=_MARKERS[number], label=reading, **looks[reading]
                )
            ax.set_title(f"readings, {mix}")
        default = counts[counts["reading"] == readings[0]]
        for number, (mix, part) in enumerate(default.groupby("mix", sort=False)):
            look = {**of_mix[str(mix)], "marker": _MARKERS[number], "markerfacecolor": "white", "label": mix}
            axes[2].plot(part["K"], part["positives"], **look)
            axes[3].plot(part["K"], 100 * part["empty"], **look)
        axes[2].set_title("our default, by shapes")
        axes[3].set(title="targets that none satisfies", ylabel="share of targets (%)", ylim=(0, 60))
        top = 1.06 * max(float(counts["positives"].max()), paper[1])
        for ax in axes[:3]:
            _draw_paper(ax, paper)
            ax.set(ylim=(0, top), ylabel="positives per target")
        for ax in axes:
            ax.set(xlabel="K", xticks=sorted(counts["K"].unique())[::3])
        for ax in axes[1:3]:
            ax.label_outer()
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
        axes[3].legend(loc="upper right")
    return fig


def positives_on_pairs_plot(counts: pd.DataFrame, *, paper: tuple[float, float]) -> Figure:
    """Draw mean positives per training pair over K, for points and for anchors, with their standard errors.

    Args:
        counts: table of `positives_on_training_pairs`.
        paper: least and largest number that the paper's text gives, a band.

    Source: SiamDLA Fig. 9a.
    """
    looks = line_styles(dict.fromkeys(counts["reading"]))
    with figure_style():
        fig = new_figure(height_mm=72)
        axes = fig.subplots(1, 2)
        for ax, (samples, kind) in zip(axes, counts.groupby("samples", sort=False), strict=True):
            _draw_band(ax, paper)
            for number, (reading, part) in enumerate(kind.groupby("reading", sort=False)):
                look = {**looks[str(reading)], "marker": _MARKERS[number], "label": reading}
                ax.errorbar(part["K"], part["positives"], part["error"], capsize=2, **look)
            ax.set(title=samples, xlabel="K", ylabel=f"positive {samples} per pair", ylim=(0, None))
            ax.set_xticks(sorted(counts["K"].unique()))
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return fig


def positives_over_epochs_plot(epochs: pd.DataFrame, *, paper: tuple[float, float]) -> Figure:
    """Draw mean positives per pair over the epochs of a training, a line per K.

    Args:
        epochs: a row per epoch, a column per K.
        paper: least and largest number that the paper's text gives, a band.

    Returns:
        A figure of single column width.

    Source: SiamDLA Fig. 9b.
    """
    labels = [f"K = {count}" for count in epochs]
    looks = curve_styles(labels)
    with figure_style():
        fig = new_figure(width_mm=89, height_mm=68)
        ax = fig.add_subplot()
        _draw_band(ax, paper)
        for number, (label, (_, values)) in enumerate(zip(labels, epochs.items(), strict=True)):
            look = {**looks[label], "marker": _MARKERS[number % len(_MARKERS)]}
            ax.plot(epochs.index, values, label=label, **look)
        ax.set(xlabel="epoch", ylabel="positives per pair", ylim=(0, None))
        ax.set_xticks(epochs.index[:: max(len(epochs) // 8, 1)])
        fig.legend(*ax.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return fig


def candidate_scores_plot(
    scores: Mapping[int, float],
    differences: Mapping[int, Difference],
    *,
    reference: int,
    static: float,
    insensitive: tuple[int, int],
    note: str,
) -> Figure:
    """Draw the AUC of the tracker for every K, and its difference from a reference with a bootstrap interval.

    Args:
        scores: AUC by K.
        differences: difference from the reference by every other K.
        reference: the K that the others are compared with.
        static: AUC of a box that never moves.
        insensitive: K from and to which the paper calls the method insensitive, dashed.
        note: text on the size of the study, for the title.
    """
    with figure_style():
        fig = new_figure(height_mm=72)
        score, difference = fig.subplots(1, 2)
        score.plot(list(scores), list(scores.values()), color=DLA, marker="o", label="DLA, trained with K")
        score.axhline(static, color=BLACK, linewidth=1.0, linestyle=(0, (1, 1)), label="static box")
        score.set(title="score", ylabel="AUC", ylim=(0, 1.1 * max(*scores.values(), static)))
        _draw_differences(difference, differences, reference)
        for ax in (score, difference):
            for place, count in enumerate(insensitive):
                look = paper_style(f"insensitive from K = {insensitive[0]} to {insensitive[1]}")
                ax.axvline(count, zorder=0.9, **{**look, "label": look["label"] if place == 0 else None})
            ax.set(xlabel="K", xticks=list(scores))
            ax.set_xlim(min(*scores, *insensitive) - 1, max(*scores, *insensitive) + 1)
        handles, labels = score.get_legend_handles_labels()
        fig.legend(
            [*handles, difference.containers[0]],
            [*labels, "mean and 95 % interval over sequences"],
            loc="outside lower left",
            ncols=2,
        )
        fig.suptitle(note, fontsize=8)
    return fig


def _draw_differences(ax: Axes, differences: Mapping[int, Difference], reference: int) -> None:
    """Differences from the reference with their intervals, and the reference at zero."""
    found = differences.values()
    ends = [[one.value - one.low for one in found], [one.high - one.value for one in found]]
    look = {"color": FIXED, "marker": "s", "linestyle": "none", "capsize": 3}
    ax.errorbar(list(differences), [one.value for one in found], yerr=ends, **look)  # type: ignore[arg-type]
    ax.axhline(0, color=BLACK, linewidth=0.8)
    ax.plot([reference], [0], color=DLA, marker="o", linestyle="none")
    limit = 1.15 * max(abs(end) for one in found for end in (one.low, one.high))
    ax.set(title=f"against K = {reference}", ylabel="difference in AUC", ylim=(-limit or -1, limit or 1))


def _draw_band(ax: Axes, paper: tuple[float, float]) -> None:
    """The range that the paper's text gives."""
    ax.axhspan(*paper, color=GREY, alpha=0.2, lw=0, label=f"{paper[0]:g} to {paper[1]:g} (paper)")


def _draw_paper(ax: Axes, paper: tuple[float, float]) -> None:
    ax.axhspan(*paper, color=GREY, alpha=0.12, linewidth=0)
    for place, value in enumerate(paper):
        look = paper_style(f"{paper[0]:g} to {paper[1]:g}")
        ax.axhline(value, **{**look, "label": look["label"] if place == 0 else None})
