"""Track tables of still images: a video is one image, and a track one object with one row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.index.columns import TextColumn
from dlatrack.datasets.index.image_list import ImageList
from dlatrack.datasets.index.tracks import TrackTable


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
        images: M image paths below the root without repetition, a percent sign in them doubled as in all templates.
        image_of_track: (T,) int, ascending, which image shows each object.
        names: T unique names.
        classes: T object classes.
        boxes_xywh: (T, 4), 0-based px; kept as float32.
        fps: what the table says of the speed of the recording; a still has none.
        listed_wh: (M, 2) int, width and height of each image as the annotation lists it, px; 0 where it does not.

    Returns:
        The table; its images are all M, those without an object included.
    """
    count = len(image_of_track)
    nothing = TextColumn(np.empty(0, np.uint8), np.zeros(count + 1, np.int64))
    listed = ImageList(root, images, np.arange(len(images) + 1), np.zeros(len(images), np.int32), listed_wh)
    boxes: np.ndarray = boxes_xywh.astype(np.float32)
    return TrackTable(
        root=root,
        names=names,
        templates=images.take(image_of_track),
        classes=classes,
        attributes=nothing,
        fps=np.full(count, fps, np.float32),
        starts=np.arange(count + 1),
        numbers=np.zeros(count, np.int32),
        boxes_xywh=boxes,
        visible=np.isfinite(boxes).all(1),
        on_disk=listed if len(images) else None,
    )
