"""Film strips: frames of a sequence with the boxes of several trackers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence as Indices
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dlatrack.datasets.sequence import Sequence
from dlatrack.pixels.colours import TARGET
from dlatrack.viz.layers import draw_box
from dlatrack.viz.style import DOUBLE_WIDTH, figure_style, line_styles, new_figure, outlined

_GAP = 1.5  # mm between frames
_TITLE = 5.0  # mm above each frame


def filmstrip(
    sequence: Sequence, boxes_xywh: Mapping[str, np.ndarray], frames: Indices[int], *, columns: int = 4
) -> Figure:
    """Draw chosen frames with the annotated box and those of trackers.

    The annotation is a wide yellow line underneath; trackers have the colours and dashes of all our plots. The title
    of a frame says whether the target is absent.

    Args:
        sequence: video with annotation.
        boxes_xywh: (T, 4) by tracker, 0-based px; NaN rows are not drawn.
        frames: indices to show, in 0..T-1.
        columns: frames in a row.

    Raises:
        ValueError: if a frame is out of range, none is asked for, or boxes do not cover the sequence.
    """
    count = len(sequence)
    if not frames or not all(0 <= frame < count for frame in frames):
        raise ValueError(f"frames must be some of 0..{count - 1} ({sequence.name}), got {list(frames)}")
    for label, boxes in boxes_xywh.items():
        if np.shape(boxes) != (count, 4):
            raise ValueError(
                f"boxes of {label} have shape {np.shape(boxes)}, {sequence.name} needs ({count}, 4)"
            )
    columns = min(columns, len(frames))
    rows = math.ceil(len(frames) / columns)
    images = {frame: sequence.frames[frame] for frame in frames}
    height, width = images[frames[0]].shape[:2]
    # mm; tall videos stay small
    panel = min((DOUBLE_WIDTH - _GAP * (columns + 1)) / columns, 90 * width / height)
    styles = line_styles(boxes_xywh)
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, rows * (panel * height / width + _TITLE + _GAP) + 8)
        for number, frame in enumerate(frames):
            ax = fig.add_subplot(rows, columns, number + 1)
            draw_image(ax, images[frame])
            draw_box(ax, sequence.boxes_xywh[frame], TARGET, "-", 2.4)
            for label, boxes in boxes_xywh.items():
                look = styles[label]
                draw_box(ax, boxes[frame], look["color"], look["linestyle"], 1.3)
            note = "" if sequence.visible[frame] else " (target not visible)"
            ax.set_title(f"frame {frame}{note}", fontsize=7, pad=2)
        box_legend(fig, {label: styles[label] for label in boxes_xywh})
    return fig


def box_legend(fig: Figure, styles: Mapping[str, Any], **options: Any) -> None:
    """Add a legend of the annotation and of trackers, whose styles are given by label, below a figure."""
    entries = [Line2D([], [], color=TARGET, linewidth=2.4, path_effects=outlined(2.4), label="annotation")]
    entries += [Line2D([], [], label=label, **look) for label, look in styles.items()]
    fig.legend(handles=entries, loc="outside lower center", ncols=min(len(entries), 4), **options)


def draw_image(ax: Axes, image_rgb: np.ndarray) -> None:
    """Show an image, reduced to about the pixels that print, so that saved figures stay small."""
    height, width = image_rgb.shape[:2]
    step = max(width // 640, 1)
    ax.imshow(image_rgb[::step, ::step], extent=(-0.5, width - 0.5, height - 0.5, -0.5))
    ax.set(xticks=[], yticks=[], xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    ax.grid(False)
    ax.spines[:].set_visible(False)
