"""Painting and rendering of scenes: textures are painted once per scene, frames are warped from them in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from dlatrack.datasets.synthetic import textures
from dlatrack.datasets.synthetic.motion import Track, generator
from dlatrack.datasets.synthetic.scene import Layer, Scene

#: Half side of the square that masks cover, and half width that skins cover, in object units: a turn out of the plane
#: moves the skin by at most 0.9 under the mask.
MASK_REACH, SKIN_REACH = 1.1, 2.1

#: Streams of the seed: backdrop and noise, skins of the objects, and windows of the noise.
_BACKDROP, _SKINS, _WINDOWS = 1, 2, 3


@dataclass(frozen=True, eq=False)
class Sprite:
    """One painted object, as image pyramids that halve from level to level."""

    #: (S, S, 2) uint8 coverage and shading (128 is neutral) over -1.1..1.1 in both directions
    masks: tuple[np.ndarray, ...]
    skins: tuple[np.ndarray, ...]  #: (S', S'', 3) uint8 RGB over -2.1..2.1 in x and -1.1..1.1 in y


@dataclass(frozen=True, eq=False)
class Painting:
    """The pixels of a scene: background and sensor noise (H', W', 3), and a sprite for each object's number."""

    background: np.ndarray
    noise: np.ndarray
    sprites: tuple[Sprite, ...]


def paint_synthetic(scene: Scene, photographs: Sequence[np.ndarray] | None) -> Painting:
    """Paint the textures of a scene; with `photographs` about two in three come from them."""
    rng = generator(scene.seed, _BACKDROP)
    width, height = scene.canvas
    if photographs and rng.random() < 0.67:
        background = textures.photograph(rng, photographs, height, width)
    else:
        background = textures.landscape(rng, height, width)
    noise = sensor_noise(rng, scene)
    target = _skin(scene, scene.target, background, photographs)
    sprites = []
    for layer in scene.layers:
        shared = layer.skin == "target" or layer.number == 0
        skin = target if shared else _skin(scene, layer, background, photographs)
        sprites.append(_sprite(scene, layer, skin))
    return Painting(background, noise, tuple(sprites))


def sensor_noise(rng: Generator, scene: Scene) -> np.ndarray:
    """Noise in grey levels, (H + 64, W + 64, 3) int8; each frame shows another window of it."""
    rows, columns = scene.size[1] + 64, scene.size[0] + 64
    noise = rng.standard_normal((rows, columns, 3), dtype=np.float32) * scene.sensor_noise
    return np.clip(np.rint(noise), -60, 60).astype(np.int8)


def render(scene: Scene, painting: Painting, index: int) -> np.ndarray:
    """Frame `index` of a scene, (H, W, 3) uint8 RGB."""
    image = blurred(_background(scene, painting, index), scene.smear(None)[index])
    for layer in (*scene.distractors, scene.target, *scene.occluders):
        stamp(image, painting.sprites[layer.number], layer.track, index, scene.smear(layer)[index])
    return lit_and_noisy(scene, painting.noise, image, index)


def lit_and_noisy(scene: Scene, noise: np.ndarray, image: np.ndarray, index: int) -> np.ndarray:
    """Frame `index` under the light of the scene and with noise of `sensor_noise`, from an evenly lit (H, W, 3)."""
    image = _lit(scene, image, index)
    top, left = generator(scene.seed, _WINDOWS, index).integers(0, 65, 2)
    width, height = scene.size
    return cv2.add(image, noise[top : top + height, left : left + width], dtype=cv2.CV_8U)


def stamp(image: np.ndarray, sprite: Sprite, track: Track, index: int, smear: np.ndarray) -> None:
    """Draw an object over `image`, in place, smeared along `smear` (2,) px."""
    window = window_of(track, index, smear, image)
    if window is None:
        return
    low, high = window
    points = object_points(track, index, low, high)
    size = 2 * np.linalg.norm(track.axes[index], axis=0)
    mask = sampled(sprite.masks, points, (MASK_REACH, MASK_REACH), size, cv2.BORDER_CONSTANT)
    points[..., 0] += track.body.scroll[index]
    skin = sampled(sprite.skins, points, (SKIN_REACH, MASK_REACH), size, cv2.BORDER_REFLECT_101)
    alpha, shade = cv2.split(mask)
    skin = cv2.multiply(skin, cv2.merge([shade] * 3), scale=1 / 128)
    blend_into(image[low[1] : high[1], low[0] : high[0]], skin, alpha, smear)


