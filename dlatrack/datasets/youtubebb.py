"""YouTube-BoundingBoxes: one CSV file per split with boxes relative to the frame, one image per row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.image_header import read_header
from dlatrack.datasets.images import IMAGE_SUFFIXES
from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import DataSetFiles, open_data_set, scan
from dlatrack.datasets.youtubebb_csv import Rows, read_segments, sound_rows
from dlatrack.progress import Progress


def read(root: str | Path, split: str = "train", *, report: Report = stop_at_first) -> TrackTable:
    """Index a split of YouTube-BB: the official CSV file, and images as the usual downloader cuts them.

    Boxes are relative to the frame, so the header of every image is read for its size; that takes minutes for the
    whole set.

    Args:
        root: folder that holds yt_bb_detection_train.csv and a folder of the same name, or the one above.
        split: "train" or "validation".
        report: called with each fault; by default the first one is raised.

    Returns:
        One track per segment, that is per YouTube id, class id and object id, named ID_CLASS_OBJECT as in the names
        of the images; numbers are milliseconds. Boxes are float32, px; rows that say absent have no box and are
        not visible. Videos of which no frame is on disk are left out and counted by a note of the table, because they
        vanish from the web; so are absent rows without an image. A frame that is missing where others of its video
        are on disk is a fault.

    Raises:
        InputError: if this is not YouTube-BB or there is no such split; and as `report`.
    """
    files = open_data_set("youtubebb", root, split, report)
    file = files.root / f"yt_bb_detection_{split}.csv"
    folder = file.with_suffix("")
    builder = TrackTableBuilder(files.root, np.float32)
    rows = read_segments(file, files)
    if rows is None or not files.has_folders(folder):
        return builder.build()
    sizes = _Images(folder, rows, files).sizes()
    notes = _missing(file, rows, sizes, files)
    _add(folder, rows, sizes, sound_rows(file, rows, files) & (sizes[:, 0] > 0), files, builder)
    return replace(builder.build(), notes=notes)


class _Images:
    """The images of a split.

    Args:
        folder: folder of the split, which holds one folder per class id.
        rows: all rows of the split.
        files: the data set.
    """

    def __init__(self, folder: Path, rows: Rows, files: DataSetFiles) -> None:
        self._folder, self._rows, self._files = folder, rows, files
        self._listed: dict[int, int] = {}  # images in the folder of each class
        self._barred: set[str] = set()  # images that must not be opened
        for kind in sorted(rows.classes):
            if (folder / str(kind)).is_dir() and files.has_folders(folder / str(kind)):
                self._listed[kind] = self._list(folder / str(kind))

    def sizes(self) -> np.ndarray:
        """(N, 2) width and height of each row's image, px; 0 where it is missing and -1 where it cannot be used.

        Images that belong to no row are reported, and those without a readable header.
        """
        rows = self._rows
        sizes = np.zeros((len(rows.row), 2), np.int32)
        found = dict.fromkeys(self._listed, 0)
        with Progress(len(sizes), "reading image sizes", unit="images") as progress:
            for index in range(len(sizes)):
                kind = rows.segments[rows.segment[index]][1]
                if kind in found:
                    sizes[index] = self._size(rows.image(index))
                    found[kind] += bool(sizes[index, 0])
                progress.step()
        for kind in (kind for kind, count in found.items() if count < self._listed[kind]):
            self._report_extra(kind)
        return sizes

    def _list(self, folder: Path) -> int:
        """How many images a folder has; links out of the root are reported and barred."""
        count = 0
        for entry in scan(folder):
            count += entry.name.lower().endswith(IMAGE_SUFFIXES)
            if not self._files.links_inside(entry):
                self._barred.add(f"{folder.name}/{entry.name}")
        return count

    def _size(self, image: str) -> tuple[int, int]:
        if image in self._barred:
            return -1, -1
        try:
            header = read_header(self._folder / image)
        except FileNotFoundError:
            return 0, 0
        except OSError as error:
            self._files.fault(self._folder / image, f"cannot be read ({error.strerror or error})")
            return -1, -1
        if header is None or header.kind != "JPEG":
            self._files.fault(self._folder / image, "is not a JPEG image that says its size")
            return -1, -1
        return header.width, header.height

    def _report_extra(self, kind: int) -> None:
        """Report the images of a class that belong to no row."""
        rows = self._rows
        of_class = [item[1] == kind for item in rows.segments]
        named = {rows.image(index) for index in np.flatnonzero(np.array(of_class)[rows.segment]).tolist()}
        found = {
            f"{kind}/{entry.name}"
            for entry in scan(self._folder / str(kind))
            if entry.name.lower().endswith(IMAGE_SUFFIXES)
        }
        for image in sorted(found - named):
            what = f"is one too many; {self._folder.name}.csv has no row for it"
            self._files.fault(self._folder / image, what)


def _missing(file: Path, rows: Rows, sizes: np.ndarray, files: DataSetFiles) -> tuple[str, ...]:
    """Report frames that are missing from videos on disk; count those of vanished videos in notes."""
    names = dict.fromkeys(youtube for youtube, _, _ in rows.segments)
    number = {name: index for index, name in enumerate(names)}
    video = np.array([number[youtube] for youtube, _, _ in rows.segments], np.int64)[rows.segment]
    missing = sizes[:, 0] == 0
    used = np.bincount(video, minlength=len(names))
    here = np.bincount(video, ~missing, minlength=len(names))
    vanished = (here == 0) & (used > 0)
    for index in np.flatnonzero(missing & rows.present & ~vanished[video]).tolist():
        what = (
            f"is missing; {file.name} row {rows.row[index]} needs it, and other frames of this video are here"
        )
        files.fault(file.with_suffix("") / rows.image(index), what)
    notes = []
    if vanished.any():
        lost = int(used[vanished].sum())
        notes.append(
            f"no frame is here of {vanished.sum():,} of {(used > 0).sum():,} videos, which vanish from the web; "
            f"their {lost:,} of {len(video):,} rows are left out"
        )
    if count := int((missing & ~rows.present & ~vanished[video]).sum()):
        notes.append(f"{count:,} rows that say absent have no image here and are left out")
    return tuple(notes)


def _add(
    folder: Path,
    rows: Rows,
    sizes: np.ndarray,
    kept: np.ndarray,
    files: DataSetFiles,
    builder: TrackTableBuilder,
) -> None:
    """Add the segments: relative corners times the size of their frame."""
    rows, size = rows.take(kept), sizes[kept]
    xmin, xmax, ymin, ymax = rows.corners.T
    width, height = size.T
    boxes_xywh = np.stack(
        [xmin * width, ymin * height, (xmax - xmin) * width, (ymax - ymin) * height], axis=1
    )
    boxes_xywh[~rows.present] = np.nan
    starts = np.searchsorted(rows.segment, np.arange(len(rows.segments) + 1))
    for index, (youtube, kind, item) in enumerate(rows.segments):
        part = slice(starts[index], starts[index + 1])
        if part.start < part.stop:
            builder.add(
                f"{youtube}_{kind}_{item}",
                f"{folder.name}/{kind}/{youtube}_%d_{kind}_{item}.jpg",
                rows.stamp[part],
                boxes_xywh[part],
                object_class=rows.classes[kind],
                fps=files.manifest.fps,
            )
