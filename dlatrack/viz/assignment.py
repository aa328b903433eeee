"""Pictures of label assignments: which samples of a search region are positive, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from dlatrack.assign.base import Assignment, LabelAssigner
from dlatrack.boxes import xyxy_to_xywh
from dlatrack.grid import ScoreGrid
from dlatrack.pixels.colours import (
    CANDIDATE,
    DARK,
    GREY,
    IGNORED_COLOUR,
    NEGATIVE_COLOUR,
    POSITIVE_COLOUR,
    TARGET,
)
from dlatrack.viz import layers
from dlatrack.viz.style import figure_style, outlined

#: How much is drawn: the positives; also the candidates; also negatives and ignored samples.
Show = Literal["positives", "candidates", "labels"]


def draw_assignment(
    ax: Axes,
    crop_rgb: np.ndarray,
    grid: ScoreGrid,
    assignment: Assignment,
    target_xyxy: Tensor | np.ndarray,
    *,
    anchor_shapes: Sequence[tuple[float, float]],
    index: int = 0,
    title: str = "",
    show: Show = "labels",
) -> None:
    """Draw one target of an assignment on its search region.

    Markers are sized in search-region px, so that neighbours of the grid never overlap. With several anchors
    per point, a point shows its best label (positive before negative before ignored), and each positive anchor
    its box. Below the picture stands the `caption`.

    Args:
        ax: axes to draw in; ticks are removed.
        crop_rgb: (S, S, 3) uint8, the search region.
        grid: points of the score map.
        assignment: labels of B targets.
        target_xyxy: (B, 4), search-region px.
        anchor_shapes: the m anchor shapes that were labelled, (w, h) px.
        index: number of the target, 0..B-1.
        title: heading, e.g. the name of the rule.
        show: how much to draw.

    Raises:
        ValueError: if labels, grid and anchors do not fit together, or `index` or `show` is out of range.
    """
    labels = assignment.labels.cpu().numpy()
    samples = grid.size**2 * len(anchor_shapes)
    if labels.shape[1] != samples:
        raise ValueError(
            f"the assignment labels {labels.shape[1]} samples, but the grid has "
            f"{grid.size**2} points x {len(anchor_shapes)} anchors = {samples}"
        )
    if not 0 <= index < len(labels):
        raise ValueError(f"index must be in 0..{len(labels) - 1} (targets), got {index}")
    if show not in ("positives", "candidates", "labels"):
        raise ValueError(f"show must be one of positives, candidates, labels, got {show!r}")

    size = crop_rgb.shape[0]
    ax.imshow(layers.dimmed(crop_rgb), extent=(-0.5, size - 0.5, size - 0.5, -0.5))
    ax.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)
    target = torch.as_tensor(target_xyxy)[index].double().cpu().numpy()
    layers.draw_box(ax, xyxy_to_xywh(target), TARGET)
    by_point = labels[index].reshape(grid.size**2, -1)
    if len(anchor_shapes) > 1:
        layers.draw_boxes(ax, grid.anchors(tuple(anchor_shapes)).numpy()[labels[index] == 1])
    nearest = None
    if assignment.candidates is not None:
        nearest = np.unique(assignment.candidates[index].cpu().numpy() // len(anchor_shapes))
    _draw_points(ax, grid, by_point, nearest, show)
    ax.set_title(title)
    ax.set_xlabel(caption(assignment, index))


def _draw_points(
    ax: Axes, grid: ScoreGrid, by_point: np.ndarray, nearest: np.ndarray | None, show: Show
) -> None:
    """Markers of labels (N, m) and rings around the points numbered `nearest`, the least important ones first."""
    points, cell = grid.points.numpy(), grid.stride
    positive = (by_point == 1).any(1)
    if show == "labels":
        ignored, negative = (by_point == -1).all(1), (by_point == 0).any(1) & ~positive
        dot: dict[str, Any] = {"facecolors": IGNORED_COLOUR, "linewidths": 0}
        layers.draw_markers(ax, points[ignored], layers.CIRCLE * 0.09 * cell, **dot)
        diamond: dict[str, Any] = {"facecolors": NEGATIVE_COLOUR, "edgecolors": DARK, "linewidths": 0.35}
        layers.draw_markers(ax, points[negative], layers.DIAMOND * 0.33 * cell, **diamond)
    if show != "positives" and nearest is not None:
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": CANDIDATE, "linewidths": 0.9}
        layers.draw_markers(
            ax, points[nearest], layers.CIRCLE * 0.47 * cell, path_effects=outlined(0.9), **ring
        )
    disc: dict[str, Any] = {"facecolors": POSITIVE_COLOUR, "edgecolors": "white", "linewidths": 0.5}
    layers.draw_markers(ax, points[positive], layers.CIRCLE * 0.34 * cell, **disc)


def caption(assignment: Assignment, index: int = 0) -> str:
    """Counts of samples by label and, for dynamic label assignment, a second line T = mean + std."""
    labels = assignment.labels[index]
    positive, negative, ignored = (int((labels == label).sum()) for label in (1, 0, -1))
    rescued = ", rescued" if bool(assignment.rescued[index]) else ""
    lines = [f"P {positive}{rescued}   N {negative}   ignored {ignored}"]
    if assignment.mean is not None and assignment.std is not None:
        mean, std = float(assignment.mean[index]), float(assignment.std[index])
        lines.append(f"T = {mean:.3f} + {std:.3f} = {float(assignment.threshold[index]):.3f}")
    return "\n".join(lines)


def draw_threshold(ax: Axes, assignment: Assignment, index: int = 0) -> None:
    """Draw the IoUs of the candidates of one target as a histogram, with their mean and the threshold.

    Args:
        ax: axes to draw in.
        assignment: labels of dynamic label assignment for B targets.
        index: number of the target, 0..B-1.

    Raises:
        ValueError: if the rule of the assignment does not derive its threshold from candidates.
    """
    if assignment.iou is None or assignment.candidates is None or assignment.mean is None:
        raise ValueError("only dynamic label assignment has candidates, a mean and a threshold to draw")
    overlap = assignment.iou[index].cpu().numpy()
    chosen = assignment.labels[index][assignment.candidates[index]].cpu().numpy() == 1
    mean, threshold = float(assignment.mean[index]), float(assignment.threshold[index])
    low, high = min(overlap.min(), mean), max(overlap.max(), threshold)
    margin = max(0.08 * (high - low), 0.02)
    edges = np.linspace(max(low - margin, 0), min(high + margin, 1), 19)
    ax.hist(
        [overlap[chosen], overlap[~chosen]],
        bins=edges.tolist(),
        stacked=True,
        color=[POSITIVE_COLOUR, CANDIDATE],
        edgecolor="white",
        linewidth=0.5,
        label=["positive", "other"],
        hatch=["////", ""],
    )
    ax.axvline(mean, color=GREY, linestyle=":", linewidth=1.0, label=f"mean {mean:.3f}")
    ax.axvline(threshold, color="black", linewidth=1.2, label=f"T {threshold:.3f}")
    ax.set(xlabel="IoU with the target", ylabel="candidates", xlim=(edges[0], edges[-1]))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.margins(y=0.1)
    ax.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=2,
        handlelength=1.2,
        handletextpad=0.5,
        columnspacing=0.8,
    )


def compare_assignments(
    crop_rgb: np.ndarray,
    target_xyxy: Tensor | np.ndarray,
    assigners: Mapping[str, LabelAssigner],
    *,
    seed: int = 0,
    columns: int = 4,
) -> Figure:
    """Draw one search region under several rules side by side, as Fig. 1 of the paper does.

    After each rule with dynamic label assignment follows a panel with the IoUs of its candidates.

    Args:
        crop_rgb: (S, S, 3) uint8, the search region.
        target_xyxy: (4,), search-region px.
        assigners: rules by the title of their panel.
        seed: seed of the draw of negatives, the same for every rule.
        columns: panels in a row.
    """
    target = torch.as_tensor(target_xyxy, dtype=torch.float64).reshape(1, 4)
    drawn = {
        title: (rule, rule.assign(target, generator=torch.Generator().manual_seed(seed)))
        for title, rule in assigners.items()
    }
    panels = sum(1 + (found.mean is not None) for _, found in drawn.values())
    with figure_style():
        fig, axes = layers.panels(panels, columns)
        free = iter(axes)
        for title, (rule, found) in drawn.items():
            draw_assignment(
                next(free),
                crop_rgb,
                rule.grid,
                found,
                target,
                anchor_shapes=rule.anchor_shapes,
                title=layers.wrapped(title, columns),
            )
            if found.mean is not None:
                draw_threshold(layers.inner_axes(next(free)), found)
        layers.legend(
            fig,
            candidates=any(found.candidates is not None for _, found in drawn.values()),
            boxes=any(len(rule.anchor_shapes) > 1 for rule, _ in drawn.values()),
        )
    return fig


def contact_sheet(
    crops_rgb: Sequence[np.ndarray],
    target_xyxy: Tensor | np.ndarray,
    assigner: LabelAssigner,
    *,
    titles: Sequence[str],
    seed: int = 0,
    columns: int = 4,
) -> Figure:
    """Draw several search regions under one rule.

    Args:
        crops_rgb: B search regions, (S, S, 3) uint8.
        target_xyxy: (B, 4), search-region px.
        assigner: the rule.
        titles: one heading per region, e.g. "frame 12".
        seed: seed of the draw of negatives.
        columns: panels in a row.

    Raises:
        ValueError: if there are not as many regions as targets and titles.
    """
    target = torch.as_tensor(target_xyxy, dtype=torch.float64)
    if not len(crops_rgb) == len(target) == len(titles) > 0:
        raise ValueError(
            f"needs one region, target and title each, got {len(crops_rgb)}, {len(target)} and {len(titles)}"
        )
    found = assigner.assign(target, generator=torch.Generator().manual_seed(seed))
    shapes = assigner.anchor_shapes
    with figure_style():
        fig, axes = layers.panels(len(titles), columns)
        for index, (ax, crop, title) in enumerate(zip(axes, crops_rgb, titles, strict=True)):
            draw_assignment(
                ax, crop, assigner.grid, found, target, anchor_shapes=shapes, index=index, title=title
            )
        layers.legend(fig, candidates=found.candidates is not None, boxes=len(shapes) > 1)
    return fig
