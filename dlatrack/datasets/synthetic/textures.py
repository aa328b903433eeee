"""Procedural images: noise, stripes, cells, spots and clutter in random palettes, or pieces of photographs."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator


def noise(rng: Generator, height: int, width: int, *, coarsest: float, roughness: float) -> np.ndarray:
    """Sum of noise octaves, from cells of about `coarsest` px down to single pixels.

    Args:
        rng: source of the values.
        height: rows.
        width: columns.
        coarsest: side of a cell of the first octave, px: the size of the largest structures.
        roughness: amplitude of each octave relative to the one before, 0 (smooth) to 1 (white).

    Returns:
        (height, width) float32, stretched to 0..1.

    Source: value noise summed over octaves, the fractal noise of computer graphics.
    """
    octaves = max(int(np.log2(max(coarsest, 1))), 0)
    values, amplitude = np.zeros((1, 1), np.float32), 1.0
    for octave in range(octaves, -1, -1):
        rows, columns = (max(-(-side >> octave), 2) for side in (height, width))
        values = cv2.resize(values, (columns, rows), interpolation=cv2.INTER_LINEAR)
        values = values + amplitude * rng.random((rows, columns), dtype=np.float32)
        amplitude *= roughness
    values = values[:height, :width]
    low, high = float(values.min()), float(values.max())
    return (values - low) / max(high - low, 1e-6)


def palette(rng: Generator, count: int) -> np.ndarray:
    """Colours that could share a scene: hues around one or two base hues, from dark to light.

    Returns:
        (count, 3) uint8 RGB.
    """
    hue = rng.uniform(0, 180) + rng.choice([0.0, 90.0], count, p=[0.8, 0.2]) + rng.normal(0, 12, count)
    saturation = 255 * np.clip(rng.beta(1.6, 3.2) + rng.normal(0, 0.1, count), 0, 0.9)
    value = rng.permutation(np.linspace(rng.uniform(25, 80), rng.uniform(150, 245), count))
    hsv = np.stack([hue % 180, saturation, value], 1).astype(np.uint8)
    return cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]


def colourise(values: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Map (H, W) float 0..1 through a ramp over `colours` (n, 3) to (H, W, 3) uint8."""
    stops = np.linspace(0, 255, len(colours))
    ramp = np.stack([np.interp(np.arange(256), stops, colours[:, c]) for c in range(3)], 1)
    return cv2.applyColorMap((values * 255).astype(np.uint8), ramp.astype(np.uint8)[:, None])


def _clouds(rng: Generator, height: int, width: int, scale: float) -> np.ndarray:
    values = noise(rng, height, width, coarsest=scale, roughness=rng.uniform(0.45, 0.8))
    return colourise(values, palette(rng, int(rng.integers(3, 7))))


def _marble(rng: Generator, height: int, width: int, scale: float) -> np.ndarray:
    values = noise(rng, height, width, coarsest=scale, roughness=rng.uniform(0.35, 0.6))
    return colourise(0.5 + 0.5 * np.sin(values * rng.uniform(15, 40)), palette(rng, int(rng.integers(2, 5))))


