"""LaSOT: 70 classes of 20 videos, with boxes and two files of flags that say when the target is absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import DataSetFiles, folders_in, open_data_set
from dlatrack.datasets.manifest_file import SequenceEntry
from dlatrack.datasets.manifests import manifest

_IMAGES = "%08d.jpg"
_FLAGS = ("full_occlusion", "out_of_view")
_LISTS = {"train": "training_set.txt", "test": "testing_set.txt"}


def read(root: str | Path, split: str = "train", *, report: Report = stop_at_first) -> TrackTable:
    """Index the training or the test set of LaSOT (protocol II) from the official layout.

    Both may lie in one root: the manifests `lasot` and `lasot_test` say which sequence belongs to which. A file
    training_set.txt or testing_set.txt in the root is read, too: the first may name a part of the training set, the
    second must name all of the test set.

    Args:
        root: folder of the class folders, or the one above.
        split: "train" (1,120 sequences) or "test" (280).
        report: called with each fault; by default the first one is raised.

    Returns:
        Boxes as they are in the files, as all toolkits take them: float32, in test float64. Columns `full_occlusion`
        and `out_of_view` hold 0 or 1; the target is absent where either is 1. Visible means neither, and a box with
        an area: boxes of absent targets mean nothing, and a few known ones of present targets have none.

    Raises:
        InputError: if this is not LaSOT or there is no such split; and as `report`.
    """
    name = "lasot_test" if split in manifest("lasot_test").splits else "lasot"
    files = open_data_set(name, root, split, report)
    builder = TrackTableBuilder(files.root, np.float32 if split == "train" else np.float64)
    entries = {entry.name: entry for entry in files.manifest.sequences}
    folders = _folders(files)
    for sequence in _names(split, files):
        if sequence in folders:
            _add(folders[sequence], entries.get(sequence), files, builder)
        else:
            _report_missing(sequence, split, files)
    return builder.build()


def _folders(files: DataSetFiles) -> dict[str, Path]:
    """Sequence folders of both sets by name; reports those of neither set, and second ones of a name."""
    tests = {entry.name for entry in manifest("lasot_test").sequences}
    known = manifest("lasot").lists["train"] | tests
    classes = {_class(name) for name in known}
    found: dict[str, Path] = {}
    for group in folders_in(files.root):
        if group.name not in classes:
            if any(group.glob("*/groundtruth.txt")):
                files.fault(group, f"is not one of the {len(classes)} classes of LaSOT")
            continue
        if not files.has_folders(group):
            continue
        for folder in folders_in(group):
            if folder.name in found:
                files.fault(folder, f"is the same sequence as {found[folder.name]}; each sequence once")
            elif folder.name in known:
                found[folder.name] = folder
            elif (folder / "groundtruth.txt").exists():
                files.fault(folder, f"is not one of the {len(known):,} sequences of LaSOT")
    return found


def _names(split: str, files: DataSetFiles) -> list[str]:
    """The sequences that must exist: those of the manifest, or those that a list in the root names."""
    benchmark = [entry.name for entry in files.manifest.sequences]
    own = benchmark or sorted(files.manifest.lists[split], key=lambda name: (_class(name), len(name), name))
    file = files.root / _LISTS[split]
    if not file.exists():
        return own
    listed = set(files.read_names(file, r"[A-Za-z]+-\d{1,2}"))
    for name in sorted(listed - set(own)):
        files.fault(file, f"is not a sequence of the {split} split", value=name)
    if benchmark:
        for name in [name for name in own if name not in listed]:
            what = f"does not name {name}; a benchmark is scored on all {len(own)} sequences"
            files.fault(file, what, sequence=name)
    return [name for name in own if name in listed]


def _report_missing(name: str, split: str, files: DataSetFiles) -> None:
    group = files.root / _class(name)
    archive = group.with_name(f"{group.name}.zip")
    if not group.exists() and archive.is_file():
        files.fault(archive, f"is not unpacked; a folder {group.name} is needed beside it", sequence=name)
        return
    partly = f"; a list {_LISTS[split]} in the root may name fewer" if split == "train" else ""
    files.fault(group / name, f"is missing; it is a sequence of the {split} split{partly}", sequence=name)


def _class(name: str) -> str:
    return name.rpartition("-")[0]


def _known_invalid(folder: Path, entry: SequenceEntry | None, count: int, files: DataSetFiles) -> np.ndarray:
    """(count,) bool, rows that are known to be flagged present with a box that has no area."""
    items = files.manifest.lists.get("invalid", frozenset())
    own = [item.rpartition(":")[2] for item in items if item.startswith(f"{folder.name}:")]
    rows = own + (entry.extra.get("invalid_rows", "").split() if entry else [])
    return np.isin(np.arange(1, count + 1), [int(row) for row in rows])


def _add(folder: Path, entry: SequenceEntry | None, files: DataSetFiles, builder: TrackTableBuilder) -> None:
    images, file = folder / "img", folder / "groundtruth.txt"
    if not files.has_folders(folder, images):
        return
    found = files.image_numbers(images, _IMAGES)
    boxes_xywh = files.read_numbers(file)
    if boxes_xywh is None:
        return
    count = len(boxes_xywh)
    if entry is not None and count != entry.frames:
        files.fault(file, f"has {count} rows; sequence {entry.name} has {entry.frames}")
        return
    if entry is None and len(found) and found[-1] == len(found) != count:
        files.fault(file, f"has {count} rows for {len(found)} images; one row per image is needed")
        return
    whole = files.match_images(images, _IMAGES, found, (1, count))
    occluded, left = [_flags(folder / f"{name}.txt", count, files) for name in _FLAGS]
    if occluded is None or left is None:
        return
    absent = occluded | left
    declared = entry.extra.get("absent") if entry else None
    if declared is not None and absent.sum() != int(declared):
        what = f"is flagged absent in {absent.sum()} frames; sequence {folder.name} has {declared}"
        files.fault(folder, what)
    may_be_empty = absent | _known_invalid(folder, entry, count, files)
    files.check_boxes(file, boxes_xywh, may_be_empty=may_be_empty)
    if not whole:
        return
    builder.add(
        folder.name,
        files.template(images, _IMAGES),
        np.arange(1, count + 1),
        boxes_xywh,
        visible=~absent & (boxes_xywh[:, 2:] > 0).all(1),
        object_class=_class(folder.name),
        attributes=entry.attributes if entry else (),
        fps=files.manifest.fps,
        extras={"full_occlusion": occluded.astype(np.uint8), "out_of_view": left.astype(np.uint8)},
    )


def _flags(file: Path, count: int, files: DataSetFiles) -> np.ndarray | None:
    """The flags of one file, (count,) bool: one row for the whole video; None if they cannot be used."""
    text = files.read_text(file)
    if text is None:
        return None
    rows = text.rstrip().splitlines()
    if len(rows) != 1:
        files.fault(file, f"has {len(rows)} rows; one row is needed, 0 or 1 per image, with commas")
        return None
    flags = [flag.strip() for flag in rows[0].split(",")]
    if len(flags) != count:
        files.fault(file, f"has {len(flags)} flags for {count} rows of groundtruth.txt")
        return None
    wrong = [number for number, flag in enumerate(flags, 1) if flag not in ("0", "1")]
    for number in wrong:
        files.fault(file, "is not 0 or 1", number, flags[number - 1], "row 1 flag")
    return None if wrong else np.array([flag == "1" for flag in flags])
