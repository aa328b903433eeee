"""Reads the truth of a benchmark from a JSON file, from text files or from the data set itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dlatrack import paths
from dlatrack.datasets.box_text import decode_text, split_fields, split_lines, to_number
from dlatrack.datasets.folder import is_annotated, read_annotation_boxes, read_true_boxes, sequence_folders
from dlatrack.datasets.manifest_file import SequenceEntry
from dlatrack.datasets.manifests import Place, locate, manifest, mini_file
from dlatrack.datasets.registry import read_benchmark
from dlatrack.errors import InputError, listed, shortened
from dlatrack.evaluation.results.names import match_files, text_files
from dlatrack.evaluation.results.text import read_result_rows
from dlatrack.evaluation.truth import (
    TAGS,
    Benchmark,
    BenchmarkTruth,
    SequenceTruth,
    benchmark,
    sequence_names,
)
from dlatrack.evaluation.truth_got10k import read_got10k
from dlatrack.evaluation.truth_json import read_json_truth
from dlatrack.evaluation.truth_workspace import read_workspace, workspace_names
from dlatrack.files import read_bytes


def read_truth(name: str, source: str | Path | None = None, *, allow_missing: bool = False) -> BenchmarkTruth:
    """Read the truth of a benchmark; images are not needed unless `source` is the data set itself.

    Args:
        name: name of the benchmark, in upper or lower case.
        source: one of: a JSON file, see `read_json_truth`; a folder of text files, one per sequence; the root folder
            of the data set. For "folder": a sequence folder of OTB's layout, with or without images, the folder that
            holds such folders, or, if none is annotated, a folder of text files. For VOT also: a workspace of the
            VOT toolkit or its folder of sequences, whose list may be any part of the benchmark or the user's own.
            For GOT-10k also: sequences of one's own in its layout, see `read_got10k`.
            None: the data set below `DLATRACK_DATA`.
        allow_missing: whether a folder may lack sequences, which are then named as `missing`.

    Raises:
        InputError: naming what is missing or cannot be read.
    """
    entry = benchmark(name)
    source = paths.data_dir() if source is None else Path(source)
    if source is None:
        raise InputError(
            f"where is the truth of {entry.name}? name a JSON file, a folder of text files or the data set, or set "
            f"DLATRACK_DATA"
        )
    place, own_list = None, None
    missing: list[str] = []
    if source.is_file():
        sequences = read_json_truth(source)
    elif entry.average_overlap:
        sequences, missing = read_got10k(source, allow_missing)
    elif entry.resets and (own_list := _own_list(entry, source)) is not None:
        sequences = read_workspace(*own_list)
    elif entry.name == "folder":
        sequences = _from_own(source)
    elif entry.manifest and (place := _place(entry, source)) is not None:
        sequences = _from_root(entry, place, allow_missing)
    else:
        sequences = _from_texts(entry, source, allow_missing)
    known = (place.manifest if place else manifest(entry.manifest)) if entry.manifest else None
    found, names = {each.name for each in sequences}, sequence_names(known, entry.split) if known else ()
    unknown = [sequence.name for sequence in sequences if sequence.name not in names] if names else []
    if unknown and own_list is None and not entry.average_overlap:
        raise InputError(
            f"{source}: {entry.name} has no sequence {unknown[0]}; sequences of one's own are the benchmark folder"
        )
    wholly_own = len(unknown) == len(sequences)
    missing += [n for n in names if n not in found and n not in missing and not wholly_own]
    if not entry.resets:
        _require_boxes(entry, source, sequences)
    return BenchmarkTruth(entry.name, {s.name: _with_facts(entry, s) for s in sequences}, tuple(missing))


def _require_boxes(entry: Benchmark, source: Path, sequences: list[SequenceTruth]) -> None:
    for sequence in sequences:
        if sequence.regions.shape[1] != 4:
            raise InputError(
                f"{source}: sequence {sequence.name} row 1: polygons of 8 numbers are no truth of one-pass "
                f"evaluation; boxes x, y, w, h are needed"
            )
        if entry.name == "folder" and not (sequence.regions[0, 2:] > 0).all():
            raise InputError(
                f"{source}: sequence {sequence.name} row 1: the target is absent, as there is no box with a size; a "
                f"tracker needs a box in the first frame"
            )


def _own_list(entry: Benchmark, source: Path) -> tuple[Path, list[str]] | None:
    """Folder and names of a VOT workspace, unless it is the whole benchmark or a miniature of it."""
    found = workspace_names(source)
    if found is None or (entry.manifest and (found[0] / mini_file(entry.manifest)).is_file()):
        return None
    whole = {each.name for each in manifest(entry.manifest).sequences} if entry.manifest else set()
    return None if set(found[1]) == whole else found


def _place(entry: Benchmark, root: Path) -> Place | None:
    try:
        return locate(entry.manifest, root)
    except InputError:
        return None


def _from_root(entry: Benchmark, place: Place, allow_missing: bool) -> list[SequenceTruth]:
    table = read_benchmark(entry.manifest, place.root, allow_missing=allow_missing)
    shift = np.array([1, 1, 0, 0]) * place.manifest.pixel_origin
    extras = table.extras
    entries = {sequence.name: sequence for sequence in place.manifest.sequences}
    sequences = []
    for track, name in enumerate(table.names):
        rows = slice(int(table.starts[track]), int(table.starts[track + 1]))
        regions = table.boxes_xywh[rows].astype(np.float64) + shift
        if table.polygons is not None and not extras["rectangle"][rows].any():
            regions = table.polygons[rows].reshape(-1, 8)
        absent = [extras[key][rows] > 0 for key in ("full_occlusion", "out_of_view") if key in extras]
        sequences.append(
            SequenceTruth(
                name,
                regions,
                present=~np.logical_or(*absent) if absent else None,
                attributes=frozenset(table.attributes[track].split()),
                size=_size(entries.get(name)),
                tags={tag: extras[tag][rows] > 0 for tag in TAGS if tag in extras},
            )
        )
    return sequences


def _from_texts(entry: Benchmark, folder: Path, allow_missing: bool) -> list[SequenceTruth]:
    """Text files in a folder, named after the sequences."""
    entries = manifest(entry.manifest).sequences if entry.manifest else ()
    if not folder.is_dir():
        raise InputError(f"{folder} is neither a file nor a folder; the truth of {entry.name} is needed")
    names = [sequence.name for sequence in entries] or [path.stem for path in text_files(folder)]
    files = match_files(text_files(folder), names)
    sequences = []
    if not files:
        raise InputError(f"{folder} holds neither {entry.name} nor text files of its true boxes")
    missing = [name for name in names if name not in files]
    if missing and not allow_missing:
        raise InputError(f"{folder} has no text file of true boxes for {listed(missing)}")
    for name in (name for name in names if name in files):
        file = files[name]
        regions = read_result_rows(file, (4, 8) if entry.resets else (4,))
        partly = np.isnan(regions).any(1) & ~np.isnan(regions).all(1)
        if partly.any():
            raise InputError(
                f"{file} row {int(partly.argmax()) + 1}: the box is NaN in part; all or none is needed"
            )
        flags = folder / "absent" / f"{name}.txt"
        present = _read_absent(flags, len(regions)) if entry.name == "LaSOT" else None
        sequences.append(SequenceTruth(name, regions, present))
    return sequences


def _read_absent(file: Path, frames: int) -> np.ndarray:
    """(frames,) bool, False where LaSOT's toolkit flags the target as absent with 1.

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


