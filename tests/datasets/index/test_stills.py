"""Tables of still images: a video is one image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.index.builder import still_tracks
from dlatrack.datasets.index.columns import TextColumn
from dlatrack.datasets.index.tracks import Counts, TrackTable


def table(image_of_track: list[int], boxes_xywh: np.ndarray) -> TrackTable:
    images = TextColumn.of(["a/1.jpg", "a/100%%.jpg", "b.jpg"])
    names = TextColumn.of(str(number) for number in range(len(image_of_track)))
    return still_tracks(
        Path("/data"), images, np.array(image_of_track, np.int64), names, names, boxes_xywh, fps=1
    )


def test_each_object_is_a_track_of_one_row() -> None:
    boxes = np.array([[1, 2, 3, 4], [5, 6, 7, 0], [np.nan] * 4])
    t = table([1, 1, 2], boxes)
    assert [str(t.path(row)) for row in range(3)] == ["/data/a/100%.jpg", "/data/a/100%.jpg", "/data/b.jpg"]
    assert t.counts() == Counts(videos=3, frames=3, tracks=3, rows=3, boxes=2)
    assert t.visible.tolist() == [True, True, False]
    assert t.usable.tolist() == [True, False, False]
    assert t.starts.tolist() == [0, 1, 2, 3]
    assert list(t.attributes) == ["", "", ""]


def test_images_without_an_object_are_listed_and_may_be_all() -> None:
    t = table([], np.empty((0, 4)))
    assert (t.track_count, t.counts().frames) == (0, 3)
