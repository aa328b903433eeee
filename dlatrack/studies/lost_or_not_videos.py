"""Videos in which targets are lost: those that confidence is fitted on, and others that it is measured on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlatrack import paths
from dlatrack.datasets.long_videos import long_photographic_sequence, long_synthetic_sequence
from dlatrack.datasets.photographic import photographic_sequence, photographic_sequences
from dlatrack.datasets.sequence import Frames, Sequence
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.paths import with_home
from dlatrack.studies.presets import sizes
from dlatrack.studies.shipped import clips_without_masks

#: Videos by kind.
Videos = Mapping[str, list[Sequence]]

#: Seeds of the videos that confidence is fitted on and of those that it is measured on; no training uses them.
_FIT_SEED, _TEST_SEED, _SEED_STRIDE = 10_000_000, 11_000_000, 1000

#: What takes the place of a video after its middle.
SPLICES = ("black", "noise", "other")

#: Frames of a short video.
_SHORT = 60

#: Videos that confidence is fitted on, as `Sizes.lost`.
_FIT = (24, 12, 2, 300)


@dataclass(frozen=True, eq=False)
class SplicedFrames:
    """Images of a video, and from one frame on of something else."""

    frames: Frames  #: the video
    start: int  #: first frame of something else
    kind: str  #: what that is, one of `SPLICES`
    other: Frames  #: the unrelated video of "other"

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 RGB; negative indices count from the end."""
        index = range(len(self))[index]
        if index < self.start:
            return self.frames[index]
        if self.kind == "other":
            return self.other[index]
        shape = self.frames[0].shape
        if self.kind == "black":
            return np.zeros(shape, np.uint8)
        return np.random.default_rng(index).integers(0, 256, shape, np.uint8)


@dataclass(frozen=True, eq=False)
class _FirstFrames:
    """The first images of a longer video."""

    frames: Frames
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> np.ndarray:
        return self.frames[range(self.length)[index]]


def spliced(video: Sequence, kind: str, other: Sequence) -> Sequence:
    """A video that shows something else after its middle, where its target is absent.

    Args:
        video: the video.
        kind: "black" frames, "noise", or the "other" video.
        other: a video of the same size and at least the same length.
    """
    middle = len(video) // 2
    boxes, visible = video.boxes_xywh.copy(), video.visible.copy()
    boxes[middle:], visible[middle:] = np.nan, False
    frames = SplicedFrames(video.frames, middle, kind, other.frames)
    return replace(
        video, name=f"{video.name}-{kind}", frames=frames, boxes_xywh=boxes, visible=visible, polygons=None
    )


def fitting_videos(preset: str, *, seed: int = 0) -> Videos:
    """Videos to fit confidence on, made of photographs that no test uses.

    Args:
        preset: "smoke", "demo" or "paper": how many; the latter two have the same.
        seed: seed of the videos.

    Raises:
        InputError: for an unknown preset, or as `photographic_sequence`.
    """
    short, splices, long, length = sizes(preset).lost[:4] if preset == "smoke" else _FIT
    first = _FIT_SEED + _SEED_STRIDE * seed
    videos = _short_videos(first, short, splices, "train")
    videos["long photographic"] = [
        long_photographic_sequence(first + number, length, split="train") for number in range(long)
    ]
    videos["long synthetic"] = [long_synthetic_sequence(first + number, length) for number in range(long)]
    return videos


def held_out_videos(preset: str, *, footage: str | Path = "", seed: int = 0) -> Videos:
    """Videos to measure confidence on, made of photographs that it is not fitted on, and real clips.

    Args:
        preset: "smoke", "demo" or "paper": how many; real clips in "paper", or with `footage`.
        footage: folder of clips in the OTB layout; those with masks, on which trackers were trained, are left out.
            "": `video/` of `DLATRACK_SHARED_DATA` in the preset "paper", and without it none.
        seed: seed of the videos.

    Raises:
        InputError: for an unknown preset, or footage that cannot be read.
    """
    short, splices, long, length, real = sizes(preset).lost
    first = _TEST_SEED + _SEED_STRIDE * seed
    videos = _short_videos(first, short, splices, "test")
    videos["long photographic"] = [
        long_photographic_sequence(first + number, length, split="test") for number in range(long)
    ]
    videos["long synthetic"] = [long_synthetic_sequence(first + number, length) for number in range(long)]
    folder = with_home(footage) if footage else _shared_clips(preset)
    if folder is not None:
        videos["real"] = [_first_frames(clip, real) for clip in clips_without_masks(folder)]
    return videos


def without_absence(videos: Videos) -> list[Sequence]:
    """The videos whose target is visible in every frame."""
    return [video for kind in videos.values() for video in kind if video.visible.all()]


def returning(videos: Videos) -> list[Sequence]:
    """The videos whose target is absent in between, and returns."""
    found = []
    for video in (video for kind in videos.values() for video in kind):
        absent = np.flatnonzero(~video.visible)
        if len(absent) and video.visible[absent[0] :].any():
            found.append(video)
    return found


def clips_sha256(videos: Videos) -> str:
    """SHA-256 of the names, boxes and images of real clips, as far as they are tracked; "" without any."""
    found = hashlib.sha256()
    clips = videos.get("real", [])
    for clip in clips:
        found.update(clip.name.encode() + clip.boxes_xywh.tobytes())
        for index in range(len(clip)):
            found.update(clip.frames[index].tobytes())
    return found.hexdigest() if clips else ""


def _short_videos(first: int, count: int, splices: int, split: str) -> dict[str, list[Sequence]]:
    changed = [
        spliced(
            photographic_sequence(first + 100 + number, _SHORT, split=split),
            SPLICES[number % len(SPLICES)],
            photographic_sequence(first + 200 + number, _SHORT, split=split),
        )
        for number in range(splices)
    ]
    return {
        "photographic": photographic_sequences(count, first, _SHORT, split=split),
        "synthetic": synthetic_sequences(-(-count // 3), first, _SHORT),
        "spliced": changed,
    }


def _shared_clips(preset: str) -> Path | None:
    shared = paths.shared_data()
    if preset != "paper" or shared is None or not (shared / "video").is_dir():
        return None
    return shared / "video"


def _first_frames(video: Sequence, most: int) -> Sequence:
    length = min(len(video), most)
    if not video.visible[1:length].any():
        raise InputError(f"sequence {video.name} does not show its target in its first {most} frames")
    frames = _FirstFrames(video.frames, length)
    boxes, visible = video.boxes_xywh[:length], video.visible[:length]
    return replace(video, frames=frames, boxes_xywh=boxes, visible=visible, polygons=None)
