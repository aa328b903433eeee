"""Boxes of several trackers on frames of several sequences, with their IoU in each frame and over time (Fig. 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from dlatrack.pixels.colours import BLACK, GREY, TARGET
from dlatrack.viz.filmstrip import box_legend, draw_image
from dlatrack.viz.layers import draw_box
from dlatrack.viz.style import DOUBLE_WIDTH, figure_style, line_styles, new_figure

if TYPE_CHECKING:
    from dlatrack.studies.qualitative import QualitativeStudy, Row

_CURVE = 20.0  # mm, height of a curve with its labels
_TEXT = 17.0  # mm, the title of a row and the lines above and below its frames
_LEGEND = 12.0  # mm
_TALLEST = 60.0  # mm, frames of tall videos


def qualitative_figure(study: QualitativeStudy) -> Figure:
    """Draw the chosen frames of each sequence in a row, and below them the IoU of each tracker over all frames.

    The annotation is a wide yellow line underneath; trackers have the colours and dashes of all our plots, and a
    number by which the line under a frame gives their IoU in it. Vertical lines in a curve are the frames above it.

    Args:
        study: study of at least one sequence.
    """
    styles = line_styles(study.trackers)
    columns = max(len(row.frames) for row in study.rows)
    tall = [_tile_height(row, columns) for row in study.rows]
    texts = _TEXT + 3.5 * ((len(study.trackers) - 1) // 3)
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, sum(tall) + len(tall) * (texts + _CURVE) + _LEGEND)
        heights = [height + texts for height in tall]
        parts = fig.subfigures(
            len(tall), 1, squeeze=False, height_ratios=[height + _CURVE for height in heights]
        )
        for part, row, height in zip(parts[:, 0], study.rows, heights, strict=True):
            _draw_row(part, row, styles, (columns, height), len(study.scores[study.trackers[0]].names))
        numbered = {f"{number}: {label}": styles[label] for number, label in enumerate(study.trackers, 1)}
        title = "under each frame: IoU of the trackers by number"
        box_legend(fig, numbered, title=title, title_fontsize=7)
    return fig


def _tile_height(row: Row, columns: int) -> float:
    height, width = row.sequence.frames[0].shape[:2]
    return min((DOUBLE_WIDTH - 4) / columns * height / width, _TALLEST)


def _draw_row(
    part: SubFigure, row: Row, styles: Mapping[str, Any], tiles: tuple[int, float], count: int
) -> None:
    columns, tall = tiles
    part.suptitle(
        f"{row.sequence.name}   AUC of DLA minus fixed: {row.gain:+.3f}, rank {row.rank} of {count}",
        x=0.01,
        ha="left",
        fontsize=8,
    )
    grid = part.add_gridspec(2, columns, height_ratios=[tall, _CURVE])
    for column, frame in enumerate(row.frames):
        ax = part.add_subplot(grid[0, column])
        draw_image(ax, row.sequence.frames[frame])
        draw_box(ax, row.sequence.boxes_xywh[frame], TARGET, "-", 2.4)
        for label in _solid_first(styles):
            look = styles[label]
            draw_box(ax, row.boxes_xywh[label][frame], look["color"], look["linestyle"], 1.3)
        ax.set_title(f"frame {frame}", fontsize=7, pad=2)
        ax.set_xlabel(_numbers([iou[frame] for iou in row.iou.values()]), fontsize=7, labelpad=2)
    _draw_curves(part.add_subplot(grid[1, :]), row, styles)


def _draw_curves(ax: Axes, row: Row, styles: Mapping[str, Any]) -> None:
    for frame in row.frames:
        ax.axvline(frame, color=GREY, linewidth=0.6, linestyle=":")
    absent = ~row.sequence.visible
    ax.fill_between(
        np.arange(len(absent)), 0, 1, where=absent, step="mid", color="#e8e8e8", linewidth=0, label="absent"
    )
    for label in _solid_first(styles):
        ax.plot(row.iou[label], **styles[label])
    ax.set(xlim=(0, max(len(absent) - 1, 1)), ylim=(0, 1), ylabel="IoU", xlabel="frame", yticks=(0, 0.5, 1))
    ax.xaxis.labelpad = 1
    if absent.any():
        edges = np.flatnonzero(np.diff(np.concatenate([[False], absent, [False]]).astype(int)))
        start, stop = max(edges.reshape(-1, 2), key=lambda span: span[1] - span[0])
        ax.text(
            (start + stop - 1) / 2,
            0.5,
            "absent",
            ha="center",
            va="center",
            color=BLACK,
            fontsize=6,
            clip_on=True,
        )


def _solid_first(styles: Mapping[str, Any]) -> list[str]:
    """Labels so that dashed lines are drawn over solid ones that may lie below them."""
    return sorted(styles, key=lambda label: styles[label]["linestyle"] != "-")


def _numbers(values: Sequence[float]) -> str:
    """IoU by the number of its tracker, three in a line."""
    parts = [
        f"{number}: {value:.2f}" if np.isfinite(value) else f"{number}: none"
        for number, value in enumerate(values, 1)
    ]
    return "\n".join("   ".join(parts[start : start + 3]) for start in range(0, len(parts), 3))
