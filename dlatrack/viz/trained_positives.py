"""A picture of the positives of rules that look at predictions, with an untrained and with a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dlatrack import boxes
from dlatrack.errors import InputError
from dlatrack.pixels.colours import POSITIVE_COLOUR, SKY, TARGET
from dlatrack.studies.masked_regions import MaskedRegions
from dlatrack.studies.trained_positives import Answers
from dlatrack.viz import layers
from dlatrack.viz.style import figure_style, new_figure, outlined

_PANEL = 27.0  # mm
_BESIDE = 0.3  # part of the target's larger side that is shown on each side of it
_DISC: dict[str, Any] = {"facecolors": POSITIVE_COLOUR, "edgecolors": "white", "linewidths": 0.5}


def trained_positives_picture(
    regions: MaskedRegions, found: Answers, rules: Sequence[str], *, index: int = 0
) -> Figure:
    """Draw the positives of one search region around its target: rules in rows, states of the network in columns.

    Below each panel stand the number of positives, the mean IoU of the boxes that are predicted at them, and the
    share of them that lies on the target.

    Args:
        regions: search regions.
        found: answers of one tracker for them.
        rules: titles of rules that look at predictions; with more than two, two stand beside each other.
        index: number of the region.

    Raises:
        InputError: if there is no rule, one is not among those of the answers, or there is no such region.
    """
    if not rules or not set(rules) <= set(found.rules):
        raise InputError(f"rules must be some of {', '.join(found.rules)}, got {', '.join(rules) or 'none'}")
    if not 0 <= index < len(regions.masks):
        raise InputError(f"index must be in 0..{len(regions.masks) - 1} (regions), got {index}")
    states = list(found.predictions)
    beside = 2 if len(rules) > 2 else 1
    rows, columns = -(-len(rules) // beside), beside * len(states)
    with figure_style():
        fig = new_figure(_PANEL * columns, (14 if columns > 2 else 20) + (_PANEL + 11) * rows)
        for number, rule in enumerate(rules):
            for place, state in enumerate(states):
                cell = (number // beside) * columns + (number % beside) * len(states) + place
                ax = fig.add_subplot(rows, columns, cell + 1)
                _draw(ax, regions, found, rule, state, index)
        fig.legend(handles=_legend(), loc="outside lower left", ncols=3 if columns > 2 else 1)
    return fig


def _draw(ax: Axes, regions: MaskedRegions, found: Answers, rule: str, state: str, index: int) -> None:
    """One search region under one rule, with one state of the network."""
    positive = found.positive(rule, state, regions)[index]
    target = regions.target_xyxy[index]
    grid = found.rules[rule].grid
    by_point = positive.reshape(grid.size**2, -1)
    ax.imshow(layers.dimmed(regions.crops_rgb[index]))
    line: dict[str, Any] = {"colors": SKY, "linewidths": 0.9}
    ax.contour(regions.masks[index], levels=[0.5], **line)
    layers.draw_box(ax, boxes.xyxy_to_xywh(target).numpy(), TARGET)
    layers.draw_markers(ax, grid.points.numpy()[by_point.any(1)], layers.CIRCLE * 0.3 * grid.stride, **_DISC)
    centre, side = boxes.centre(target).numpy(), float((target[2:] - target[:2]).max())
    reach = side * (0.5 + _BESIDE)
    ax.set(xlim=(centre[0] - reach, centre[0] + reach), ylim=(centre[1] + reach, centre[1] - reach))
    ax.set(
        xticks=[],
        yticks=[],
        title=f"{rule}, {state}",
        xlabel=_caption(regions, found, positive, state, index),
    )
    ax.xaxis.label.set_fontsize(6)
    ax.grid(False)
    ax.spines[:].set_visible(False)


def _caption(regions: MaskedRegions, found: Answers, positive: np.ndarray, state: str, index: int) -> str:
    count = int(positive.sum())
    if not count:
        return "no positive"
    predicted = found.predictions[state].boxes_xyxy[index].double()
    overlap = float(boxes.iou(predicted, regions.target_xyxy[index])[torch.from_numpy(positive)].mean())
    points = next(iter(found.rules.values())).grid.points
    on_target = regions.on_target(points)[index].repeat(len(positive) // len(points))
    return f"{count} positive, IoU {overlap:.2f}\n{100 * on_target[positive].mean():.0f} % on the target"


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=TARGET, linewidth=1.6, path_effects=outlined(1.6), label="target's box"),
        Line2D([], [], color=SKY, linewidth=0.9, label="its visible pixels"),
        Line2D([], [], marker="o", markersize=5, color=POSITIVE_COLOUR, linestyle="none", label="positive"),
    ]
