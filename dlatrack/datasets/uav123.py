"""UAV123: 123 sequences cut out of 91 folders of images, one row x, y, w, h per image, in px counted from 1."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import DataSetFiles, folders_in, open_data_set
from dlatrack.datasets.manifest_file import SequenceEntry

_IMAGES, _ANNOTATION, _FLAGS = "data_seq/UAV123", "anno/UAV123", "anno/UAV123/att"


def read(root: str | Path, split: str = "test", *, report: Report = stop_at_first) -> TrackTable:
    """Index UAV123 from its official layout.

    The manifest says which images of which folder a sequence has; its annotation has a file of its own and starts at
    row 1 there. Images and files of UAV20L are ignored.

    Args:
        root: folder that holds data_seq and anno, or the one above.
        split: "test", all 123.
        report: called with each fault; by default the first one is raised.

    Returns:
        Boxes float64 and 0-based; NaN rows, in which the target is not visible, are kept. Attributes come from the
        files of flags, or from the manifest where the folder of flags has not been unpacked.

    Raises:
        InputError: if this is not UAV123 or there is no such split; and as `report`.
    """
    files = open_data_set("uav123", root, split, report)
    builder = TrackTableBuilder(files.root)
    images, annotation = files.root / _IMAGES, files.root / _ANNOTATION
    if not files.has_folders(images, annotation):
        return builder.build()
    entries = files.manifest.sequences
    folders = _known(folders_in(images), {Path(entry.folder).name for entry in entries}, "folders", files)
    texts = _known(
        annotation.glob("[!.]*.txt"),
        {Path(entry.annotation).name for entry in entries},
        "annotation files",
        files,
    )
    numbers: dict[Path, np.ndarray] = {}  # of the images, by folder: several sequences share one
    for entry in entries:
        folder = folders.get(Path(entry.folder).name.lower())
        file = texts.get(Path(entry.annotation).name.lower())
        if folder is None or file is None:
            missing = files.root / (entry.folder if folder is None else entry.annotation)
            whole = entry.name if folder is None else ""
            files.fault(missing, f"is missing; it belongs to sequence {entry.name}", sequence=whole)
        elif files.has_folders(folder):
            if folder not in numbers:
                numbers[folder] = files.image_numbers(folder, entry.images)
            _add(entry, folder, file, numbers[folder], files, builder)
    return builder.build()


def _known(paths: Iterable[Path], names: set[str], what: str, files: DataSetFiles) -> dict[str, Path]:
    """Paths by their names in lower case; those of unknown names, and second ones, are reported and left out."""
    known = {name.lower() for name in names}
    found: dict[str, Path] = {}
    for path in sorted(paths):
        key = path.name.lower()
        if key in found:
            files.fault(path, f"is the same sequence as {found[key].name}; each sequence once")
        elif key in known:
            found[key] = path
        else:
            files.fault(path, f"is not one of the {len(known)} {what} of this data set")
    return found


def _add(
    entry: SequenceEntry,
    folder: Path,
    file: Path,
    found: np.ndarray,
    files: DataSetFiles,
    builder: TrackTableBuilder,
) -> None:
    """Add a sequence, given its images' folder and numbers and its file of boxes."""
    last = max([entry.last, *found[-1:].tolist()])  # later images belong to UAV20L
    files.match_images(folder, entry.images, found, (entry.first, entry.last), allowed=(1, last))
    rows = files.read_numbers(file)
    if rows is None or not _sound(entry, file, rows, files):
        return
    builder.add(
        entry.name,
        files.template(folder, entry.images),
        np.arange(entry.first, entry.last + 1),
        rows - np.array([1, 1, 0, 0]),
        object_class=entry.object_class,
        attributes=_attributes(entry, files),
        fps=files.manifest.fps,
    )


def _sound(entry: SequenceEntry, file: Path, rows: np.ndarray, files: DataSetFiles) -> bool:
    """Report a wrong number of rows, or of rows of NaN, and wrong boxes; answer whether there is a row per image."""
    if len(rows) != entry.frames:
        images = f"images {entry.first} to {entry.last}"
        files.fault(file, f"has {len(rows)} rows; sequence {entry.name} has {entry.frames}, {images}")
        return False
    absent, expected = int(np.isnan(rows).all(1).sum()), int(entry.extra.get("absent_rows") or 0)
    if absent != expected:
        files.fault(file, f"has {absent} rows of NaN; sequence {entry.name} has {expected}")
    files.check_boxes(file, rows, may_be_absent=np.arange(len(rows)) > 0)
    return True


def _attributes(entry: SequenceEntry, files: DataSetFiles) -> tuple[str, ...]:
    """Attributes by the file of flags, which must agree with the manifest."""
    if not (files.root / _FLAGS).is_dir():
        return entry.attributes
    names = tuple(files.manifest.attributes)
    file = files.root / _FLAGS / f"{entry.name}.txt"
    rows = files.read_numbers(file, len(names), f"0 or 1 for {' '.join(names)}")
    if rows is None:
        return entry.attributes
    if len(rows) != 1 or not np.isin(rows, (0, 1)).all():
        files.fault(file, f"has {len(rows)} rows; one row of {len(names)} flags 0 or 1 is needed")
        return entry.attributes
    found = tuple(name for name, flag in zip(names, rows[0], strict=True) if flag)
    if found != entry.attributes:
        files.fault(file, f"says {' '.join(found)}; sequence {entry.name} has {' '.join(entry.attributes)}")
    return found
