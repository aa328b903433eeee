"""ImageNet VID (ILSVRC2015): videos with one XML per frame, in which several objects come and go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.imagenet_xml import ImageObject, read_image_xml
from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import DataSetFiles, folders_in, open_data_set

_IMAGES, _ANNOTATIONS = "%06d.JPEG", "%06d.xml"
_PART = re.compile(r"ILSVRC2015_VID_train_\d{4}")
_SNIPPET = {"train": re.compile(r"ILSVRC2015_train_\d{8}"), "val": re.compile(r"ILSVRC2015_val_\d{8}")}


def read(root: str | Path, split: str = "train", *, report: Report = stop_at_first) -> TrackTable:
    """Index a split of ImageNet VID from its official layout.

    Args:
        root: folder that holds Annotations and Data (ILSVRC2015), or the one above.
        split: "train" or "val"; the test videos have no public annotation.
        report: called with each fault; by default the first one is raised.

    Returns:
        One track per video and trackid, named VIDEO.TRACKID, with a row for each frame in which it is annotated:
        an object that returns continues its track, and `numbers` shows the gap.
        Numbers are those of the files, from 0. Boxes are float32; columns `occluded` and `generated` hold 0 or 1.

    Raises:
        InputError: if this is not ImageNet VID or there is no such split; and as `report`.
    """
    files = open_data_set("imagenet_vid", root, split, report)
    builder = TrackTableBuilder(files.root, np.float32)
    seen: dict[str, Path] = {}
    for snippet in _snippets(split, files):
        if snippet.name in seen:
            files.fault(snippet, f"is the same video as {seen[snippet.name]}; each video once")
            continue
        seen[snippet.name] = snippet
        _add(snippet, files, builder)
    return builder.build()


def _snippets(split: str, files: DataSetFiles) -> Iterator[Path]:
    """Folders of annotations of the videos, sorted; train has one level more than val."""
    annotations = files.root / "Annotations" / "VID"
    if not files.has_folders(annotations, annotations / split):
        return
    for folder in folders_in(annotations):
        if folder.name not in ("train", "val", "test"):
            files.fault(folder, "is not a split of ImageNet VID; its folders are train, val and test")
    parts = [annotations / split]
    if split == "train":
        parts = [part for part in folders_in(parts[0]) if files.is_named(part, _PART)]
    for part in parts:
        if files.has_folders(part):
            yield from (folder for folder in folders_in(part) if files.is_named(folder, _SNIPPET[split]))


def _add(snippet: Path, files: DataSetFiles, builder: TrackTableBuilder) -> None:
    images = files.root / "Data" / snippet.relative_to(files.root / "Annotations")
    if not files.has_folders(snippet, images):
        return
    found = files.image_numbers(images, _IMAGES)
    annotated = files.image_numbers(snippet, _ANNOTATIONS)
    last = max([-1, *found[-1:], *annotated[-1:]])
    files.match_images(images, _IMAGES, found, (0, last))
    files.match_images(snippet, _ANNOTATIONS, annotated, (0, last))
    listed_wh = np.zeros((len(found), 2), np.int64)
    classes = files.manifest.classes
    tracks: dict[int, list[tuple[int, ImageObject]]] = {}
    for number in np.intersect1d(found, annotated).tolist():
        file = snippet / (_ANNOTATIONS % number)
        annotation = read_image_xml(file, files, tracks=True)
        if annotation is None:
            continue
        listed_wh[np.searchsorted(found, number)] = annotation.size
        for item in annotation.objects:
            rows = tracks.setdefault(item.track, [])
            if rows and rows[-1][0] == number:
                files.fault(file, f"has trackid {item.track} twice", item.row, item.synset, "object")
            elif item.synset not in classes:
                what = f"is not one of the {len(classes)} classes of ImageNet VID"
                files.fault(file, what, item.row, item.synset, "object")
            else:
                rows.append((number, item))
    template = files.template(images, _IMAGES)
    if len(found):
        builder.add_images(template, found, listed_wh)
    for track, rows in sorted(tracks.items()):
        if not rows:
            continue
        builder.add(
            f"{snippet.name}.{track}",
            template,
            np.array([number for number, _ in rows]),
            np.array([item.box_xywh for _, item in rows]),
            object_class=classes[rows[0][1].synset],
            fps=files.manifest.fps,
            extras={
                "occluded": np.array([item.occluded for _, item in rows], np.uint8),
                "generated": np.array([item.generated for _, item in rows], np.uint8),
            },
        )
