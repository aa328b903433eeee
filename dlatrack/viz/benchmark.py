"""Success and precision plots of a benchmark: many trackers, and the scores that the paper prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import NORMALISED_THRESHOLDS, OVERLAP_THRESHOLDS, PIXEL_THRESHOLDS
from dlatrack.evaluation.protocols import rules
from dlatrack.pixels.colours import GREY
from dlatrack.viz.style import figure_style, new_figure
from dlatrack.viz.trackers import by_score, check_scores, curve_styles, paper_styles

_LINE = 3.85  # mm per row of the legends


@dataclass(frozen=True)
class CurveKind:
    """A kind of evaluation plot."""

    title: str  #: name of the curve
    thresholds: np.ndarray  #: (K,) thresholds of the curve
    axis: str  #: label of the thresholds
    score: Callable[[np.ndarray], float]  #: function of a curve (K,) that gives its score
    score_name: str  #: name of the score
    mark: float | None = None  #: threshold at which the score is read; None: it is the mean of the curve


SUCCESS = CurveKind("success", OVERLAP_THRESHOLDS, "overlap threshold (IoU)", np.mean, "AUC")
PRECISION = CurveKind(
    "precision",
    PIXEL_THRESHOLDS,
    "centre error threshold (px)",
    lambda curve: curve[20],
    "at 20 px",
    20.0,
)


NORMALISED_PRECISION = CurveKind(
    "normalised precision",
    NORMALISED_THRESHOLDS,
    "centre error threshold (target sizes)",
    lambda curve: curve[20],
    "at 0.2",
    0.2,
)
_KINDS = {kind.title: kind for kind in (SUCCESS, PRECISION, NORMALISED_PRECISION)}


def evaluation_plot(
    metric: Literal["success", "precision", "normalised precision"],
    curves: Mapping[str, np.ndarray],
    *,
    scores: Mapping[str, float] | None = None,
    paper: Mapping[str, float] | None = None,
    protocol: str,
    benchmark: str,
) -> Figure:
    """Draw the share of frames on the right side of a threshold, for up to about twenty trackers.

    Measured trackers are curves. The paper prints scores without curves: each is a short grey dash in a strip beside
    the axes, with a legend of its own in italics.

    Args:
        metric: the frames that count: "success", IoU above the threshold; "precision", centre error of at most so
            many px; or "normalised precision", the same in target sizes.
        curves: (K,) shares in 0..1 by tracker, e.g. `OPEResult.mean_success`; K as in `ope.OVERLAP_THRESHOLDS`,
            `ope.PIXEL_THRESHOLDS` or `ope.NORMALISED_THRESHOLDS`.
        scores: scores by tracker, by which the legend is sorted; None: the area under a success curve, its mean; the
            share at 20 px or at 0.2, or for a protocol that reports it the mean of the normalised precision.
        paper: scores that the paper prints, by tracker, e.g. `paper.published.scores_of("OTB100", "auc")`.
        protocol: protocol of the curves, for the title.
        benchmark: name of the benchmark, for the title.

    Raises:
        InputError: if there is no curve, one has another length or a share outside 0..1, scores are of other
            trackers, or the protocol is unknown or has no normalised precision.

    Source: SiamDLA Figs. 4 and 8; Wu, Lim, Yang: Object tracking benchmark, TPAMI 2015 (OTB); for normalised
    precision Mueller et al. 2018 (TrackingNet).
    """
    kind = _kind_of(metric, protocol)
    shares = {label: np.asarray(curve, float) for label, curve in curves.items()}
    _check(kind, shares, scores)
    protocol = rules(protocol).protocol
    scores = (
        {label: float(kind.score(curve)) for label, curve in shares.items()} if scores is None else scores
    )
    paper = paper or {}
    check_scores(scores, f"the {kind.title} score")
    check_scores(paper, "the paper's score")
    rows = len(scores) + len(paper) + (3 if paper else 1)
    with figure_style():
        fig = new_figure(height_mm=max(80.0, 17 + _LINE * rows))
        grid = fig.add_gridspec(1, 2 if paper else 1, width_ratios=[1, 0.2] if paper else [1])
        ax = fig.add_subplot(grid[0])
        _draw_curves(ax, kind, shares, scores)
        ax.set_title(f"{benchmark}: {kind.title} ({protocol} protocol)")
        groups = [(ax, f"measured [{kind.score_name}]")]
        if paper:
            strip = fig.add_subplot(grid[1], sharey=ax)
            _draw_paper(strip, kind, paper)
            groups.append((strip, f"as printed, {kind.score_name}"))
        _add_legends(groups)
    return fig


def _kind_of(metric: str, protocol: str) -> CurveKind:
    """The plot of a metric; the protocol decides about the score of normalised precision."""
    kind, score = _KINDS[metric], rules(protocol).normalised
    if kind is not NORMALISED_PRECISION:
        return kind
    if score == "none":
        raise InputError(f"protocol {protocol} has no normalised precision; choose another")
    return replace(kind, score=np.mean, score_name="mean", mark=None) if score == "mean" else kind


def _draw_curves(
    ax: Axes, kind: CurveKind, shares: Mapping[str, np.ndarray], scores: Mapping[str, float]
) -> None:
    styles = curve_styles(shares)
    for place, label in enumerate(by_score(scores)):
        text = f"{label} [{scores[label]:.3f}]"
        ax.plot(kind.thresholds, shares[label], label=text, zorder=3 - 0.01 * place, **styles[label])
    finish_axes(ax, kind, 1)


def finish_axes(ax: Axes, kind: CurveKind, top: float) -> None:
    """Mark the threshold of the score, and label axes whose shares end at `top`."""
    if kind.mark is not None:
        ax.axvline(kind.mark, color="#9a9a9a", linewidth=0.8, linestyle=":")
    ax.set(xlim=(kind.thresholds[0], kind.thresholds[-1]), ylim=(0, top), ylabel="share of frames")
    ax.set_xlabel(kind.axis)


def _draw_paper(ax: Axes, kind: CurveKind, paper: Mapping[str, float]) -> None:
    """A dash per score, side by side, best first."""
    styles = paper_styles(paper)
    for place, label in enumerate(by_score(paper)):
        heights = [paper[label]] * 3
        text = f"paper: {label} {paper[label]:.3f}"
        ax.plot([place - 0.5, place, place + 0.5], heights, label=text, markevery=[1], **styles[label])
    ax.set(xlim=(-1, len(paper)), xticks=[])
    ax.tick_params(labelleft=False, left=False)
    ax.set_title("paper", fontstyle="italic", color=GREY)
    ax.set_xlabel(kind.score_name, fontstyle="italic", color=GREY)


def _add_legends(groups: list[tuple[Axes, str]]) -> None:
    """Explain the lines to the right of the last axes: the measured ones at the top, the paper's at the bottom."""
    host = groups[-1][0]
    beside = offset_copy(host.transAxes, fig=host.get_figure(), x=6, units="points")  # type: ignore[arg-type]
    for place, (ax, title) in enumerate(groups):
        legend = host.legend(
            *ax.get_legend_handles_labels(),
            title=title,
            loc=("upper left", "lower left")[place],
            bbox_to_anchor=((1, 1), (1, 0))[place],
            bbox_transform=beside,
            borderaxespad=0,
            alignment="left",
        )
        if place == 0 and len(groups) > 1:
            host.add_artist(legend)  # the next one would take its place
            legend.set_clip_on(False)  # or the layout would leave no room for it
        if place == 1:
            for text in (*legend.get_texts(), legend.get_title()):
                text.set(fontstyle="italic", color=GREY)


def _check(kind: CurveKind, shares: Mapping[str, np.ndarray], scores: Mapping[str, float] | None) -> None:
    if not shares:
        raise InputError(f"a {kind.title} plot needs a measured curve")
    for label, curve in shares.items():
        if curve.shape != kind.thresholds.shape:
            raise InputError(
                f"the {kind.title} curve of {label} has shape {curve.shape}, not {kind.thresholds.shape}"
            )
        bad = curve[~((curve >= 0) & (curve <= 1))]
        if len(bad):
            raise InputError(f"the {kind.title} curve of {label} must hold shares in 0..1, got {bad[0]}")
    if scores is not None and set(scores) != set(shares):
        raise InputError(f"curves are of {sorted(shares)}, but scores of {sorted(scores)}")
