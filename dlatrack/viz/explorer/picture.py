"""One frame under two or more rules as one pixel image, drawn fast enough to follow a slider."""

from __future__ import annotations

from collections.abc import Sequence as Parts
from typing import Literal

import cv2
import numpy as np

from dlatrack.boxes import xywh_to_xyxy
from dlatrack.imagery import MARKS
from dlatrack.pixels.colours import CANDIDATE, GREY, IGNORED_COLOUR, POSITIVE_COLOUR
from dlatrack.pixels.marks import draw_samples, mark_target, outline
from dlatrack.pixels.text import rgb, text_width, write_line
from dlatrack.viz.explorer.heat import target_maps
from dlatrack.viz.explorer.plots import draw_overlaps
from dlatrack.viz.laboratory.region import REGION_SIZE
from dlatrack.viz.laboratory.study import FrameView, RuleView
from dlatrack.viz.layers import dimmed

#: Plots that can be drawn below the search regions.
LowerRow = Literal["overlaps", "targets"]

ZOOM = 1.5  #: picture px per region px: grid points of the usual stride lie on whole pixels
PANEL = round(REGION_SIZE * ZOOM)  #: side of one search region, picture px
GAP = 10  #: between the panels of two rules, px
_HEAD, _FOOT = 20, 40
_HEIGHTS = {"overlaps": 140, "targets": 122}


def draw_frame(view: FrameView, parts: Parts[LowerRow] = ("overlaps", "targets")) -> np.ndarray:
    """Draw each rule in a column: its samples on the search region, its counts and, below, the `parts`.

    Args:
        view: labels of the rules in the frame.
        parts: plots below the regions, from top to bottom.

    Returns:
        (H, W, 3) uint8 RGB; W = 382 px a rule, and 10 px between them.
    """
    ground = _ground(view.region_rgb, MARKS[view.imagery])
    columns: list[np.ndarray] = []
    for title, rule in view.rules.items():
        if columns:
            columns.append(np.full((columns[0].shape[0], GAP, 3), 255, np.uint8))
        columns.append(_column(ground, view, title, rule, parts))
    return np.concatenate(columns, 1)


def _column(
    ground: np.ndarray, view: FrameView, title: str, rule: RuleView, parts: Parts[LowerRow]
) -> np.ndarray:
    panel = _mark_samples(ground.copy(), view.target_xyxy, rule)
    head = np.full((_HEAD, PANEL, 3), 255, np.uint8)
    write_line(head, _shortened(title, PANEL), PANEL / 2, 14, size=12, align="centre", bold=True)
    foot = np.full((_FOOT, PANEL, 3), 255, np.uint8)
    for number, line in enumerate(facts(rule)):
        write_line(foot, line, PANEL / 2, 15 + 17 * number, align="centre")
    draw = {"overlaps": draw_overlaps, "targets": target_maps}
    below = [draw[part](rule, PANEL, _HEIGHTS[part]) for part in parts]
    return np.concatenate([head, panel, foot, *below])


def draw_samples_on(region_rgb: np.ndarray, target_xyxy: np.ndarray, rule: RuleView) -> np.ndarray:
    """A search region under one rule: its samples and the target.

    Args:
        region_rgb: (255, 255, 3) uint8.
        target_xyxy: (4,), region px.
        rule: labels of the rule.

    Returns:
        (382, 382, 3) uint8 RGB.
    """
    return _mark_samples(_ground(region_rgb), target_xyxy, rule)


