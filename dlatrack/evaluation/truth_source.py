"""Reads the truth of a benchmark from a JSON file, from text files or from the data set itself."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack import paths
from dlatrack.datasets.folder import read_folders
from dlatrack.datasets.manifests import Place, locate, manifest
from dlatrack.datasets.registry import read_benchmark
from dlatrack.datasets.sequence_list import SequenceEntry
from dlatrack.errors import InputError
from dlatrack.evaluation.results.names import find_results, match_files
from dlatrack.evaluation.results.text import read_rows
from dlatrack.evaluation.truth import TAGS, Benchmark, BenchmarkTruth, SequenceTruth, benchmark


def read_truth(name: str, source: str | Path | None = None, *, allow_missing: bool = False) -> BenchmarkTruth:
    """Read the truth of a benchmark; images are not needed unless `source` is the data set itself.

    Args:
        name: of the benchmark.
        source: one of: a JSON file, also gzipped, with rows of boxes by sequence, or with the entries of pysot's
            benchmark files (`gt_rect`, `attr`, `absent`, `width` ...); a folder of text files, one per sequence; the
            root folder of the data set. None: the data set below `DLATRACK_DATA`.
        allow_missing: take the sequences that are there, if a folder lacks others, and name those as `missing`.

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
    place = None
    if source.is_file():
        sequences = _from_json(source)
    elif entry.name == "folder":
        sequences = [
            SequenceTruth(s.name, s.boxes_xywh + np.array([1, 1, 0, 0]), attributes=frozenset(s.attributes))
            for s in read_folders(source)
        ]
    elif entry.manifest and (place := _place(entry, source)) is not None:
        sequences = _from_root(entry, place, allow_missing)
    else:
        sequences = _from_texts(entry, source, allow_missing)
    known = (place.manifest if place else manifest(entry.manifest)).sequences if entry.manifest else ()
    there = {sequence.name for sequence in sequences}
    names = [listed.name for listed in known]
    missing = (
        [name for name in names if name not in there] if there <= set(names) else []
    )  # else: another's names
    return BenchmarkTruth(entry.name, {s.name: _with_facts(entry, s) for s in sequences}, tuple(missing))


def _place(entry: Benchmark, root: Path) -> Place | None:
    try:
        return locate(entry.manifest, root)
    except InputError:
        return None


def _from_root(entry: Benchmark, place: Place, allow_missing: bool) -> list[SequenceTruth]:
    table = read_benchmark(entry.manifest, place.root, allow_missing=allow_missing)
    shift = np.array([1, 1, 0, 0]) * place.manifest.pixel_origin
    extras = table.extras
    listed = {sequence.name: sequence for sequence in place.manifest.sequences}
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
                size=_size(listed.get(name)),
                tags={tag: extras[tag][rows] > 0 for tag in TAGS if tag in extras},
            )
        )
    return sequences


def _from_texts(entry: Benchmark, folder: Path, allow_missing: bool) -> list[SequenceTruth]:
    listed = manifest(entry.manifest).sequences if entry.manifest else ()
    names = [sequence.name for sequence in listed] or sorted(path.stem for path in folder.glob("*.txt"))
    if not names:
        raise InputError(f"{folder} holds neither {entry.name} nor text files of its true boxes")
    sequences = []
    files = match_files(folder.glob("*.txt"), names) if allow_missing else find_results(folder, names)
    if not files:
        raise InputError(f"{folder} holds neither {entry.name} nor text files of its true boxes")
    for name in (name for name in names if name in files):
        file = files[name]
        present = None
        if entry.name == "LaSOT":
            flags = np.loadtxt(_needed(folder / "absent" / f"{name}.txt"), delimiter=",").ravel()
            present = flags == 0
        sequences.append(SequenceTruth(name, read_rows(file), present))
    return sequences


def _needed(file: Path) -> Path:
    if not file.is_file():
        raise InputError(f"{file} is missing; LaSOT's score needs the flags of absent targets")
    return file


def _from_json(file: Path) -> list[SequenceTruth]:
    try:
        data = file.read_bytes()
        content = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}") from error
    except (ValueError, EOFError, zlib.error) as error:
        raise InputError(f"{file} is not JSON, plain or gzipped: {error}") from error
    if not isinstance(content, dict) or not content:
        raise InputError(f"{file} does not hold a JSON object with an entry per sequence")
    return [_entry(file, name, entry) for name, entry in content.items()]


def _entry(file: Path, name: str, entry: Any) -> SequenceTruth:
    facts = entry if isinstance(entry, dict) else {}
    rows = facts.get("gt", facts.get("gt_rect")) if facts else entry
    try:
        regions = _regions(rows)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{file}: sequence {name} needs a list of boxes x, y, w, h or of polygons with 8 numbers: {error}"
        ) from error
    present = None
    if "absent_runs" in facts:
        present = np.ones(len(regions), bool)
        for first, last in facts["absent_runs"]:
            present[first : last + 1] = False
    elif len(facts.get("absent", ())) == len(regions):
        present = np.asarray(facts["absent"]) == 1  # pysot's files mark present targets with 1
    size = (int(facts["width"]), int(facts["height"])) if "width" in facts and "height" in facts else None
    attributes = frozenset(facts.get("attr", ())) - {"ALL", ""}
    tags = {tag: _padded(facts[tag], len(regions)) for tag in TAGS if facts.get(tag)}
    return SequenceTruth(name, regions, present, attributes, size, tags)


def _regions(rows: Any) -> np.ndarray:
    width = next((len(row) for row in rows if row), 4)
    if any(row is None for row in rows):
        rows = [row or [np.nan] * width for row in rows]
    regions = np.array(rows, dtype=np.float64)
    if regions.ndim != 2 or regions.shape[1] not in (4, 8):
        raise ValueError(f"got shape {regions.shape}")
    return regions


def _padded(flags: list[int], length: int) -> np.ndarray:
    """Tags that end early are 0 from there on."""
    padded = np.zeros(length, bool)
    padded[: len(flags)] = np.asarray(flags[:length]) > 0
    return padded


def _with_facts(entry: Benchmark, sequence: SequenceTruth) -> SequenceTruth:
    """Attributes from the manifest where the source does not tell them."""
    if sequence.attributes or not entry.manifest or entry.resets:
        return sequence
    listed = {known.name: known for known in manifest(entry.manifest).sequences}.get(sequence.name)
    if listed is None:
        return sequence
    return replace(sequence, attributes=frozenset(listed.attributes))


def _size(listed: SequenceEntry | None) -> tuple[int, int] | None:
    if listed is None or "width" not in listed.extra:
        return None
    return int(listed.extra["width"]), int(listed.extra["height"])
