"""Long videos whose target leaves, is covered for long, and returns: rendered, with exact truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from dlatrack.datasets.photographic.painting import PaintedClip, paint_photographic, render_photographic
from dlatrack.datasets.photographic.pictures import SPLITS, photographs
from dlatrack.datasets.photographic.scene import PhotographicScene, draw_photographic_scene
from dlatrack.datasets.photographic.surfaces import patch
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import SyntheticFrames, truth
from dlatrack.datasets.synthetic.absences import with_absences
from dlatrack.datasets.synthetic.motion import generator
from dlatrack.datasets.synthetic.scene import CHALLENGES, check_video, draw_synthetic_scene

#: Stream of the seed for absences, apart from those of scenes and pixels.
_ABSENCES = 7

#: Challenges that are not drawn: copies of the target, which no tracker can tell from it, and a second way to leave.
_WITHOUT = frozenset({"BC", "OV"})

#: Half size of the patches on panels, px.
_PANEL = np.array([60.0, 60.0])


@dataclass(frozen=True)
class LongPhotographicFrames:
    """Images of a long photographic video; image i depends on these arguments and i alone."""

    seed: int  #: seed of the video
    length: int  #: frames
    size: tuple[int, int]  #: width and height, px
    split: str  #: side of the photographs, "train" or "test"

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 RGB; negative indices count from the end."""
        return render_photographic(self.draw_scene(), _painted(self), range(self.length)[index])

    def draw_scene(self) -> PhotographicScene:
        """The video before it is painted."""
        return _drawn(self)


@lru_cache(maxsize=8)
def _drawn(frames: LongPhotographicFrames) -> PhotographicScene:
    clip = draw_photographic_scene(frames.seed, frames.length, frames.size, frames.split, _WITHOUT)
    rng = generator(frames.seed, _ABSENCES)
    scene = with_absences(rng, clip.scene, may_leave=not clip.in_place)
    pictures = list(photographs(frames.split).values())
    added = scene.layers[len(clip.surfaces) :]
    panels = tuple(patch(rng, pictures, layer.track.body.shape, _PANEL) for layer in added)
    return replace(clip, scene=scene, surfaces=clip.surfaces + panels)


@lru_cache(maxsize=8)
def _painted(frames: LongPhotographicFrames) -> PaintedClip:
    return paint_photographic(frames.draw_scene())


def long_photographic_sequence(
    seed: int, length: int = 600, size: tuple[int, int] = (320, 240), *, split: str = "train"
) -> Sequence:
    """One long photographic video, named after its seed, e.g. "long-photographic-0007".

    It is a video of `photographic_sequence`, without copies of the target, in which the target is absent for 40 to
    120 frames about once in 180. A cut-out leaves over one border and returns over another one, or is covered; a
    target that is a part of the photograph is always covered, by a panel that travels with it.

    Args:
        seed: 0 to 2^32 - 1; the same seed, length, size and split give the same bytes.
        length: frames; fewer than 200 have no absence.
        size: width and height in px, each 64 or more.
        split: "train" or "test"; no photograph serves both.

    Raises:
        InputError: as `photographic_sequence`.
        ValueError: if an argument is out of range.
    """
    check_video(seed, length, size)
    if split not in SPLITS:
        raise ValueError(f"split must be {' or '.join(SPLITS)}, got {split!r}")
    frames = LongPhotographicFrames(int(seed), length, (int(size[0]), int(size[1])), split)
    scene = frames.draw_scene().scene
    return truth.annotated(f"long-photographic-{seed:04d}", frames, scene, "photographic")


def long_synthetic_sequence(seed: int, length: int = 600, size: tuple[int, int] = (320, 240)) -> Sequence:
    """One long synthetic video, e.g. "long-synthetic-0007": one of `synthetic_sequence` with absences as above.

    Args:
        seed: 0 to 2^32 - 1; the same seed, length and size give the same bytes.
        length: frames; fewer than 200 have no absence.
        size: width and height in px, each 64 or more.

    Raises:
        ValueError: if an argument is out of range.
    """
    check_video(seed, length, size)
    whole = (int(size[0]), int(size[1]))
    drawn = generator(seed, _ABSENCES, 1)
    chosen = {name for name, share in CHALLENGES.items() if drawn.random() < share} - _WITHOUT
    scene = draw_synthetic_scene(int(seed), length, whole, chosen)
    scene = with_absences(generator(seed, _ABSENCES), scene)
    return truth.annotated(f"long-synthetic-{seed:04d}", SyntheticFrames(scene), scene, "synthetic")