def _stripes(rng: Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Stripes, or a plaid of two directions, bent by noise."""
    y, x = np.ogrid[:height, :width]
    bend = noise(rng, height, width, coarsest=scale, roughness=0.5) * rng.uniform(0, 8)
    values = np.zeros((height, width), np.float32)
    directions = int(rng.integers(1, 3))
    for angle in rng.uniform(0, np.pi) + np.pi / 2 * np.arange(directions):
        period = scale * rng.uniform(0.25, 0.8)
        phase = ((x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period)).astype(np.float32)
        wave = np.sin(phase + bend)
        values += np.tanh(rng.uniform(1, 5) * wave) / (2 * directions)
    return colourise(np.clip(values + 0.5, 0, 1), palette(rng, int(rng.integers(2, 6))))


def _cells(rng: Generator, height: int, width: int, scale: float) -> np.ndarray:
    """A mosaic of Voronoi cells with darker joints: stones, leaves, crowds."""
    count = max(int(height * width / (0.35 * scale) ** 2), 6)
    seeds = np.full((height, width), 255, np.uint8)
    seeds.flat[rng.choice(height * width, min(count, height * width), replace=False)] = 0
    distance, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    shade = (1 - rng.uniform(0.2, 0.8) * distance / distance.max()).astype(np.float32)
    shades = rng.random(labels.max() + 1, dtype=np.float32)[labels]
    return colourise(shades * shade, palette(rng, int(rng.integers(3, 7))))


def _spots(rng: Generator, height: int, width: int, scale: float) -> np.ndarray:
    image = _clouds(rng, height, width, scale)
    colours = palette(rng, 4).tolist()
    for _ in range(int(np.clip(height * width / scale**2 * rng.uniform(1, 4), 4, 150))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        radius = max(int(scale * rng.uniform(0.06, 0.3)), 1)
        cv2.circle(image, centre, radius, colours[int(rng.integers(4))], -1, cv2.LINE_AA)
    return image


_KINDS = (_clouds, _clouds, _stripes, _cells, _cells, _spots, _marble)


def clutter(rng: Generator, image: np.ndarray, count: int, scale: float) -> None:
    """Draw `count` polygons, ellipses, boxes and lines of about `scale` px over `image`, in place."""
    height, width = image.shape[:2]
    colours = palette(rng, 8).tolist()
    for _ in range(count):
        colour = colours[int(rng.integers(8))]
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        reach, angle = scale * rng.lognormal(-0.7, 0.6), rng.uniform(0, 360)
        axes = (max(int(reach * rng.uniform(0.3, 1)), 1), max(int(reach), 1))
        kind = rng.integers(4)
        if kind == 0:
            cv2.ellipse(image, (int(x), int(y)), axes, angle, 0, 360, colour, -1, cv2.LINE_AA)
        elif kind == 1:
            corners = cv2.boxPoints(((x, y), (2 * axes[0], 2 * axes[1]), angle * (rng.random() < 0.5)))
            cv2.fillPoly(image, [corners.astype(np.int32)], colour, cv2.LINE_AA)
        elif kind == 2:
            turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
            corners = np.stack([x + reach * np.cos(turns), y + reach * np.sin(turns)], 1)
            cv2.fillPoly(image, [corners.astype(np.int32)], colour, cv2.LINE_AA)
        else:
            ends = (np.array([x, y]) + rng.normal(0, 2 * reach, (2, 2))).astype(int).tolist()
            cv2.line(image, ends[0], ends[1], colour, int(rng.integers(1, 6)), cv2.LINE_AA)


def _grain(rng: Generator, image: np.ndarray, scale: float) -> np.ndarray:
    """Modulate the brightness by fine noise, so that no area is flat."""
    values = noise(rng, *image.shape[:2], coarsest=scale, roughness=rng.uniform(0.6, 0.9))
    depth = rng.uniform(0.2, 0.7)
    gain = ((1 - depth / 2 + depth * values) * 127).astype(np.uint8)
    return cv2.multiply(image, cv2.merge([gain] * 3), scale=1 / 127)


def texture(rng: Generator, height: int, width: int, *, scale: float) -> np.ndarray:
    """A textured surface with structures of about `scale` px, (height, width, 3) uint8 RGB."""
    kind = _KINDS[int(rng.integers(len(_KINDS)))]
    return kind(rng, height, width, scale * float(np.exp(rng.uniform(-0.5, 0.5))))


def skin(rng: Generator, height: int, width: int) -> np.ndarray:
    """The surface of an object: a texture at the object's size with a few marks, (height, width, 3) uint8."""
    short = min(height, width)
    image = texture(rng, height, width, scale=short * rng.uniform(0.2, 0.7))
    clutter(rng, image, int(rng.integers(3, 14)), short * 0.22)
    return _grain(rng, image, short / 3)


def landscape(rng: Generator, height: int, width: int) -> np.ndarray:
    """A background: one to three textured areas, most with clutter, (height, width, 3) uint8 RGB."""
    reach = min(height, width)
    image = texture(rng, height, width, scale=reach * rng.uniform(0.06, 0.4))
    for _ in range(int(rng.integers(0, 3))):
        bend = noise(rng, height, width, coarsest=reach / 3, roughness=0.4)
        slope = rng.normal(0, [[0.3], [1.0]]) * [[1], [1]]
        y, x = np.ogrid[:height, :width]
        plane = (x / width - 0.5) * slope[0] + (y / height - 0.5) * slope[1] + rng.uniform(0.05, 0.6) * bend
        area = plane > np.quantile(plane[::8, ::8], rng.uniform(0.3, 0.8))
        cv2.copyTo(
            texture(rng, height, width, scale=reach * rng.uniform(0.04, 0.3)), area.view(np.uint8), image
        )
    if rng.random() < 0.75:
        clutter(rng, image, int(rng.integers(8, 90)), reach * rng.uniform(0.03, 0.12))
    image = _grain(rng, image, reach / 6)
    if rng.random() < 0.3:  # out of focus
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 2.5))
    return image


def photograph(rng: Generator, photographs: Sequence[np.ndarray], height: int, width: int) -> np.ndarray:
    """A random piece of a random photograph, often mirrored, resized to (height, width, 3)."""
    image = photographs[int(rng.integers(len(photographs)))]
    scale = min(image.shape[0] / height, image.shape[1] / width) * rng.uniform(0.4, 1)
    rows, columns = max(int(height * scale), 2), max(int(width * scale), 2)
    top = int(rng.integers(image.shape[0] - rows + 1))
    left = int(rng.integers(image.shape[1] - columns + 1))
    piece = image[top : top + rows, left : left + columns]
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    shrinks = rows > height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(piece), (width, height), interpolation=method)