def _from_own(folder: Path) -> list[SequenceTruth]:
    """A user's own sequences: annotated folders, or text files; rows of NaN mark absent targets."""
    if not folder.is_dir():
        raise InputError(f"{folder} is neither a file nor a folder; the true boxes are needed")
    clips = sequence_folders(folder)
    annotated = [clip for clip in clips if is_annotated(clip)]
    if is_annotated(folder):
        if annotated:
            raise InputError(f"{folder} is annotated, and so is {annotated[0]} in it; one of the two must go")
        clips = annotated = [folder]
    if annotated or not (texts := text_files(folder)):
        read = [item for clip in clips for item in read_true_boxes(clip).items()]
    else:
        read = [(file.stem, _read_text(file)) for file in texts]
    boxes = dict(read)
    if len(boxes) < len(read):
        names = [name for name, _ in read]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{folder} has two sequences {twice}; each name once")
    if not boxes:
        raise InputError(
            f"{folder} holds neither sequence folders (with groundtruth_rect.txt) nor text files of true boxes"
        )
    return [SequenceTruth(name, rows) for name, rows in boxes.items()]


def _read_text(file: Path) -> np.ndarray:
    try:
        return read_annotation_boxes(file)
    except InputError as error:
        raise InputError(f"{error} (every .txt file in {file.parent} counts as a sequence)") from error


def _with_facts(entry: Benchmark, sequence: SequenceTruth) -> SequenceTruth:
    """A sequence with attributes and size from the manifest where the source has none; in a "folder", with flags."""
    if entry.name == "folder":
        present = ~np.isnan(sequence.regions).any(1)
        return replace(sequence, present=present if sequence.present is None else present & sequence.present)
    entries = manifest(entry.manifest).sequences if entry.manifest else ()
    known = next((known for known in entries if known.name == sequence.name), None)
    if known is None:
        return sequence
    attributes = sequence.attributes if entry.resets else sequence.attributes or frozenset(known.attributes)
    return replace(sequence, attributes=attributes, size=sequence.size or _size(known))


def _size(known: SequenceEntry | None) -> tuple[int, int] | None:
    if known is None or "width" not in known.extra:
        return None
    return int(known.extra["width"]), int(known.extra["height"])
