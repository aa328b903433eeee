"""Reads the truth of a benchmark from a JSON file, from text files or from the data set itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dlatrack import paths
from dlatrack.datasets.manifest_file import SequenceEntry
from dlatrack.datasets.manifests import Place, locate, manifest, mini_file
from dlatrack.datasets.registry import read_benchmark
from dlatrack.errors import InputError
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
from dlatrack.evaluation.truth_texts import read_own, read_texts
from dlatrack.evaluation.truth_workspace import read_workspace, workspace_names


def read_truth(name: str, source: str | Path | None = None, *, allow_missing: bool = False) -> BenchmarkTruth:
    """Read the truth of a benchmark; images are not needed unless `source` is the data set itself.

    Args:
        name: name of the benchmark, in upper or lower case.
        source: one of: a JSON file, see `read_json_truth`; a folder of text files, see `read_texts`; the root folder
            of the data set, or a copy of its annotations alone. For "folder": as in `read_own`. For VOT also: a
            workspace of the VOT toolkit or its folder of sequences, whose list may be any part of the benchmark or
            the user's own. For GOT-10k also: sequences of one's own in its layout, see `read_got10k`. None: the data
            set below `DLATRACK_DATA`.
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
    place, own_list = _place(entry, source), None
    known = place.manifest if place else manifest(entry.manifest) if entry.manifest else None
    missing: list[str] = []
    if source.is_file():
        sequences = read_json_truth(source)
    elif entry.average_overlap:
        sequences, missing = read_got10k(source, allow_missing)
    elif entry.resets and (own_list := _own_list(entry, source)) is not None:
        sequences = read_workspace(*own_list)
    elif entry.name == "folder":
        sequences = read_own(source)
    elif place and (entry.resets or _has_images(place)):
        sequences = _from_root(entry, place, allow_missing)
    else:
        entries = known.sequences if known else ()
        sequences = read_texts(entry, entries, place.root if place else source, allow_missing)
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
        return locate(entry.manifest, root) if entry.manifest else None
    except InputError:
        return None


def _has_images(place: Place) -> bool:
    """Whether any sequence has a folder of images; a copy of the annotations alone has none."""
    templates = (place.root / each.folder / each.images for each in place.manifest.sequences)
    return any(template.parent.is_dir() and any(template.parent.glob("*.jpg")) for template in templates)


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
