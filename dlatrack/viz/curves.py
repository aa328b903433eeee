"""Curves of evaluation and training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from dlatrack.evaluation.ope import OPEResult
from dlatrack.pixels.colours import BLACK, BLUE, GREEN, ORANGE, VERMILLION
from dlatrack.viz.benchmark import PRECISION, SUCCESS, CurveKind, finish_axes
from dlatrack.viz.style import figure_style, line_styles, new_figure
from dlatrack.viz.trackers import by_score

_LOSSES = {
    "loss": ("total", BLACK, "-"),
    "loss_classification": ("classification", BLUE, "-"),
    "loss_regression": ("regression", ORANGE, (0, (4, 1.5))),
    "loss_centerness": ("centerness", GREEN, (0, (1, 1))),
}
_RARE = {
    "empty": ("empty", VERMILLION, "-"),
    "rescued": ("rescued", BLUE, (0, (4, 1.5))),
    "tied": ("tied", GREEN, (0, (1, 1))),
}


def training_curves(history: pd.DataFrame, *, batch: int | None = None) -> Figure:
    """Draw a training history: loss terms, learning rate, positives, and pairs without a clear label, over steps.

    Each line is a running mean over a fiftieth of the history; dotted verticals mark the starts of epochs.

    Args:
        history: one row per step, with the columns of `training.history.StepRow`; loss_centerness may be missing, and
            is not drawn where a head has none and it stays 0.
        batch: pairs per step; turns the counts of empty, rescued and tied pairs into shares.

    Raises:
        ValueError: if the history has no rows or lacks a column, or counts more pairs than `batch`.
    """
    needed = ["epoch", "step", "lr", "positives", "empty", "tied", "rescued", "pairs_per_second"]
    needed += ["loss", "loss_classification", "loss_regression"]
    if missing := [name for name in needed if name not in history]:
        raise ValueError(
            f"the training history lacks {', '.join(missing)}; it has {', '.join(history.columns)}"
        )
    if history.empty:
        raise ValueError("the training history has no rows")
    if batch is not None and batch < history[list(_RARE)].to_numpy().max():
        raise ValueError(f"a step counts more {', '.join(_RARE)} pairs than the batch of {batch} has")
    history = history.assign(step=_running_step(history))
    with figure_style():
        fig = new_figure(height_mm=105)
        losses, rate, positives, rare = (fig.add_subplot(2, 2, number) for number in (1, 2, 3, 4))
        for column, (label, color, dashes) in _LOSSES.items():
            if column in history and history[column].fillna(0).any():
                _line(losses, history, column, label=label, color=color, linestyle=dashes)
        losses.set(title="loss", ylabel="loss", ylim=(0, None))
        losses.legend()
        _line(rate, history, "lr", color=BLUE, smooth=False)
        rate.set(title="learning rate", ylabel="learning rate")
        rate.ticklabel_format(axis="y", style="sci", scilimits=(-3, 3))
        _line(positives, history, "positives", color=GREEN)
        positives.set(title="positives", ylabel="positives per target", ylim=(0, None))
        scale, unit = (1.0, "pairs per step") if batch is None else (100 / batch, "share of pairs (%)")
        shares = history.assign(**{name: scale * history[name] for name in _RARE})
        for column, (label, color, dashes) in _RARE.items():
            _line(rare, shares, column, label=label, color=color, linestyle=dashes)
        top = float(shares[list(_RARE)].to_numpy().max())
        rare.set(title="pairs without a clear label", ylabel=unit, ylim=(0, 1.3 * top if top > 0 else 1))
        rare.legend(ncols=3, loc="upper right", handlelength=1.8, columnspacing=1.0)
        speed = history["pairs_per_second"].median()
        fig.suptitle(f"{history['epoch'].nunique()} epochs, {speed:.0f} pairs/s (median)", fontsize=8)
        for ax in (losses, rate, positives, rare):
            ax.set_xlabel("step")
            _mark_epochs(ax, history)
    return fig


def twin_curves(histories: Mapping[str, pd.DataFrame], *, regression: str = "IoU loss") -> Figure:
    """Draw loss terms and positives per target of several runs in the same axes, over steps.

    Args:
        histories: history by tracker, one row per step with the columns of `training.history.StepRow`. A centre-ness
            loss that is 0 throughout gets no panel: the head has none.
        regression: name of the regression loss.
    """
    styles = line_styles(histories)
    panels = {
        "loss_classification": ("classification loss", "balanced cross-entropy"),
        "loss_regression": ("regression loss", regression),
        "loss_centerness": ("centre-ness loss", "binary cross-entropy"),
        "positives": ("positives", "positives per target"),
    }
    if not any(history["loss_centerness"].any() for history in histories.values()):
        del panels["loss_centerness"]
    with figure_style():
        fig = new_figure(height_mm=62)
        axes = [fig.add_subplot(1, len(panels), number + 1) for number in range(len(panels))]
        for ax, (column, (title, unit)) in zip(axes, panels.items(), strict=True):
            for name, history in histories.items():
                _line(ax, history, column, label=name, **styles[name])
            ax.set(title=title, xlabel="step", ylabel=unit, ylim=(0, None))
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return fig


def score_figure(scores: Mapping[str, OPEResult]) -> Figure:
    """Draw a success plot and a precision plot side by side.

    Args:
        scores: results of one-pass evaluation by tracker.
    """
    with figure_style():
        fig = new_figure(height_mm=75)
        success, precision = fig.subplots(1, 2)
        curves = {name: (one.mean_success, one.auc) for name, one in scores.items()}
        _evaluation_plot(success, SUCCESS, curves)
        curves = {name: (one.mean_precision, one.precision_score) for name, one in scores.items()}
        _evaluation_plot(precision, PRECISION, curves)
    return fig


def positives_plot(counts: pd.DataFrame) -> Figure:
    """Draw how many positives each rule gives along a sequence, on a logarithmic axis.

    Args:
        counts: positives by frame (index) and rule (columns); 0 is drawn at the bottom.

    Raises:
        ValueError: if there is nothing to draw.
    """
    if counts.empty:
        raise ValueError("there are no counts to draw")
    styles = line_styles(counts.columns)
    with figure_style():
        fig = new_figure(height_mm=70)
        ax = fig.add_subplot()
        for rule in counts:
            ax.plot(
                counts.index, counts[rule], label=str(rule), marker=".", markersize=3, **styles[str(rule)]
            )
        ax.set_yscale("symlog", linthresh=1, linscale=0.4)
        ax.set(xlabel="frame", ylabel="positive samples", ylim=(0, None))
        ticks = [tick for tick in (0, 1, 2, 5, 10, 20, 50, 100, 200) if tick <= 1.5 * counts.to_numpy().max()]
        ax.set_yticks(ticks, [str(tick) for tick in ticks])
        ax.minorticks_off()
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return fig


def _evaluation_plot(ax: Axes, kind: CurveKind, curves: Mapping[str, tuple[np.ndarray, float]]) -> None:
    """Curves and their scores by tracker, with a legend below the label of the axis, best first."""
    styles = line_styles(curves)
    for label in by_score({label: score for label, (_, score) in curves.items()}):
        shares, score = curves[label]
        ax.plot(kind.thresholds, shares, label=f"{label}  {score:.3f}", **styles[label])
    below = offset_copy(ax.transAxes, fig=ax.get_figure(), y=-30, units="points")  # type: ignore[arg-type]
    ax.legend(loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below, borderaxespad=0)
    finish_axes(ax, kind, 1.02)
    ax.set_title(kind.title)


def _line(ax: Axes, history: pd.DataFrame, column: str, *, smooth: bool = True, **look: object) -> None:
    values = history[column]
    if smooth:
        values = values.rolling(max(len(history) // 50, 1), min_periods=1).mean()
    marker = "o" if len(history) == 1 else ""
    ax.plot(history["step"], values, marker=marker, **look)  # type: ignore[arg-type]


def _running_step(history: pd.DataFrame) -> pd.Series[float]:
    """Steps counted from the start of training, also where the history counts them within epochs."""
    step = history["step"].astype(float)
    if step.is_monotonic_increasing:
        return step
    return history["epoch"] * (step.max() + 1 - step.min()) + step


def _mark_epochs(ax: Axes, history: pd.DataFrame) -> None:
    starts = history["step"][history["epoch"].diff() > 0]
    for start in starts if len(starts) <= 30 else []:
        ax.axvline(start, color="#b0b0b0", linewidth=0.6, linestyle=":", zorder=0)
