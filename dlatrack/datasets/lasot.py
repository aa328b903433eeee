"""LaSOT: 70 classes of 20 videos, with boxes and two files of flags that say when the target is absent."""

from __future__ import annotations

from dataclasses import dataclass
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
    read_names,
    read_numbers,
    read_text,
)
from dlatrack.datasets.manifests import Place, locate, manifest
from dlatrack.datasets.sequence_list import SequenceEntry

_IMAGES = "%08d.jpg"
_FLAGS = ("full_occlusion", "out_of_view")
_LISTS = {"train": "training_set.txt", "test": "testing_set.txt"}


def read(root: str | Path, split: str = "train", *, report: Report = stop_at_first) -> TrackTable:
    """Index the training or the test set of LaSOT (protocol II) from the official layout.

    Both may lie in one root: which sequence belongs where is said by the manifests `lasot` and `lasot_test`. A file
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
    place = locate(name, root)
    place.manifest.split(split)
    builder = TrackTableBuilder(place.root, np.float32 if split == "train" else np.float64)
    entries = {entry.name: entry for entry in place.manifest.sequences}
    folders = _folders(place.root, report)
    for sequence in _names(place, split, report):
        if sequence in folders:
            _add(_Video(folders[sequence], place, report), entries.get(sequence), builder)
        else:
            report(_missing(sequence, split, place.root))
    return builder.build()


def _folders(root: Path, report: Report) -> dict[str, Path]:
    """Sequence folders of both sets by name; reports those that are of no set or there twice."""
    tests = {entry.name for entry in manifest("lasot_test").sequences}
    known = manifest("lasot").lists["train"] | tests
    classes = {_class(name) for name in known}
    found: dict[str, Path] = {}
    for group in folders_in(root):
        if group.name not in classes:
            if any(group.glob("*/groundtruth.txt")):
                report(Fault(group, f"is not one of the {len(classes)} classes of LaSOT"))
            continue
        if not has_folder(group, root, report):
            continue
        for folder in folders_in(group):
            if folder.name in found:
                report(Fault(folder, f"is the same sequence as {found[folder.name]}; each sequence once"))
            elif folder.name in known:
                found[folder.name] = folder
            elif (folder / "groundtruth.txt").exists():
                report(Fault(folder, f"is not one of the {len(known):,} sequences of LaSOT"))
    return found


def _names(place: Place, split: str, report: Report) -> list[str]:
    """The sequences that must be there: those of the manifest, or those that a list in the root names."""
    benchmark = [entry.name for entry in place.manifest.sequences]
    own = benchmark or sorted(place.manifest.lists[split], key=lambda name: (_class(name), len(name), name))
    file = place.root / _LISTS[split]
    if not file.exists():
        return own
    listed = set(read_names(file, place.root, report, pattern=r"[A-Za-z]+-\d{1,2}"))
    for name in sorted(listed - set(own)):
        report(Fault(file, f"is not a sequence of the {split} split", value=name))
    if benchmark:
        for name in [name for name in own if name not in listed]:
            what = f"does not name {name}; a benchmark is scored on all {len(own)} sequences"
            report(Fault(file, what, sequence=name))
    return [name for name in own if name in listed]


def _missing(name: str, split: str, root: Path) -> Fault:
    group = root / _class(name)
    archive = group.with_name(f"{group.name}.zip")
    if not group.exists() and archive.is_file():
        return Fault(archive, f"is not unpacked; a folder {group.name} is needed beside it", sequence=name)
    partly = f"; a list {_LISTS[split]} in the root may name fewer" if split == "train" else ""
    what = f"is missing; it is a sequence of the {split} split{partly}"
    return Fault(group / name, what, sequence=name)


def _class(name: str) -> str:
    return name.rpartition("-")[0]


@dataclass(frozen=True)
class _Video:
    folder: Path
    place: Place
    report: Report

    @property
    def boxes_file(self) -> Path:
        return self.folder / "groundtruth.txt"

    def is_known_invalid(self, entry: SequenceEntry | None, count: int) -> np.ndarray:
        """(count,) bool, rows that are known to be flagged present with a box that has no area."""
        listed = self.place.manifest.lists.get("invalid", frozenset())
        own = [item.rpartition(":")[2] for item in listed if item.startswith(f"{self.folder.name}:")]
        rows = own + (entry.extra.get("invalid_rows", "").split() if entry else [])
        return np.isin(np.arange(1, count + 1), [int(row) for row in rows])


def _add(video: _Video, entry: SequenceEntry | None, builder: TrackTableBuilder) -> None:
    root, report, images = video.place.root, video.report, video.folder / "img"
    if not (has_folder(video.folder, root, report) and has_folder(images, root, report)):
        return
    found = image_numbers(images, _IMAGES, root, report)
    boxes_xywh = read_numbers(video.boxes_file, root, report, columns=4)
    if boxes_xywh is None:
        return
    count = len(boxes_xywh)
    if entry is not None and count != entry.frames:
        what = f"has {count} rows; sequence {entry.name} has {entry.frames}"
        report(Fault(video.boxes_file, what))
        return
    if entry is None and len(found) and found[-1] == len(found) != count:
        what = f"has {count} rows for {len(found)} images; one row per image is needed"
        report(Fault(video.boxes_file, what))
        return
    whole = match_images(images, _IMAGES, found, (1, count), report)
    flags = [_flags(video, name, count) for name in _FLAGS]
    occluded, left = flags
    if occluded is None or left is None:
        return
    absent = occluded | left
    declared = entry.extra.get("absent") if entry else None
    if declared is not None and absent.sum() != int(declared):
        what = f"is flagged absent in {absent.sum()} frames; sequence {video.folder.name} has {declared}"
        report(Fault(video.folder, what))
    may_be_empty = absent | video.is_known_invalid(entry, count)
    check_boxes(video.boxes_file, boxes_xywh, report, may_be_empty=may_be_empty)
    if not whole:
        return
    builder.add(
        video.folder.name,
        f"{literal(images.relative_to(root).as_posix())}/{_IMAGES}",
        np.arange(1, count + 1),
        boxes_xywh,
        visible=~absent & (boxes_xywh[:, 2:] > 0).all(1),
        object_class=_class(video.folder.name),
        attributes=entry.attributes if entry else (),
        fps=video.place.manifest.fps,
        extras={"full_occlusion": occluded.astype(np.uint8), "out_of_view": left.astype(np.uint8)},
    )


def _flags(video: _Video, name: str, count: int) -> np.ndarray | None:
    """The flags of one file, (count,) bool: one row for the whole video; None if they cannot be used."""
    file = video.folder / f"{name}.txt"
    text = read_text(file, video.place.root, video.report)
    if text is None:
        return None
    rows = text.rstrip().splitlines()
    if len(rows) != 1:
        video.report(Fault(file, f"has {len(rows)} rows; one row is needed, 0 or 1 per image, with commas"))
        return None
    flags = [flag.strip() for flag in rows[0].split(",")]
    if len(flags) != count:
        video.report(Fault(file, f"has {len(flags)} flags for {count} rows of groundtruth.txt"))
        return None
    wrong = [number for number, flag in enumerate(flags, 1) if flag not in ("0", "1")]
    for number in wrong:
        video.report(Fault(file, "is not 0 or 1", number, flags[number - 1], "row 1 flag"))
    return None if wrong else np.array([flag == "1" for flag in flags])
