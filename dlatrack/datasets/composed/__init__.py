"""Videos composed of photographs and cut-outs: real textures and real objects with generated motion and exact truth.

A target, distractors and occluders, each a cut-out or a patch of a photograph, move in front of a window of another
photograph. Boxes and absence follow from the outlines.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from dlatrack.datasets.composed.cutouts import Cutout, read_photographs
from dlatrack.datasets.composed.painting import paint_composed
from dlatrack.datasets.composed.scene import ComposedScene, draw_composed_scene
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import truth
from dlatrack.datasets.synthetic.render import Painting, render


@dataclass(frozen=True, eq=False)
class ComposedFrames:
    """Images of a composed video; image i depends on these arguments and i alone, not on images read before.

    The pixels of the 16 videos used last stay in memory, a few MB each.
    """

    photographs: abc.Sequence[np.ndarray]  #: photographs to choose from, (H, W, 3) uint8 RGB
    cutouts: abc.Sequence[Cutout]  #: objects to choose from
    seed: int  #: seed of the video
    length: int  #: frames

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 RGB; negative indices count from the end."""
        frame = range(self.length)[index]
        composed, painting = _painted(self)
        return composed.camera_effects.apply(render(composed.scene, painting, frame), frame)

    def mask(self, index: int) -> np.ndarray:
        """The target's visible pixels in frame `index`, (H, W) bool: inside its outline, and not covered."""
        return truth.visible_mask(_painted(self)[0].scene, range(self.length)[index])

    def draw_scene(self) -> ComposedScene:
        """The video before it is painted."""
        return draw_composed_scene(self.photographs, self.cutouts, self.seed, self.length)


@lru_cache(maxsize=16)
def _painted(frames: ComposedFrames) -> tuple[ComposedScene, Painting]:
    composed = frames.draw_scene()
    return composed, paint_composed(composed.scene, composed.appearances, composed.backdrop)


def composed_sequences(
    photographs: abc.Sequence[Path], cutouts: abc.Sequence[Cutout], count: int, seed: int, length: int = 20
) -> list[Sequence]:
    """Compose videos, named after their seeds, e.g. "composed-0007"; their frames are rendered on demand.

    - The background is a window of a photograph under a camera that pans, zooms and rolls.
    - The target is a cut-out or a patch of another photograph in a random outline, 12 px to 0.6 of the view, aspect
      ratios 1:4 to 4:1. It moves, grows, turns, stretches and bends.
    - One to three distractors, about half of which resemble the target: the same object at another time, or another
      patch of the same photograph. Most come close.
    - In three videos of ten something passes in front of the target.
    - Illumination, motion blur, defocus, tone, sensor noise and JPEG compression vary.

    The box is the tight box of the target's whole outline, covered parts included, clipped to the image. The target
    counts as absent (NaN box) while less than 10 % of its area can be seen.

    Args:
        photographs: image files, 64 px or more a side.
        cutouts: cut-outs of `read_cutouts`; may be empty.
        count: number of videos.
        seed: seed of the first video; the next ones follow. The same inputs and seed give the same bytes.
        length: frames of each video, 2 or more.

    Raises:
        InputError: naming the photograph, if one cannot be read or is too small, or there is none.
        ValueError: if a number is out of range.
    """
    if count < 0 or length < 2 or not 0 <= seed <= 2**32 - max(count, 1):
        raise ValueError(
            f"count must be 0 or more, length 2 or more and seed 0 or more, got count {count}, length {length}, "
            f"seed {seed}"
        )
    images = read_photographs(photographs)
    return [_sequence(ComposedFrames(images, cutouts, seed + number, length)) for number in range(count)]


def _sequence(frames: ComposedFrames) -> Sequence:
    scene = frames.draw_scene().scene
    return Sequence(
        f"composed-{frames.seed:04d}",
        frames,
        truth.boxes_xywh(scene),
        truth.target_visible(scene),
        imagery="photographic",
    )
