"""Checked access to the files of a data set, for all readers: folders, texts, rows of numbers, images, boxes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlatrack.datasets.box_text import LARGEST_PX, decode_text, quick_table, split_lines, split_numbers
from dlatrack.datasets.faults import Fault, Report
from dlatrack.datasets.images import IMAGE_SUFFIXES, fill
from dlatrack.datasets.index.builder import literal
from dlatrack.datasets.manifests import Manifest, locate
from dlatrack.files import is_companion

#: More missing images of one folder than this are one fault.
_MANY = 1000


def is_plain_name(text: str) -> bool:
    """Whether a text is the name of one file or folder: no separator, not empty, "." or "..", and printable."""
    return text not in ("", ".", "..") and text.isprintable() and not set(text) & set("/\\")


def stays_inside(path: Path, root: Path) -> bool:
    """Whether a path, with all links followed, lies in a root that has been resolved."""
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a circle of links
        return False


def folders_in(folder: Path) -> list[Path]:
    """The folders directly in a folder, without hidden ones, sorted."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not is_companion(path.name))


def scan(folder: Path) -> Iterator[os.DirEntry[str]]:
    """The entries of a folder, without hidden files and what systems keep beside data, in no order."""
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if not is_companion(entry.name))


@dataclass(frozen=True)
class CheckedFiles:
    """Files below a root; every method reports what is wrong, and returns what can still be used or None.

    Args:
        root: resolved folder that paths and links must not leave.
        report: called with each fault.
    """

    root: Path
    report: Report

    def fault(
        self,
        path: Path | str,
        what: str,
        row: int | None = None,
        value: object = None,
        unit: str = "row",
        *,
        sequence: str = "",
    ) -> None:
        """Report a `Fault`, whose fields the arguments are."""
        self.report(Fault(path, what, row, value, unit, sequence))

    def is_inside(self, path: Path) -> bool:
        """Whether `stays_inside` holds for a path and the root."""
        inside = stays_inside(path, self.root)
        if not inside:
            self.fault(path, f"leads out of {self.root}; paths and links must stay within it")
        return inside

    def links_inside(self, entry: os.DirEntry[str]) -> bool:
        """Whether an entry of a folder is no link, or one that stays in the root."""
        return not entry.is_symlink() or self.is_inside(Path(entry.path))

    def has_folders(self, *folders: Path) -> bool:
        """Whether folders exist, can be listed and lie in the root; the first that does not is reported."""
        return all(map(self._has_folder, folders))

    def _has_folder(self, folder: Path) -> bool:
        if not folder.is_dir():
            self.fault(folder, "is missing; a folder is needed")
        elif self.is_inside(folder):
            if os.access(folder, os.R_OK | os.X_OK):
                return True
            self.fault(folder, "cannot be listed; permission to read it is needed")
        return False

    def is_named(self, path: Path, pattern: re.Pattern[str]) -> bool:
        """Whether the name of a file or folder matches a pattern."""
        fits = pattern.fullmatch(path.name) is not None
        if not fits:
            self.fault(path, f"does not belong here; names like {pattern.pattern} are allowed")
        return fits

    def template(self, folder: Path, pattern: str) -> str:
        """The template, as `images.fill` takes it, of images like "%08d.jpg" in a folder below the root."""
        return f"{literal(folder.relative_to(self.root).as_posix())}/{pattern}"

    def read_text(self, file: Path) -> str | None:
        """The text of a file, UTF-8 with or without a byte order mark."""
        if not file.is_file():
            self.fault(file, "is missing; a text file is needed")
        elif self.is_inside(file):
            try:
                return decode_text(file.read_bytes())
            except (OSError, ValueError) as error:
                self.fault(file, f"cannot be read as UTF-8 text ({error})")
        return None

    def read_names(self, file: Path, pattern: str) -> list[str]:
        """The names in a list file, one per row; those that leave the folder, do not fit or come twice are left out.

        Args:
            file: the list.
            pattern: regular expression that each name must match, e.g. ``GOT-10k_Val_[0-9]{6}``.
        """
        found: dict[str, int] = {}
        for row, line in enumerate(split_lines(self.read_text(file) or ""), 1):
            name = line.strip(" \t")
            if not is_plain_name(name):
                self.fault(file, "is not the name of a folder beside this list", row, name)
            elif not re.fullmatch(pattern, name):
                self.fault(file, f"does not belong here; names like {pattern} are allowed", row, name)
            elif name in found:
                self.fault(file, f"comes twice, first in row {found[name]}; each sequence once", row, name)
            else:
                found[name] = row
        return list(found)

    def read_numbers(self, file: Path, columns: int = 4, what: str = "x,y,w,h") -> np.ndarray | None:
        """Read a file of numbers, separated by commas, semicolons, tabs or blanks, one row per frame.

        Args:
            file: the file; blank rows at its end do not count.
            columns: how many numbers each row must have.
            what: names of the numbers, for the message.

        Returns:
            (R, columns) float64, NaN where the file says NaN; None if any row is not that.
        """
        text = self.read_text(file)
        if text is None:
            return None
        table = quick_table(text, (columns,))
        if table is not None:
            return table
        lines = split_lines(text)
        if not lines:
            self.fault(file, f"is empty; rows of {what} are needed")
        rows = []
        for number, line in enumerate(lines, 1):
            try:
                values = split_numbers(line)
                reason = "" if len(values) == columns else f"; it has {len(values)}"
            except ValueError as error:
                reason = f"; {error}"
            if reason:
                self.fault(file, f"is not {columns} numbers {what}{reason}", number, line.strip())
            else:
                rows.append(values)
        return np.array(rows) if rows and len(rows) == len(lines) else None

    def image_numbers(self, folder: Path, pattern: str) -> np.ndarray:
        """Numbers of the images in a folder; images of another name, and that there is none, are faults.

        Args:
            folder: folder of the images; hidden files and files that are no images are ignored.
            pattern: template of their names, e.g. "%08d.jpg".

        Returns:
            (R,) int64, ascending.
        """
        before, directive, after = re.split(r"(%(?:0\d+)?d)", pattern)
        name = re.compile(re.escape(before) + r"(\d{1,12})" + re.escape(after))
        numbers = []
        for entry in scan(folder):
            match = name.fullmatch(entry.name)
            if match is None or fill(directive, int(match[1])) != match[1]:
                if entry.name.lower().endswith(IMAGE_SUFFIXES):
                    what = f"is an image of another name than {fill(pattern, 1)} and so on"
                    self.fault(entry.path, what)
            elif self.links_inside(entry):
                numbers.append(int(match[1]))
        if not numbers:
            self.fault(folder, f"holds no file like {fill(pattern, 1)}")
        return np.sort(np.array(numbers, np.int64))

    def match_images(
        self,
        folder: Path,
        pattern: str,
        found: np.ndarray,
        needed: tuple[int, int],
        allowed: tuple[int, int] | None = None,
    ) -> bool:
        """Report each missing image, up to a thousand, and each that is one too many.

        Args:
            folder: folder of the images.
            pattern: template of their names.
            found: (R,) int, as `image_numbers` returns; nothing more is reported when it is empty.
            needed: numbers of the first and the last image that must exist.
            allowed: numbers of the first and the last that may exist; by default those needed.

        Returns:
            Whether all that are needed exist.
        """
        if not len(found):
            return False
        start, end = needed
        first, last = allowed or needed
        missing = end - start + 1 - int(((found >= start) & (found <= end)).sum())
        if missing > _MANY:
            self.fault(folder, f"lacks {missing:,} of the frames {start} to {end}")
        elif missing:
            for number in np.setdiff1d(np.arange(start, end + 1), found).tolist():
                self.fault(folder / fill(pattern, number), f"is missing; frames {start} to {end} are needed")
        for number in found[(found < first) | (found > last)].tolist():
            what = f"is one too many; there are frames {first} to {last} only"
            self.fault(folder / fill(pattern, number), what)
        return not missing

    def check_boxes(
        self,
        file: Path,
        boxes_xywh: np.ndarray,
        *,
        first_row: int = 1,
        may_be_absent: np.ndarray | bool = False,
        may_be_empty: np.ndarray | bool = False,
    ) -> None:
        """Report boxes that are NaN, infinite, without an area, or beyond `LARGEST_PX`.

        Args:
            file: file of the boxes.
            boxes_xywh: (R, 4) as in the file.
            first_row: row of the first box.
            may_be_absent: (R,) bool or one for all: four NaN are allowed.
            may_be_empty: (R,) bool or one for all: any finite width and height is allowed.
        """
        finite, missing = np.isfinite(boxes_xywh), np.isnan(boxes_xywh).all(1)
        bad = ~finite.all(1) & ~(missing & may_be_absent)
        with np.errstate(invalid="ignore"):
            empty = (boxes_xywh[:, 2:] <= 0).any(1) & ~np.asarray(may_be_empty) & ~bad
            far = (np.abs(boxes_xywh) > LARGEST_PX).any(1) & ~bad
        for index in np.flatnonzero(bad | empty | far):
            box = boxes_xywh[index]
            if far[index]:
                what = f"has a number beyond {LARGEST_PX} px, which no image reaches"
            elif bad[index]:
                allowed = " or four NaN where the target is absent" if np.any(may_be_absent) else ""
                what = f"is not four finite numbers x,y,w,h{allowed}"
            else:
                what = f"has width {box[2]:g} and height {box[3]:g}; both must be above 0"
            self.fault(file, what, first_row + int(index), ",".join(f"{value:g}" for value in box))


@dataclass(frozen=True)
class DataSetFiles(CheckedFiles):
    """The files of a data set.

    Args:
        root: as in `CheckedFiles`.
        report: as in `CheckedFiles`.
        manifest: what the data set should hold.
    """

    manifest: Manifest


def open_data_set(name: str, root: str | Path, split: str, report: Report) -> DataSetFiles:
    """Find a data set for a reader.

    Args:
        name: name of its manifest.
        root: its root folder, or the one above.
        split: split that will be read.
        report: called with each fault.

    Raises:
        InputError: if `root` does not hold the data set, or it has no such split.
    """
    place = locate(name, root)
    place.manifest.split(split)
    return DataSetFiles(place.root, report, place.manifest)
