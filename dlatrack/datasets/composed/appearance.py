"""Appearance of the objects of a composed video: cut-outs, and patches of photographs in random outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from dlatrack.datasets.composed.cutouts import Cutout
from dlatrack.datasets.synthetic.motion import OUTLINE_POINTS, direction, fill_square, random_outline
from dlatrack.datasets.synthetic.render import outline_mask

#: Share of the objects that are cut-outs, where there are any.
_CUTOUT_SHARE = 0.5

#: Pieces of a photograph from which a patch is chosen.
_PIECES = 3


@dataclass(frozen=True, eq=False)
class Appearance:
    """Picture and outline of an object."""

    rgba: np.ndarray  #: (H, W, 4) uint8 RGB and coverage; the outline touches all four sides
    shape: np.ndarray  #: (P, 2) outline in object units, from -1 to 1 across the picture

    @property
    def log_aspect(self) -> float:
        """Natural logarithm of width over height."""
        return float(np.log(self.rgba.shape[1] / self.rgba.shape[0]))


def draw_appearances(
    rng: Generator, photographs: Sequence[np.ndarray], cutouts: Sequence[Cutout], count: int
) -> list[Appearance]:
    """Draw `count` appearances that resemble each other.

    They show one object at different times of its clip, or patches of one photograph, most in the same outline. All
    get the same change of colour.
    """
    if cutouts and rng.random() < _CUTOUT_SHARE:
        first = cutouts[int(rng.integers(len(cutouts)))]
        same = [cutout for cutout in cutouts if cutout.clip == first.clip]
        chosen = [first, *(same[int(number)] for number in rng.integers(len(same), size=count - 1))]
        pictures = [cutout.rgba for cutout in chosen]
        if rng.random() < 0.5:
            pictures = [picture[:, ::-1] for picture in pictures]
        appearances = [Appearance(picture, _contour(picture[..., 3])) for picture in pictures]
    else:
        photograph = photographs[int(rng.integers(len(photographs)))]
        first_shape, size = draw_outline(rng), _patch_size(rng, photograph)
        repeated = (first_shape if rng.random() < 0.7 else draw_outline(rng) for _ in range(count - 1))
        appearances = [draw_patch(rng, photograph, shape, size) for shape in [first_shape, *repeated]]
    tone = _tone(rng)
    return [Appearance(_toned(appearance.rgba, tone), appearance.shape) for appearance in appearances]


def draw_patch(
    rng: Generator, photograph: np.ndarray, shape: np.ndarray, size: tuple[int, int]
) -> Appearance:
    """A piece of a photograph of `size` (width, height) px, in an outline (P, 2).

    It is the one with most contrast among a few random pieces: sky in front of sky could not be tracked.
    """
    width, height = (min(side, limit) for side, limit in zip(size, photograph.shape[1::-1], strict=True))
    pieces = []
    for _ in range(_PIECES):
        left = int(rng.integers(photograph.shape[1] - width + 1))
        top = int(rng.integers(photograph.shape[0] - height + 1))
        pieces.append(photograph[top : top + height, left : left + width])
    piece = max(pieces, key=lambda pixels: float(cv2.meanStdDev(pixels)[1].sum()))
    return Appearance(np.dstack([piece, outline_mask(shape, (width, height), 1)]), shape)


def draw_outline(rng: Generator) -> np.ndarray:
    """An outline of `synthetic.motion.random_outline`, or a smooth star; (96, 2), filling the square from -1 to 1."""
    if rng.random() < 0.75:
        return random_outline(rng)
    turn = np.linspace(0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)
    arms = int(rng.integers(3, 8))
    radius = 1 + rng.uniform(0.15, 0.45) * np.cos(arms * turn + rng.uniform(0, 7))
    radius += 0.15 * np.cos(turn * rng.integers(1, 3) + rng.uniform(0, 7))
    return fill_square(radius[:, None] * direction(turn))


def _patch_size(rng: Generator, photograph: np.ndarray) -> tuple[int, int]:
    """Width and height, px: 40 px to half of the photograph, aspect ratios mostly near 1, at most 1:4."""
    reach = min(photograph.shape[:2]) / 2
    side = min(40, reach) * (max(reach, 40) / 40) ** rng.random()
    stretch = np.exp(np.clip(rng.normal(0, 0.6), -np.log(4), np.log(4)) / 2)
    return max(int(side * stretch), 8), max(int(side / stretch), 8)


def _contour(alpha: np.ndarray) -> np.ndarray:
    """Outer contour of the covered part, in object units, (P, 2)."""
    contours, _ = cv2.findContours((alpha > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return fill_square(max(contours, key=len)[:, 0].astype(np.float64))


def _tone(rng: Generator) -> np.ndarray:
    """A change of colour, (3, 3): gains per channel, and sometimes an exchange of channels."""
    gains = np.exp(rng.normal(0, 0.2, 1) + rng.normal(0, 0.12, 3))
    order = rng.permutation(3) if rng.random() < 0.3 else np.arange(3)
    return (np.eye(3)[order] * gains[:, None]).astype(np.float32)


def _toned(rgba: np.ndarray, tone: np.ndarray) -> np.ndarray:
    colour = np.ascontiguousarray(rgba[..., :3])
    return np.dstack([cv2.transform(colour, tone), rgba[..., 3]])
