"""GOT-10k: one folder per video with images, boxes and three labels per frame; train, val and test by list."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import DataSetFiles, folders_in, open_data_set

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
    files = open_data_set("got10k", root, split, report)
    base = files.manifest.split(split).of or split
    folder = files.root / base
    builder = TrackTableBuilder(files.root, np.float32)
    _check_folders(files)
    if not files.has_folders(folder):
        return builder.build()
    names = files.read_names(folder / "list.txt", rf"GOT-10k_{base.title()}_\d{{6}}")
    folders = _folders(folder, set(names), files) if names else {}
    for name in names:
        if name not in folders:
            files.fault(folder / name, f"is missing; it is named in {folder / 'list.txt'}")
        elif files.manifest.holds(split, name) and files.has_folders(folders[name]):
            _add(name, folders[name], files, builder, only_first=base == "test")
    return builder.build()


def _check_folders(files: DataSetFiles) -> None:
    """Report folders of the root that are no split: a split of a wrong name would pass for one not downloaded."""
    known = sorted(split.name for split in files.manifest.own_splits)
    for folder in folders_in(files.root):
        if folder.name not in known and not folder.name.startswith((".", "_")):
            files.fault(folder, f"is not a split of GOT-10k; its folders are {', '.join(known)}")


def _folders(split: Path, names: set[str], files: DataSetFiles) -> dict[str, Path]:
    """Sequence folders by name, in the folder of a split and in the folders of its downloads."""
    parts = [split, *sorted(split.glob("GOT-10k_*_split_*"))]
    found: dict[str, Path] = {}
    children = (path for part in parts for path in folders_in(part))
    for folder in sorted(path for path in children if path not in parts):
        if folder.name in found:
            files.fault(folder, f"is the same sequence as {found[folder.name]}; each sequence once")
        elif folder.name not in names:
            files.fault(folder, f"is not named in {split / 'list.txt'}")
        else:
            found[folder.name] = folder
    return found


def _add(
    name: str, folder: Path, files: DataSetFiles, builder: TrackTableBuilder, *, only_first: bool
) -> None:
    file = folder / "groundtruth.txt"
    found = files.image_numbers(folder, _IMAGES)
    boxes = files.read_numbers(file)
    if boxes is None:
        return
    count = int(found[-1]) if only_first and len(found) else len(boxes)
    if len(boxes) != (1 if only_first else count):
        files.fault(file, f"has {len(boxes)} rows; a test sequence has its first box only")
        return
    if not only_first and len(found) and found[-1] == len(found) != count:
        files.fault(file, f"has {count} rows for {len(found)} images; one row per image is needed")
        return
    if not files.match_images(folder, _IMAGES, found, (1, count)):
        return
    labels = (
        dict.fromkeys(_LABELS, np.zeros(count, np.uint8)) if only_first else _labels(folder, count, files)
    )
    if labels is None:
        return
    boxes_xywh = np.full((count, 4), np.nan)
    boxes_xywh[: len(boxes)] = boxes
    visible = labels["absence"] == 0 if only_first else (labels["absence"] == 0) & (labels["cover"] > 0)
    known = name in files.manifest.lists["unfixed"]
    files.check_boxes(file, boxes, may_be_empty=known | ~visible[: len(boxes)])
    meta = {} if only_first else _meta(folder / "meta_info.ini", files)
    builder.add(
        name,
        files.template(folder, _IMAGES),
        np.arange(1, count + 1),
        boxes_xywh,
        visible=visible,
        object_class=meta.get("object_class", ""),
        fps=_rate(folder / "meta_info.ini", meta, files),
        extras={label: labels[label] for label in ("cover", "cut_by_image")},
    )


def _labels(folder: Path, count: int, files: DataSetFiles) -> dict[str, np.ndarray] | None:
    """The three labels of each frame, (count,) uint8; None if one of them cannot be used."""
    labels = {}
    for name, largest in _LABELS.items():
        file = folder / f"{name}.label"
        rows = files.read_numbers(file, 1, f"0 to {largest}")
        if rows is None:
            continue
        if len(rows) != count:
            files.fault(file, f"has {len(rows)} rows for {count} images; one row per image is needed")
            continue
        wrong = ~np.isin(rows[:, 0], np.arange(largest + 1))
        for row in np.flatnonzero(wrong).tolist():
            what = f"is not a whole number from 0 to {largest}"
            files.fault(file, what, row + 1, f"{rows[row, 0]:g}")
        if not wrong.any():
            labels[name] = rows[:, 0].astype(np.uint8)
    return labels if len(labels) == len(_LABELS) else None


def _meta(file: Path, files: DataSetFiles) -> dict[str, str]:
    """The values of `meta_info.ini`: rows `key: value` after the name of the section."""
    lines = (files.read_text(file) or "").splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}


def _rate(file: Path, meta: dict[str, str], files: DataSetFiles) -> float:
    """Frames per second of the annotation, written like 10Hz."""
    text = meta.get("anno_fps", "")
    if match := re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]*)?)(?:hz)?", text.lower()):
        rate = float(match[1])
        if rate > 0:
            return rate
    if meta:
        files.fault(file, "is not a frame rate anno_fps like 10Hz", value=text)
    return files.manifest.fps
