"""TOML files read against a declared type; errors name file, field and value."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from dlatrack.errors import InputError, reading, refusals

_Kind = TypeVar("_Kind")

#: Largest file that is read, bytes.
_LARGEST = 2**20


def read_toml(path: str | Path, kind: type[_Kind]) -> _Kind:
    """Read a TOML file as a declared type.

    Args:
        path: the file, at most 1 MiB.
        kind: type of its content: a `msgspec.Struct`, or what such a struct may hold.

    Raises:
        InputError: in one line, naming the file and the field that is missing, unknown or of another kind, and what
            is allowed; or if the file cannot be read, is too large, or is no TOML.
    """
    path = Path(path)
    with refusals("read", path):
        size = path.stat().st_size
    if size > _LARGEST:
        raise InputError(f"{path} has {size:,} bytes; at most {_LARGEST:,} are read")
    with reading(path, "is no TOML file", tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {_worded(error)}") from None


def _worded(error: msgspec.ValidationError) -> str:
    """The message of an error with the place first, e.g. "regimes[...].rate: expected `float`, got `str`"."""
    text, _, place = str(error).partition(" - at `$")
    place = place.strip("`.") or "the file"
    return f"{place}: {text[:1].lower()}{text[1:]}"
