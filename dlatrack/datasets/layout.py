"""Steps that every reader takes: stay inside the root, list numbered images, read rows, look at boxes.

Each step reports what is wrong and answers with what can still be used, or None.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from dlatrack.datasets.box_text import decode, quick_table, split_lines, split_numbers
from dlatrack.datasets.faults import Fault, Report
from dlatrack.datasets.images import IMAGE_SUFFIXES, fill
from dlatrack.files import is_companion

#: Largest coordinate and size of a box, px: the largest image that OpenCV decodes. Beyond, a number is a mistake, and
#: soon one that float32 cannot hold.
LARGEST_PX = 2**20

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


def has_folder(folder: Path, root: Path, report: Report) -> bool:
    """Whether a folder is there and no link leads it out of the root; reported if not."""
    if not folder.is_dir():
        report(Fault(folder, "is missing; a folder is needed"))
    elif not stays_inside(folder, root):
        report(Fault(folder, f"leads out of {root}; paths and links must stay within it"))
    elif not os.access(folder, os.R_OK | os.X_OK):
        report(Fault(folder, "cannot be listed; permission to read it is needed"))
    else:
        return True
    return False


def read_text(file: Path, root: Path, report: Report) -> str | None:
    """A text file below the root, as UTF-8 with or without a mark; None if it is missing, elsewhere or not text."""
    if not file.is_file():
        report(Fault(file, "is missing; a text file is needed"))
        return None
    if not stays_inside(file, root):
        report(Fault(file, f"leads out of {root}; paths and links must stay within it"))
        return None
    try:
        return decode(file.read_bytes())
    except (OSError, ValueError) as error:
        report(Fault(file, f"cannot be read as UTF-8 text ({error})"))
        return None


def read_names(file: Path, root: Path, report: Report, *, pattern: str) -> list[str]:
    """A list file with one name per row; names that leave the folder, do not fit or come twice are left out.

    Args:
        file: the list.
        root: resolved root of the data set.
        report: called with each fault.
        pattern: regular expression that each name must match, e.g. ``GOT-10k_Val_\\d{6}``.
    """
    found: dict[str, int] = {}
    for row, line in enumerate(split_lines(read_text(file, root, report) or ""), 1):
        name = line.strip(" \t")
        if not is_plain_name(name):
            report(Fault(file, "is not the name of a folder beside this list", row, name))
        elif not re.fullmatch(pattern, name):
            report(Fault(file, f"does not belong here; names like {pattern} are allowed", row, name))
        elif name in found:
            report(Fault(file, f"comes twice, first in row {found[name]}; each sequence once", row, name))
        else:
            found[name] = row
    return list(found)


def read_rows(
    file: Path, root: Path, report: Report, *, columns: int, what: str = "x,y,w,h"
) -> np.ndarray | None:
    """A file of numbers, separated by commas, semicolons, tabs or blanks, one row per frame.

    Args:
        file: the file; blank rows at its end do not count.
        root: resolved root of the data set.
        report: called with each fault.
        columns: how many numbers each row must have.
        what: their names, for the message.

    Returns:
        (R, columns) float64, NaN where the file says NaN; None if any row is not that.
    """
    text = read_text(file, root, report)
    if text is None:
        return None
    table = quick_table(text, (columns,))
    if table is not None:
        return table
    lines = split_lines(text)
    if not lines:
        report(Fault(file, f"is empty; rows of {what} are needed"))
        return None
    rows, sound = [], True
    for number, line in enumerate(lines, 1):
        try:
            rows.append(split_numbers(line))
            reason = "" if len(rows[-1]) == columns else f"; it has {len(rows[-1])}"
        except ValueError as error:
            reason = f"; {error}"
        if reason:
            report(Fault(file, f"is not {columns} numbers {what}{reason}", number, line.strip()))
            sound = False
    return np.array(rows) if sound else None


def image_numbers(folder: Path, pattern: str, root: Path, report: Report) -> np.ndarray:
    """Numbers of the images in a folder.

    Args:
        folder: where they are; hidden files and other files than images are passed over.
        pattern: template of their names, e.g. "%08d.jpg".
        root: resolved root of the data set.
        report: called with each image of another name or linked from elsewhere.

    Returns:
        (R,) int64, ascending; that there is none is a fault.
    """
    before, directive, after = re.split(r"(%(?:0\d+)?d)", pattern)
    name = re.compile(re.escape(before) + r"(\d{1,12})" + re.escape(after))
    numbers = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_companion(entry.name):
                continue
            match = name.fullmatch(entry.name)
            if match is None or fill(directive, int(match[1])) != match[1]:
                if entry.name.lower().endswith(IMAGE_SUFFIXES):
                    report(
                        Fault(entry.path, f"is an image of another name than {fill(pattern, 1)} and so on")
                    )
            elif entry.is_symlink() and not stays_inside(Path(entry.path), root):
                report(Fault(entry.path, f"leads out of {root}; paths and links must stay within it"))
            else:
                numbers.append(int(match[1]))
    if not numbers:
        report(Fault(folder, f"holds no file like {fill(pattern, 1)}"))
    return np.sort(np.array(numbers, np.int64))


def match_images(
    folder: Path,
    pattern: str,
    found: np.ndarray,
    needed: tuple[int, int],
    report: Report,
    *,
    allowed: tuple[int, int] | None = None,
) -> bool:
    """Report each missing image, up to a thousand, and each that is one too many.

    Args:
        folder: where the images are.
        pattern: template of their names.
        found: (R,) int, as `image_numbers` answers; nothing more is reported when it is empty.
        needed: numbers of the first and the last image that must be there.
        report: called with each fault.
        allowed: first and last that may be there; by default those needed.

    Returns:
        Whether all that are needed are there.
    """
    if not len(found):
        return False
    start, end = needed
    first, last = allowed or needed
    missing = end - start + 1 - int(((found >= start) & (found <= end)).sum())
    if missing > _MANY:
        report(Fault(folder, f"lacks {missing:,} of the frames {start} to {end}"))
    elif missing:
        for number in np.setdiff1d(np.arange(start, end + 1), found).tolist():
            report(Fault(folder / fill(pattern, number), f"is missing; frames {start} to {end} are needed"))
    for number in found[(found < first) | (found > last)].tolist():
        file = folder / fill(pattern, number)
        report(Fault(file, f"is one too many; there are frames {first} to {last} only"))
    return not missing


def check_boxes(
    file: Path,
    boxes_xywh: np.ndarray,
    report: Report,
    *,
    first_row: int = 1,
    may_be_absent: np.ndarray | bool = False,
    may_be_empty: np.ndarray | bool = False,
) -> None:
    """Report boxes that are NaN, infinite, without an area, or beyond `LARGEST_PX`.

    Args:
        file: where they were read.
        boxes_xywh: (R, 4) as in the file.
        report: called with each fault.
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
        report(Fault(file, what, first_row + int(index), ",".join(f"{value:g}" for value in box)))
