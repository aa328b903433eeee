"""Random shift, stretch, colour and blur of a stored crop, in the order and amounts of the SiamRPN++ family."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from dlatrack.recipes import AugmentConfig
from dlatrack.sampling.crops import PixelRectangle

#: Principal colour variations of photographs, RGB rows (pysot's values; AlexNet's "fancy PCA").
_COLOR = np.array(
    [
        [-0.55919361, 0.98062831, -0.41940627],
        [1.72091413, 0.19879334, -1.82968581],
        [4.64467907, 4.73710203, 4.88324118],
    ]
)
_BLUR_SIDES = (5, 45)

#: Windows tried before a target that every one of them cuts gets an unmoved one (video_analyst's number).
_DRAWS = 50


class View(NamedTuple):
    """One augmented image of a pair: (3, S, S) float32 RGB, about 0..255, and the target in it, (4,) xyxy px."""

    image: np.ndarray
    target_xyxy: np.ndarray


class CropWindow(NamedTuple):
    """Rectangle of a stored crop that becomes a view; px of the stored crop, first to last pixel centre."""

    left: float
    top: float
    width: float
    height: float

    def pixels(self, size: int) -> PixelRectangle:
        """The pixels of a crop of side `size` that the interpolation reads, and one more on each side."""
        left, top = max(int(self.left) - 1, 0), max(int(self.top) - 1, 0)
        right, bottom = int(self.left + self.width) + 3, int(self.top + self.height) + 3
        return PixelRectangle(left, top, min(right, size), min(bottom, size))


def draw_window(
    target_wh: np.ndarray, config: AugmentConfig, out_size: int, crop_size: int, rng: np.random.Generator
) -> CropWindow:
    """Draw the window of a stored crop that a view shows; with `config.keep_whole` one with the whole target.

    Args:
        target_wh: (2,), target size in the crop, px.
        config: amounts and probabilities.
        out_size: side of the view, px.
        crop_size: side of the crop, px.
        rng: source of every draw.
    """
    window = _stretched_window(config, out_size, crop_size, rng)
    if not config.keep_whole:
        return window
    middle, reach = crop_size // 2, np.asarray(target_wh, dtype=np.float64) / 2
    for _ in range(_DRAWS):
        low, side = np.array(window).reshape(2, 2)
        if (low <= middle - reach).all() and (middle + reach <= low + side).all():
            return window
        window = _stretched_window(config, out_size, crop_size, rng)
    left = middle - (out_size - 1) / 2
    return CropWindow(left, left, out_size - 1, out_size - 1)


def augment(
    crop: np.ndarray,
    target_wh: np.ndarray,
    config: AugmentConfig,
    out_size: int,
    gray: bool,
    rng: np.random.Generator,
    *,
    window: CropWindow | None = None,
) -> View:
    """Cut a random view from a stored crop: shift and stretch, colour jitter, motion blur, flip.

    The colour jitter is neither rounded nor clipped, so that values may leave 0..255.

    Args:
        crop: (C, C, 3) uint8 RGB with the target centred on pixel C // 2.
        target_wh: (2,), target size in `crop`, px.
        config: amounts and probabilities.
        out_size: S, side of the view.
        gray: remove the colour.
        rng: source of every draw.
        window: window of the view, if `draw_window` has drawn it already; only its `pixels(C)` of the crop are read.

    Source: SiamDLA Sec. 4.1 ("random translations, blur, stretch and color jitter"); amounts of pysot, and for
    SiamFC++ of video_analyst.
    """
    size = crop.shape[0]
    if window is None:
        window = draw_window(target_wh, config, out_size, size, rng)
    left, top, right, bottom = window.pixels(size)
    # Four channels are warped in half the time of three.
    four = cv2.cvtColor(crop[top:bottom, left:right], cv2.COLOR_RGB2RGBA)
    scale = np.array([window.width, window.height]) / (out_size - 1)
    low = np.array([window.left, window.top])
    offset = (np.array([left, top]) - low) / scale
    matrix = np.array([[1 / scale[0], 0, offset[0]], [0, 1 / scale[1], offset[1]]])
    view = cv2.warpAffine(four, matrix, (out_size, out_size), borderMode=cv2.BORDER_CONSTANT)
    if gray:
        view = cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_RGBA2GRAY), cv2.COLOR_GRAY2RGBA)

    jitter = _COLOR @ rng.standard_normal(3) if rng.random() < config.color else np.zeros(3)
    image = np.empty((3, out_size, out_size), np.float32)
    for plane, channel, value in zip(image, cv2.split(view)[:3], jitter.astype(np.float32), strict=True):
        np.subtract(channel, value, out=plane, dtype=np.float32)
    if rng.random() < config.blur:
        _blur(image, rng)

    half = np.asarray(target_wh, dtype=np.float64) / 2
    middle = (size // 2 - low) / scale
    target = np.concatenate([middle - half / scale, middle + half / scale])
    if rng.random() < config.flip:
        image = np.ascontiguousarray(image[:, :, ::-1])
        target[[0, 2]] = out_size - 1 - target[[2, 0]]
    return View(image, target)


def _stretched_window(
    config: AugmentConfig, out_size: int, crop_size: int, rng: np.random.Generator
) -> CropWindow:
    """Draw a stretched and shifted window that stays inside the stored crop.

    Around the pixel `crop_size // 2`, (out_size - 1) px times 1 + U(-scale, scale) for each axis and times
    U(1 / zoom, zoom) for both, moved by U(-shift, shift) px plus U(-jitter, jitter) half sides as far as the crop
    reaches.
    """
    stretch = 1 + config.scale * rng.uniform(-1, 1, 2)
    if config.zoom != 1:
        stretch *= rng.uniform(1 / config.zoom, config.zoom)
    side = (out_size - 1) * np.minimum(stretch, crop_size / (out_size - 1))
    low = crop_size // 2 - side / 2
    shift = config.shift * rng.uniform(-1, 1, 2)
    if config.jitter:
        shift += config.jitter * side / 2 * rng.uniform(-1, 1, 2)
    low += np.maximum(-low, np.minimum(crop_size - 1 - low - side, shift))
    return CropWindow(float(low[0]), float(low[1]), float(side[0]), float(side[1]))


def _blur(image: np.ndarray, rng: np.random.Generator) -> None:
    """Motion blur in place: a cross-shaped kernel of odd side, its two bars weighted at random.

    The cross is the sum of a vertical and a horizontal bar, so the blur is that of two box filters, whose cost does
    not grow with the kernel.
    """
    side = int(rng.integers(_BLUR_SIDES[0] // 2, _BLUR_SIDES[1] // 2 + 1)) * 2 + 1
    vertical = rng.random()
    for plane in image:
        column, row = cv2.blur(plane, (1, side)), cv2.blur(plane, (side, 1))
        cv2.addWeighted(column, vertical, row, 1 - vertical, 0, dst=plane)
