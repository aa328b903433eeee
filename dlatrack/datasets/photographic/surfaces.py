"""What the objects of a photographic clip look like: outlined objects, and patches of photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator

from dlatrack.datasets.composed.appearance import draw_outline, draw_patch
from dlatrack.datasets.photographic.pictures import Photograph, nearest_zero
from dlatrack.datasets.synthetic.motion import fill_square

#: Half side of the square that a texture covers, in object units; an outline reaches to 1.
TEXTURE_REACH = 1.1

#: Longest edge of an outline, in object units: long edges are divided, so that they can bend.
_EDGE = 0.1

#: Width of the rim of a cut-out whose colour is mixed with what lies behind it, px.
_RIM = 2


@dataclass(frozen=True, eq=False)
class Surface:
    """Outline and colours of an object."""

    shape: np.ndarray  #: (P, 2) outline in object units, filling the square from -1 to 1
    middle: np.ndarray  #: (2,) px of the photograph at the object's origin
    half: np.ndarray  #: (2,) half width and height, px of the photograph
    texture: np.ndarray  #: (h, w, 3) uint8 RGB over -TEXTURE_REACH to TEXTURE_REACH in both directions


@lru_cache(maxsize=64)
def outlined_surface(photograph: Photograph, name: str) -> Surface:
    """The surface of an outlined object; outside the outline its colours go on as at the nearest point inside."""
    outline = photograph.outlines[name]
    low, high = outline.min(0), outline.max(0)
    middle, half = (low + high) / 2, (high - low) / 2
    inside = np.zeros(photograph.image.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint((outline - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    border = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    core = cv2.erode(border, np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8))[1:-1, 1:-1]
    colours = photograph.image[nearest_zero(1 - core)]
    width, height = np.ceil(2 * half * TEXTURE_REACH).astype(int).tolist()
    scale = 2 * half * TEXTURE_REACH / (width, height)
    offset = middle - half * TEXTURE_REACH + scale / 2 - 0.5
    matrix = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    texture = cv2.warpAffine(colours, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return Surface(_divided(fill_square(outline)), middle, half, texture)


def patch(rng: Generator, pictures: Sequence[Photograph], shape: np.ndarray, half: np.ndarray) -> Surface:
    """A piece of one of the photographs in an outline.

    Args:
        rng: source of the choice.
        pictures: photographs to choose from.
        shape: (P, 2) outline in object units.
        half: (2,) wanted half width and height, px of the photograph.
    """
    photograph = pictures[int(rng.integers(len(pictures)))]
    whole = tuple(np.maximum(2 * TEXTURE_REACH * half, 8).astype(int).tolist())
    texture = draw_patch(rng, photograph.image, shape, whole).rgba[..., :3]
    return Surface(shape, np.zeros(2), np.asarray(half, float), np.ascontiguousarray(texture))


def random_patch(rng: Generator, pictures: Sequence[Photograph]) -> Surface:
    """A piece of one of the photographs, 30 to 120 px, aspect ratios to 1:3, in a random outline."""
    side = 15 * 4 ** rng.random()
    stretch = np.exp(np.clip(rng.normal(0, 0.4), -0.55, 0.55))
    return patch(rng, pictures, draw_outline(rng), side * np.array([stretch, 1 / stretch]))


def _divided(shape: np.ndarray) -> np.ndarray:
    """An outline with more points on its edges; its corners remain."""
    edges = np.roll(shape, -1, axis=0) - shape
    counts = np.maximum(np.ceil(np.hypot(*edges.T) / _EDGE), 1).astype(int)
    pieces = [
        start + edge * np.arange(count)[:, None] / count
        for start, edge, count in zip(shape, edges, counts, strict=True)
    ]
    return np.concatenate(pieces)
