"""Synthetic tracking videos, rendered on demand: data that needs no download.

A textured target of random outline moves, grows, turns, bends and is occluded in front of a moving background.
Boxes, polygons, absence and attributes follow from the parameters of the scene, so they are exact.
"""

from __future__ import annotations

from collections import abc
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import truth
from dlatrack.datasets.synthetic.render import Painting, paint_synthetic, render
from dlatrack.datasets.synthetic.scene import CHALLENGES, Scene, check_video, draw_synthetic_scene

__all__ = ["CHALLENGES", "SyntheticFrames", "synthetic_sequence", "synthetic_sequences"]


@dataclass(frozen=True, eq=False)
class SyntheticFrames:
    """Images of a synthetic video; image i depends on the scene and i alone, not on images read before.

    The textures of the 64 videos used last stay in memory, about 1.5 MB each at 320 x 240.
    """

    scene: Scene  #: the video without its pixels
    photographs: abc.Sequence[np.ndarray] | None = None  #: photographs for textures, (H, W, 3) uint8 RGB

    def __len__(self) -> int:
        return len(self.scene.camera)

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 RGB; negative indices count from the end."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"frame {index} of a video with {len(self)} frames")
        return render(self.scene, _painted(self), index % len(self))

    def mask(self, index: int) -> np.ndarray:
        """The target's visible pixels in frame `index`, (H, W) bool: inside its outline, and not covered."""
        return truth.visible_mask(self.scene, range(len(self))[index])


@lru_cache(maxsize=64)
def _painted(frames: SyntheticFrames) -> Painting:
    return paint_synthetic(frames.scene, frames.photographs)


def synthetic_sequence(
    seed: int,
    length: int = 60,
    size: tuple[int, int] = (320, 240),
    *,
    textures: abc.Sequence[np.ndarray] | None = None,
    challenges: Collection[str] | None = None,
) -> Sequence:
    """One synthetic video, named after its seed, e.g. "synthetic-0007".

    Each of the 11 challenges of OTB100 is drawn with the share of that benchmark's sequences which have it; the
    draw decides what happens and how strongly. The attributes are then measured in the resulting video, over the
    frames in which the target is visible and, for changes, relative to the first frame:

    - IV: the brightness factor at the target changes by more than 1.5 times.
    - SV: the area of the target's unclipped box changes by more than 2 times.
    - OCC: something covers more than 10 % of the part of the target inside the image.
    - DEF: the outline waves by 0.08 of the target's half size or more, or its aspect ratio changes by more than
      1.4 times (a change by turning does not count).
    - MB: the target moves 4 px or more while the shutter is open.
    - FM: the centre of the box moves more than 20 px from one frame to the next.
    - IPR, OPR: it turns by more than 20 degrees in the image plane, or out of it.
    - OV: more than 5 % of its area leaves the image; frames in which it is absent count too.
    - BC: its texture is a piece of the background, or an object that looks like it comes within two target sides.
    - LR: its unclipped box has fewer than 400 square px.

    The box is the tight box of the whole outline, covered parts included, clipped to the image. The target counts
    as absent (NaN box and polygon, `visible` False) while less than 10 % of its area can be seen. Polygons are
    tight rectangles in the target's own direction and are not clipped. In frame 0 the target is fully inside the
    image and uncovered. Typical targets measure 25 to 110 px at 320 x 240, and 14 to 18 px with LR.

    Args:
        seed: 0 to 2^32 - 1; the same seed, length, size, textures and challenges give the same bytes.
        length: frames.
        size: width and height in px, each 64 or more.
        textures: photographs, (H, W, 3) uint8 RGB, at least 32 px a side, from which about two in three
            backgrounds and objects are then cut; the rest stays procedural.
        challenges: names from `CHALLENGES` to include, all others being mild; None draws them from the seed.
            OCC and OV need 10 frames.

    Returns:
        The sequence; its images are rendered on demand.

    Raises:
        ValueError: if an argument is out of range.

    Source: names, thresholds (SV 2, FM 20 px, LR 400 px, turns of 20 degrees) and shares are patterned on OTB
    (Wu, Lim, Yang, Object Tracking Benchmark, TPAMI 2015, Table 2).
    """
    check_video(seed, length, size)
    _check(textures, challenges)
    scene = draw_synthetic_scene(int(seed), length, (int(size[0]), int(size[1])), challenges)
    return truth.annotated(f"synthetic-{seed:04d}", SyntheticFrames(scene, textures), scene, "synthetic")


def synthetic_sequences(
    count: int,
    seed: int,
    length: int = 60,
    size: tuple[int, int] = (320, 240),
    *,
    textures: abc.Sequence[np.ndarray] | None = None,
    challenges: Collection[str] | None = None,
) -> list[Sequence]:
    """The videos of the seeds `seed` to `seed + count - 1`; disjoint ranges make disjoint training and test sets.

    Raises:
        ValueError: if `count` is negative, or as `synthetic_sequence`.
    """
    if count < 0:
        raise ValueError(f"count must be 0 or more, got {count}")
    return [
        synthetic_sequence(seed + n, length, size, textures=textures, challenges=challenges)
        for n in range(count)
    ]


def _check(textures: abc.Sequence[np.ndarray] | None, challenges: Collection[str] | None) -> None:
    if challenges is not None and (isinstance(challenges, str) or not set(challenges) <= set(CHALLENGES)):
        raise ValueError(f"challenges must be names from {', '.join(CHALLENGES)}, got {challenges!r}")
    if textures is not None and not len(textures):
        raise ValueError("textures must hold at least one photograph, or be None")
    for number, image in enumerate(textures if textures is not None else ()):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 32:
            raise ValueError(
                f"texture {number} must be (H, W, 3) uint8, 32 px or more a side, got {image.dtype} {image.shape}"
            )
