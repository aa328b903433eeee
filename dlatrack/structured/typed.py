"""Decoded text checked against a declared type; errors name file, field, value and what is allowed."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import msgspec

from dlatrack.errors import InputError, shortened

_Kind = TypeVar("_Kind")

#: Greatest depth of tables and lists in each other. The deepest file of this package, a recipe in a record, has six.
MOST_DEPTH = 64

#: A step of the place of a fault, as msgspec writes it: a field, or the number of an item.
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


def as_type(content: Any, kind: type[_Kind], where: str) -> _Kind:
    """Convert tables, lists, texts and numbers to a declared type.

    Args:
        content: decoded content of a file, not deeper than `MOST_DEPTH`.
        kind: a `msgspec.Struct`, a dataclass, a `TypedDict`, or what such a type may hold.
        where: name of the file, for messages.

    Raises:
        InputError: in one line, naming the field that is missing, unknown or of another kind, its value, and what is
            allowed.
    """
    if is_dataclass(kind) and isinstance(content, dict):  # where msgspec ignores unknown fields
        names = [field.name for field in fields(kind)]
        if unknown := [name for name in content if name not in names]:
            raise InputError(f"{where}: unknown field {shown(unknown[0])}; fields are {', '.join(names)}")
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{where}: {_worded(error, content)}") from None


def shown(value: Any) -> str:
    """A decoded value as a message quotes it: as JSON, on one line and shortened.

    `repr` would refuse whole numbers of 5,000 digits, and write lists without end in full.
    """
    try:
        text = json.dumps(value, default=str)
    except (ValueError, TypeError, RecursionError):
        text = f"a {type(value).__name__} too long to print"
    return shortened(text)


def depth_of(content: Any) -> int:
    """Depth of decoded tables and lists: 0 for a text or number, 1 for a list; counted to `MOST_DEPTH` + 1."""
    level, depth = [content], 0
    while depth <= MOST_DEPTH:
        inner: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                inner += part.values()
            elif isinstance(part, list):
                inner += part
        if not any(isinstance(part, dict | list) for part in level):
            break
        level, depth = inner, depth + 1
    return depth


def _worded(error: msgspec.ValidationError, content: Any) -> str:
    """The message of an error with the place first, e.g. "regimes.x.rate: expected `float`, got `str` ("fast")"."""
    text, _, place = str(error).partition(" - at `")
    place = place.rstrip("`")
    value = f" ({shown(_at(place, content))})" if place.startswith("$") and "[...]" not in place else ""
    place = place.removeprefix("$").strip(".") or "the file"
    if "required field" in text or "unknown field" in text:
        value = ""
    return f"{place}: {text[:1].lower()}{text[1:]}{value}"


def _at(place: str, content: Any) -> Any:
    """The value at a place."""
    for name, number in _STEP.findall(place.removeprefix("$")):
        content = content[name] if name else content[int(number)]
    return content
