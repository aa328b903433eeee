"""Boxes of tracked targets drawn into the pixels of a video, with a colour and a number for each target."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from dlatrack.boxes import xywh_to_xyxy
from dlatrack.pixels.colours import BLACK, BLUE, DARK, GREEN, ORANGE, PURPLE, SKY, VERMILLION
from dlatrack.pixels.marks import outline
from dlatrack.pixels.text import rgb, text_width, write_line

#: Colours of targets 1, 2, ...; from the seventh on they repeat, and only the numbers differ.
TARGET_COLOURS = (VERMILLION, SKY, GREEN, ORANGE, PURPLE, BLUE)

_LIGHT = (255, 255, 255)


def target_colour(target: int) -> str:
    """Colour of a target, which counts from 1."""
    return TARGET_COLOURS[(target - 1) % len(TARGET_COLOURS)]


def annotate_targets(
    image_rgb: np.ndarray,
    boxes_xywh: np.ndarray,
    scores: np.ndarray,
    frame: int,
    states: Sequence[str] = (),
) -> None:
    """Draw the box of each target with its number and score, and the number of the frame, in place.

    Args:
        image_rgb: (H, W, 3) uint8.
        boxes_xywh: (N, 4), image px.
        scores: (N,), 0..1.
        frame: number of the frame, from 0.
        states: N words that follow the scores, e.g. "lost"; none: no words.
    """
    unit = max(min(image_rgb.shape[:2]) / 360, 0.75)  # lines and letters grow with the picture
    line = max(round(2 * unit), 1)
    for target, box in enumerate(boxes_xywh, 1):
        xyxy = xywh_to_xyxy(box)
        outline(image_rgb, xyxy, rgb(DARK), line + 2)
        outline(image_rgb, xyxy, rgb(target_colour(target)), line)
    words = states or [""] * len(scores)
    for target, (box, score, word) in enumerate(
        zip(boxes_xywh, scores, words, strict=True), 1
    ):  # over all boxes
        colour = rgb(target_colour(target))
        # Dark letters on light colours, light ones on blue and vermillion.
        letters = rgb(BLACK) if np.dot(colour, (0.299, 0.587, 0.114)) > 120 else _LIGHT
        _tag(image_rgb, f"{target}  {score:.2f}{word and f'  {word}'}", box[0], box[1], unit, colour, letters)
    _tag(image_rgb, f"frame {frame}", 0, 0, unit, rgb(DARK), _LIGHT)


def _tag(
    image_rgb: np.ndarray,
    text: str,
    x: float,
    y: float,
    unit: float,
    ground: tuple[int, int, int],
    letters: tuple[int, int, int],
) -> None:
    """Write a line on a coloured ground above the point x, y, moved into the image where it would leave it."""
    size = round(13 * unit)
    pad, tall = round(4 * unit), round(18 * unit)
    wide = text_width(text, size=size, bold=True) + 2 * pad
    height, width = image_rgb.shape[:2]
    left = round(min(max(x, 0), max(width - wide, 0)))
    bottom = round(min(max(y, tall), height))
    cv2.rectangle(image_rgb, (left, bottom - tall), (left + wide - 1, bottom - 1), ground, cv2.FILLED)
    write_line(image_rgb, text, left + pad, bottom - 0.28 * tall, size=size, colour=letters, bold=True)
