"""TOML files read against a declared type; errors name file, field and value."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeVar

from dlatrack.errors import InputError, reading, refusals
from dlatrack.structured.typed import MOST_DEPTH, as_type, depth_of

_Kind = TypeVar("_Kind")

#: Largest file that is read, bytes.
_LARGEST = 2**20

#: A key of more parts than tables may be deep; tomllib takes minutes for one of 100,000 parts.
_LONG_KEY = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MOST_DEPTH}}}"""
)


def read_toml(path: str | Path, kind: type[_Kind], otherwise: str = "is no TOML file") -> _Kind:
    """Read a TOML file as a declared type.

    Args:
        path: the file, at most 1 MiB, with tables and lists at most 64 deep.
        kind: type of its content: a `msgspec.Struct`, or what such a struct may hold.
        otherwise: predicate for a file that is no TOML.

    Raises:
        InputError: in one line, naming the file and the field that is missing, unknown or of another kind, its value,
            and what is allowed; or if the file cannot be read, is too large or too deep, or is no TOML.
    """
    path = Path(path)
    with refusals("read", path):
        size = path.stat().st_size
    if size > _LARGEST:
        raise InputError(f"{path} has {size:,} bytes; at most {_LARGEST:,} are read")
    # ValueError covers damaged TOML, text that is not UTF-8, and whole numbers of thousands of digits.
    with reading(path, otherwise, ValueError, RecursionError):
        text = path.read_text(encoding="utf-8")
        content = None if _LONG_KEY.search(text) else tomllib.loads(text)
    if content is None or depth_of(content) > MOST_DEPTH:
        raise InputError(f"{path} {otherwise}: its tables and lists are more than {MOST_DEPTH} deep")
    return as_type(content, kind, str(path))
