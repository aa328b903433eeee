"""Reads the truth of GOT-10k, or of a user's own sequences in its layout; images are not needed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from dlatrack.datasets.layout import folders_in
from dlatrack.datasets.manifests import manifest
from dlatrack.errors import InputError, listed, shortened
from dlatrack.evaluation.results.text import read_result_rows, read_text_file
from dlatrack.evaluation.truth import SequenceTruth
from dlatrack.evaluation.truth_workspace import workspace_names

#: Resolution in `meta_info.ini`, width and height in px.
_RESOLUTION = re.compile(r"\(([1-9][0-9]{0,6}), ?([1-9][0-9]{0,6})\)")


def read_got10k(source: Path, allow_missing: bool) -> tuple[list[SequenceTruth], list[str]]:
    """Read the truth of the sequences that a list names, or else of all folders with `groundtruth.txt`.

    A sequence is a folder with `groundtruth.txt`, a box x, y, w, h in each row, `cover.label`, 0 to 8 in each row,
    and `meta_info.ini`, of which the resolution is read. Where cover is 0 the target may lack a box.

    Args:
        source: the folder of the sequences, with or without `list.txt`; the root folder of the data set, whose split
            val is read; or the folder above.
        allow_missing: whether sequences of the list may be missing.

    Returns:
        The sequences, and the names of those that are missing.

    Raises:
        InputError: naming the file and the row or key, if something is missing or is not as above.
    """
    if not source.is_dir():
        raise InputError(f"{source} is neither a file nor a folder; the truth of GOT10K is needed")
    roots = [source, *(source / name for name in manifest("got10k").root_names)]
    places = [*(root / "val" for root in roots), source]
    found = next(filter(None, map(workspace_names, places)), None)
    if found is None:
        found = source, [each.name for each in folders_in(source) if (each / "groundtruth.txt").is_file()]
    place, names = found
    if not names:
        raise InputError(
            f"{source} holds neither val/list.txt of GOT-10k nor sequences in its layout, folders with "
            f"groundtruth.txt, cover.label and meta_info.ini"
        )
    there = {each.name for each in folders_in(place)}
    missing = [name for name in names if name not in there]
    if missing and not (allow_missing and len(missing) < len(names)):
        raise InputError(
            f"{place} lacks the folders of {listed(missing)}, which its list.txt names; --allow-missing takes "
            f"the others"
        )
    return [_sequence(place / name) for name in names if name not in missing], missing


def _sequence(folder: Path) -> SequenceTruth:
    file = folder / "groundtruth.txt"
    boxes_xywh = read_result_rows(file)
    if len(boxes_xywh) < 2:
        raise InputError(
            f"{file} has the first box alone, as in the test set, which GOT-10k's own server scores"
        )
    cover = _cover(folder / "cover.label", len(boxes_xywh))
    undefined = np.isnan(boxes_xywh).any(1)
    if (undefined & (cover > 0)).any():
        row = int((undefined & (cover > 0)).argmax())
        raise InputError(
            f"{file} row {row + 1}: the box is NaN, but its cover.label is {cover[row]}; only where that is 0 a box "
            f"may be missing"
        )
    if not (boxes_xywh[0, 2:] > 0).all():
        raise InputError(
            f"{file} row 1: there is no box with a size; a tracker needs a box in the first frame"
        )
    return SequenceTruth(folder.name, boxes_xywh, cover > 0, size=_size(folder / "meta_info.ini"))


def _cover(file: Path, frames: int) -> np.ndarray:
    """(frames,) int, eighths of the target that can be seen."""
    rows = [line.strip() for line in read_text_file(file).rstrip().splitlines()]
    for row, text in enumerate(rows, 1):
        if not re.fullmatch("[0-8]", text):
            raise InputError(
                f"{file} row {row} is {shortened(repr(text))}; a whole number from 0 to 8 is needed"
            )
    if len(rows) != frames:
        raise InputError(f"{file} has {len(rows)} rows for {frames} boxes; one per box is needed")
    return np.array([int(text) for text in rows])


def _size(file: Path) -> tuple[int, int]:
    """Width and height of the images, px."""
    rows = [line.partition(":") for line in read_text_file(file).splitlines()]
    value = next((value.strip() for key, _, value in rows if key.strip() == "resolution"), "")
    match = _RESOLUTION.fullmatch(value)
    if match is None:
        raise InputError(f"{file}: resolution is {shortened(repr(value))}; (WIDTH, HEIGHT) in px is needed")
    return int(match[1]), int(match[2])
