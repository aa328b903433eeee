"""Photographs with instance masks: boxes of their objects, and the objects cut out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dlatrack.datasets.composed.cutouts import Cutout, cut_out
from dlatrack.datasets.images import read_image
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError

#: Least side of an object, px; smaller ones are left out.
_LEAST_SIDE = 16


@dataclass(frozen=True)
class _Still:
    """One photograph as the only frame of a sequence."""

    path: Path

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> np.ndarray:
        range(1)[index]
        return read_image(self.path)


@dataclass(frozen=True, eq=False)
class MaskedObject:
    """An object in a photograph."""

    name: str  #: name of the photograph, and the object's value in the mask
    path: Path  #: the photograph
    mask: np.ndarray  #: (H, W) bool, its pixels

    @property
    def box_xywh(self) -> np.ndarray:
        """(4,) float64, the tight box of the mask, 0-based px."""
        return np.array(cv2.boundingRect(self.mask.astype(np.uint8)), float)

    def sequence(self) -> Sequence:
        """A sequence of one frame, in which the target is template and search region at once."""
        return Sequence(self.name, _Still(self.path), self.box_xywh[None], np.ones(1, bool))

    def cut_out(self) -> Cutout | None:
        """The largest piece of the object with a soft edge; None if it is too small."""
        return cut_out(self.name, 0, read_image(self.path), self.mask)


def masked_objects(folder: str | Path) -> Iterator[MaskedObject]:
    """Objects of all photographs `NAME.jpg` with a mask `NAME.png` beside them, by name, then value.

    A mask is an 8-bit image of the photograph's size: value 0 is background, value k the k-th object. Objects under
    16 px wide or high are left out.

    Raises:
        InputError: naming the file, if there is no mask, or a photograph is missing, damaged, or of another size.
    """
    folder = Path(folder)
    masks = sorted(folder.glob("*.png")) if folder.is_dir() else []
    if not masks:
        raise InputError(f"{folder} has no mask; NAME.png beside NAME.jpg is looked for")
    for file in masks:
        photograph = file.with_suffix(".jpg")
        values, image = read_image(file)[..., 0], read_image(photograph)
        if values.shape != image.shape[:2]:
            raise InputError(
                f"{file} is {values.shape[1]} x {values.shape[0]} px, but {photograph.name} "
                f"{image.shape[1]} x {image.shape[0]}"
            )
        for value in np.unique(values[values > 0]):
            found = MaskedObject(f"{file.stem}-{value}", photograph, values == value)
            if min(found.box_xywh[2:]) >= _LEAST_SIDE:
                yield found
