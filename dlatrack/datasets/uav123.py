"""UAV123: 123 sequences cut out of 91 folders of images, one row x, y, w, h per image, in px counted from 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
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
    read_numbers,
)
from dlatrack.datasets.manifests import Place, locate
from dlatrack.datasets.sequence_list import SequenceEntry

_IMAGES, _ANNOTATION, _FLAGS = "data_seq/UAV123", "anno/UAV123", "anno/UAV123/att"


def read(root: str | Path, split: str = "test", *, report: Report = stop_at_first) -> TrackTable:
    """Index UAV123 from its official layout.

    The manifest says which images of which folder a sequence has; its annotation has a file of its own and starts at
    row 1 there. What belongs to UAV20L is passed over.

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
    place = locate("uav123", root)
    place.manifest.split(split)
    builder = TrackTableBuilder(place.root)
    if not (
        has_folder(place.root / _IMAGES, place.root, report) and has_folder(_anno(place), place.root, report)
    ):
        return builder.build()
    entries = place.manifest.sequences
    folders = iter(folders_in(place.root / _IMAGES))
    files = (path for path in _anno(place).glob("[!.]*.txt"))
    files_of = _Files(
        place,
        report,
        _known(folders, {Path(entry.folder).name for entry in entries}, "folders", report),
        _known(files, {Path(entry.annotation).name for entry in entries}, "annotation files", report),
    )
    for entry in entries:
        _add(entry, files_of, builder)
    return builder.build()


@dataclass(frozen=True)
class _Files:
    """What lies in the data set: folders of images and files of boxes by name, image numbers by folder."""

    place: Place
    report: Report
    folders: dict[str, Path]
    annotation: dict[str, Path]
    numbers: dict[Path, np.ndarray] = field(default_factory=dict)

    def images(self, folder: Path, pattern: str) -> np.ndarray:
        """Numbers of the images in a folder, listed once for all its sequences."""
        if folder not in self.numbers:
            self.numbers[folder] = image_numbers(folder, pattern, self.place.root, self.report)
        return self.numbers[folder]


def _anno(place: Place) -> Path:
    return place.root / _ANNOTATION


def _known(paths: Iterable[Path], names: set[str], what: str, report: Report) -> dict[str, Path]:
    """Paths by their names in lower case; those of unknown names, and second ones, are reported and left out."""
    known = {name.lower() for name in names}
    found: dict[str, Path] = {}
    for path in sorted(paths):
        key = path.name.lower()
        if key in found:
            report(Fault(path, f"is the same sequence as {found[key].name}; each sequence once"))
        elif key in known:
            found[key] = path
        else:
            report(Fault(path, f"is not one of the {len(known)} {what} of this data set"))
    return found


def _add(entry: SequenceEntry, files: _Files, builder: TrackTableBuilder) -> None:
    place, report = files.place, files.report
    folder = files.folders.get(Path(entry.folder).name.lower())
    file = files.annotation.get(Path(entry.annotation).name.lower())
    if folder is None or file is None:
        missing = place.root / (entry.folder if folder is None else entry.annotation)
        whole = entry.name if folder is None else ""
        report(Fault(missing, f"is missing; it belongs to sequence {entry.name}", sequence=whole))
        return
    if not has_folder(folder, place.root, report):
        return
    found = files.images(folder, entry.images)
    last = max([entry.last, *found[-1:].tolist()])  # images after the piece are UAV20L's
    match_images(folder, entry.images, found, (entry.first, entry.last), report, allowed=(1, last))
    rows = read_numbers(file, place.root, report, columns=4)
    if rows is None or not _sound(entry, file, rows, report):
        return
    builder.add(
        entry.name,
        f"{literal(folder.relative_to(place.root).as_posix())}/{entry.images}",
        np.arange(entry.first, entry.last + 1),
        rows - np.array([1, 1, 0, 0]),
        object_class=entry.object_class,
        attributes=_attributes(entry, files),
        fps=place.manifest.fps,
    )


def _sound(entry: SequenceEntry, file: Path, rows: np.ndarray, report: Report) -> bool:
    """Report a wrong number of rows, or of rows of NaN, and wrong boxes; answer whether there is a row per image."""
    if len(rows) != entry.frames:
        images = f"images {entry.first} to {entry.last}"
        report(Fault(file, f"has {len(rows)} rows; sequence {entry.name} has {entry.frames}, {images}"))
        return False
    absent, expected = int(np.isnan(rows).all(1).sum()), int(entry.extra.get("absent_rows") or 0)
    if absent != expected:
        report(Fault(file, f"has {absent} rows of NaN; sequence {entry.name} has {expected}"))
    check_boxes(file, rows, report, may_be_absent=np.arange(len(rows)) > 0)
    return True


def _attributes(entry: SequenceEntry, files: _Files) -> tuple[str, ...]:
    """Attributes by the file of flags, which must agree with the manifest."""
    place, report = files.place, files.report
    if not (place.root / _FLAGS).is_dir():
        return entry.attributes
    names = tuple(place.manifest.attributes)
    file = place.root / _FLAGS / f"{entry.name}.txt"
    rows = read_numbers(file, place.root, report, columns=len(names), what=f"0 or 1 for {' '.join(names)}")
    if rows is None:
        return entry.attributes
    if len(rows) != 1 or not np.isin(rows, (0, 1)).all():
        report(Fault(file, f"has {len(rows)} rows; one row of {len(names)} flags 0 or 1 is needed"))
        return entry.attributes
    found = tuple(name for name, flag in zip(names, rows[0], strict=True) if flag)
    if found != entry.attributes:
        report(Fault(file, f"says {' '.join(found)}; sequence {entry.name} has {' '.join(entry.attributes)}"))
    return found
