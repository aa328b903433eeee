"""Videos composed from photographs and cut-outs: real textures and real objects, motion and truth of our own.

A target, look-alikes and occluders, each a cut-out or a patch of a photograph, move in front of a window of another
photograph. Boxes and absence follow from the outlines, so they are exact.
"""

from __future__ import annotations

from collections.abc import Sequence as Listing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from dlatrack.datasets.composed.cutouts import Cutout, masked_clips, read_cutouts
from dlatrack.datasets.composed.painting import paint_composed
from dlatrack.datasets.composed.photographs import read_photographs
from dlatrack.datasets.composed.scene import Production, draw_scene
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import truth
from dlatrack.datasets.synthetic.render import Painting, render

__all__ = [
    "ComposedFrames",
    "Cutout",
    "composed_sequences",
    "masked_clips",
    "read_cutouts",
    "read_photographs",
]


@dataclass(frozen=True, eq=False)
class ComposedFrames:
    """The images of a composed video; image i depends on what is given here and i alone, whatever was asked before.

    The pixels of the 16 videos used last stay in memory, a few MB each.

    Args:
        photographs: (H, W, 3) uint8 RGB.
        cutouts: objects to choose from.
        seed: of the video.
        length: frames.
    """

    photographs: Listing[np.ndarray]
    cutouts: Listing[Cutout]
    seed: int
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 RGB; negative indices count from the end."""
        frame = range(self.length)[index]
        production, painting = _painted(self)
        return production.recording.apply(render(production.scene, painting, frame), frame)

    def draw_scene(self) -> Production:
        """What happens in the video, and what its objects look like."""
        return draw_scene(self.photographs, self.cutouts, self.seed, self.length)


@lru_cache(maxsize=16)
def _painted(frames: ComposedFrames) -> tuple[Production, Painting]:
    production = frames.draw_scene()
    return production, paint_composed(production.scene, production.appearances, production.backdrop)


def composed_sequences(
    photographs: Listing[Path], cutouts: Listing[Cutout], count: int, seed: int, length: int = 20
) -> list[Sequence]:
    """Compose videos, named after their seeds, e.g. "composed-0007"; their frames are rendered when asked for.

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
        cutouts: of `read_cutouts`; may be empty.
        count: videos.
        seed: of the first video, the others count on; the same inputs and seed give the same bytes.
        length: frames of each, 2 or more.

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
        f"composed-{frames.seed:04d}", frames, truth.boxes_xywh(scene), truth.target_visible(scene)
    )
