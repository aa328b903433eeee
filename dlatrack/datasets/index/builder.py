"""Builds track tables: one track at a time, or of still images by whole columns."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.datasets.index.columns import ArrayBuilder, TextColumn
from dlatrack.datasets.index.tracks import TEXTS, ImageList, TrackTable

#: A path template: plain text, %% for a percent sign, and at most one %d or %0Nd.
_TEMPLATE = re.compile(r"(?:[^%]|%%)*(%(?:0\d+)?d)?(?:[^%]|%%)*")


def literal(text: str) -> str:
    """A path or part of one for use in a template, where a percent sign has a meaning."""
    return text.replace("%", "%%")


class TrackTableBuilder:
    """Collects tracks without a Python object per row.

    Args:
        root: folder of the data set.
        dtype: type of the boxes: float64 for benchmarks, float32 for training sets.
    """

    def __init__(self, root: Path, dtype: type[np.floating] = np.float64) -> None:
        self.root = root
        self._texts: dict[str, list[str]] = {name: [] for name in TEXTS}
        self._fps = array("f")
        self._starts = array("q", [0])
        self._numbers = ArrayBuilder(np.int64)
        self._boxes_xywh = ArrayBuilder(dtype, (4,))
        self._visible = ArrayBuilder(np.bool_)
        self._polygons = ArrayBuilder(np.float64, (4, 2))
        self._extras: dict[str, ArrayBuilder] = {}
        self._names: set[str] = set()
        self._listed: list[str] = []
        self._listed_numbers = ArrayBuilder(np.int64)
        self._listed_wh = ArrayBuilder(np.int64, (2,))
        self._listed_starts = array("q", [0])

    def __contains__(self, name: str) -> bool:
        """Whether a track of this name has been added."""
        return name in self._names

    def add_images(self, template: str, numbers: np.ndarray, listed_wh: np.ndarray | None = None) -> None:
        """Add (R,) images on disk, for data sets in which some show no target; those of tracks may be among them.

        Args:
            template: template of their paths, as in `add`.
            numbers: (R,) int.
            listed_wh: (R, 2) int, width and height of each as its annotation says, px; 0 where it does not.
        """
        self._check_template(template, len(numbers))
        self._listed.append(template)
        self._listed_numbers.extend(numbers)
        self._listed_wh.extend(np.zeros((len(numbers), 2), np.int64) if listed_wh is None else listed_wh)
        self._listed_starts.append(len(self._listed_numbers))

    def add(
        self,
        name: str,
        template: str,
        numbers: np.ndarray,
        boxes_xywh: np.ndarray,
        *,
        visible: np.ndarray | None = None,
        object_class: str = "",
        attributes: Iterable[str] = (),
        fps: float = 30.0,
        polygons: np.ndarray | None = None,
        extras: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Add one track of R rows.

        Args:
            name: unique.
            template: image path relative to the root, as `images.fill` takes it.
            numbers: (R,) int, numbers for the template; a template without a directive has one row.
            boxes_xywh: (R, 4), 0-based px; NaN rows where there is no box.
            visible: (R,) bool; by default wherever there is a box. A row without a box is never visible.
            object_class: class of the target.
            attributes: challenge attributes.
            fps: frames per second.
            polygons: (R, 4, 2), 0-based px; all tracks have them or none.
            extras: (R,) further columns, the same for all tracks.

        Raises:
            ValueError: if the name is taken, the template is not one or leads out of the root, or the columns do
                not fit. Readers report what is wrong in the files before they get here.
        """
        rows = len(numbers)
        columns = extras or {}
        if name in self._names:
            raise ValueError(f"there is a track {name!r} already")
        self._check_template(template, rows)
        if any(len(column) != rows for column in (boxes_xywh, *columns.values())):
            raise ValueError(f"track {name!r} needs {rows} values in each column")
        same = columns.keys() == self._extras.keys() and (polygons is not None) == bool(self._polygons)
        if self._names and not same:
            raise ValueError(f"track {name!r} has other columns than the tracks before it")
        present = np.isfinite(boxes_xywh).all(1)
        self._names.add(name)
        texts = (name, template, object_class, " ".join(attributes))
        for column, text in zip(self._texts.values(), texts, strict=True):
            column.append(text)
        self._fps.append(fps)
        self._numbers.extend(numbers)
        self._boxes_xywh.extend(boxes_xywh)
        self._visible.extend(present if visible is None else present & visible)
        self._starts.append(len(self._numbers))
        if polygons is not None:
            self._polygons.extend(polygons)
        for key, values in columns.items():
            self._extras.setdefault(key, ArrayBuilder(values.dtype, values.shape[1:])).extend(values)

    def build(self) -> TrackTable:
        """The table of all tracks so far; numbers take four bytes each where that is enough."""
        listed = ImageList(
            self.root,
            TextColumn.of(self._listed),
            np.array(self._listed_starts, np.int64),
            _small(self._listed_numbers.build()),
            _small(self._listed_wh.build()),
        )
        texts: dict[str, Any] = {name: TextColumn.of(column) for name, column in self._texts.items()}
        return TrackTable(
            root=self.root,
            **texts,
            fps=np.array(self._fps, np.float32),
            starts=np.array(self._starts, np.int64),
            numbers=_small(self._numbers.build()),
            boxes_xywh=self._boxes_xywh.build(),
            visible=self._visible.build(),
            polygons=self._polygons.build() if self._polygons else None,
            extras={name: column.build() for name, column in self._extras.items()},
            on_disk=listed if len(listed) else None,
        )

    @staticmethod
    def _check_template(template: str, rows: int) -> None:
        match = _TEMPLATE.fullmatch(template)
        if match is None or template.startswith("/") or ".." in template.split("/"):
            raise ValueError(f"{template!r} is not a path template below the root with at most one %d")
        if rows < 1 or (rows > 1 and match[1] is None):
            raise ValueError(f"{template!r} has {rows} rows; a track has one, and with a %d one or more")


