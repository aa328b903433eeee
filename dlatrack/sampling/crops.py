"""Square crops around a target: the sub-window of online tracking and the stored 511-pixel crop of training.

Both show the target at the same scale: the square of side `template_side` becomes 127 px.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from dlatrack.boxes import context_side

#: Side of the context square around a target in every crop, px (the template size of the SiamFC family).
TEMPLATE_SIZE = 127

#: Side in px of a stored training crop.
CROP_SIZE = 511

#: Windows wider than this many output sides are sampled from the image directly and never built.
_LARGEST_WINDOW = 6


class PixelRectangle(NamedTuple):
    """A rectangle of whole pixels; right and bottom are the first column and row beyond it."""

    left: int
    top: int
    right: int
    bottom: int


def template_side(width: float, height: float) -> float:
    """Side in image px of the context square around a target, sqrt((w + p)(h + p)) with p = (w + h) / 2."""
    return float(context_side(np.asarray(width, np.float64), np.asarray(height, np.float64)))


def mean_colour(image: np.ndarray) -> np.ndarray:
    """Mean of each channel of an (H, W, 3) uint8 image, (3,) float64: the colour of pixels outside the image."""
    total = cv2.sumElems(np.ascontiguousarray(image))[:3]
    return np.array(total) / (image.shape[0] * image.shape[1])


def sub_window(
    image: np.ndarray, centre_xy: np.ndarray, side: int, out_size: int, border: np.ndarray
) -> np.ndarray:
    """Cut a square of whole pixels around a point and resize it.

    The window starts at floor(c - (side + 1) / 2 + 0.5). Time and memory depend on the smaller of window and output,
    not on the image.

    Args:
        image: (H, W, 3) uint8, any channel order.
        centre_xy: (2,), 0-based image px; may lie outside the image.
        side: window side, image px.
        out_size: side of the result, px.
        border: (3,) float colour of pixels outside the image; truncated, not rounded.

    Returns:
        (out_size, out_size, 3) uint8.

    Raises:
        ValueError: if `side` or `out_size` is not positive.

    Source: pysot, tracker of the SiamRPN family; SiamCAR and SiamBAN use the same crop. Bilinear with pixel
    centres at half positions, as `cv2.resize`; large windows agree with it to one grey level.
    """
    if side < 1 or out_size < 1:
        raise ValueError(f"side and out_size must be at least 1 px, got {side} and {out_size}")
    left, top = (int(np.floor(float(c) - (side + 1) / 2 + 0.5)) for c in centre_xy)
    fill = border.astype(np.uint8)
    if side > _LARGEST_WINDOW * out_size:
        return _sampled(image, left, top, side, out_size, fill)
    window = _window(image, left, top, side, fill)
    if side == out_size:
        return window
    return cv2.resize(window, (out_size, out_size), interpolation=cv2.INTER_LINEAR)


def crop_511(image: np.ndarray, box_xywh: np.ndarray) -> np.ndarray:
    """Cut the stored training crop of a target.

    The square of side s = template_side * 511 / 127 around the target centre c is mapped linearly so that
    [c - s/2, c + s/2] becomes [0, 510]; the target ends up centred on pixel 255.

    Args:
        image: (H, W, 3) uint8, any channel order.
        box_xywh: (4,), 0-based image px, positive size.

    Returns:
        (511, 511, 3) uint8, bilinear; outside the image the mean colour.

    Raises:
        ValueError: if the box has no area.

    Source: pysot, preparation of its training sets ("crop511").
    """
    x, y, width, height = (float(value) for value in box_xywh)
    if not (width > 0 and height > 0):
        raise ValueError(f"a crop needs a box of positive width and height, got {width} x {height}")
    side = template_side(width, height) * CROP_SIZE / TEMPLATE_SIZE
    scale = (CROP_SIZE - 1) / side
    shift_x, shift_y = (-scale * (c - side / 2) for c in (x + width / 2, y + height / 2))
    return cv2.warpAffine(
        np.ascontiguousarray(image),
        np.array([[scale, 0, shift_x], [0, scale, shift_y]]),
        (CROP_SIZE, CROP_SIZE),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=mean_colour(image).tolist(),
    )


def size_in_crop(width: float, height: float) -> tuple[float, float]:
    """Width and height in px of a target in its crop, from those in the image.

    Source: pysot, data loader. The true scale of `crop_511` is smaller by the factor 510 / 511, which is left out as
    in the public code.
    """
    scale = TEMPLATE_SIZE / template_side(width, height)
    return width * scale, height * scale


def _window(image: np.ndarray, left: int, top: int, side: int, fill: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    x1, x2 = max(left, 0), min(left + side, width)
    y1, y2 = max(top, 0), min(top + side, height)
    if x1 >= x2 or y1 >= y2:
        return np.full((side, side, 3), fill)
    part = image[y1:y2, x1:x2].copy()
    if part.shape[0] == part.shape[1] == side:
        return part
    around = (y1 - top, top + side - y2, x1 - left, left + side - x2)
    return cv2.copyMakeBorder(part, *around, cv2.BORDER_CONSTANT, value=fill.tolist())


def _sampled(
    image: np.ndarray, left: int, top: int, side: int, out_size: int, fill: np.ndarray
) -> np.ndarray:
    """Bilinear resize that reads only the two rows and two columns each output pixel needs."""
    # The window is larger than the result, so no position lies outside it.
    position = (np.arange(out_size) + 0.5) * (side / out_size) - 0.5
    first = np.floor(position)
    weight = np.repeat(position - first, 3).reshape(-1, 3).astype(np.float32)  # one per channel: quicker
    taps = np.concatenate([first, first + 1]).astype(int)  # (2 * out_size,)
    rows, columns = taps + top, taps + left
    grid = image.take(rows, 0, mode="clip").take(columns, 1, mode="clip")
    grid[(rows < 0) | (rows >= image.shape[0])] = fill
    grid[:, (columns < 0) | (columns >= image.shape[1])] = fill
    values = grid.astype(np.float32)
    upper, lower = values[:out_size], values[out_size:]
    values = upper + (lower - upper) * weight[:, :1, None]
    before, after = values[:, :out_size], values[:, out_size:]
    return np.rint(before + (after - before) * weight).astype(np.uint8)
