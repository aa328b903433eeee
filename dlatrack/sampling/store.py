"""Training crops kept as compressed images: one 511-pixel JPEG per frame of a track."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from dlatrack.datasets.images import read_image
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError, reading
from dlatrack.files import atomic_path
from dlatrack.progress import Progress
from dlatrack.sampling.columns import check_columns, check_starts, check_target_sizes
from dlatrack.sampling.crops import PixelRectangle, crop_511, size_in_crop
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pack.jpeg import decode_crop

JPEG_QUALITY = 95

#: Kind and number of dimensions of the columns of a stored file.
_COLUMNS = {
    "data": ("u", 1),
    "offsets": ("i", 1),
    "target_wh": ("f", 2),
    "tracks": ("i", 1),
    "video_starts": ("i", 1),
}


@dataclass(frozen=True, eq=False)
class CropStore:
    """A `CropSource` in memory: N crops of T tracks, ordered by track and frame."""

    data: np.ndarray  #: (M,) uint8, the JPEG files one after the other
    offsets: np.ndarray  #: (N + 1,) int64, where each file starts in `data`
    target_wh: np.ndarray  #: (N, 2) float32, target width and height in crop px
    tracks: np.ndarray  #: (T + 1,) int64, where each track starts among the crops
    #: names of the T tracks; empty where they are not known, as in a store that was read
    names: tuple[str, ...] = ()
    #: (V + 1,) int64, where each video starts among the tracks; None: each track is a video of its own
    video_starts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.target_wh)

    @property
    def track_count(self) -> int:
        """T."""
        return len(self.tracks) - 1

    @cached_property
    def videos(self) -> np.ndarray:
        """(V + 1,) int64, where each video starts among the tracks."""
        return np.arange(len(self.tracks)) if self.video_starts is None else self.video_starts

    def image(self, index: int, needed: PixelRectangle | None = None) -> np.ndarray:
        """Decode crop `index`, (511, 511, 3) uint8 RGB, whatever is needed of it.

        Raises:
            InputError: if the stored image is damaged.
        """
        image = decode_crop(self.data[self.offsets[index] : self.offsets[index + 1]])
        if image is None:
            raise InputError(f"stored crop {index} of {len(self)} cannot be decoded; build the store again")
        return image

    @classmethod
    def build(cls, sequences: Iterable[Sequence]) -> CropStore:
        """Crop every frame in which the target is visible; each sequence is a video of its own.

        The only visible frame of a target is template and search region at once, as a still picture is.

        Raises:
            InputError: naming the sequence, if it has no visible frame or a box without area.
        """
        files: list[np.ndarray] = []
        sizes: list[tuple[float, float]] = []
        tracks, names = [0], []
        for sequence in sequences:
            visible = np.flatnonzero(sequence.visible)
            if not len(visible):
                raise InputError(f"sequence {sequence.name} shows its target in no frame; one is needed")
            for frame in visible:
                box = sequence.boxes_xywh[frame]
                if not (box[2:] > 0).all():
                    raise InputError(
                        f"sequence {sequence.name} frame {frame}: box {box.tolist()} has no area"
                    )
                files.append(_encoded(crop_511(sequence.frames[int(frame)], box)))
                sizes.append(size_in_crop(float(box[2]), float(box[3])))
            tracks.append(len(files))
            names.append(sequence.name)
        if not files:
            raise InputError("there are no sequences to crop")
        return cls(
            *_joined(files),
            target_wh=np.array(sizes, dtype=np.float32),
            tracks=np.array(tracks, dtype=np.int64),
            names=tuple(names),
        )

    @classmethod
    def of(cls, crops: OriginalCrops) -> CropStore:
        """Cut all crops of a data set, with progress; an image is decoded once for all its targets.

        Raises:
            InputError: naming an image that cannot be decoded.
        """
        read = lru_cache(maxsize=1)(read_image)
        files = []
        with Progress(len(crops), "cropping", unit="crops") as progress:
            for index, box in enumerate(crops.table.boxes_xywh):
                files.append(_encoded(crop_511(read(crops.table.path(index)), box)))
                progress.step()
        return cls(*_joined(files), crops.target_wh, crops.tracks, tuple(crops.table.names), crops.videos)

    @property
    def origin(self) -> Mapping[str, Any]:
        """Empty: the crops belong to no data set with a check."""
        return {}

    def digest(self) -> str:
        """SHA-256 of the contents."""
        digest = hashlib.sha256()
        for array in self._arrays().values():
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def content(self) -> dict[str, str]:
        """Hash of the crops of each track by its name, or by its number where names are not known."""
        names = self.names or range(self.track_count)
        hashes, noun = {}, "sequence" if self.video_starts is None else "target"
        for name, first, end in zip(names, self.tracks[:-1], self.tracks[1:], strict=True):
            track = hashlib.sha256(self.data[self.offsets[first] : self.offsets[end]].data)
            track.update(self.target_wh[first:end].tobytes())
            hashes[f"{noun} {name}"] = track.hexdigest()
        return hashes

    def save(self, path: str | Path) -> None:
        """Write the store as one safetensors file, whole or not at all.

        Raises:
            InputError: if the file cannot be written.
        """
        with atomic_path(path) as temporary:
            save_file(self._arrays(), temporary)

    @classmethod
    def load(cls, path: str | Path) -> CropStore:
        """Read a store.

        Raises:
            InputError: if the file is missing, truncated or not a store, or a number in it makes no sense.
        """
        with reading(path, "is not a complete crop store", SafetensorError):
            arrays: dict[str, Any] = load_file(path)
        where = f"{path} is not a complete crop store"
        check_columns(where, arrays, _COLUMNS, optional=("video_starts",))
        store = cls(**arrays)
        check_target_sizes(where, store.target_wh, len(store.offsets) - 1)
        check_starts(where, "offsets", store.offsets, len(store.data))
        check_starts(where, "tracks", store.tracks, len(store))
        check_starts(where, "videos", store.videos, store.track_count)
        return store

    def _arrays(self) -> dict[str, np.ndarray]:
        """What is hashed and written."""
        names = ["data", "offsets", "target_wh", "tracks"]
        return {
            name: getattr(self, name) for name in names + ["video_starts"] * (self.video_starts is not None)
        }


def crop_sequences(sequences: Collection[Sequence]) -> CropStore:
    """`CropStore.build` with progress."""

    def counted() -> Iterator[Sequence]:
        for sequence in sequences:
            yield sequence
            progress.step()

    with Progress(len(sequences), "cropping", unit="sequences") as progress:
        return CropStore.build(counted())


def cached_crops(path: Path, cut: Callable[[], CropStore], *, patience: float = 0.0) -> CropStore:
    """The crops in a cache file; those that are missing are cut, and written for the next time.

    Args:
        path: the file; its name tells the content that the crops were cut from.
        cut: function that cuts the crops.
        patience: seconds that `cut` may take without its result being written.

    Raises:
        InputError: as `cut` and `CropStore.load`.
    """
    if not path.exists():
        started = time.perf_counter()
        store = cut()
        if time.perf_counter() - started < patience:
            return store
        store.save(path)
    return CropStore.load(path)


def _encoded(crop: np.ndarray) -> np.ndarray:
    """JPEG file of an RGB crop, (M,) uint8."""
    bgr = cv2.cvtColor(crop, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]


def _joined(files: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """`CropStore.data` and `CropStore.offsets` of JPEG files."""
    return np.concatenate(files), np.cumsum([0, *(len(file) for file in files)], dtype=np.int64)
