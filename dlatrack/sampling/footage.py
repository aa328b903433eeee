"""Training crops from a small folder of real footage: clips with masks, and photographs.

A dozen clips show too few objects to train a tracker, so most of the pairs come from videos composed of the same
material (`datasets.composed`), and some from `datasets.synthetic`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlatrack import __version__, paths
from dlatrack.datasets.composed import composed_sequences
from dlatrack.datasets.composed.cutouts import masked_clips, read_cutouts, read_photographs
from dlatrack.datasets.folder import read_folder
from dlatrack.datasets.image_folder import images_in
from dlatrack.datasets.images import IMAGE_SUFFIXES
from dlatrack.datasets.sequence import Frames
from dlatrack.datasets.sequence import Sequence as Track
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.files import file_digest, is_companion
from dlatrack.provenance import sha256_of
from dlatrack.sampling.mixture import Mixture, Share
from dlatrack.sampling.store import CropStore, cached_crops, crop_sequences

#: Percent of the pairs, and the largest distance of their frames. Real clips last for two seconds, in which things
#: change slowly; a composed video changes as much in its few frames.
REAL, COMPOSED, SYNTHETIC = 30, 55, 15
REAL_RANGE, SYNTHETIC_RANGE = 60, 40

#: Composed videos for each synthetic one, and the frames of the latter.
_COMPOSED_PER_SYNTHETIC, _SYNTHETIC_LENGTH = 7, 30

#: First seeds, far from those of `studies.twins`, and the seeds between two mixtures.
_COMPOSED_SEED, _SYNTHETIC_SEED, _SEED_STRIDE = 4_000_000, 3_000_000, 10_000


def footage_mixture(folder: str | Path, *, seed: int = 0, composed: int = 2000, length: int = 16) -> Mixture:
    """Mixture of real, composed and synthetic crops, which are built once and then kept in the cache folder.

    - "real", 30 % of the pairs: all targets of the clips in `video/` that have masks, also mirrored, frames up to 60
      apart.
    - "composed", 55 %: videos composed of the photographs and of the clips' cut-outs, frames any distance apart.
    - "synthetic", 15 %: synthetic videos of 30 frames with textures of the photographs, one for 7 composed ones.

    Args:
        folder: folder with `video/`, clips in the OTB layout, some of which have masks beside their images
            (`datasets.composed.cutouts.read_cutouts`), and `stills/`, photographs. Clips without masks are not used.
        seed: seed of the composed and the synthetic videos, 0 to 100,000.
        composed: number of composed videos.
        length: frames of each composed video.

    Raises:
        InputError: if there is no clip with masks or no photograph, or as `read_folder`, `read_cutouts` and
            `composed_sequences`.
        ValueError: if a number is out of range.
    """
    if composed < 1 or length < 2 or not 0 <= seed <= 100_000:
        raise ValueError(
            f"composed must be 1 or more, length 2 or more and seed 0 to 100000, got composed {composed}, "
            f"length {length}, seed {seed}"
        )
    folder = Path(folder)
    clips, photographs = _clips(folder / "video"), _photographs(folder / "stills")
    digest = _digest(folder, clips, photographs)
    first = _SEED_STRIDE * seed
    synthetic = -(-composed // _COMPOSED_PER_SYNTHETIC)

    def real_videos() -> list[Track]:
        tracks = [track for clip in clips for track in read_folder(clip, needs_first_box=False)]
        return tracks + [mirrored(track) for track in tracks]

    def composed_videos() -> list[Track]:
        cutouts = read_cutouts(folder / "video")
        return composed_sequences(photographs, cutouts, composed, _COMPOSED_SEED + first, length)

    def synthetic_videos() -> list[Track]:
        textures = read_photographs(photographs)
        return synthetic_sequences(synthetic, _SYNTHETIC_SEED + first, _SYNTHETIC_LENGTH, textures=textures)

    key = {"seed": seed, "composed": composed, "length": length}
    sources = {
        "real": _crops("real", digest, {}, real_videos),
        "composed": _crops("composed", digest, key, composed_videos),
        "synthetic": _crops("synthetic", digest, key, synthetic_videos),
    }
    shares = {
        "real": Share(REAL, REAL_RANGE),
        "composed": Share(COMPOSED, length),
        "synthetic": Share(SYNTHETIC, SYNTHETIC_RANGE),
    }
    return Mixture(sources, shares)


@dataclass(frozen=True, eq=False)
class _MirroredFrames:
    """Frames with left and right exchanged."""

    frames: Frames

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> np.ndarray:
        return np.ascontiguousarray(self.frames[index][:, ::-1])


def mirrored(track: Track) -> Track:
    """A track with left and right exchanged: images and boxes, without polygons."""
    boxes_xywh = track.boxes_xywh.copy()
    boxes_xywh[:, 0] = track.frames[0].shape[1] - boxes_xywh[:, 0] - boxes_xywh[:, 2]
    frames = _MirroredFrames(track.frames)
    return replace(track, name=f"{track.name}-mirrored", frames=frames, boxes_xywh=boxes_xywh, polygons=None)


def _crops(name: str, digest: str, key: dict[str, int], videos: Callable[[], list[Track]]) -> CropStore:
    """Crops from the cache folder, built first if necessary."""
    inputs = sha256_of({"files": digest, "dlatrack": __version__, **key})
    path = paths.cache_dir() / f"crops-{name}-{inputs[:16]}.safetensors"
    return cached_crops(path, lambda: crop_sequences(videos()))


def _clips(folder: Path) -> list[Path]:
    clips = masked_clips(folder) if folder.is_dir() else []
    if not clips:
        raise InputError(
            f"{folder} has no clip with masks (a folder with img/, mask/ and groundtruth_rect.txt)"
        )
    return clips


def _photographs(folder: Path) -> list[Path]:
    files = images_in(folder) if folder.is_dir() else []
    if not files:
        raise InputError(
            f"{folder} has no photograph; files ending in {', '.join(IMAGE_SUFFIXES)} are looked for"
        )
    return files


def _digest(folder: Path, clips: Sequence[Path], photographs: Sequence[Path]) -> str:
    """SHA-256 of the names and contents of all files that the crops depend on."""
    used = [
        file
        for clip in clips
        for file in sorted(clip.rglob("*"))
        if file.is_file() and not is_companion(file.name)
    ]
    files = (*photographs, *used)
    lines = (f"{file.relative_to(folder).as_posix()} {file_digest(file)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
