"""Small plots in pixel images: a rule's overlaps or distances with its threshold, and positives along a sequence."""

from __future__ import annotations

import cv2
import numpy as np

from dlatrack.pixels.colours import BLACK, CANDIDATE, DLA, FIXED, GREY, POSITIVE_COLOUR
from dlatrack.pixels.text import Colour, rgb, write_line
from dlatrack.viz.laboratory.study import Positives, RuleView

_BINS = 18
_GRID: Colour = (221, 221, 221)
_ABSENT: Colour = (236, 236, 236)
_INK, _SOFT = rgb(BLACK), rgb(GREY)


def draw_overlaps(rule: RuleView, width: int, height: int) -> np.ndarray:
    """A histogram of the values that a rule compares with its threshold, (height, width, 3) uint8.

    These are the IoUs of the candidates for dynamic label assignment, the IoUs of all anchors that touch the target
    for an IoU rule, and the distances of points up to three thresholds for a geometric rule. Positives are hatched at
    the bottom of each bar; the solid line is the threshold and the dotted one the mean.
    """
    image = np.full((height, width, 3), 255, np.uint8)
    values, positive, unit = _compared(rule)
    box = (34, 20, width - 10, height - 34)  # left, top, right, bottom
    if not len(values):
        write_line(image, f"no {unit} to show", width / 2, height / 2, colour=_SOFT, align="centre")
        return image
    marks = [rule.threshold] + ([rule.mean_std[0]] if rule.mean_std else [])
    low, high = min(values.min(), *marks), max(values.max(), *marks)
    margin = max(0.06 * (high - low), 0.02 * abs(high), 1e-3)
    low, high = max(low - margin, 0.0), high + margin
    edges = np.linspace(low, high, _BINS + 1)
    every, chosen = (np.histogram(part, edges)[0] for part in (values, values[positive]))
    _axes(image, box, int(every.max()))
    _bars(image, box, every, chosen)

    def x_of(value: float) -> int:
        return round(box[0] + (value - low) / (high - low) * (box[2] - box[0]))

    if rule.mean_std:
        for y in range(box[1], box[3], 5):
            image[y : y + 2, x_of(rule.mean_std[0])] = _SOFT
    x = x_of(rule.threshold)
    image[box[1] - 4 : box[3], x : x + 2] = _INK
    name = "T" if rule.mean_std else "limit"
    text = f"{name} {rule.threshold:.3g}"
    if x > (box[0] + box[2]) / 2:
        write_line(image, text, x - 5, 14, align="right")
    else:
        write_line(image, text, x + 7, 14)
    for value in np.linspace(low, high, 7)[1:-1]:
        at = x_of(float(value))
        write_line(image, f"{value:.2f}", at, box[3] + 14, size=10, colour=_SOFT, align="centre")
    write_line(image, unit, (box[0] + box[2]) / 2, height - 6, size=11, align="centre")
    return image


def _compared(rule: RuleView) -> tuple[np.ndarray, np.ndarray, str]:
    """Values (C,), flags of those that belong to positives (C,), and a label of the axis."""
    positive = rule.labels == 1
    if rule.iou is not None and rule.candidates is not None:
        return rule.iou, positive[rule.candidates], "IoU of the candidates with the target"
    if rule.iou is not None:
        shown = rule.iou > 0
        return rule.iou[shown], positive[shown], "IoU of all anchors that touch the target"
    if rule.distance is None:
        return np.empty(0), np.empty(0, bool), "distance"
    shown = rule.distance <= 3 * rule.threshold
    return rule.distance[shown], positive[shown], "distance of the points, as the rule measures it"


