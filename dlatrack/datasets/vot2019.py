"""VOT2019, short-term: 60 sequences with a polygon of four corners per image, and tags per image."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import DataSetFiles, open_data_set
from dlatrack.datasets.manifest_file import SequenceEntry

_CORNERS = "x1,y1,x2,y2,x3,y3,x4,y4"

#: Template of the images in the file `sequence`: at most one folder, and a number.
_CHANNEL = re.compile(r"(?:(\w+)/)?(%0\dd\.(?:jpg|jpeg|png))")


def read(root: str | Path, split: str = "test", *, report: Report = stop_at_first) -> TrackTable:
    """Index VOT2019 from its official layout, or from that of older editions.

    Args:
        root: folder that holds list.txt and the sequences, or the one above.
        split: "test", all 60.
        report: called with each fault; by default the first one is raised.

    Returns:
        Polygons as they are in the files, float64, and `boxes_xywh` the upright boxes around them; where the file has
        a box (column `rectangle` is 1) that box and its corners, clockwise from the top left. One column of 0 and 1
        for each tag, which is 0 where its file ends early or is missing. Attributes are the tags of any frame.

    Raises:
        InputError: if this is not VOT2019 or there is no such split; and as `report`.
    """
    files = open_data_set("vot2019", root, split, report)
    builder = TrackTableBuilder(files.root)
    for entry in _listed(files):
        _add(entry, files, builder)
    return builder.build()


def _listed(files: DataSetFiles) -> list[SequenceEntry]:
    """The sequences that `list.txt` names; it must name all, and there must be no others."""
    known = {entry.name: entry for entry in files.manifest.sequences}
    file = files.root / "list.txt"
    names = files.read_names(file, r"\w+")
    what = f"is not one of the {len(known)} sequences of VOT2019"
    for name in names:
        if name not in known:
            files.fault(file, what, value=name)
    for name in known.keys() - set(names) if names else ():
        files.fault(file, f"does not name sequence {name}", sequence=name)
    for folder in sorted(path.parent for path in files.root.glob("[!.]*/groundtruth.txt")):
        if folder.name not in known:
            files.fault(folder, what)
    return [known[name] for name in names if name in known]


def _add(entry: SequenceEntry, files: DataSetFiles, builder: TrackTableBuilder) -> None:
    folder = files.root / entry.folder
    if not folder.exists():
        files.fault(folder, "is missing; a folder is needed", sequence=entry.name)
        return
    if not files.has_folders(folder):
        return
    source = _source(entry, folder, files)
    if not files.has_folders(source.images):
        return
    found = files.image_numbers(source.images, source.pattern)
    files.match_images(source.images, source.pattern, found, (entry.first, entry.last))
    file = folder / entry.annotation
    columns = int(entry.extra["numbers"])
    rows = files.read_numbers(file, columns, "x,y,w,h" if columns == 4 else _CORNERS)
    if rows is None:
        return
    if len(rows) != entry.frames:
        files.fault(file, f"has {len(rows)} rows; sequence {entry.name} has {entry.frames}")
        return
    polygons = box_corners(rows) if columns == 4 else rows.reshape(-1, 4, 2)
    boxes_xywh = rows if columns == 4 else around(polygons)
    if columns == 4:
        files.check_boxes(file, rows)
    else:
        _check_polygons(file, polygons, files)
    tags = {tag: _tag(tag, entry, folder, files) for tag in files.manifest.attributes}
    builder.add(
        entry.name,
        files.template(source.images, source.pattern),
        np.arange(entry.first, entry.last + 1),
        boxes_xywh,
        attributes=[tag for tag, flags in tags.items() if flags.any()],
        fps=source.fps,
        polygons=polygons,
        extras={**tags, "rectangle": np.full(entry.frames, columns == 4, np.uint8)},
    )


def box_corners(boxes_xywh: np.ndarray) -> np.ndarray:
    """(R, 4) xywh boxes as (R, 4, 2) corners, clockwise from the top left, as pysot takes them for its overlaps."""
    x, y, w, h = boxes_xywh.T
    return np.stack([x, y, x + w, y, x + w, y + h, x, y + h], 1).reshape(-1, 4, 2)


def around(polygons: np.ndarray) -> np.ndarray:
    """The upright xywh boxes around (R, 4, 2) polygons."""
    low, high = polygons.min(1), polygons.max(1)
    return np.concatenate([low, high - low], 1)


def _check_polygons(file: Path, polygons: np.ndarray, files: DataSetFiles) -> None:
    """Report polygons that are not finite or have no area."""
    x, y = polygons[..., 0], polygons[..., 1]
    with np.errstate(invalid="ignore"):
        areas = np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1)) / 2
    finite = np.isfinite(polygons).all((1, 2))
    for index in np.flatnonzero(~finite | (areas <= 0)).tolist():
        what = (
            "has no area; it must be above 0" if finite[index] else f"is not eight finite numbers {_CORNERS}"
        )
        files.fault(file, what, index + 1, ",".join(f"{value:g}" for value in polygons[index].ravel()))


class _Source(NamedTuple):
    images: Path
    pattern: str
    fps: float


def _source(entry: SequenceEntry, folder: Path, files: DataSetFiles) -> _Source:
    """Folder, template and frame rate of the images, by the file `sequence` or, without one, by the folders found."""
    images = folder / "color" if (folder / "color").is_dir() else folder
    source = _Source(images, entry.images, files.manifest.fps)
    file = folder / "sequence"
    if not file.is_file():
        return source
    values: dict[str, tuple[str, int]] = {}
    for row, line in enumerate((files.read_text(file) or "").splitlines(), 1):
        key, equals, value = line.partition("=")
        if equals:
            values[key.strip()] = value.strip(), row
        elif line.strip():
            files.fault(file, "is not key=value", row, line.strip())
    facts = {
        "name": entry.name,
        "length": str(entry.frames),
        **{key: entry.extra[key] for key in ("width", "height")},
    }
    for key, expected in facts.items():
        value, row = values.get(key, (expected, 0))
        if value != expected:
            files.fault(file, f"is not the {key} of sequence {entry.name}, {expected}", row, value)
    text, row = values.get("channels.color", ("", 0))
    match = _CHANNEL.fullmatch(text)
    if match is not None:
        source = source._replace(images=folder / (match[1] or ""), pattern=match[2])
    elif row:
        files.fault(file, "is not a template of images like color/%08d.jpg", row, text)
    rate, row = values.get("fps", (str(source.fps), 0))
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", rate) and float(rate) > 0:
        return source._replace(fps=float(rate))
    files.fault(file, "is not a number of frames per second like 30", row, rate)
    return source


def _tag(tag: str, entry: SequenceEntry, folder: Path, files: DataSetFiles) -> np.ndarray:
    """The flags of a tag, (frames,) uint8, padded with 0."""
    flags = np.zeros(entry.frames, np.uint8)
    file = next((path for path in (folder / f"{tag}.tag", folder / f"{tag}.label") if path.is_file()), None)
    if file is None or (file.stat().st_size == 0 and tag not in entry.attributes):
        if file is None and tag in entry.attributes:
            files.fault(folder / f"{tag}.tag", f"is missing; frames of {entry.name} have this tag")
        return flags
    rows = files.read_numbers(file, 1, "0 or 1")
    if rows is None:
        return flags
    if len(rows) > entry.frames:
        files.fault(file, f"has {len(rows)} rows; sequence {entry.name} has {entry.frames}")
        return flags
    wrong = ~np.isin(rows[:, 0], (0, 1))
    for row in np.flatnonzero(wrong).tolist():
        files.fault(file, "is not 0 or 1", row + 1, f"{rows[row, 0]:g}")
    flags[: len(rows)] = rows[:, 0] == 1
    return flags
