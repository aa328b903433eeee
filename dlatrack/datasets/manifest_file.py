"""The files of a manifest: one TOML, and long lists beside it.

Keys of `NAME.toml`: title, role ("training" or "benchmark"), kind ("video" or "image"), version, licence, terms,
homepage, obtain, citation, disk_gb, layout, root_names (usual names of its root folder), class_count, fps, and the
table `splits`; optional reader (module, when it is not NAME), pixel_origin (1 where files count pixels from 1),
one_size (all frames of a video have one size), quirks, attributes and attribute_counts, classes, checksums;
`lists` (name -> text file with one sequence name per row) and `sequences` (a CSV file, see `SequenceEntry`).

Keys of `mini.NAME.toml`: miniature_of, seed, `splits` (name -> counts) and, where the manifest lists sequences,
an array of tables `sequences` with the columns of the CSV file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlatrack.errors import InputError, reading, shortened
from dlatrack.structured.toml_files import read_toml

_TEXTS = ("title", "version", "licence", "terms", "homepage", "obtain", "citation", "layout")
_REQUIRED: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys((*_TEXTS, "role", "kind"), str),
    **dict.fromkeys(("disk_gb", "fps"), (int, float)),
    "class_count": int,
    "root_names": list,
    "splits": dict,
}
_OPTIONAL: dict[str, type | tuple[type, ...]] = {
    "reader": str,
    "pixel_origin": int,
    "one_size": bool,
    "quirks": list,
    "sequences": str,
    **dict.fromkeys(("attributes", "attribute_counts", "classes", "checksums", "lists"), dict),
}
_MINI_REQUIRED: dict[str, type | tuple[type, ...]] = {"miniature_of": str, "seed": int, "splits": dict}
_MINI_OPTIONAL: dict[str, type | tuple[type, ...]] = {"sequences": list}
_CHOICES = {"role": ("training", "benchmark"), "kind": ("video", "image")}
_COUNTS = ("videos", "frames", "tracks", "rows", "boxes")
_SOURCES = ("published", "measured", "recalled")
_SPLIT_KEYS = ("marker", "counts", "source", "of", "only", "without")

_PLACES = ("folder", "annotation", "images")
_ENTRY_REQUIRED = ("name", *_PLACES, "first", "last")
_ENTRY_OPTIONAL = ("skip_rows", "object_class", "attributes", "subsets")


@dataclass(frozen=True)
class SequenceEntry:
    """One sequence."""

    name: str  #: name of the sequence in results
    folder: str  #: folder below the root
    annotation: str  #: file of boxes, in the folder where the reader of the data set looks for it
    images: str  #: template of the image names, below `folder`, e.g. "img/%04d.jpg"
    first: int  #: number of the first image
    last: int  #: number of the last image
    skip_rows: int = 0  #: rows at the start of the annotation that belong to no image of the sequence
    object_class: str = ""  #: class of the target
    attributes: tuple[str, ...] = ()  #: challenge attributes
    subsets: tuple[str, ...] = ()  #: parts of the benchmark that it belongs to
    extra: Mapping[str, str] = field(default_factory=dict)  #: columns of this data set alone

    @property
    def frames(self) -> int:
        """How many images the sequence has."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Content:
    """A manifest as read: the TOML table, the lists of names, the sequences and the files of all these."""

    table: dict[str, Any]
    lists: dict[str, tuple[str, ...]]
    sequences: tuple[SequenceEntry, ...]
    files: tuple[Path, ...]


def load_content(file: Path, *, miniature_of: str = "") -> Content:
    """Read a manifest, or with `miniature_of` the declaration of a miniature of that data set.

    Raises:
        InputError: naming file and key, when something is missing, unknown or of the wrong type.
    """
    table = read_toml(file, dict[str, Any], "cannot be read as TOML")
    if miniature_of:
        _check_keys(file, table, _MINI_REQUIRED, _MINI_OPTIONAL)
        if table["miniature_of"] != miniature_of:
            raise InputError(
                f"{file} declares a miniature of {table['miniature_of']!r}; {miniature_of!r} is needed"
            )
        for name, counts in table["splits"].items():
            _check_counts(file, name, counts)
        return Content(table, {}, _sequence_entries(file, table.get("sequences", [])), (file,))

    _check_keys(file, table, _REQUIRED, _OPTIONAL)
    for key, allowed in _CHOICES.items():
        if table[key] not in allowed:
            raise InputError(f"{file}: {key} is {table[key]!r}; choose from {', '.join(allowed)}")
    for name, split in table["splits"].items():
        _check_split(file, name, split)
    beside = {name: file.parent / other for name, other in table.get("lists", {}).items()}
    lists = {name: _names(path) for name, path in beside.items()}
    files = (file, *beside.values())
    if "sequences" not in table:
        return Content(table, lists, (), files)
    listed = file.parent / table["sequences"]
    return Content(table, lists, read_sequence_list(listed), (*files, listed))


