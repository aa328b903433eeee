"""Distinct images of a data set, grouped by the template of their path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlatrack.datasets.images import fill
from dlatrack.datasets.index.columns import TextColumn


@dataclass(frozen=True, eq=False)
class ImageList:
    """M images under V templates.

    Args:
        root: folder that the templates are relative to.
        templates: V path templates, see `images.fill`.
        starts: (V + 1,) int64, the image at which each template starts.
        numbers: (M,) int, number of each image for its template.
        listed_wh: (M, 2) int, width and height of each image according to the annotation, px, 0 where it says
            nothing; None where it lists no sizes.
    """

    root: Path
    templates: TextColumn
    starts: np.ndarray
    numbers: np.ndarray
    listed_wh: np.ndarray | None = None

    def __len__(self) -> int:
        """M, the number of images."""
        return len(self.numbers)

    @property
    def template_of_image(self) -> np.ndarray:
        """(M,) int64, the template each image belongs to."""
        return np.repeat(np.arange(len(self.templates)), np.diff(self.starts))

    def path(self, index: int) -> Path:
        """File of an image."""
        template = int(np.searchsorted(self.starts, index, "right")) - 1
        return self.root / fill(self.templates[template], int(self.numbers[index]))


def distinct(parts: list[ImageList]) -> tuple[ImageList, np.ndarray]:
    """The distinct images of several lists, which may repeat templates and images.

    Returns:
        The images, templates in the order of their first appearance, numbers ascending within each; and (K,) int64,
        the position in these of each image of the lists in order.
    """
    seen: dict[str, int] = {}
    groups = [
        np.repeat(
            np.array([seen.setdefault(text, len(seen)) for text in part.templates], np.int64),
            np.diff(part.starts),
        )
        for part in parts
    ]
    group, number = np.concatenate(groups), np.concatenate([part.numbers for part in parts])
    order = np.lexsort((number, group))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(group[order]) != 0) | (np.diff(number[order]) != 0)
    position = np.empty(len(order), np.int64)
    position[order] = np.cumsum(new) - 1
    chosen = order[new]
    starts = np.concatenate([[0], np.cumsum(np.bincount(group[chosen], minlength=len(seen)))])
    listed_wh = None
    if any(part.listed_wh is not None for part in parts):
        sizes = [
            np.zeros((len(part), 2), np.int64) if part.listed_wh is None else part.listed_wh for part in parts
        ]
        listed_wh = np.zeros((len(chosen), 2), np.int64)
        np.maximum.at(listed_wh, position, np.concatenate(sizes))
    return ImageList(parts[0].root, TextColumn.of(seen), starts, number[chosen], listed_wh), position
