"""Training crops kept as compressed images: one 511-pixel JPEG per frame of a track."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError, reading
from dlatrack.files import atomic_path
from dlatrack.progress import Progress
from dlatrack.sampling.crops import PixelRectangle, crop_511, size_in_crop

JPEG_QUALITY = 95


@dataclass(frozen=True, eq=False)
class CropStore:
    """A `CropSource` in memory: N crops of T tracks, ordered by track and frame; each track is a video of its own."""

    data: np.ndarray  #: (M,) uint8, the JPEG files one after the other
    offsets: np.ndarray  #: (N + 1,) int64, where each file starts in `data`
    target_wh: np.ndarray  #: (N, 2) float32, target width and height in crop px
    tracks: np.ndarray  #: (T + 1,) int64, where each track starts among the crops
    #: names of the T tracks; empty where they are not known, as in a store that was read
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.target_wh)

    @property
    def track_count(self) -> int:
        """T."""
        return len(self.tracks) - 1

    @cached_property
    def videos(self) -> np.ndarray:
        """(T + 1,) int64, 0 to T."""
        return np.arange(len(self.tracks))

    def image(self, index: int, needed: PixelRectangle | None = None) -> np.ndarray:
        """Decode crop `index`, (511, 511, 3) uint8 RGB, whatever is needed of it.

        Raises:
            InputError: if the stored image is damaged.
        """
        encoded = self.data[self.offsets[index] : self.offsets[index + 1]]
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB) if len(encoded) else None
        if image is None:
            raise InputError(f"stored crop {index} of {len(self)} cannot be decoded; build the store again")
        return image

    @classmethod
    def build(cls, sequences: Iterable[Sequence]) -> CropStore:
        """Crop every frame in which the target is visible.

        Raises:
            InputError: naming the sequence, if it has fewer than two visible frames or a box without area.
        """
        files: list[np.ndarray] = []
        sizes: list[tuple[float, float]] = []
        tracks, names = [0], []
        for sequence in sequences:
            visible = np.flatnonzero(sequence.visible)
            if len(visible) < 2:
                raise InputError(
                    f"sequence {sequence.name} shows its target in {len(visible)} frames; a pair needs 2"
                )
            for frame in visible:
                box = sequence.boxes_xywh[frame]
                if not (box[2:] > 0).all():
                    raise InputError(
                        f"sequence {sequence.name} frame {frame}: box {box.tolist()} has no area"
                    )
                crop = cv2.cvtColor(crop_511(sequence.frames[int(frame)], box), cv2.COLOR_RGB2BGR)
                files.append(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])
                sizes.append(size_in_crop(float(box[2]), float(box[3])))
            tracks.append(len(files))
            names.append(sequence.name)
        if not files:
            raise InputError("there are no sequences to crop")
        return cls(
            data=np.concatenate(files),
            offsets=np.cumsum([0, *(len(file) for file in files)], dtype=np.int64),
            target_wh=np.array(sizes, dtype=np.float32),
            tracks=np.array(tracks, dtype=np.int64),
            names=tuple(names),
        )

    @property
    def origin(self) -> Mapping[str, Any]:
        """Empty: the crops belong to no data set with a check."""
        return {}

    def digest(self) -> str:
        """SHA-256 of the contents."""
        digest = hashlib.sha256()
        for array in (self.data, self.offsets, self.target_wh, self.tracks):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def content(self) -> dict[str, str]:
        """Hash of the crops of each track by its name, or by its number where names are not known."""
        names = self.names or range(self.track_count)
        hashes = {}
        for name, first, end in zip(names, self.tracks[:-1], self.tracks[1:], strict=True):
            track = hashlib.sha256(self.data[self.offsets[first] : self.offsets[end]].data)
            track.update(self.target_wh[first:end].tobytes())
            hashes[f"sequence {name}"] = track.hexdigest()
        return hashes

    def save(self, path: str | Path) -> None:
        """Write the store as one safetensors file, whole or not at all.

        Raises:
            InputError: if the file cannot be written.
        """
        with atomic_path(path) as temporary:
            save_file(
                {name: getattr(self, name) for name in ("data", "offsets", "target_wh", "tracks")}, temporary
            )

    @classmethod
    def load(cls, path: str | Path) -> CropStore:
        """Read a store.

        Raises:
            InputError: if the file is missing, truncated or not a store.
        """
        with reading(path, "is not a complete crop store", SafetensorError, TypeError):
            return cls(**load_file(path), names=())


def crop_sequences(sequences: Collection[Sequence]) -> CropStore:
    """`CropStore.build` with progress."""

    def counted() -> Iterator[Sequence]:
        for sequence in sequences:
            yield sequence
            progress.step()

    with Progress(len(sequences), "cropping", unit="sequences") as progress:
        return CropStore.build(counted())