def _check_keys(
    file: Path,
    table: dict[str, Any],
    required: dict[str, type | tuple[type, ...]],
    optional: dict[str, type | tuple[type, ...]],
) -> None:
    if missing := required.keys() - table.keys():
        raise InputError(f"{file} lacks {', '.join(sorted(missing))}")
    if unknown := table.keys() - required.keys() - optional.keys():
        allowed = ", ".join(sorted({*required, *optional}))
        raise InputError(f"{file} has the unknown key {', '.join(sorted(unknown))}; allowed are {allowed}")
    for key, value in table.items():
        if not isinstance(value, {**required, **optional}[key]):
            raise InputError(f"{file}: {key} is {shortened(repr(value))}, which is of the wrong type")


def _check_split(file: Path, name: str, split: Any) -> None:
    if not isinstance(split, dict) or "marker" not in split or split.keys() - set(_SPLIT_KEYS):
        raise InputError(
            f"{file}: split {name} needs marker, and takes no others than {', '.join(_SPLIT_KEYS)}"
        )
    if split.get("source", _SOURCES[0]) not in _SOURCES:
        raise InputError(
            f"{file}: split {name} has source {split['source']!r}; choose from {', '.join(_SOURCES)}"
        )
    _check_counts(file, name, split.get("counts", {}))


def _check_counts(file: Path, name: str, counts: Any) -> None:
    if (
        not isinstance(counts, dict)
        or counts.keys() - set(_COUNTS)
        or not all(type(value) is int and value >= 0 for value in counts.values())
    ):
        raise InputError(
            f"{file}: split {name} has counts {shortened(repr(counts))}; whole numbers of {', '.join(_COUNTS)} are "
            f"needed"
        )


def _names(file: Path) -> tuple[str, ...]:
    try:
        names = tuple(file.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as a list of names: {error}") from error
    if len(set(names)) != len(names):
        raise InputError(f"{file} names {next(name for name in names if names.count(name) > 1)!r} twice")
    return names


def read_sequence_list(file: Path) -> tuple[SequenceEntry, ...]:
    """Read a CSV file with one sequence per row; attributes and subsets are separated by blanks.

    Raises:
        InputError: naming file and row.
    """
    with (
        reading(file, "is no list of sequences in CSV", ValueError, csv.Error),
        file.open(encoding="utf-8", newline="") as stream,
    ):
        return _sequence_entries(file, csv.DictReader(stream))


def _sequence_entries(file: Path, rows: Iterable[Mapping[str, object]]) -> tuple[SequenceEntry, ...]:
    """Entries from rows of named values, whose names are the fields of `SequenceEntry`; others become `extra`.

    Raises:
        InputError: naming file and row, when a value is missing or no whole number, or a name comes twice.
    """
    entries: dict[str, SequenceEntry] = {}
    for number, row in enumerate(rows, 1):
        values = {key: str(value) for key, value in row.items() if value is not None}
        if missing := [key for key in _ENTRY_REQUIRED if not values.get(key)]:
            raise InputError(f"{file} sequence {number} lacks {', '.join(missing)}")
        try:
            first, last, skip = (_whole(values.get(key) or "0") for key in ("first", "last", "skip_rows"))
        except ValueError as error:
            raise InputError(f"{file} sequence {number}: {error}") from error
        name = values["name"]
        if name in entries or last < first:
            raise InputError(f"{file} sequence {number}: {name!r} comes twice, or ends before it starts")
        if bad := [values[key] for key in _PLACES if not _stays_below(values[key])]:
            raise InputError(f"{file} sequence {number}: {bad[0]!r} leads out of the data set's folder")
        entries[name] = SequenceEntry(
            name,
            folder=values["folder"],
            annotation=values["annotation"],
            images=values["images"],
            first=first,
            last=last,
            skip_rows=skip,
            object_class=values.get("object_class", ""),
            attributes=tuple(values.get("attributes", "").split()),
            subsets=tuple(values.get("subsets", "").split()),
            extra={
                key: value for key, value in values.items() if key not in (*_ENTRY_REQUIRED, *_ENTRY_OPTIONAL)
            },
        )
    return tuple(entries.values())


def _whole(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise ValueError(f"{shortened(text)!r} is not a whole number of at most nine digits")
    return int(text)


def _stays_below(place: str) -> bool:
    return not place.startswith("/") and ".." not in place.split("/")
