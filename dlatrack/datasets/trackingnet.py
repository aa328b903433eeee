"""TrackingNet: twelve training chunks and a test set, each with annotation files and folders of unpadded frames."""

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

_IMAGES = "%d.jpg"


def read(root: str | Path, split: str = "train", *, report: Report = stop_at_first) -> TrackTable:
    """Index a split of TrackingNet from its official layout.

    Args:
        root: folder that holds TRAIN_0 to TRAIN_11 and TEST, or the one above.
        split: "train" (all twelve chunks), "train_0_3" (the first four, on which some trackers train), one chunk,
            "train_0" to "train_11", or "test".
        report: called with each fault; by default the first one is raised.

    Returns:
        One track per video, chunk by chunk. Boxes are float32, taken as they are; they may leave the image in part.
        There are no absence flags: each target with a box counts as visible. In test only the first row has a box.

    Raises:
        InputError: if this is not TrackingNet or there is no such split; and as `report`.
    """
    place = locate("trackingnet", root)
    chunks = place.manifest.split(split).of.split() or [split]
    builder = TrackTableBuilder(place.root, np.float32)
    _look_around(place, report)
    first = _first_places(place, report)
    for chunk in chunks:
        folder = place.root / chunk.upper()
        if not _has_parts(folder, place.root, report):
            continue
        for file in _videos(folder, report):
            if first[file.stem] == file:
                _add(file, place, builder, report, only_first=chunk == "test")
    return builder.build()


def _own_folders(place: Place) -> list[str]:
    """Names of the folders of the chunks and of the test set."""
    return [split.name.upper() for split in place.manifest.splits.values() if not split.of]


def _first_places(place: Place, report: Report) -> dict[str, Path]:
    """The first annotation file of each video in the whole data set; reports further ones, in whatever chunk."""
    first: dict[str, Path] = {}
    for name in _own_folders(place):
        for file in _annotations(place.root / name):
            if first.setdefault(file.stem, file) != file:
                report(Fault(file, f"is the same sequence as {first[file.stem]}; each sequence once"))
    return first


def _annotations(chunk: Path) -> list[Path]:
    """The annotation files of a chunk, without hidden ones, sorted."""
    return sorted(chunk.glob("anno/[!.]*.txt"))


def _look_around(place: Place, report: Report) -> None:
    """Report folders that look like a chunk and are none: one of a wrong name would pass for one not downloaded."""
    known = _own_folders(place)
    for folder in folders_in(place.root):
        if folder.name not in known and any((folder / part).is_dir() for part in ("anno", "frames", "zips")):
            report(
                Fault(folder, "is not a part of TrackingNet; its folders are TRAIN_0 to TRAIN_11 and TEST")
            )


def _has_parts(chunk: Path, root: Path, report: Report) -> bool:
    """Whether a chunk has annotation and frames; says so once if its zips are not unpacked."""
    if not (has_folder(chunk, root, report) and has_folder(chunk / "anno", root, report)):
        return False
    if not (chunk / "frames").exists() and any((chunk / "zips").glob("[!.]*.zip")):
        report(Fault(chunk / "zips", "is not unpacked; each VIDEO.zip belongs into a folder frames/VIDEO"))
        return False
    return has_folder(chunk / "frames", root, report)


def _videos(chunk: Path, report: Report) -> list[Path]:
    """Annotation files of a chunk, sorted; reports folders of frames without one."""
    files = _annotations(chunk)
    annotated = {file.stem for file in files}
    for folder in folders_in(chunk / "frames"):
        if folder.name not in annotated:
            report(Fault(folder, f"has no annotation {chunk / 'anno' / folder.name}.txt"))
    return files


def _add(file: Path, place: Place, builder: TrackTableBuilder, report: Report, *, only_first: bool) -> None:
    root, video, chunk = place.root, file.stem, file.parents[1]
    folder, archive = chunk / "frames" / video, chunk / "zips" / f"{video}.zip"
    if not folder.exists() and archive.is_file():
        report(Fault(archive, f"is not unpacked; its images are needed in {folder}"))
        return
    if not has_folder(folder, root, report):
        return
    found = image_numbers(folder, _IMAGES, root, report)
    boxes = read_numbers(file, root, report, columns=4)
    if boxes is None or not len(found):
        return
    count = int(found[-1]) + 1 if only_first else len(boxes)
    if only_first and len(boxes) != 1:
        report(Fault(file, f"has {len(boxes)} rows; a test sequence has its first box only"))
        return
    if found[-1] + 1 == len(found) != count:
        report(Fault(file, f"has {count} rows for {len(found)} images; one row per image is needed"))
        return
    whole = match_images(folder, _IMAGES, found, (0, count - 1), report)
    check_boxes(file, boxes, report)
    if not whole:
        return
    boxes_xywh = np.full((count, 4), np.nan)
    boxes_xywh[: len(boxes)] = boxes
    template = f"{literal(folder.relative_to(root).as_posix())}/{_IMAGES}"
    builder.add(video, template, np.arange(count), boxes_xywh, fps=place.manifest.fps)