def window_of(
    track: Track, index: int, smear: np.ndarray, image: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """First and last + 1 column and row, each (2,), of the part of an image that a smeared object can touch."""
    height, width = image.shape[:2]
    pad = 2 + int(np.ceil(np.abs(smear).max() / 2))
    low = np.maximum(np.floor(track.bounds_xyxy[index, :2]) - pad, 0).astype(int)
    high = np.minimum(np.ceil(track.bounds_xyxy[index, 2:]) + pad, (width, height)).astype(int)
    return None if (high <= low).any() else (low, high)


def blend_into(region: np.ndarray, skin: np.ndarray, alpha: np.ndarray, smear: np.ndarray) -> None:
    """Draw colours (h, w, 3) over a region of the same size, in place, smeared along `smear` (2,) px.

    Args:
        region: part of an image, (h, w, 3) uint8.
        skin: colours of the object, (h, w, 3) uint8.
        alpha: its coverage, (h, w) uint8.
        smear: motion while the shutter is open, px; colour and coverage are blurred together.
    """
    cover = alpha.astype(np.float32) * np.float32(1 / 255)
    colour = skin * cover[..., None]
    if _taps(smear) > 1:
        colour, cover = blurred(colour, smear), blurred(cover, smear)
    region[...] = (region * (1 - cover)[..., None] + colour + 0.5).astype(np.uint8)


def object_points(track: Track, index: int, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(h, w, 2) float32, the point of the object at rest at each pixel between `low` and `high`."""
    inverse = np.linalg.inv(track.axes[index])
    x = np.arange(low[0], high[0]) + 0.5 - track.centre[index, 0]
    y = np.arange(low[1], high[1]) + 0.5 - track.centre[index, 1]
    points = x[None, :, None] * inverse[:, 0] + y[:, None, None] * inverse[:, 1]
    if track.tilt is not None:
        points = points / (1 - points @ track.tilt[index])[..., None]
    if track.body.amplitude[index]:
        points = points + track.body.bend(index, points)
    return points.astype(np.float32)


def sampled(
    levels: tuple[np.ndarray, ...],
    points: np.ndarray,
    reach: tuple[float, float],
    size: np.ndarray,
    border: int,
) -> np.ndarray:
    """Look up object points in the pyramid level whose texels are nearest in size to the view's pixels."""
    texels = np.array([levels[0].shape[1] / reach[0], levels[0].shape[0] / reach[1]])
    level = int(np.clip(np.rint(np.log2((texels / size).min())), 0, len(levels) - 1))
    image = levels[level]
    scale = np.array([image.shape[1] / (2 * reach[0]), image.shape[0] / (2 * reach[1])], np.float32)
    where = points * scale + (scale * np.array(reach, np.float32) - np.float32(0.5))
    return cv2.remap(image, where, None, cv2.INTER_LINEAR, borderMode=border)


def _background(scene: Scene, painting: Painting, index: int) -> np.ndarray:
    x, y, zoom, roll = scene.camera[index]
    cos, sin = zoom * np.cos(roll), zoom * np.sin(roll)
    middle_x, middle_y = (scene.size[0] - 1) / 2, (scene.size[1] - 1) / 2
    matrix = np.array(
        [
            [cos, -sin, x - 0.5 - cos * middle_x + sin * middle_y],
            [sin, cos, y - 0.5 - sin * middle_x - cos * middle_y],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        painting.background, matrix, scene.size, flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )


def _taps(smear: np.ndarray) -> int:
    """Width of the blur kernel: 1 (no blur) below one pixel, at most 31."""
    length = float(np.hypot(*smear))
    return 1 if length < 1 else min(2 * int(np.ceil(length / 2)) + 1, 31)


def blurred(image: np.ndarray, smear: np.ndarray) -> np.ndarray:
    """Average along a line of `smear` (2,) px, centred on each pixel."""
    taps = _taps(smear)
    if taps == 1:
        return image
    steps = np.linspace(-0.5, 0.5, 4 * taps)[:, None] * smear * min(1, 30 / np.hypot(*smear)) + taps // 2
    corner = np.clip(np.floor(steps).astype(int), 0, taps - 2)
    (x, y), (u, v) = corner.T, (steps - corner).T
    kernel = np.zeros((taps, taps), np.float32)
    for dx, dy, weight in (
        (0, 0, (1 - u) * (1 - v)),
        (1, 0, u * (1 - v)),
        (0, 1, (1 - u) * v),
        (1, 1, u * v),
    ):
        np.add.at(kernel, (y + dy, x + dx), weight)
    rows, columns = np.flatnonzero(kernel.any(1)), np.flatnonzero(kernel.any(0))
    kernel = kernel[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / kernel.sum()
    anchor = (int(taps // 2 - columns[0]), int(taps // 2 - rows[0]))
    return cv2.filter2D(image, -1, kernel, anchor=anchor)


def _lit(scene: Scene, image: np.ndarray, index: int) -> np.ndarray:
    width, height = scene.size
    columns, rows = np.meshgrid((np.arange(0, width, 8) + 4.0), (np.arange(0, height, 8) + 4.0))
    factor = scene.light.at(index, np.stack([columns, rows], -1))
    coarse = np.clip(np.rint(factor * 100), 0, 255).astype(np.uint8)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(image, cv2.merge([field] * 3), scale=0.01)


def _texels(layer: Layer) -> tuple[int, int]:
    """Width and height of the object in texels: about one for each pixel of its largest view."""
    size = 2 * np.linalg.norm(layer.track.axes, axis=1).max(0)
    return int(np.clip(size[0], 24, 256)), int(np.clip(size[1], 24, 256))


def _skin(
    scene: Scene, layer: Layer, background: np.ndarray, photographs: Sequence[np.ndarray] | None
) -> np.ndarray:
    rng = generator(scene.seed, _SKINS, layer.number)
    width, height = _texels(layer)
    columns, rows = int(width * SKIN_REACH), int(height * MASK_REACH)
    if layer.skin == "background":
        rows, columns = min(rows, background.shape[0]), min(columns, background.shape[1])
        top = int(rng.integers(background.shape[0] - rows + 1))
        left = int(rng.integers(background.shape[1] - columns + 1))
        piece = background[top : top + rows, left : left + columns]
        return cv2.convertScaleAbs(piece, alpha=float(rng.choice([0.75, 0.9, 1.15, 1.3])))
    if photographs and rng.random() < 0.67:
        return textures.photograph(rng, photographs, rows, columns)
    return textures.skin(rng, rows, columns)


def _sprite(scene: Scene, layer: Layer, skin: np.ndarray) -> Sprite:
    width, height = _texels(layer)
    mask = outline_mask(layer.track.body.shape, (width, height), MASK_REACH)
    towards = generator(scene.seed, _SKINS, layer.number, 1).normal(0, 30, 2)  # grey levels from edge to edge
    x, y = np.linspace(-1, 1, width)[None], np.linspace(-1, 1, height)[:, None]
    shade = 128 + towards[0] * x + towards[1] * y - 20 * (x * x + y * y)
    masks = cv2.merge([mask, np.clip(shade, 40, 220).astype(np.uint8)])
    return Sprite(pyramid(masks), pyramid(skin))


def outline_mask(shape: np.ndarray, size: tuple[int, int], reach: float) -> np.ndarray:
    """Coverage of an outline (P, 2), (height, width) uint8, drawn in quarters of a pixel.

    Args:
        shape: outline in object units.
        size: width and height of the mask, px.
        reach: half side of the square that the mask covers, object units.
    """
    width, height = size
    fine = 4
    scale = np.array([width, height]) / (2 * reach) * fine
    corners = np.rint(((shape + reach) * scale - 0.5) * 16).astype(np.int32)
    mask = np.zeros((height * fine, width * fine), np.uint8)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_8, 4)
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)


def pyramid(image: np.ndarray) -> tuple[np.ndarray, ...]:
    """An image and its halves, down to about 16 px."""
    levels = [image]
    while min(levels[-1].shape[:2]) >= 16:
        levels.append(cv2.pyrDown(levels[-1]))
    return tuple(levels)
