"""Reads the truth of a benchmark from text files, and what lies beside them; images are not needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlatrack.datasets.box_text import decode_text, split_fields, split_lines, to_number
from dlatrack.datasets.folder import is_annotated, read_annotation_boxes, read_true_boxes, sequence_folders
from dlatrack.datasets.image_folder import utf8_name
from dlatrack.datasets.layout import folders_in
from dlatrack.datasets.manifest_file import SequenceEntry
from dlatrack.errors import InputError, listed, shortened
from dlatrack.evaluation.results.names import match_files, text_files
from dlatrack.evaluation.results.text import read_result_rows
from dlatrack.evaluation.truth import Benchmark, SequenceTruth
from dlatrack.files import read_bytes

#: Names of the file of a sequence in a folder of its own.
_OWN_FILES = ("groundtruth.txt", "groundtruth_rect.txt")


def read_texts(
    entry: Benchmark, entries: Sequence[SequenceEntry], folder: Path, allow_missing: bool
) -> list[SequenceTruth]:
    """Read text files of true boxes, in VOT also of polygons.

    The file of a sequence is `SEQUENCE.txt`, in any spelling that `match_files` takes, or else that of the data set's
    layout, or else `SEQUENCE/groundtruth.txt` or `SEQUENCE/groundtruth_rect.txt`.

    Args:
        entry: the benchmark.
        entries: its sequences; empty: all files are sequences.
        folder: folder of the files.
        allow_missing: whether sequences may have no file.

    Raises:
        InputError: naming the file and the row, or the sequences without a file.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is neither a file nor a folder; the truth of {entry.name} is needed")
    flat = text_files(folder)
    nested = [home / name for home in folders_in(folder) for name in _OWN_FILES if (home / name).is_file()]
    names = [each.name for each in entries] or [path.stem for path in flat] or _parents(nested)
    files = match_files(flat, names)
    official = {each.name: folder / each.folder / each.annotation for each in entries}
    official |= {each.name: folder / each.annotation for each in entries if "/" in each.annotation}  # UAV123
    files |= {name: file for name, file in official.items() if name not in files and file.is_file()}
    files |= match_files(nested, [name for name in names if name not in files], lambda path: path.parent.name)
    if not files:
        raise InputError(f"{folder} holds neither {entry.name} nor text files of its true boxes")
    missing = [name for name in names if name not in files]
    if missing and not allow_missing:
        raise InputError(f"{folder} has no text file of true boxes for {listed(missing)}")
    skipped = {each.name: (each.skip_rows, each.frames) for each in entries}
    sequences = []
    for name in (name for name in names if name in files):
        regions = _regions(files[name], (4, 8) if entry.resets else (4,))
        first, frames = skipped.get(name, (0, 0))
        if len(regions) == first + frames:  # OTB100's own file of Tiger1 begins with rows that are not scored
            regions = regions[first:]
        present = _present(folder, files[name], name, len(regions)) if entry.name == "LaSOT" else None
        sequences.append(SequenceTruth(name, regions, present))
    return sequences


def _parents(files: Sequence[Path]) -> list[str]:
    return list(dict.fromkeys(file.parent.name for file in files))


def _regions(file: Path, columns: tuple[int, ...]) -> np.ndarray:
    regions = read_result_rows(file, columns)
    partly = np.isnan(regions).any(1) & ~np.isnan(regions).all(1)
    if partly.any():
        raise InputError(
            f"{file} row {int(partly.argmax()) + 1}: the box is NaN in part; all or none is needed"
        )
    return regions


def _present(folder: Path, file: Path, name: str, frames: int) -> np.ndarray:
    """(frames,) bool of a sequence of LaSOT, from the flags of its toolkit, or of the data set beside the boxes."""
    own = [file.parent / f"{kind}.txt" for kind in ("full_occlusion", "out_of_view")]
    flags = folder / "absent" / f"{name}.txt"
    if file.parent == folder or flags.is_file() or not any(each.is_file() for each in own):
        return _read_absent(flags, frames)
    hidden, outside = (_read_absent(each, frames) for each in own)
    return hidden & outside


def _read_absent(file: Path, frames: int) -> np.ndarray:
    """(frames,) bool, False where LaSOT flags the target as absent with 1.

    The flags stand in one row, separated by commas, or one in each row.
    """
    if not file.is_file():
        raise InputError(f"{file} is missing; LaSOT's score needs the flags of absent targets")
    data = read_bytes(file)
    try:
        lines = split_lines(decode_text(data))
        fields = split_fields(lines[0]) if len(lines) == 1 else [line.strip(" \t") for line in lines]
        flags = [to_number(field) for field in fields]
    except ValueError as error:
        raise InputError(f"{file} does not hold flags 0 and 1: {error}") from error
    if len(flags) != frames:
        raise InputError(f"{file} has {len(flags)} flags for {frames} rows of boxes; one per row is needed")
    wrong = ~np.isin(flags, (0, 1))
    if wrong.any():
        frame = int(wrong.argmax())
        raise InputError(f"{file} flag {frame + 1} is {shortened(fields[frame])!r}; 0 or 1 is needed")
    if flags[0] == 1:
        raise InputError(
            f"{file} flag 1 is 1, absent, in the frame where trackers are started; LaSOT's flags are 1 where the "
            f"target is absent, unlike those of pysot's JSON files, which are 1 where it is present"
        )
    return np.array(flags) == 0


def read_own(folder: Path) -> list[SequenceTruth]:
    """Read a user's own sequences; rows of NaN mark absent targets.

    Args:
        folder: a sequence folder of OTB's layout, or with `groundtruth.txt`; the folder that holds such folders; or,
            if it holds none, a folder of text files.

    Raises:
        InputError: naming the file and the row, or if there is no sequence or two of one name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is neither a file nor a folder; the true boxes are needed")
    homes = [home for home in folders_in(folder) if _is_sequence(home)]
    if _is_sequence(folder):
        if homes:
            raise InputError(f"{folder} is annotated, and so is {homes[0]} in it; one of the two must go")
        homes = [folder]
    texts = [] if homes else text_files(folder)
    if not homes and not texts:
        homes = sequence_folders(folder)  # with images and no boxes, which the reader names
    read = [item for home in homes for item in _own_boxes(home).items()]
    read += [(file.stem, _read_text(file)) for file in texts]
    boxes = dict(read)
    if len(boxes) < len(read):
        names = [name for name, _ in read]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{folder} has two sequences {twice}; each name once")
    if not boxes:
        raise InputError(
            f"{folder} holds neither sequence folders (with groundtruth_rect.txt or groundtruth.txt) nor text files "
            f"of true boxes"
        )
    return [SequenceTruth(name, rows) for name, rows in boxes.items()]


def _is_sequence(folder: Path) -> bool:
    return is_annotated(folder) or (folder / _OWN_FILES[0]).is_file()


def _own_boxes(folder: Path) -> dict[str, np.ndarray]:
    """(T, 4) boxes by name, of several targets in OTB's layout."""
    if is_annotated(folder) or not (folder / _OWN_FILES[0]).is_file():
        return read_true_boxes(folder)
    return {utf8_name(folder.absolute()): read_annotation_boxes(folder / _OWN_FILES[0])}


def _read_text(file: Path) -> np.ndarray:
    try:
        return read_annotation_boxes(file)
    except InputError as error:
        raise InputError(f"{error} (every .txt file in {file.parent} counts as a sequence)") from error