def still_tracks(
    root: Path,
    images: TextColumn,
    image_of_track: np.ndarray,
    names: TextColumn,
    classes: TextColumn,
    boxes_xywh: np.ndarray,
    *,
    fps: float,
    listed_wh: np.ndarray | None = None,
) -> TrackTable:
    """A table of T objects in M images, whole columns at a time: a million objects take a second.

    Args:
        root: folder of the data set.
        images: M distinct image paths below the root, a percent sign in them doubled as in all templates.
        image_of_track: (T,) int, ascending, which image shows each object.
        names: T unique names.
        classes: T object classes.
        boxes_xywh: (T, 4), 0-based px; kept as float32.
        fps: frames per second for the table; a still has none of its own.
        listed_wh: (M, 2) int, width and height of each image as the annotation lists it, px; 0 where it does not.

    Returns:
        The table; its images are all M, those without an object included.
    """
    count = len(image_of_track)
    listed = ImageList(root, images, np.arange(len(images) + 1), np.zeros(len(images), np.int32), listed_wh)
    boxes: np.ndarray = boxes_xywh.astype(np.float32)
    return TrackTable(
        root=root,
        names=names,
        templates=images.take(image_of_track),
        classes=classes,
        attributes=TextColumn.of([""] * count),
        fps=np.full(count, fps, np.float32),
        starts=np.arange(count + 1),
        numbers=np.zeros(count, np.int32),
        boxes_xywh=boxes,
        visible=np.isfinite(boxes).all(1),
        on_disk=listed if len(images) else None,
    )


def _small(numbers: np.ndarray) -> np.ndarray:
    """Numbers in four bytes each where that is enough."""
    return numbers.astype(np.int32) if np.abs(numbers).max(initial=0) < 2**31 else numbers
