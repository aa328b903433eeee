"""The sequences of a benchmark as a manifest lists them: their images, annotation and attributes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dlatrack.errors import InputError, shortened

_PLACES = ("folder", "annotation", "images")
_REQUIRED = ("name", *_PLACES, "first", "last")
_OPTIONAL = ("skip_rows", "object_class", "attributes", "subsets")


@dataclass(frozen=True)
class SequenceEntry:
    """One sequence.

    Args:
        name: name of the sequence in results.
        folder: folder below the root.
        annotation: file of boxes, in the folder where the reader of the data set looks for it.
        images: template of the image names, below `folder`, e.g. "img/%04d.jpg".
        first: number of the first image.
        last: number of the last image.
        skip_rows: rows at the start of the annotation that belong to no image of the sequence.
        object_class: class of the target.
        attributes: challenge attributes.
        subsets: parts of the benchmark that it belongs to.
        extra: columns of this data set alone.
    """

    name: str
    folder: str
    annotation: str
    images: str
    first: int
    last: int
    skip_rows: int = 0
    object_class: str = ""
    attributes: tuple[str, ...] = ()
    subsets: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """How many images the sequence has."""
        return self.last - self.first + 1


def read_sequence_list(file: Path) -> tuple[SequenceEntry, ...]:
    """Read a CSV file with one sequence per row; attributes and subsets are separated by blanks.

    Raises:
        InputError: naming file and row.
    """
    with file.open(encoding="utf-8", newline="") as stream:
        return sequence_entries(file, csv.DictReader(stream))


def sequence_entries(file: Path, rows: Iterable[Mapping[str, object]]) -> tuple[SequenceEntry, ...]:
    """Entries from rows of named values, whose names are the fields of `SequenceEntry`; others become `extra`.

    Raises:
        InputError: naming file and row, when a value is missing or no whole number, or a name comes twice.
    """
    entries: dict[str, SequenceEntry] = {}
    for number, row in enumerate(rows, 1):
        values = {key: str(value) for key, value in row.items() if value is not None}
        if missing := [key for key in _REQUIRED if not values.get(key)]:
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
            extra={key: value for key, value in values.items() if key not in (*_REQUIRED, *_OPTIONAL)},
        )
    return tuple(entries.values())


def _whole(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise ValueError(f"{shortened(text)!r} is not a whole number of at most nine digits")
    return int(text)


def _stays_below(place: str) -> bool:
    return not place.startswith("/") and ".." not in place.split("/")
