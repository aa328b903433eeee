"""ImageNet DET (ILSVRC2015): still images in folders of several years, with one XML for each that shows an object."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.imagenet_xml import ImageAnnotation, read_image_xml
from dlatrack.datasets.index.builder import TrackTableBuilder, literal
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import DataSetFiles, folders_in, open_data_set, scan, stays_inside

_SYNSET = re.compile(r"n\d{8}")

#: Folders of the training images and what their images are called; those of 2013 lie in folders by synset.
_PARTS = (
    (re.compile(r"ILSVRC2013_train"), re.compile(r"n\d{8}_\d{1,9}")),
    (re.compile(r"ILSVRC2013_train_extra\d{1,2}"), re.compile(r"ILSVRC2013_train_\d{8}")),
    (re.compile(r"ILSVRC2014_train_\d{4}"), re.compile(r"ILSVRC2014_train_\d{8}")),
)
_VAL = re.compile(r"ILSVRC201[23]_val_\d{8}")
_BY_SYNSET, _BARE = _PARTS[0][0], _PARTS[1][0]

#: The annotation of an image that has no file of annotation.
_NOTHING = ImageAnnotation((0, 0), [])

#: The number of the one row of a track, which its template does not use.
_NUMBER = np.zeros(1, np.int64)

#: Names of the links beside the training folders that pysot needs; the last one leads to val.
_PYSOT_LINKS = "abcdefghi"


def read(root: str | Path, split: str = "train", *, report: Report = stop_at_first) -> TrackTable:
    """Index a split of ImageNet DET from its official layout.

    Args:
        root: folder that holds Annotations and Data (ILSVRC or ILSVRC2015), or the one above.
        split: "train" or "val"; the test images have no public annotation.
        report: called with each fault; by default the first one is raised.

    Returns:
        One track of one row per object, named IMAGE.N with its place N in the file, from 1; images without an object
        are in `table.images()`. Boxes are float32, their size is the difference of the corners. The class of a
        synset that is not among the 200 is the synset.

    Raises:
        InputError: if this is not ImageNet DET or there is no such split; and as `report`.
    """
    files = open_data_set("imagenet_det", root, split, report)
    builder = TrackTableBuilder(files.root, np.float32)
    seen: dict[str, Path] = {}
    bare = sum(_add(below, name, files, builder, seen) for below, name in _folders(split, files))
    note = f"{bare:,} images have no annotation file and are taken to show no object"
    return replace(builder.build(), notes=(note,) if bare else ())


def _folders(split: str, files: DataSetFiles) -> Iterator[tuple[Path, re.Pattern[str]]]:
    """Folders of images below Data and Annotations, sorted, each with the pattern of its images' names."""
    trees = [files.root / kind / "DET" for kind in ("Annotations", "Data")]
    for tree in trees:
        if not files.has_folders(tree, tree / split):
            return
        for name in _names(tree):
            if name not in ("train", "val", "test"):
                files.fault(tree / name, "is not a split of ImageNet DET; its folders are train, val, test")
    if split == "val":
        yield Path(split), _VAL
        return
    for part in sorted({name for tree in trees for name in _names(tree / split, links=files.root)}):
        below = Path(split) / part
        images = next((images for folder, images in _PARTS if folder.fullmatch(part)), None)
        found = [tree / below for tree in trees if (tree / below).is_dir()]
        if images is None:
            allowed = ", ".join(folder.pattern for folder, _ in _PARTS)
            files.fault(found[0], f"does not belong here; names like {allowed} are allowed")
        elif not _BY_SYNSET.fullmatch(part):
            yield below, images
        elif files.has_folders(*found):
            for synset in sorted({name for folder in found for name in _names(folder)}):
                if files.is_named(next(f / synset for f in found if (f / synset).is_dir()), _SYNSET):
                    yield below / synset, re.compile(rf"{synset}_\d{{1,9}}")


def _add(
    below: Path,
    name: re.Pattern[str],
    files: DataSetFiles,
    builder: TrackTableBuilder,
    seen: dict[str, Path],
) -> int:
    """Add the images of a folder that have not been `seen` in another; return how many have no annotation file."""
    images, annotations = (files.root / kind / "DET" / below for kind in ("Data", "Annotations"))
    if not files.has_folders(images):
        return 0
    described: set[str] = set()
    if not _BARE.fullmatch(below.name) or annotations.is_dir():
        if not files.has_folders(annotations):
            return 0
        described = _stems(annotations, ".xml", name, files)
    stems = _stems(images, ".JPEG", name, files)
    for stem in sorted(described - stems):
        files.fault(images / f"{stem}.JPEG", f"is missing; {annotations / stem}.xml describes it")
    again = stems & seen.keys()
    for stem in sorted(stems):
        image = images / f"{stem}.JPEG"
        if stem in again:
            files.fault(image, f"is the same image as {seen[stem]}; each image once")
            continue
        seen[stem] = image
        size, objects = _annotation(annotations / f"{stem}.xml", files) if stem in described else _NOTHING
        template = files.template(images, literal(image.name))
        builder.add_images(template, _NUMBER, np.array([size]))
        for item in objects:
            builder.add(
                f"{stem}.{item.row}",
                template,
                _NUMBER,
                np.array([item.box_xywh]),
                object_class=files.manifest.classes.get(item.synset, item.synset),
                fps=files.manifest.fps,
            )
    return len(stems - described - again)


def _annotation(file: Path, files: DataSetFiles) -> ImageAnnotation:
    """The annotation in a file, without the objects that have no synset, which are reported."""
    size, objects = read_image_xml(file, files, tracks=False) or _NOTHING
    for item in objects:
        if not _SYNSET.fullmatch(item.synset):
            files.fault(file, "is not a synset like n02084071", item.row, item.synset, "object")
    return ImageAnnotation(size, [item for item in objects if _SYNSET.fullmatch(item.synset)])


def _stems(folder: Path, suffix: str, name: re.Pattern[str], files: DataSetFiles) -> set[str]:
    """Names without suffix of the files of a kind; one of another name, or a link out of the root, is reported."""
    found = set()
    for entry in scan(folder):
        stem, ending = os.path.splitext(entry.name)
        if ending != suffix:
            continue
        if not name.fullmatch(stem):
            files.fault(entry.path, f"does not belong here; names like {name.pattern} are allowed")
        elif files.links_inside(entry):
            found.add(stem)
    return found


def _names(folder: Path, *, links: Path | None = None) -> set[str]:
    """Names of the folders in a folder, which may be missing; without pysot's links if their root is given."""
    if not folder.is_dir():
        return set()
    found = set(folders_in(folder))
    if links is not None:
        found -= {p for p in found if p.name in _PYSOT_LINKS and p.is_symlink() and stays_inside(p, links)}
    return {path.name for path in found}
