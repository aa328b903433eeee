"""TrackingNet: twelve training chunks and a test set, each with annotation files and folders of unpadded frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import DataSetFiles, folders_in, open_data_set

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
    files = open_data_set("trackingnet", root, split, report)
    chunks = files.manifest.split(split).of.split() or [split]
    builder = TrackTableBuilder(files.root, np.float32)
    known = [part.name.upper() for part in files.manifest.own_splits]
    _check_folders(known, files)
    first = _first_places(known, files)
    for chunk in chunks:
        folder = files.root / chunk.upper()
        if not _has_parts(folder, files):
            continue
        for file in _videos(folder, files):
            if first[file.stem] == file:
                _add(file, files, builder, only_first=chunk == "test")
    return builder.build()


def _first_places(chunks: list[str], files: DataSetFiles) -> dict[str, Path]:
    """The first annotation file of each video in the whole data set; reports further ones in any chunk."""
    first: dict[str, Path] = {}
    for name in chunks:
        for file in _annotations(files.root / name):
            if first.setdefault(file.stem, file) != file:
                files.fault(file, f"is the same sequence as {first[file.stem]}; each sequence once")
    return first


def _annotations(chunk: Path) -> list[Path]:
    """The annotation files of a chunk, without hidden ones, sorted."""
    return sorted(chunk.glob("anno/[!.]*.txt"))


def _check_folders(chunks: list[str], files: DataSetFiles) -> None:
    """Report folders that look like a chunk but are named otherwise: it would pass for one not downloaded."""
    for folder in folders_in(files.root):
        if folder.name not in chunks and any((folder / part).is_dir() for part in ("anno", "frames", "zips")):
            what = "is not a part of TrackingNet; its folders are TRAIN_0 to TRAIN_11 and TEST"
            files.fault(folder, what)


def _has_parts(chunk: Path, files: DataSetFiles) -> bool:
    """Whether a chunk has annotation and frames; one fault for all of its zip files that are not unpacked."""
    if not files.has_folders(chunk, chunk / "anno"):
        return False
    if not (chunk / "frames").exists() and any((chunk / "zips").glob("[!.]*.zip")):
        files.fault(chunk / "zips", "is not unpacked; each VIDEO.zip belongs into a folder frames/VIDEO")
        return False
    return files.has_folders(chunk / "frames")


def _videos(chunk: Path, files: DataSetFiles) -> list[Path]:
    """Annotation files of a chunk, sorted; reports folders of frames without one."""
    annotations = _annotations(chunk)
    annotated = {file.stem for file in annotations}
    for folder in folders_in(chunk / "frames"):
        if folder.name not in annotated:
            files.fault(folder, f"has no annotation {chunk / 'anno' / folder.name}.txt")
    return annotations


def _add(file: Path, files: DataSetFiles, builder: TrackTableBuilder, *, only_first: bool) -> None:
    video, chunk = file.stem, file.parents[1]
    folder, archive = chunk / "frames" / video, chunk / "zips" / f"{video}.zip"
    if not folder.exists() and archive.is_file():
        files.fault(archive, f"is not unpacked; its images are needed in {folder}")
        return
    if not files.has_folders(folder):
        return
    found = files.image_numbers(folder, _IMAGES)
    boxes = files.read_numbers(file)
    if boxes is None or not len(found):
        return
    count = int(found[-1]) + 1 if only_first else len(boxes)
    if only_first and len(boxes) != 1:
        files.fault(file, f"has {len(boxes)} rows; a test sequence has its first box only")
        return
    if found[-1] + 1 == len(found) != count:
        files.fault(file, f"has {count} rows for {len(found)} images; one row per image is needed")
        return
    whole = files.match_images(folder, _IMAGES, found, (0, count - 1))
    files.check_boxes(file, boxes)
    if not whole:
        return
    boxes_xywh = np.full((count, 4), np.nan)
    boxes_xywh[: len(boxes)] = boxes
    template = files.template(folder, _IMAGES)
    builder.add(video, template, np.arange(count), boxes_xywh, fps=files.manifest.fps)
