"""Marks of samples in pixel images: discs, rings, diamonds and dots, drawn all at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from dlatrack.pixels.colours import CANDIDATE, DARK, IGNORED_COLOUR, NEGATIVE_COLOUR, POSITIVE_COLOUR, TARGET
from dlatrack.pixels.text import Colour, rgb

Shape = Literal["disc", "ring", "diamond"]

#: Radius of each mark over the distance of grid points, as in the figures; neighbours never overlap.
_RADII = {"positive": 0.34, "negative": 0.33, "ignored": 0.1, "candidate": 0.41}

_SHIFT = 4  # OpenCV draws between pixels in steps of 1/16


def draw_samples(
    image: np.ndarray, points: np.ndarray, labels: np.ndarray, nearest: np.ndarray | None, cell: float
) -> None:
    """Mark the points of a score map in place, the least important ones first.

    With several anchors per point, a point shows its best label: positive before negative before ignored.

    Args:
        image: (H, W, 3) uint8 RGB.
        points: (N, 2), image px.
        labels: (N, m), 1 positive, 0 negative, -1 ignored.
        nearest: numbers of the points that are candidates; None: not drawn.
        cell: px between neighbouring points.
    """
    positive = (labels == 1).any(1)
    negative, ignored = (labels == 0).any(1) & ~positive, (labels == -1).all(1)
    radius = {kind: share * cell for kind, share in _RADII.items()}
    most = max(int(cell - 1) // 2, 1)  # half the width of a mark, so that neighbours do not overlap
    _stamp(image, points[ignored], "disc", radius["ignored"], most, rgb(IGNORED_COLOUR))
    _stamp(image, points[negative], "diamond", radius["negative"], most, rgb(NEGATIVE_COLOUR), rim=rgb(DARK))
    if nearest is not None:
        _stamp(image, points[nearest], "ring", radius["candidate"], most, rgb(CANDIDATE), rim=rgb(DARK))
    _stamp(
        image, points[positive], "disc", radius["positive"], most, rgb(POSITIVE_COLOUR), rim=(255, 255, 255)
    )


def mark_target(image: np.ndarray, box_xyxy: np.ndarray) -> None:
    """Draw the box of the target (4,) in image px, in place: yellow with a dark rim."""
    outline(image, box_xyxy, rgb(DARK), 4)
    outline(image, box_xyxy, rgb(TARGET), 2)


def outline(image: np.ndarray, box_xyxy: np.ndarray, colour: Colour, thickness: int = 1) -> None:
    """Draw a rectangle (4,) in image px, in place."""
    reach = 4.0 * max(image.shape)  # OpenCV takes no number that is far outside
    x1, y1, x2, y2 = (round(float(v) * 2**_SHIFT) for v in np.clip(box_xyxy, -reach, reach))
    cv2.rectangle(image, (x1, y1), (x2, y2), colour, thickness, cv2.LINE_AA, _SHIFT)


def _stamp(
    image: np.ndarray,
    centres: np.ndarray,
    shape: Shape,
    radius: float,
    most: int,
    colour: Colour,
    rim: Colour | None = None,
) -> None:
    """Draw a mark around all `centres` (n, 2), more than 2 `most` px apart, cut off beyond `most` px."""
    middle = np.floor(centres + 0.5).astype(int)
    reach = min(int(np.ceil(radius)) + 1, most)
    fits = ((middle >= reach) & (middle < np.array(image.shape[1::-1]) - reach)).all(1)
    if not fits.any():
        return
    offset = (centres - middle)[fits].mean(0)
    middle = middle[fits]
    step = np.arange(-reach, reach + 1)
    rows, columns = middle[:, 1, None, None] + step[:, None], middle[:, 0, None, None] + step
    keep, add = _ink(
        shape, radius, reach, (round(float(offset[0]), 3), round(float(offset[1]), 3)), colour, rim
    )
    image[rows, columns] = (image[rows, columns] * keep + add).astype(np.uint8)


@lru_cache(maxsize=64)
def _ink(
    shape: Shape, radius: float, reach: int, offset: tuple[float, float], colour: Colour, rim: Colour | None
) -> tuple[np.ndarray, np.ndarray]:
    """Factors (k, k, 1) and summands (k, k, 3), float32, that draw a mark: picture * factor + summand.

    The summands include half a level, so that cutting off the fraction rounds.
    """
    keep: np.ndarray = np.ones((2 * reach + 1, 2 * reach + 1, 1), np.float32)
    add: np.ndarray = np.zeros((*keep.shape[:2], 3), np.float32)
    layers = [(radius + 0.6, rim, 0.8), (radius, colour, 1.0)] if rim else [(radius, colour, 1.0)]
    for size, tint, density in layers:
        alpha = density * _cover(shape, size, reach, *offset)[..., None]
        keep, add = keep * (1 - alpha), add * (1 - alpha) + alpha * np.array(tint, np.float32)
    return keep, add + 0.5


def _cover(shape: Shape, radius: float, reach: int, shift_x: float, shift_y: float) -> np.ndarray:
    """How much of each of the (2 reach + 1)^2 pixels around a centre a mark covers, float32."""
    step = np.arange(-reach, reach + 1)
    x, y = np.meshgrid(step - shift_x, step - shift_y)
    if shape == "diamond":
        beyond = (np.abs(x) + np.abs(y) - radius) / np.sqrt(2)
    else:
        beyond = np.hypot(x, y) - radius
        if shape == "ring":
            beyond = np.abs(beyond + 0.7) - 0.75
    return np.clip(0.5 - beyond, 0, 1).astype(np.float32)
