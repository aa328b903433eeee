"""ImageNet VID (ILSVRC2015): videos with one XML per frame, in which several objects come and go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Fault, Report, stop_at_first
from dlatrack.datasets.imagenet_xml import ImageObject, read_image_xml
from dlatrack.datasets.index.builder import TrackTableBuilder, literal
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import folders_in, has_folder, image_numbers, match_images
from dlatrack.datasets.manifests import Place, locate

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
    place = locate("imagenet_vid", root)
    place.manifest.split(split)
    builder = TrackTableBuilder(place.root, np.float32)
    seen: dict[str, Path] = {}
    for snippet in _snippets(split, place, report):
        if snippet.name in seen:
            report(Fault(snippet, f"is the same video as {seen[snippet.name]}; each video once"))
            continue
        seen[snippet.name] = snippet
        _add(snippet, place, builder, report)
    return builder.build()


def _snippets(split: str, place: Place, report: Report) -> Iterator[Path]:
    """Folders of annotations of the videos, sorted; train has one level more than val."""
    annotations = place.root / "Annotations" / "VID"
    if not has_folder(annotations, place.root, report) or not has_folder(
        annotations / split, place.root, report
    ):
        return
    for folder in folders_in(annotations):
        if folder.name not in ("train", "val", "test"):
            report(Fault(folder, "is not a split of ImageNet VID; its folders are train, val and test"))
    parts = [annotations / split]
    if split == "train":
        parts = [part for part in folders_in(parts[0]) if _fits(part, _PART, report)]
    for part in parts:
        if has_folder(part, place.root, report):
            yield from (folder for folder in folders_in(part) if _fits(folder, _SNIPPET[split], report))


def _add(snippet: Path, place: Place, builder: TrackTableBuilder, report: Report) -> None:
    below = snippet.relative_to(place.root / "Annotations")
    images = place.root / "Data" / below
    if not has_folder(snippet, place.root, report) or not has_folder(images, place.root, report):
        return
    found = image_numbers(images, _IMAGES, place.root, report)
    annotated = image_numbers(snippet, _ANNOTATIONS, place.root, report)
    last = max([-1, *found[-1:], *annotated[-1:]])
    match_images(images, _IMAGES, found, (0, last), report)
    match_images(snippet, _ANNOTATIONS, annotated, (0, last), report)
    listed_wh = np.zeros((len(found), 2), np.int64)
    classes = place.manifest.classes
    tracks: dict[int, list[tuple[int, ImageObject]]] = {}
    for number in np.intersect1d(found, annotated).tolist():
        file = snippet / (_ANNOTATIONS % number)
        annotation = read_image_xml(file, place.root, report, tracks=True)
        if annotation is None:
            continue
        listed_wh[np.searchsorted(found, number)] = annotation.size
        for item in annotation.objects:
            rows = tracks.setdefault(item.track, [])
            if rows and rows[-1][0] == number:
                report(Fault(file, f"has trackid {item.track} twice", item.row, item.synset, "object"))
            elif item.synset not in classes:
                what = f"is not one of the {len(classes)} classes of ImageNet VID"
                report(Fault(file, what, item.row, item.synset, "object"))
            else:
                rows.append((number, item))
    if len(found):
        template = f"{literal((Path('Data') / below).as_posix())}/{_IMAGES}"
        builder.add_images(template, found, listed_wh)
    for track, rows in sorted(tracks.items()):
        if rows:
            _add_track(f"{snippet.name}.{track}", Path("Data") / below, rows, place, builder)


def _add_track(
    name: str, images: Path, rows: list[tuple[int, ImageObject]], place: Place, builder: TrackTableBuilder
) -> None:
    builder.add(
        name,
        f"{literal(images.as_posix())}/{_IMAGES}",
        np.array([number for number, _ in rows]),
        np.array([item.box_xywh for _, item in rows]),
        object_class=place.manifest.classes[rows[0][1].synset],
        fps=place.manifest.fps,
        extras={
            "occluded": np.array([item.occluded for _, item in rows], np.uint8),
            "generated": np.array([item.generated for _, item in rows], np.uint8),
        },
    )


def _fits(folder: Path, pattern: re.Pattern[str], report: Report) -> bool:
    if pattern.fullmatch(folder.name):
        return True
    report(Fault(folder, f"does not belong here; names like {pattern.pattern} are allowed"))
    return False
