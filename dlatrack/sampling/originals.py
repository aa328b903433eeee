"""Crops cut from the original images on request: nothing to prepare, slow to train from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from dlatrack.boxes import context_side
from dlatrack.datasets.content import listed_images_digests
from dlatrack.datasets.images import read_image
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.errors import InputError
from dlatrack.sampling.crops import TEMPLATE_SIZE, PixelRectangle, crop_511


@dataclass(frozen=True, eq=False)
class OriginalCrops:
    """A `CropSource` over the images of a data set.

    A crop is the one that `pack` stores, before its JPEG compression: pairs from originals and from a pack show the
    same places of the same frames under the same random numbers, and differ by the loss of a JPEG of quality 95.
    """

    #: data set of which every row is used; `OriginalCrops.of` leaves out what training cannot use
    table: TrackTable
    videos: np.ndarray  #: (V + 1,) int64, where each video starts among the tracks
    #: findings of a check of the data set, as `CheckReport.origin`
    origin: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, table: TrackTable, origin: Mapping[str, Any] | None = None) -> OriginalCrops:
        """The usable rows of a data set, tracks of one video beside each other; `origin` as above.

        Raises:
            InputError: if no row can be used.
        """
        usable = table.usable
        if not usable.any():
            raise InputError(f"no target in {table.root} is visible and has a box with an area")
        return cls(*_by_video(table if usable.all() else table.where(usable)), origin or {})

    def __len__(self) -> int:
        return len(self.table)

    @property
    def tracks(self) -> np.ndarray:
        """(T + 1,) int64, where each track starts among the crops."""
        return self.table.starts

    @property
    def track_count(self) -> int:
        """T."""
        return self.table.track_count

    @cached_property
    def target_wh(self) -> np.ndarray:
        """(N, 2) float32, target width and height in crop px."""
        sides = self.table.boxes_xywh[:, 2:].astype(np.float64)
        scale = TEMPLATE_SIZE / context_side(sides[:, 0], sides[:, 1])
        return (sides * scale[:, None]).astype(np.float32)

    def image(self, index: int, needed: PixelRectangle | None = None) -> np.ndarray:
        """Cut crop `index`, (511, 511, 3) uint8 RGB, from its image, whatever is needed of it.

        Raises:
            InputError: naming the image, if it is missing or incomplete.
        """
        return crop_511(read_image(self.table.path(index)), self.table.boxes_xywh[index])

    def digest(self) -> str:
        """SHA-256 of image paths, boxes and all other columns, and of the images (`images_sha256`)."""
        return hashlib.sha256(f"originals {self.table.digest()} {self.images_sha256}".encode()).hexdigest()

    def content(self) -> dict[str, str]:
        """Hashes of the annotations, and of the images of each template, shortened to 16 digits."""
        images = {f"images of {template}": found[:16] for template, found in self._images.items()}
        return {**images, "annotations": self.table.digest()}

    @cached_property
    def images_sha256(self) -> str:
        """Hash of the images, read on first access, by `content.listed_images_digests`.

        Raises:
            InputError: naming an image that cannot be read.
        """
        lines = (f"{found} {template}\n" for template, found in self._images.items())
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @cached_property
    def _images(self) -> dict[str, str]:
        return listed_images_digests(self.table.images()[0])


def _by_video(table: TrackTable) -> tuple[TrackTable, np.ndarray]:
    """Sort tracks by template, that is by video, in the order of first occurrence; (V + 1,) starts of the videos."""
    seen: dict[str, int] = {}
    video = np.array([seen.setdefault(template, len(seen)) for template in table.templates], np.int64)
    if (np.diff(video) < 0).any():
        table = table.take(np.argsort(video, kind="stable"))
    return table, np.concatenate([[0], np.cumsum(np.bincount(video))])