def _mark_samples(panel: np.ndarray, target_xyxy: np.ndarray, rule: RuleView) -> np.ndarray:
    """Draw target and samples into an enlarged search region, in place; gives it back."""
    grid, shapes = rule.assigner.grid, rule.assigner.anchor_shapes
    labels = rule.labels.reshape(grid.size**2, len(shapes))
    if len(shapes) > 1:
        for box in grid.anchors(shapes).numpy()[rule.labels == 1]:
            outline(panel, to_picture(box), rgb(POSITIVE_COLOUR))
    mark_target(panel, to_picture(target_xyxy))
    nearest = None if rule.candidates is None else np.unique(rule.candidates // len(shapes))
    draw_samples(panel, to_picture(grid.points.numpy()), labels, nearest, grid.stride * ZOOM)
    return panel


def facts(rule: RuleView) -> list[str]:
    """One or two lines on a rule: counts of its labels, and the threshold of dynamic label assignment."""
    lines = ["   ".join(f"{count} {kind}" for kind, count in rule.counts.items())]
    if rule.rescued:
        lines[0] += "   (rescued)"
    if rule.mean_std:
        mean, std = rule.mean_std
        lines.append(f"T = mean + std = {mean:.3f} + {std:.3f} = {rule.threshold:.3f}")
    return lines


def draw_whole(image_rgb: np.ndarray, view: FrameView | None, width: int, height: int) -> np.ndarray:
    """The whole frame with the target and the search region, and px of the frame along its sides.

    Args:
        image_rgb: (H, W, 3) uint8, the frame.
        view: target and search region to mark; None: no target is known.
        width: largest width of the picture, px.
        height: largest height of the picture, px.
    """
    left, bottom = 34, 18
    scale = min((width - left) / image_rgb.shape[1], (height - bottom) / image_rgb.shape[0])
    frame = scaled(image_rgb, scale)
    size = frame.shape[1::-1]
    if view is not None:
        corners = np.array([0, 0, REGION_SIZE, REGION_SIZE], np.float64)
        outline(frame, xywh_to_xyxy(view.region.to_frame(corners)) * scale, rgb(CANDIDATE), 2)
        mark_target(frame, xywh_to_xyxy(view.box_xywh) * scale)
    canvas = np.full((size[1] + bottom, width, 3), 255, np.uint8)
    start = left + (width - left - size[0]) // 2
    canvas[: size[1], start : start + size[0]] = frame
    for x in _round_steps(image_rgb.shape[1]):
        write_line(canvas, str(x), start + x * scale, size[1] + 13, size=10, colour=rgb(GREY), align="centre")
    for y in _round_steps(image_rgb.shape[0]):
        below = max(y * scale + 4, 10)
        write_line(canvas, str(y), start - 5, below, size=10, colour=rgb(GREY), align="right")
    return canvas


def scaled(image_rgb: np.ndarray, scale: float) -> np.ndarray:
    """An image with both sides multiplied by `scale` and rounded to whole px."""
    size = [round(side * scale) for side in image_rgb.shape[1::-1]]
    return cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def encode_picture(image_rgb: np.ndarray, quality: int = 85) -> bytes:
    """A picture as JPEG with full colour resolution, so that thin lines stay clean."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def encode_png(image_rgb: np.ndarray) -> bytes:
    """A picture of few colours as PNG; quick rather than small."""
    bgr = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def to_picture(region_px: np.ndarray) -> np.ndarray:
    """Coordinates in a search region as coordinates in its enlarged picture; both count pixel centres."""
    return (region_px + 0.5) * ZOOM - 0.5


def _ground(region_rgb: np.ndarray, mark: str = "") -> np.ndarray:
    """A search region, dimmed and enlarged, with a line in its lower right corner."""
    shift = 0.5 * ZOOM - 0.5
    matrix = np.array([[ZOOM, 0, shift], [0, ZOOM, shift]])
    ground = cv2.warpAffine(dimmed(region_rgb), matrix, (PANEL, PANEL), borderMode=cv2.BORDER_REPLICATE)
    if mark:
        ground[-16:, -6 * len(mark) :] //= 2
        write_line(ground, mark, PANEL - 5, PANEL - 4, size=10, colour=rgb(IGNORED_COLOUR), align="right")
    return ground


def _round_steps(length: int) -> range:
    """About six round numbers in 0..length."""
    step = next(step for step in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10**6) if length / step <= 8)
    return range(0, length, step)


def _shortened(title: str, width: int) -> str:
    while len(title) > 4 and text_width(title, size=12, bold=True) > width:
        title = title.rstrip("…")[:-2] + "…"
    return title