def _axes(image: np.ndarray, box: tuple[int, int, int, int], most: int) -> None:
    """Horizontal lines at up to four whole numbers of samples."""
    left, top, right, bottom = box
    step = max(-(-most // 3), 1)
    for count in range(0, most + 1, step):
        y = round(bottom - count / most * (bottom - top))
        image[y, left:right] = _GRID
        write_line(image, str(count), left - 5, y + 4, size=10, colour=_SOFT, align="right")


def _bars(image: np.ndarray, box: tuple[int, int, int, int], every: np.ndarray, chosen: np.ndarray) -> None:
    left, top, right, bottom = box
    sides = np.linspace(left, right, len(every) + 1).round().astype(int)
    for number, (count, hit) in enumerate(zip(every, chosen, strict=True)):
        x1, x2 = sides[number] + 1, sides[number + 1] - 1
        y_all, y_hit = (round(bottom - n / every.max() * (bottom - top)) for n in (count, hit))
        image[y_all:bottom, x1:x2] = rgb(CANDIDATE)
        image[y_hit:bottom, x1:x2] = rgb(POSITIVE_COLOUR)
        image[y_hit:bottom, x1:x2][_hatching(bottom - y_hit, x2 - x1)] = 255
    image[bottom, left:right] = _INK


def _hatching(height: int, width: int) -> np.ndarray:
    """(height, width) bool, diagonal lines."""
    return (np.arange(height)[:, None] + np.arange(width)) % 6 == 0


def draw_timeline(
    along: Positives | None, length: int, width: int, height: int, *, margin: int
) -> np.ndarray:
    """Positives per frame of two rules, (height, width, 3) uint8.

    The first rule is a filled blue area, the second a vermillion line; frames without a target are grey.

    Args:
        along: positives of two rules; None: nothing to count.
        length: number of frames of the sequence.
        width: width of the plot, px.
        height: height of the plot, px.
        margin: free space left of the first and right of the last frame, px.
    """
    image = np.full((height, width, 3), 255, np.uint8)
    top, bottom = 22, height - 4
    if along is None:
        text = "no annotated target: nothing to count"
        write_line(image, text, width / 2, height / 2, colour=_SOFT, align="centre")
        return image
    counts, frames = along.counts.to_numpy(), along.counts.index.to_numpy()
    most = max(int(counts.max()), 1)
    x = timeline_x(np.arange(length), length, width, margin)
    half = max((width - 2 * margin) / max(length - 1, 1) / 2, 0.5)
    for frame in np.setdiff1d(np.arange(length), frames):
        image[top:bottom, max(round(x[frame] - half), 0) : round(x[frame] + half) + 1] = _ABSENT
    runs = np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames) > 1) + 1)
    for own, colour, filled in zip(counts.T, (FIXED, DLA), (True, False), strict=True):
        y = bottom - own / most * (bottom - top)
        for run in runs:
            _curve(image, np.column_stack([x[frames[run]], y[run]]), rgb(colour), bottom if filled else None)
    image[bottom, margin : width - margin] = _INK
    write_line(image, "positives per frame:   A area,   B line", margin, 13, size=11)
    for text, y_text in ((str(most), top + 6), ("0", bottom)):
        write_line(image, text, margin - 5, y_text, size=10, colour=_SOFT, align="right")
    return image


def add_cursor(
    timeline: np.ndarray, along: Positives | None, frame: int, length: int, margin: int
) -> np.ndarray:
    """A copy of a timeline with a line at one frame, and the counts of that frame above it."""
    image = timeline.copy()
    x = round(float(timeline_x(np.array(frame), length, image.shape[1], margin)))
    image[20:, max(x - 1, 0) : x + 1] = _INK
    if along is not None:
        row = np.flatnonzero(along.counts.index == frame)
        counts = "A {}, B {}".format(*along.counts.to_numpy()[row[0]]) if len(row) else "no target"
        right = image.shape[1] - margin
        write_line(image, f"frame {frame}: {counts}", right, 13, size=11, align="right", bold=True)
    return image


def timeline_x(frame: np.ndarray, length: int, width: int, margin: int) -> np.ndarray:
    """Positions of frames on a timeline, px."""
    return margin + np.asarray(frame) / max(length - 1, 1) * (width - 2 * margin)


def _curve(image: np.ndarray, line: np.ndarray, colour: Colour, floor: int | None) -> None:
    """A heavy line through (n, 2) px, or a thin one with the area above `floor` in a pale shade."""
    points = (line * 16).round().astype(np.int32)
    if floor is not None:
        area = np.concatenate([points, [[points[-1, 0], floor * 16], [points[0, 0], floor * 16]]])
        pale = tuple(round(255 - 0.35 * (255 - part)) for part in colour)
        cv2.fillPoly(image, [area.astype(np.int32)], pale, cv2.LINE_AA, 4)
    thickness = 2 if floor is None else 1
    if len(points) == 1:
        cv2.circle(image, points[0].tolist(), 3 * 16, colour, -1, cv2.LINE_AA, 4)
    cv2.polylines(image, [points], False, colour, thickness, cv2.LINE_AA, 4)
