"""Photographic videos: a virtual camera over real photographs, with exact truth and nothing to download.

The photographs come with the package scikit-image; objects in them were outlined by hand. The target is a part of
a photograph under the moving camera, or a cut-out with a path of its own over another photograph.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dlatrack.datasets.photographic.painting import (
    PaintedClip,
    paint_photographic,
    render_photographic,
)
from dlatrack.datasets.photographic.pictures import SPLITS, Photograph, photographs
from dlatrack.datasets.photographic.scene import PhotographicScene, draw_photographic_scene
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import CHALLENGES, truth
from dlatrack.datasets.synthetic.scene import check_video

__all__ = [
    "Photograph",
    "PhotographicFrames",
    "photographic_sequence",
    "photographic_sequences",
    "photographs",
]


@dataclass(frozen=True)
class PhotographicFrames:
    """Images of a photographic video; image i depends on these arguments and i alone, not on images read before.

    The pixels of the 64 videos used last stay in memory, 1 to 4 MB each.
    """

    seed: int  #: seed of the video
    length: int  #: frames
    size: tuple[int, int]  #: width and height, px
    split: str  #: side of the photographs, "train" or "test"
    without: frozenset[str] = frozenset()  #: challenges that are not drawn

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 RGB; negative indices count from the end."""
        return render_photographic(self.draw_scene(), _painted(self), range(self.length)[index])

    def mask(self, index: int) -> np.ndarray:
        """The target's visible pixels in frame `index`, (H, W) bool: inside its outline, and not covered."""
        return truth.visible_mask(self.draw_scene().scene, range(self.length)[index])

    def draw_scene(self) -> PhotographicScene:
        """The video before it is painted."""
        return _drawn(self)


@lru_cache(maxsize=64)
def _drawn(frames: PhotographicFrames) -> PhotographicScene:
    return draw_photographic_scene(frames.seed, frames.length, frames.size, frames.split, frames.without)


@lru_cache(maxsize=64)
def _painted(frames: PhotographicFrames) -> PaintedClip:
    return paint_photographic(frames.draw_scene())


def photographic_sequence(
    seed: int,
    length: int = 60,
    size: tuple[int, int] = (320, 240),
    *,
    split: str = "train",
    without: Collection[str] = (),
) -> Sequence:
    """One photographic video, named after its seed, e.g. "photographic-0007".

    In about half of the videos a virtual camera pans, zooms, rolls and tilts over a photograph, and the target is an
    object outlined in it; over the motorcycle, whose disparity is known, near points move more than far ones. In the
    others the target is cut out and moves, grows, turns, tilts and bends over another photograph under such a camera;
    on the training side some targets are patches of photographs in random outlines. Motion blur, defocus, light,
    tone, noise, compression, occluders, other objects, copies of the target, and trips outside the view are drawn
    with the shares of `synthetic_sequence`, whose definitions of the attributes, of boxes and of absence hold here
    too; OPR is a turn of the photograph or of the cut-out, and only copies of the target make BC. In frame 0 the
    target is fully inside the image and uncovered.

    Args:
        seed: 0 to 2^32 - 1; the same seed, length, size and split give the same bytes.
        length: frames.
        size: width and height in px, each 64 or more; 320 x 240 suits the photographs, which are 300 to 870 px high.
        split: "train" or "test"; no photograph serves both.
        without: names from `synthetic.CHALLENGES` that are not drawn for the video, which is mild in them; its
            attributes, which are measured, may name one all the same, e.g. SV where the target tilts much.

    Returns:
        The sequence; its images are rendered on demand, and its frames have `mask(index)`.

    Raises:
        InputError: if scikit-image is not installed, or its photographs are missing or differ from the known ones.
        ValueError: if an argument is out of range.
    """
    check_video(seed, length, size)
    _check(split, without)
    frames = PhotographicFrames(int(seed), length, (int(size[0]), int(size[1])), split, frozenset(without))
    return truth.annotated(f"photographic-{seed:04d}", frames, frames.draw_scene().scene, "photographic")


def photographic_sequences(
    count: int,
    seed: int,
    length: int = 60,
    size: tuple[int, int] = (320, 240),
    *,
    split: str = "train",
    without: Collection[str] = (),
) -> list[Sequence]:
    """The videos of the seeds `seed` to `seed + count - 1`; the two splits show different photographs.

    Raises:
        InputError: as `photographic_sequence`.
        ValueError: if `count` is negative, or as `photographic_sequence`.
    """
    if count < 0:
        raise ValueError(f"count must be 0 or more, got {count}")
    return [
        photographic_sequence(seed + number, length, size, split=split, without=without)
        for number in range(count)
    ]


def _check(split: str, without: Collection[str]) -> None:
    if split not in SPLITS:
        raise ValueError(f"split must be {' or '.join(SPLITS)}, got {split!r}")
    if isinstance(without, str) or not set(without) <= set(CHALLENGES):
        raise ValueError(f"without must hold names from {', '.join(CHALLENGES)}, got {without!r}")
