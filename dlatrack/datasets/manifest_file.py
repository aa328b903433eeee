"""The files of a manifest: one TOML, and long lists beside it.

Keys of `NAME.toml`: title, role ("training" or "benchmark"), kind ("video" or "image"), version, licence, terms,
homepage, obtain, citation, disk_gb, layout, root_names (usual names of its root folder), class_count, fps, and the
table `splits`; optional reader (module, when it is not NAME), pixel_origin (1 where files count pixels from 1),
one_size (all frames of a video have one size), quirks, attributes and attribute_counts, classes, checksums;
`lists` (name -> text file with one sequence name per row) and `sequences` (a CSV file, see `sequence_list`).

Keys of `mini.NAME.toml`: miniature_of, seed, `splits` (name -> counts) and, where the manifest lists sequences,
an array of tables `sequences` with the columns of the CSV file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlatrack.datasets.sequence_list import SequenceEntry, read_sequence_list, sequence_entries
from dlatrack.errors import InputError

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
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file} cannot be read as TOML: {error}") from error
    if miniature_of:
        _check_keys(file, table, _MINI_REQUIRED, _MINI_OPTIONAL)
        if table["miniature_of"] != miniature_of:
            raise InputError(
                f"{file} declares a miniature of {table['miniature_of']!r}; {miniature_of!r} is needed"
            )
        for name, counts in table["splits"].items():
            _check_counts(file, name, counts)
        return Content(table, {}, sequence_entries(file, table.get("sequences", [])), (file,))

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
            raise InputError(f"{file}: {key} is {value!r}, which is of the wrong type")


def _check_split(file: Path, name: str, split: dict[str, Any]) -> None:
    if "marker" not in split or split.keys() - set(_SPLIT_KEYS):
        raise InputError(
            f"{file}: split {name} needs marker, and takes no others than {', '.join(_SPLIT_KEYS)}"
        )
    if split.get("source", _SOURCES[0]) not in _SOURCES:
        raise InputError(
            f"{file}: split {name} has source {split['source']!r}; choose from {', '.join(_SOURCES)}"
        )
    _check_counts(file, name, split.get("counts", {}))


def _check_counts(file: Path, name: str, counts: dict[str, Any]) -> None:
    if counts.keys() - set(_COUNTS) or not all(
        type(value) is int and value >= 0 for value in counts.values()
    ):
        raise InputError(
            f"{file}: split {name} has counts {counts}; whole numbers of {', '.join(_COUNTS)} are needed"
        )


def _names(file: Path) -> tuple[str, ...]:
    try:
        names = tuple(file.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as a list of names: {error}") from error
    if len(set(names)) != len(names):
        raise InputError(f"{file} names {next(name for name in names if names.count(name) > 1)!r} twice")
    return names
