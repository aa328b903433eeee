"""ImageNet DET (ILSVRC2015): still images in folders of several years, with one XML for each that shows an object."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Fault, Report, stop_at_first
from dlatrack.datasets.imagenet_xml import ImageAnnotation, read_image_xml
from dlatrack.datasets.index.builder import literal
from dlatrack.datasets.index.columns import ArrayBuilder, TextBuilder
from dlatrack.datasets.index.stills import still_tracks
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import folders_in, has_folder, stays_inside
from dlatrack.datasets.manifests import Place, locate
from dlatrack.files import is_companion

_SYNSET = re.compile(r"n\d{8}")

#: Folders of the training images and what their images are called; those of 2013 lie in folders by synset.
_PARTS = (
    (re.compile(r"ILSVRC2013_train"), re.compile(r"n\d{8}_\d{1,9}")),
    (re.compile(r"ILSVRC2013_train_extra\d{1,2}"), re.compile(r"ILSVRC2013_train_\d{8}")),
    (re.compile(r"ILSVRC2014_train_\d{4}"), re.compile(r"ILSVRC2014_train_\d{8}")),
)
_VAL = re.compile(r"ILSVRC201[23]_val_\d{8}")
_BY_SYNSET, _BARE = _PARTS[0][0], _PARTS[1][0]

#: What is known of an image without an annotation.
_NOTHING = ImageAnnotation((0, 0), [])

#: Names of the links beside the training folders that pysot asks for; the last one leads to val.
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
    place = locate("imagenet_det", root)
    place.manifest.split(split)
    gathered = _Gathered(place)
    for below, name in _folders(split, place, report):
        _add(below, name, place, gathered, report)
    return gathered.table()


class _Gathered:
    """Images and objects so far."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.seen: dict[str, Path] = {}
        self.bare = 0  #: images without an annotation file
        self._images, self._names, self._classes = TextBuilder(), TextBuilder(), TextBuilder()
        self._image_of_track = array("q")
        self._boxes_xywh = ArrayBuilder(np.float64, (4,))
        self._listed_wh = ArrayBuilder(np.int64, (2,))

    def add(self, image: Path, annotation: ImageAnnotation) -> None:
        """Add an image that has not been seen, and its objects."""
        objects = annotation.objects
        self._listed_wh.extend(np.array([annotation.size], np.int64))
        classes = self._place.manifest.classes
        self._images.append(literal(image.relative_to(self._place.root).as_posix()))
        for item in objects:
            self._names.append(f"{image.stem}.{item.row}")
            self._classes.append(classes.get(item.synset, item.synset))
            self._image_of_track.append(len(self.seen))
        if objects:
            self._boxes_xywh.extend(np.array([item.box_xywh for item in objects]))
        self.seen[image.stem] = image

    def table(self) -> TrackTable:
        """All of them."""
        table = still_tracks(
            self._place.root,
            self._images.build(),
            np.array(self._image_of_track, np.int64),
            self._names.build(),
            self._classes.build(),
            self._boxes_xywh.build(),
            fps=self._place.manifest.fps,
            listed_wh=self._listed_wh.build(),
        )
        note = f"{self.bare:,} images have no annotation file and are taken to show no object"
        return replace(table, notes=(note,)) if self.bare else table


def _folders(split: str, place: Place, report: Report) -> Iterator[tuple[Path, re.Pattern[str]]]:
    """Folders of images below Data and Annotations, sorted, and what the images in them are called."""
    trees = [place.root / kind / "DET" for kind in ("Annotations", "Data")]
    for tree in trees:
        if not has_folder(tree, place.root, report) or not has_folder(tree / split, place.root, report):
            return
        for name in _names(tree):
            if name not in ("train", "val", "test"):
                report(Fault(tree / name, "is not a split of ImageNet DET; its folders are train, val, test"))
    if split == "val":
        yield Path(split), _VAL
        return
    for part in sorted({name for tree in trees for name in _names(tree / split, links=place.root)}):
        below = Path(split) / part
        images = next((images for folder, images in _PARTS if folder.fullmatch(part)), None)
        there = [tree / below for tree in trees if (tree / below).is_dir()]
        if images is None:
            allowed = ", ".join(folder.pattern for folder, _ in _PARTS)
            report(Fault(there[0], f"does not belong here; names like {allowed} are allowed"))
        elif not _BY_SYNSET.fullmatch(part):
            yield below, images
        elif all(has_folder(folder, place.root, report) for folder in there):
            for synset in sorted({name for folder in there for name in _names(folder)}):
                if _SYNSET.fullmatch(synset):
                    yield below / synset, re.compile(rf"{synset}_\d{{1,9}}")
                else:
                    folder = next(f / synset for f in there if (f / synset).is_dir())
                    report(Fault(folder, f"does not belong here; names like {_SYNSET.pattern} are allowed"))


def _add(below: Path, name: re.Pattern[str], place: Place, gathered: _Gathered, report: Report) -> None:
    """Add the images of a folder."""
    images, annotations = (place.root / kind / "DET" / below for kind in ("Data", "Annotations"))
    if not has_folder(images, place.root, report):
        return
    described: set[str] = set()
    if not _BARE.fullmatch(below.name) or annotations.is_dir():
        if not has_folder(annotations, place.root, report):
            return
        described = _stems(annotations, ".xml", name, place.root, report)
    found = _stems(images, ".JPEG", name, place.root, report)
    for stem in sorted(described - found):
        report(Fault(images / f"{stem}.JPEG", f"is missing; {annotations / stem}.xml describes it"))
    for stem in sorted(found):
        image = images / f"{stem}.JPEG"
        if stem in gathered.seen:
            report(Fault(image, f"is the same image as {gathered.seen[stem]}; each image once"))
            continue
        gathered.bare += stem not in described
        file = annotations / f"{stem}.xml"
        gathered.add(image, _annotation(file, place, report) if stem in described else _NOTHING)


def _annotation(file: Path, place: Place, report: Report) -> ImageAnnotation:
    """What a file says, without the objects that have no synset, which are reported."""
    size, objects = read_image_xml(file, place.root, report, tracks=False) or _NOTHING
    for item in objects:
        if not _SYNSET.fullmatch(item.synset):
            report(Fault(file, "is not a synset like n02084071", item.row, item.synset, "object"))
    return ImageAnnotation(size, [item for item in objects if _SYNSET.fullmatch(item.synset)])


def _stems(folder: Path, suffix: str, name: re.Pattern[str], root: Path, report: Report) -> set[str]:
    """Names without suffix of the files of a kind; one of another name or linked from elsewhere is reported."""
    found = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, ending = os.path.splitext(entry.name)
            if ending != suffix or is_companion(entry.name):
                continue
            if not name.fullmatch(stem):
                report(Fault(entry.path, f"does not belong here; names like {name.pattern} are allowed"))
            elif entry.is_symlink() and not stays_inside(Path(entry.path), root):
                report(Fault(entry.path, f"leads out of {root}; paths and links must stay within it"))
            else:
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
