"""OTB100 (OTB-2015): 98 folders of images with 100 targets, one row x, y, w, h per image, in px counted from 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Fault, Report, stop_at_first
from dlatrack.datasets.index.builder import TrackTableBuilder, literal
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import (
    check_boxes,
    folders_in,
    has_folder,
    image_numbers,
    match_images,
    read_numbers,
)
from dlatrack.datasets.manifests import Place, locate
from dlatrack.datasets.sequence_list import SequenceEntry


def read(root: str | Path, split: str = "test", *, report: Report = stop_at_first) -> TrackTable:
    """Index OTB100 from its official layout.

    The manifest says which images and rows a sequence has: Tiger1 skips its first five rows, David starts at image
    300, and some folders hold images beyond the annotation. Folders may be written in another case, and a target of
    a shared folder may have a copy of its own (Jogging-1), as pysot wants it.

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
    place = locate("otb100", root)
    place.manifest.split(split)
    folders = _folders(place, report)
    builder = TrackTableBuilder(place.root)
    for entry in place.manifest.sequences:
        if place.manifest.holds(split, entry.name):
            _add(entry, folders, place, builder, report)
    return builder.build()


def _folders(place: Place, report: Report) -> dict[str, Path]:
    """Folders of the root by their names in lower case."""
    known = {name.lower() for entry in place.manifest.sequences for name in (entry.folder, entry.name)}
    folders: dict[str, Path] = {}
    for folder in folders_in(place.root):
        key = folder.name.lower()
        if key in folders:
            report(Fault(folder, f"is the same sequence as {folders[key].name}; each sequence once"))
        elif key in known:
            folders[key] = folder
        elif any(folder.glob("groundtruth_rect*.txt")):
            report(
                Fault(folder, f"is not one of the {len(place.manifest.sequences)} sequences of this data set")
            )
    return folders


def _add(
    entry: SequenceEntry, folders: dict[str, Path], place: Place, builder: TrackTableBuilder, report: Report
) -> None:
    folder = folders.get(entry.folder.lower()) or folders.get(entry.name.lower())
    if folder is None:
        what = f"is missing; it holds sequence {entry.name}"
        report(Fault(place.root / entry.folder, what, sequence=entry.name))
        return
    images = folder / "img"
    if not (has_folder(folder, place.root, report) and has_folder(images, place.root, report)):
        return
    file = folder / entry.annotation
    if not file.exists() and folder.name.lower() == entry.name.lower():
        file = folder / "groundtruth_rect.txt"
    pattern = entry.images.removeprefix("img/")
    found = image_numbers(images, pattern, place.root, report)
    needed = (entry.first, entry.last)
    match_images(images, pattern, found, needed, report, allowed=_range(entry.extra.get("images_on_disk")))
    rows = read_numbers(file, place.root, report, columns=4)
    if rows is None:
        return
    expected = entry.skip_rows + entry.frames
    if len(rows) != expected:
        report(Fault(file, f"has {len(rows)} rows; sequence {entry.name} has {expected}"))
        return
    boxes_xywh = rows[entry.skip_rows :]
    first_row = entry.skip_rows + 1
    empty = [int(row) for row in entry.extra.get("empty_rows", "").split()]
    may_be_empty = np.isin(np.arange(len(boxes_xywh)) + first_row, empty)
    check_boxes(file, boxes_xywh, report, first_row=first_row, may_be_empty=may_be_empty)
    builder.add(
        entry.name,
        f"{literal(folder.name)}/{entry.images}",
        np.arange(entry.first, entry.last + 1),
        boxes_xywh - np.array([1, 1, 0, 0]),
        object_class=entry.object_class,
        attributes=entry.attributes,
        fps=place.manifest.fps,
    )


def _range(text: str | None) -> tuple[int, int] | None:
    """The numbers in a text like "1-770"."""
    if not text:
        return None
    first, last = text.split("-")
    return int(first), int(last)
