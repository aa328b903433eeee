"""COCO 2017: still images, and one JSON file per split with all objects."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.datasets.box_text import MOST_PIXELS
from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.images import IMAGE_SUFFIXES
from dlatrack.datasets.index.builder import TrackTableBuilder, literal, still_tracks
from dlatrack.datasets.index.columns import TextColumn
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import DataSetFiles, is_plain_name, open_data_set, scan
from dlatrack.errors import InputError
from dlatrack.structured.json_files import LARGE, parse_json

_LISTS = ("images", "annotations", "categories")
_WHOLE = ("id", "image_id", "category_id", "iscrowd")


def read(
    root: str | Path, split: str = "train", *, report: Report = stop_at_first, crowds: bool = False
) -> TrackTable:
    """Index a split of COCO 2017 from its official layout.

    Args:
        root: folder that holds annotations, train2017 and val2017, or the one above; the images may also lie in a
            folder `images`.
        split: "train" or "val"; the test images have no public annotation.
        report: called with each fault; by default the first one is raised.
        crowds: whether to keep annotations with iscrowd 1. They outline a group and no single object that could be
            tracked: pytracking drops them, pysot keeps them. A note of the table counts those left out.

    Returns:
        One track of one row per annotation, named IMAGE.ID, images in the order of their names; images without an
        annotation are in `table.images()`. Boxes are float32, from 0 as in the file. Two training annotations are
        known to have no height: they are kept and are not `usable`; other boxes without an area are faults.

    Raises:
        InputError: if this is not COCO or there is no such split; and as `report`.
    """
    files = open_data_set("coco", root, split, report)
    file = files.root / "annotations" / f"instances_{split}2017.json"
    folders = (files.root / f"{split}2017", files.root / "images" / f"{split}2017")
    folder = next((path for path in folders if path.is_dir()), folders[0])
    content = _load(file, files)
    if content is None or not files.has_folders(folder):
        return TrackTableBuilder(files.root, np.float32).build()
    pictures = _pictures(content["images"], file, folder, files)
    objects = _Objects(file, content, files)
    kept = objects.sound(pictures, {int(name) for name in files.manifest.lists["without_area"]})
    crowd = objects.values[:, 3] == 1
    left_out = 0 if crowds else int((kept & crowd).sum())
    table = _table(folder, pictures, objects, np.flatnonzero(kept & (crowds | ~crowd)), files)
    note = f"{left_out:,} annotations of crowds are left out, as they are no single objects"
    return replace(table, notes=(note,)) if left_out else table


def _load(file: Path, files: DataSetFiles) -> dict[str, Any] | None:
    """The lists of a file; each annotation that has all its numbers as an array of eight, which takes 150 bytes."""
    text = files.read_text(file)
    if text is None:
        return None
    try:
        content = parse_json(text, str(file), **LARGE, otherwise="is not complete JSON", object_hook=_compact)
    except InputError as error:
        files.fault(file, str(error).removeprefix(f"{file} "))
        return None
    if not isinstance(content, dict) or not all(isinstance(content.get(name), list) for name in _LISTS):
        files.fault(file, f"is not an annotation file; the lists {', '.join(_LISTS)} are needed")
        return None
    return content


def _compact(item: dict[str, Any]) -> dict[str, Any] | array[float]:
    if "bbox" not in item:
        return item
    item.pop("segmentation", None)
    try:
        values = array("d", [*(item[name] for name in _WHOLE), *item["bbox"]])
    except (KeyError, TypeError, OverflowError):
        return item
    return values if len(values) == 8 else item


@dataclass(frozen=True)
class _Pictures:
    """M images that are listed and on disk, by name."""

    names: list[str]  #: names of their files, ascending
    ids: np.ndarray  #: (M,) int64
    sizes: np.ndarray  #: (M, 2), width and height as listed, px
    missing: np.ndarray  #: (L,) int64, ids of images that are listed and not on disk


def _pictures(entries: list[Any], file: Path, folder: Path, files: DataSetFiles) -> _Pictures:
    """Compare the list of images with the folder; wrong entries, missing images and further ones are reported."""
    on_disk = {
        entry.name
        for entry in scan(folder)
        if files.links_inside(entry) and entry.name.lower().endswith(IMAGE_SUFFIXES)
    }
    ids: dict[int, int] = {}
    listed: dict[str, tuple[int, int, int]] = {}
    for row, entry in enumerate(entries, 1):
        fields = entry if isinstance(entry, dict) else {"file_name": entry}
        name = fields.get("file_name")
        numbers: list[Any] = [fields.get(key) for key in ("id", "width", "height")]
        text = ",".join(map(str, numbers))
        if not isinstance(name, str) or not is_plain_name(name):
            files.fault(file, f"is not the name of a file in {folder.name}", row, name, "image")
        elif any(type(number) is not int or not 0 <= number < 2**53 for number in numbers):
            files.fault(file, "are not whole numbers id, width, height", row, text, "image")
        elif numbers[0] in ids or name in listed:
            first = ids[numbers[0]] if numbers[0] in ids else ids[listed[name][0]]
            what = f"has the id or name of image {first}; each image once"
            files.fault(file, what, row, f"{numbers[0]},{name}", "image")
        else:
            ids[numbers[0]] = row
            listed[name] = (numbers[0], numbers[1], numbers[2])
    missing = sorted(listed.keys() - on_disk)
    for name in missing:
        files.fault(folder / name, f"is missing; {file.name} lists it")
    for name in sorted(on_disk - listed.keys()):
        files.fault(folder / name, f"is one too many; {file.name} does not list it")
    names = sorted(listed.keys() & on_disk)
    table = np.array([listed[name] for name in names], np.int64).reshape(-1, 3)
    lost = np.array([listed[name][0] for name in missing], np.int64)
    return _Pictures(names, table[:, 0], table[:, 1:], lost)


class _Objects:
    """N annotations that have all their numbers.

    Attributes:
        values: (N, 8) float64: id, image_id, category_id, iscrowd, x, y, w, h.
        rows: (N,) int, position of each in the file, from 1.
        categories: names by id. The ids of the 80 reach up to 90: they are no positions.
    """

    def __init__(self, file: Path, content: dict[str, Any], files: DataSetFiles) -> None:
        self._file, self._files = file, files
        self.categories: dict[int, str] = {}
        for row, entry in enumerate(content["categories"], 1):
            number, name = (entry.get(key) if isinstance(entry, dict) else None for key in ("id", "name"))
            if type(number) is not int or not isinstance(name, str) or number in self.categories:
                what = "are not a new whole number id and a name"
                files.fault(file, what, row, f"{number},{name}", "category")
            else:
                self.categories[number] = name
        plain = [(row, item) for row, item in enumerate(content["annotations"], 1) if isinstance(item, array)]
        self.rows = np.array([row for row, _ in plain], np.int64)
        self.values: np.ndarray = np.frombuffer(b"".join(item.tobytes() for _, item in plain)).reshape(-1, 8)
        if len(plain) < len(content["annotations"]):
            for row, item in enumerate(content["annotations"], 1):
                if not isinstance(item, array):
                    self._report_odd(row, item)

    def sound(self, pictures: _Pictures, without_area: set[int]) -> np.ndarray:
        """(N,) bool, the annotations without a fault and of an image on disk; the others are reported."""
        ids, image, category, crowd = self.values[:, :4].T
        boxes = self.values[:, 4:]
        good = np.ones(len(ids), bool)

        def leave_out(bad: np.ndarray, what: str, columns: slice) -> None:
            for index in np.flatnonzero(bad & good).tolist():
                value = ",".join(f"{number:.15g}" for number in self.values[index, columns])
                self._files.fault(self._file, what, int(self.rows[index]), value, "annotation")
            good[bad] = False

        with np.errstate(invalid="ignore"):
            odd = (self.values[:, :4] != np.floor(self.values[:, :4])).any(1) | ~np.isin(crowd, (0, 1))
            leave_out(odd, f"are not whole numbers {', '.join(_WHOLE)}, the last of them 0 or 1", slice(4))
            again = np.ones(len(ids), bool)
            again[np.unique(ids, return_index=True)[1]] = False
            leave_out(again, "is the id of an annotation before; each id once", slice(1))
            known = np.fromiter(self.categories, np.float64, len(self.categories))
            leave_out(~np.isin(category, known), f"is not one of the {len(known)} categories", slice(2, 3))
            good &= ~np.isin(image, pictures.missing)
            leave_out(~np.isin(image, pictures.ids), "is not the id of an image in the list", slice(1, 2))
            large = ~(np.abs(boxes) < MOST_PIXELS).all(1)
            leave_out(large, f"is not four finite numbers x,y,w,h below {MOST_PIXELS:g}", slice(4, None))
            empty = (boxes[:, 2:] <= 0).any(1) & ~np.isin(ids, list(without_area))
            leave_out(empty, "is x,y,w,h; width and height must be above 0", slice(4, None))
            size = np.zeros((len(ids), 2))
            size[good] = pictures.sizes[self.places(pictures, good)]
            outside = (boxes[:, :2] >= size).any(1) | (boxes[:, :2] + boxes[:, 2:] <= 0).any(1)
            leave_out(outside, "lies outside its image; it must overlap it", slice(4, None))
        return good

    def places(self, pictures: _Pictures, chosen: np.ndarray) -> np.ndarray:
        """(K,) int, the position among the images of each chosen annotation."""
        order = np.argsort(pictures.ids)
        found = np.searchsorted(pictures.ids, self.values[chosen, 1], sorter=order)
        positions: np.ndarray = order[found]
        return positions

    def _report_odd(self, row: int, item: Any) -> None:
        """Report an annotation that lacks a number, and name the first field that is not one."""
        item = item if isinstance(item, dict) else {"id": item}
        for name in _WHOLE:
            if not isinstance(item.get(name), int):
                what, value = f"is not a whole number {name}", item.get(name)
                break
        else:
            what, value = "is not four numbers bbox x,y,w,h", item.get("bbox")
        self._files.fault(self._file, what, row, str(value), "annotation")


def _table(
    folder: Path, pictures: _Pictures, objects: _Objects, kept: np.ndarray, files: DataSetFiles
) -> TrackTable:
    """The table of chosen annotations, ordered by image and id."""
    image = objects.places(pictures, kept)
    order = np.lexsort((objects.values[kept, 0], image))
    kept, image = kept[order], image[order]
    ids = objects.values[kept, 0].astype(np.int64).tolist()
    stems = [Path(name).stem for name in pictures.names]
    numbers = np.array(sorted(objects.categories), np.int64)
    categories = TextColumn.of(objects.categories[number] for number in numbers.tolist())
    return still_tracks(
        files.root,
        TextColumn.of(files.template(folder, literal(name)) for name in pictures.names),
        image,
        TextColumn.of(f"{stems[i]}.{number}" for i, number in zip(image.tolist(), ids, strict=True)),
        categories.take(np.searchsorted(numbers, objects.values[kept, 2])),
        objects.values[kept, 4:],
        fps=files.manifest.fps,
        listed_wh=pictures.sizes,
    )
