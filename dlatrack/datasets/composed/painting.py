"""Painting of composed scenes: backdrop and sprites for `synthetic.render` from photographs and appearances."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator

from dlatrack.datasets.composed.appearance import Appearance
from dlatrack.datasets.synthetic.motion import generator
from dlatrack.datasets.synthetic.render import (
    MASK_REACH,
    SKIN_REACH,
    Painting,
    Sprite,
    pyramid,
    sensor_noise,
)
from dlatrack.datasets.synthetic.scene import Layer, Scene

#: Stream of the seed for pixels; scenes use stream 0.
_PIXELS = 1


def draw_backdrop(rng: Generator, photograph: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A photograph, often mirrored, resized until a view of `size` (width, height) shows 45 to 95 % of it; RGB."""
    rows, columns = photograph.shape[:2]
    fit = max(size[0] / columns, size[1] / rows)
    scale = fit / rng.uniform(0.45, 0.95)
    new = (int(np.ceil(columns * scale)), int(np.ceil(rows * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    image = cv2.resize(photograph, new, interpolation=method)
    if rng.random() < 0.5:
        image = image[:, ::-1]
    if rng.random() < 0.15:  # the target in focus, the background not
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 3))
    return np.ascontiguousarray(image)


def paint_composed(scene: Scene, appearances: Sequence[Appearance], background: np.ndarray) -> Painting:
    """Paint a scene; `appearances` are in the order of `scene.layers`."""
    rng = generator(scene.seed, _PIXELS)
    noise = sensor_noise(rng, scene)
    pairs = zip(scene.layers, appearances, strict=True)
    return Painting(background, noise, tuple(_sprite(rng, layer, appearance) for layer, appearance in pairs))


def _sprite(rng: Generator, layer: Layer, appearance: Appearance) -> Sprite:
    """The appearance at the size of its largest view, with soft light from one side."""
    size = np.clip(2 * np.linalg.norm(layer.track.axes, axis=1).max(0), 24, 256)
    colour = np.ascontiguousarray(appearance.rgba[..., :3])
    cover = np.ascontiguousarray(appearance.rgba[..., 3])
    mask = _spread(cover, size, (MASK_REACH, MASK_REACH), cv2.BORDER_CONSTANT)
    skin = _spread(colour, size, (SKIN_REACH, MASK_REACH), cv2.BORDER_REFLECT_101)
    rows, columns = mask.shape
    towards = rng.normal(0, 10, 2)  # grey levels from the middle to the edge
    x, y = np.linspace(-1, 1, columns)[None], np.linspace(-1, 1, rows)[:, None]
    shade = np.clip(128 + towards[0] * x + towards[1] * y, 60, 200).astype(np.uint8)
    return Sprite(pyramid(cv2.merge([mask, shade])), pyramid(skin))


def _spread(picture: np.ndarray, size: np.ndarray, reach: tuple[float, float], border: int) -> np.ndarray:
    """Resample a picture of the object, -1..1 in both directions, to cover `reach` with `size` px per object."""
    rows, columns = picture.shape[:2]
    shrink = np.minimum(1, size / [columns, rows])
    if shrink.min() < 1:
        small = np.maximum(np.rint(shrink * [columns, rows]), 2).astype(int)
        picture = cv2.resize(picture, small.tolist(), interpolation=cv2.INTER_AREA)
        rows, columns = picture.shape[:2]
    width, height = (int(np.ceil(side * far)) for side, far in zip(size, reach, strict=True))
    scale = np.array([columns * reach[0] / width, rows * reach[1] / height])
    # Texel i shows the object at (2 i + 1) / n - 1 times the reach, both in x and in y.
    offset = (np.array([columns, rows]) * (1 - np.array(reach)) + scale - 1) / 2
    matrix = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=border)
