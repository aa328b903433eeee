"""OTB100 (OTB-2015): 98 folders of images with 100 targets, one row x, y, w, h per image, in px counted from 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.index.builder import TrackTableBuilder, literal
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import DataSetFiles, folders_in, open_data_set
from dlatrack.datasets.manifest_file import SequenceEntry


def read(root: str | Path, split: str = "test", *, report: Report = stop_at_first) -> TrackTable:
    """Index OTB100 from its official layout.

    The manifest says which images and rows a sequence has: Tiger1 skips its first five rows, David starts at image
    300, and some folders hold images beyond the annotation. Folder names may differ in case, and a target of a shared
    folder may have a copy of its own (Jogging-1), as pysot expects.

    Args:
        root: folder of the sequence folders, or the one above.
        split: "test" (all 100), or its parts "otb2013" and "tb50".
        report: called with each fault; by default the first one is raised.

    Returns:
        Tracks under the names of pysot (Jogging-1, Human4-2), boxes float64 and 0-based. Every target counts as
        visible; the last boxes of Board and Twinnings are empty.

    Raises:
        InputError: if this is not OTB100 or there is no such split; and as `report`.
    """
    files = open_data_set("otb100", root, split, report)
    folders = _folders(files)
    builder = TrackTableBuilder(files.root)
    for entry in files.manifest.sequences:
        if files.manifest.holds(split, entry.name):
            _add(entry, folders, files, builder)
    return builder.build()


def _folders(files: DataSetFiles) -> dict[str, Path]:
    """Folders of the root by their names in lower case."""
    entries = files.manifest.sequences
    known = {name.lower() for entry in entries for name in (entry.folder, entry.name)}
    folders: dict[str, Path] = {}
    for folder in folders_in(files.root):
        key = folder.name.lower()
        if key in folders:
            files.fault(folder, f"is the same sequence as {folders[key].name}; each sequence once")
        elif key in known:
            folders[key] = folder
        elif any(folder.glob("groundtruth_rect*.txt")):
            files.fault(folder, f"is not one of the {len(entries)} sequences of this data set")
    return folders


def _add(
    entry: SequenceEntry, folders: dict[str, Path], files: DataSetFiles, builder: TrackTableBuilder
) -> None:
    folder = folders.get(entry.folder.lower()) or folders.get(entry.name.lower())
    if folder is None:
        what = f"is missing; it holds sequence {entry.name}"
        files.fault(files.root / entry.folder, what, sequence=entry.name)
        return
    images = folder / "img"
    if not files.has_folders(folder, images):
        return
    file = folder / entry.annotation
    if not file.exists() and folder.name.lower() == entry.name.lower():
        file = folder / "groundtruth_rect.txt"
    pattern = entry.images.removeprefix("img/")
    found = files.image_numbers(images, pattern)
    allowed = _range(entry.extra.get("images_on_disk"))
    files.match_images(images, pattern, found, (entry.first, entry.last), allowed)
    rows = files.read_numbers(file)
    if rows is None:
        return
    expected = entry.skip_rows + entry.frames
    if len(rows) != expected:
        files.fault(file, f"has {len(rows)} rows; sequence {entry.name} has {expected}")
        return
    boxes_xywh = rows[entry.skip_rows :]
    first_row = entry.skip_rows + 1
    empty = [int(row) for row in entry.extra.get("empty_rows", "").split()]
    may_be_empty = np.isin(np.arange(len(boxes_xywh)) + first_row, empty)
    files.check_boxes(file, boxes_xywh, first_row=first_row, may_be_empty=may_be_empty)
    builder.add(
        entry.name,
        f"{literal(folder.name)}/{entry.images}",
        np.arange(entry.first, entry.last + 1),
        boxes_xywh - np.array([1, 1, 0, 0]),
        object_class=entry.object_class,
        attributes=entry.attributes,
        fps=files.manifest.fps,
    )


def _range(text: str | None) -> tuple[int, int] | None:
    """The numbers in a text like "1-770"."""
    if not text:
        return None
    first, last = text.split("-")
    return int(first), int(last)
