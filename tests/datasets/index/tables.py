"""A small track table for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.tracks import TrackTable


def table(root: Path = Path("/data")) -> TrackTable:
    """Tracks a (images 3, 4, 6), b (still.JPEG) and c (images 4, 5 of the same video as a, 4 without a box)."""
    builder = TrackTableBuilder(root, np.float32)
    boxes = np.arange(12, dtype=float).reshape(3, 4)
    builder.add("a", "video/%03d.jpg", np.array([3, 4, 6]), boxes, fps=25, **columns(3, "dog", ["OCC", "SV"]))
    builder.add("b", "still.JPEG", np.array([0]), boxes[:1] + 1, **columns(1, "cat", []))
    boxes[0] = np.nan
    builder.add("c", "video/%03d.jpg", np.array([4, 5]), boxes[:2], **columns(2, "dog", ["IV"]))
    builder.add_images("video/%03d.jpg", np.arange(1, 7))
    return builder.build()


def columns(rows: int, object_class: str, attributes: list[str]) -> dict:
    """The optional columns of a track."""
    extras = {"cover": np.arange(rows, dtype=np.uint8)}
    polygons = np.ones((rows, 4, 2))
    return {"object_class": object_class, "attributes": attributes, "extras": extras, "polygons": polygons}
