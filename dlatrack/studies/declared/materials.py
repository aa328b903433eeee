"""What a declared study trains on and tests on: real footage, photographs, composed and photographic videos."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from msgspec import Struct

from dlatrack import __version__, paths
from dlatrack.datasets.composed import composed_sequences
from dlatrack.datasets.composed.cutouts import masked_clips, read_cutouts
from dlatrack.datasets.content import content_of
from dlatrack.datasets.folder import read_folder, read_folders
from dlatrack.datasets.image_folder import images_in
from dlatrack.datasets.instance_masks import masked_objects
from dlatrack.datasets.photographic import photographic_sequences
from dlatrack.datasets.sequence import Frames
from dlatrack.datasets.sequence import Sequence as Track
from dlatrack.errors import InputError
from dlatrack.provenance import sha256_of
from dlatrack.sampling.footage import mirrored
from dlatrack.sampling.mixture import Mixture, Share
from dlatrack.sampling.own_folders import open_own
from dlatrack.sampling.sources import CropSource
from dlatrack.sampling.store import CropStore, cached_crops, crop_sequences
from dlatrack.studies.shipped import clips_without_masks
from dlatrack.tracking.perturbation import Perturbation

#: Largest distance of the frames of a pair, in positions of the track: real clips change slowly, composed ones as
#: much in their few frames.
_REACH = {"clips": 60, "footage": 60, "footage2": 60}

#: Frames that a target of the held-out footage must have to be followed.
_LEAST_FRAMES = 20

#: First seeds of the videos that are made; no other training or test uses them.
_COMPOSED_SEED, _PHOTOGRAPHIC_SEED, _TEST_SEED = 11_000_000, 12_000_000, 13_000_000


class TrainingSets(Struct, frozen=True, forbid_unknown_fields=True):
    """Training data: shares of the pairs by set, and the sizes of the sets that are made.

    - "clips": the single targets of `video/` that have masks, also mirrored.
    - "composed": videos composed of photographs and of what the masks of clips and photographs cut out.
    - "footage", "footage2": all targets of these folders, but for clips that are held out.
    - "stills_masks", "stills_boxes": photographs, each of which is template and search region at once.
    - "photographic": photographic videos of the training side.
    """

    shares: dict[str, float]  #: relative number of pairs of each set
    held_out: tuple[str, ...]  #: clips of `footage/` that are tested on
    composed: tuple[int, int]  #: composed videos, and frames of each
    photographic: tuple[int, int]  #: photographic videos, and frames of each


def training_mixture(folder: Path, training: TrainingSets) -> Mixture:
    """The training crops, cut once and then kept in the cache folder.

    Args:
        folder: shared data, with `video/`, `footage/`, `footage2/`, `stills/`, `stills_masks/`, `stills_boxes/`.
        training: shares and sizes.

    Raises:
        InputError: for an unknown set, or as the readers of the sets.
    """
    makers: dict[str, Callable[[], CropSource]] = {
        "clips": lambda: _crops("clips", _mirrored_too(_masked_targets(folder / "video"))),
        "composed": lambda: _composed(folder, *training.composed),
        "footage": lambda: _crops("footage", _footage(folder, training.held_out, held_out=False)),
        "footage2": lambda: open_own(folder / "footage2").crops,
        "stills_masks": lambda: _crops(
            "stills_masks", [o.sequence() for o in masked_objects(folder / "stills_masks")]
        ),
        "stills_boxes": lambda: open_own(folder / "stills_boxes").crops,
        "photographic": lambda: _photographic(*training.photographic),
    }
    if unknown := sorted(training.shares.keys() - makers.keys()):
        raise InputError(
            f"{', '.join(unknown)} is no training set of a study; choose from {', '.join(makers)}"
        )
    shares = {
        name: Share(share, _REACH.get(name, 1 if name.startswith("stills") else None))
        for name, share in training.shares.items()
    }
    return Mixture({name: makers[name]() for name in shares}, shares)


@dataclass(frozen=True)
class TestSets:
    """Sequences that cells are scored on.

    - "video": targets of the clips of `video/` without masks.
    - "footage": those of the clips of `footage/` that are held out, from the first to the last frame that shows them,
      if these are 20 frames or more.
    - "photographic": photographic videos of the test side.
    """

    __test__ = False  # no test case, whatever its name

    held_out: tuple[str, ...]  #: clips of `footage/`
    videos: int  #: photographic videos
    frames: int  #: frames of each
    runs: int  #: runs from first boxes that are up to half a pixel off
    seed: int  #: seed of these boxes

    @property
    def perturbation(self) -> Perturbation:
        """Perturbation of the first boxes."""
        return Perturbation("half-pixel", self.runs, self.seed)

    def open(self, folder: Path) -> dict[str, list[Track]]:
        """The sequences of each set by its name.

        Args:
            folder: shared data.

        Raises:
            InputError: as the readers of the sets.
        """
        footage = _footage(folder, self.held_out, held_out=True)
        return {
            "video": clips_without_masks(folder / "video"),
            "footage": [track for track in map(_from_first_visible, footage) if len(track) >= _LEAST_FRAMES],
            "photographic": photographic_sequences(self.videos, _TEST_SEED, self.frames, split="test"),
        }


def _masked_targets(folder: Path) -> list[Track]:
    """Targets of the clips with masks."""
    found = [track for clip in masked_clips(folder) for track in read_folder(clip, needs_first_box=False)]
    if not found:
        raise InputError(
            f"{folder} has no clip with masks (a folder with img/, mask/ and groundtruth_rect.txt)"
        )
    return found


def _mirrored_too(tracks: list[Track]) -> list[Track]:
    return tracks + [mirrored(track) for track in tracks]


def _footage(folder: Path, names: Sequence[str], *, held_out: bool) -> list[Track]:
    """Targets of the clips of `footage/` that are held out, or of the others."""
    home = folder / "footage"
    if missing := [name for name in names if not (home / name).is_dir()]:
        raise InputError(f"{home} has no clip {', '.join(missing)}, which the study holds out")
    tracks = read_folders(home, needs_first_box=False)
    return [track for track in tracks if bool({track.name, clip_name(track.name)} & set(names)) == held_out]


@dataclass(frozen=True)
class _Part:
    """Some frames of a video, from one on."""

    frames: Frames
    first: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        return self.frames[self.first + range(self.count)[index]]


def _from_first_visible(track: Track) -> Track:
    """A track from the first to the last frame that shows its target."""
    shown = np.flatnonzero(track.visible)
    first, end = int(shown[0]), int(shown[-1]) + 1
    return replace(
        track,
        frames=_Part(track.frames, first, end - first),
        boxes_xywh=track.boxes_xywh[first:end],
        visible=track.visible[first:end],
    )


def clip_name(target: str) -> str:
    """Name of the clip of a target: targets of one clip are numbered, as in "cubes_3-2"."""
    clip, _, number = target.rpartition("-")
    return clip if clip and number.isdecimal() else target


def _composed(folder: Path, count: int, length: int) -> CropStore:
    photographs = [*images_in(folder / "stills"), *sorted((folder / "stills_masks").glob("*.jpg"))]
    cutouts = read_cutouts(folder / "video")
    cutouts += [cut for found in masked_objects(folder / "stills_masks") if (cut := found.cut_out())]
    digest = hashlib.sha256()
    for photograph in photographs:
        digest.update(photograph.read_bytes())
    for cut in cutouts:
        digest.update(f"{cut.clip} {cut.frame} {cut.rgba.shape}".encode() + cut.rgba.tobytes())
    made = {"files": digest.hexdigest(), "videos": count, "frames": length}
    return _cached(
        "composed", made, lambda: composed_sequences(photographs, cutouts, count, _COMPOSED_SEED, length)
    )


def _photographic(count: int, length: int) -> CropStore:
    made = {"videos": count, "frames": length}
    return _cached("photographic", made, lambda: photographic_sequences(count, _PHOTOGRAPHIC_SEED, length))


def _crops(name: str, tracks: list[Track]) -> CropStore:
    return _cached(name, {"content": content_of(tracks)}, lambda: tracks)


def _cached(name: str, made: Mapping[str, object], tracks: Callable[[], list[Track]]) -> CropStore:
    key = sha256_of({"study": name, "dlatrack": __version__, **made})
    path = paths.cache_dir() / f"crops-study-{name}-{key[:16]}.safetensors"
    return cached_crops(path, lambda: crop_sequences(tracks()))
