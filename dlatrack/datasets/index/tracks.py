"""The index of a whole data set in columns: ten million boxes take a few hundred megabytes and no objects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dlatrack.datasets.images import ImageFiles, NumberedPaths, fill
from dlatrack.datasets.index.columns import TextColumn, spans
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError

#: The text columns of a table.
TEXTS = ("names", "templates", "classes", "attributes")


@dataclass(frozen=True)
class Counts:
    """The size of a data set."""

    videos: int  #: number of distinct templates, that is of folders of frames
    frames: int  #: number of distinct images, including those without a target where the reader lists them
    tracks: int  #: number of annotated targets
    rows: int  #: number of frames of all tracks together, including those without a box
    boxes: int  #: number of rows that have a box


@dataclass(frozen=True, eq=False)
class ImageList:
    """M images under V templates."""

    root: Path  #: folder that the templates are relative to
    templates: TextColumn  #: V path templates, see `images.fill`
    starts: np.ndarray  #: (V + 1,) int64, the image at which each template starts
    numbers: np.ndarray  #: (M,) int, number of each image for its template
    #: (M, 2) int, width and height of each image according to the annotation, px, 0 where it says nothing; None where
    #: it lists no sizes
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


@dataclass(frozen=True, eq=False)
class TrackTable:
    """T tracks with N rows in all, ordered by track and frame; a row is one target in one frame.

    Raises:
        ValueError: if the columns do not fit together.
    """

    root: Path  #: folder of the data set; image paths are relative to it
    names: TextColumn  #: T unique names
    templates: TextColumn  #: T image paths with at most one directive for the row's number, see `images.fill`
    classes: TextColumn  #: T object classes; empty where unknown
    attributes: TextColumn  #: T lists of challenge attributes, each separated by blanks
    fps: np.ndarray  #: (T,) float32, frames per second of the recording
    starts: np.ndarray  #: (T + 1,) int64, the row at which each track starts; no track is empty
    numbers: np.ndarray  #: (N,) int32 or int64, number of each row for the template
    boxes_xywh: np.ndarray  #: (N, 4) float32 or float64, 0-based px; NaN rows where there is no box
    visible: np.ndarray  #: (N,) bool, False where the target is absent
    polygons: np.ndarray | None = None  #: (N, 4, 2) float64 corners, 0-based px, where the data has them
    #: further columns by name, (N,) or (N, ...), e.g. how much of the target is covered.
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)
    #: images that the reader has found, where some show no target and so have no row
    on_disk: ImageList | None = None
    #: sentences about annotation that the reader leaves out without a fault; not part of the hash
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        tracks, rows = len(self.names), len(self.numbers)
        lengths = {name: len(getattr(self, name)) for name in (*TEXTS, "fps")}
        lengths["starts"] = len(self.starts) - 1
        if bad := [name for name, length in lengths.items() if length != tracks]:
            raise ValueError(f"{tracks} tracks, but {', '.join(f'{lengths[name]} {name}' for name in bad)}")
        if self.starts[0] != 0 or self.starts[-1] != rows or (np.diff(self.starts) <= 0).any():
            raise ValueError(f"starts must increase from 0 to the {rows} rows")
        shapes = {"boxes_xywh": (rows, 4), "visible": (rows,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, not {getattr(self, name).shape}")
        optional = [*self.extras.values(), *([] if self.polygons is None else [self.polygons])]
        if any(len(column) != rows for column in optional):
            raise ValueError(f"polygons and extras need {rows} rows each")

    def __len__(self) -> int:
        """N, the number of rows."""
        return len(self.numbers)

    @property
    def track_count(self) -> int:
        """T."""
        return len(self.names)

    @property
    def has_box(self) -> np.ndarray:
        """(N,) bool: all four numbers are finite; they may still be an empty box."""
        return np.isfinite(self.boxes_xywh).all(1)

    @property
    def usable(self) -> np.ndarray:
        """(N,) bool: the target is visible and its box has an area, as training needs it."""
        return self.visible & self.has_box & (self.boxes_xywh[:, 2:] > 0).all(1)

    def path(self, row: int) -> Path:
        """Image file of a row."""
        track = int(np.searchsorted(self.starts, row, "right")) - 1
        return self.root / fill(self.templates[track], int(self.numbers[row]))

    def sequence(self, track: int | str) -> Sequence:
        """One track, by number or name, as a video whose frames are decoded when they are needed.

        Raises:
            InputError: if no track has that name.
        """
        if isinstance(track, str):
            index = self.names.find(track)
            if index < 0:
                raise InputError(
                    f"there is no sequence {track!r} among the {self.track_count} in {self.root}"
                )
        else:
            index = range(self.track_count)[track]
        rows = slice(int(self.starts[index]), int(self.starts[index + 1]))
        return Sequence(
            name=self.names[index],
            frames=ImageFiles(NumberedPaths(self.root, self.templates[index], self.numbers[rows])),
            boxes_xywh=self.boxes_xywh[rows].astype(np.float64),
            visible=self.visible[rows],
            attributes=tuple(self.attributes[index].split()),
            fps=float(self.fps[index]),
            polygons=None if self.polygons is None else self.polygons[rows],
        )

    def sequences(self) -> Iterator[Sequence]:
        """All tracks in order."""
        return (self.sequence(track) for track in range(self.track_count))

    def take(self, tracks: np.ndarray) -> TrackTable:
        """The tracks at (K,) int indices, or where a (T,) bool mask is true."""
        tracks = np.flatnonzero(tracks) if np.asarray(tracks).dtype == bool else np.asarray(tracks, np.int64)
        rows, starts = spans(self.starts, tracks)
        return self._chosen(tracks, rows, starts)

    def where(self, rows: np.ndarray) -> TrackTable:
        """The rows where a (N,) bool mask is true, e.g. `usable`; tracks without any are left out."""
        left = np.concatenate([[0], np.cumsum(rows)])[self.starts]
        tracks = np.flatnonzero(np.diff(left))
        return self._chosen(tracks, np.flatnonzero(rows), np.concatenate([[0], left[tracks + 1]]))

    def images(self) -> tuple[ImageList, np.ndarray]:
        """All distinct images, including those without a target; and (N,) int64, each row's position among them."""
        own = ImageList(self.root, self.templates, self.starts, self.numbers)
        images, position = _distinct([own] if self.on_disk is None else [own, self.on_disk])
        return images, position[: len(self)]

    def counts(self) -> Counts:
        """The numbers of videos, frames, tracks, rows and boxes."""
        images = self.images()[0]
        boxes = int(self.has_box.sum())
        return Counts(len(images.templates), len(images), self.track_count, len(self), boxes)

    def columns(self) -> dict[str, np.ndarray]:
        """Every column as a plain array; the root is left out."""
        columns = {
            name: getattr(self, name) for name in ("fps", "starts", "numbers", "boxes_xywh", "visible")
        }
        texts = {name: getattr(self, name) for name in TEXTS}
        if self.polygons is not None:
            columns["polygons"] = self.polygons
        if self.on_disk is not None:
            texts["on_disk"] = self.on_disk.templates
            columns |= {"on_disk.starts": self.on_disk.starts, "on_disk.numbers": self.on_disk.numbers}
        for name, text in texts.items():
            columns |= {f"{name}.data": text.data, f"{name}.offsets": text.offsets}
        return columns | {f"extras.{name}": column for name, column in self.extras.items()}

    def digest(self) -> str:
        """SHA-256 of all columns: names, image paths, boxes, visibility and the rest; the root is left out."""
        total = hashlib.sha256()
        for name, column in sorted(self.columns().items()):
            total.update(f"{name} {column.dtype} {column.shape}\n".encode())
            total.update(np.ascontiguousarray(column).data)
        return total.hexdigest()

    def _chosen(self, tracks: np.ndarray, rows: np.ndarray, starts: np.ndarray) -> TrackTable:
        return replace(
            self,
            **{name: getattr(self, name).take(tracks) for name in TEXTS},
            fps=self.fps[tracks],
            starts=starts,
            numbers=self.numbers[rows],
            boxes_xywh=self.boxes_xywh[rows],
            visible=self.visible[rows],
            polygons=None if self.polygons is None else self.polygons[rows],
            extras={name: column[rows] for name, column in self.extras.items()},
            on_disk=None,
        )


def _distinct(parts: list[ImageList]) -> tuple[ImageList, np.ndarray]:
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
