"""GOT-10k: one folder per video with images, boxes and three labels per frame; train, val and test by list."""

from __future__ import annotations

import re
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
from dlatrack.datasets.manifests import Place, locate

_IMAGES = "%08d.jpg"

#: Labels per frame and their largest value; cover counts eighths of the target that can be seen.
_LABELS = {"absence": 1, "cover": 8, "cut_by_image": 1}


def read(root: str | Path, split: str = "train", *, report: Report = stop_at_first) -> TrackTable:
    """Index a split of GOT-10k from its official layout.

    Sequences are looked for in the folder of the split and in the folders `GOT-10k_Train_split_01` to `_19` that
    the downloads unpack to.

    Args:
        root: folder that holds train, val and test, or the one above.
        split: "train", "val" or "test"; "train_vot" leaves out the 1,000 sequences that VOT forbids, "train_fixed"
            the 44 whose boxes are wrong in the first release, "train_vot_fixed" both. The lists are applied by name.
        report: called with each fault; by default the first one is raised.

    Returns:
        Boxes float32 (test: only the first row has one), taken as they are, as all toolkits do. Visible means
        absence 0 and cover above 0; column `cover` holds 0 to 8, `cut_by_image` 0 or 1 (0 in test, which has no
        labels). Boxes without an area are kept in the 44 sequences known for them and are faults elsewhere.

    Raises:
        InputError: if this is not GOT-10k or there is no such split; and as `report`.
    """
    place = locate("got10k", root)
    base = place.manifest.split(split).of or split
    folder = place.root / base
    builder = TrackTableBuilder(place.root, np.float32)
    _look_around(place, report)
    if not has_folder(folder, place.root, report):
        return builder.build()
    names = read_names(folder / "list.txt", place.root, report, pattern=rf"GOT-10k_{base.title()}_\d{{6}}")
    folders = _folders(folder, place, set(names), report) if names else {}
    for name in names:
        if name not in folders:
            report(Fault(folder / name, f"is missing; it is named in {folder / 'list.txt'}"))
        elif place.manifest.holds(split, name) and has_folder(folders[name], place.root, report):
            _add(_Video(name, folders[name], place, report), builder, only_first=base == "test")
    return builder.build()


def _look_around(place: Place, report: Report) -> None:
    """Report folders of the root that are no split: a split of a wrong name would pass for one not downloaded."""
    known = {split.name for split in place.manifest.splits.values() if not split.of}
    for folder in folders_in(place.root):
        if folder.name not in known and not folder.name.startswith((".", "_")):
            report(Fault(folder, f"is not a split of GOT-10k; its folders are {', '.join(sorted(known))}"))


def _folders(split: Path, place: Place, names: set[str], report: Report) -> dict[str, Path]:
    """Sequence folders by name, in the folder of a split and in the folders of its downloads."""
    parts = [split, *sorted(split.glob("GOT-10k_*_split_*"))]
    found: dict[str, Path] = {}
    children = (path for part in parts for path in folders_in(part))
    for folder in sorted(path for path in children if path not in parts):
        if folder.name in found:
            report(Fault(folder, f"is the same sequence as {found[folder.name]}; each sequence once"))
        elif folder.name not in names:
            report(Fault(folder, f"is not named in {split / 'list.txt'}"))
        else:
            found[folder.name] = folder
    return found


@dataclass(frozen=True)
class _Video:
    name: str
    folder: Path
    place: Place
    report: Report

    def rows(self, file: str, columns: int, what: str) -> np.ndarray | None:
        return read_numbers(self.folder / file, self.place.root, self.report, columns=columns, what=what)


def _add(video: _Video, builder: TrackTableBuilder, *, only_first: bool) -> None:
    found = image_numbers(video.folder, _IMAGES, video.place.root, video.report)
    boxes = video.rows("groundtruth.txt", 4, "x,y,w,h")
    if boxes is None:
        return
    file = video.folder / "groundtruth.txt"
    count = int(found[-1]) if only_first and len(found) else len(boxes)
    if len(boxes) != (1 if only_first else count):
        video.report(Fault(file, f"has {len(boxes)} rows; a test sequence has its first box only"))
        return
    if not only_first and len(found) and found[-1] == len(found) != count:
        video.report(Fault(file, f"has {count} rows for {len(found)} images; one row per image is needed"))
        return
    if not match_images(video.folder, _IMAGES, found, (1, count), video.report):
        return
    labels = dict.fromkeys(_LABELS, np.zeros(count, np.uint8)) if only_first else _labels(video, count)
    if labels is None:
        return
    boxes_xywh = np.full((count, 4), np.nan)
    boxes_xywh[: len(boxes)] = boxes
    visible = labels["absence"] == 0 if only_first else (labels["absence"] == 0) & (labels["cover"] > 0)
    known = video.name in video.place.manifest.lists["unfixed"]
    check_boxes(file, boxes, video.report, may_be_empty=known | ~visible[: len(boxes)])
    meta = {} if only_first else _meta(video)
    builder.add(
        video.name,
        f"{literal(video.folder.relative_to(video.place.root).as_posix())}/{_IMAGES}",
        np.arange(1, count + 1),
        boxes_xywh,
        visible=visible,
        object_class=meta.get("object_class", ""),
        fps=_rate(video, meta),
        extras={name: labels[name] for name in ("cover", "cut_by_image")},
    )


def _labels(video: _Video, count: int) -> dict[str, np.ndarray] | None:
    """The three labels of each frame, (count,) uint8; None if one of them cannot be used."""
    labels = {}
    for name, largest in _LABELS.items():
        rows = video.rows(f"{name}.label", 1, f"0 to {largest}")
        file = video.folder / f"{name}.label"
        if rows is None:
            continue
        if len(rows) != count:
            video.report(Fault(file, f"has {len(rows)} rows for {count} images; one row per image is needed"))
            continue
        wrong = ~np.isin(rows[:, 0], np.arange(largest + 1))
        for row in np.flatnonzero(wrong).tolist():
            what = f"is not a whole number from 0 to {largest}"
            video.report(Fault(file, what, row + 1, f"{rows[row, 0]:g}"))
        if not wrong.any():
            labels[name] = rows[:, 0].astype(np.uint8)
    return labels if len(labels) == len(_LABELS) else None


def _meta(video: _Video) -> dict[str, str]:
    """What `meta_info.ini` says: rows `key: value` after the name of the section."""
    lines = (read_text(video.folder / "meta_info.ini", video.place.root, video.report) or "").splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}


def _rate(video: _Video, meta: dict[str, str]) -> float:
    """Frames per second of the annotation, written like 10Hz."""
    text = meta.get("anno_fps", "")
    if match := re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]*)?)(?:hz)?", text.lower()):
        rate = float(match[1])
        if rate > 0:
            return rate
    if meta:
        file = video.folder / "meta_info.ini"
        video.report(Fault(file, "is not a frame rate anno_fps like 10Hz", value=text))
    return video.place.manifest.fps
