"""JSON of files and of entries in other files: size and depth are checked before it is decoded, types after it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import numpy as np

from dlatrack.errors import InputError, refusals
from dlatrack.files import read_bytes
from dlatrack.structured.typed import MOST_DEPTH, as_type

_Kind = TypeVar("_Kind")

#: Largest text that is decoded, bytes, unless a reader says otherwise.
_MOST_BYTES = 2**26

#: Largest number of tables and lists in a text, unless a reader says otherwise. An empty one takes 64 bytes.
_MOST_CONTAINERS = 4_000_000


class Limits(TypedDict):
    """Limits of `parse_json`."""

    most_bytes: int
    most_containers: int


#: Limits of the lists of training sets: COCO's largest has 470 MB, and YouTube-BB's of pysot 150 MB.
LARGE = Limits(most_bytes=2**30, most_containers=2**25)

_ESCAPE, _TEXT = re.compile(rb"\\.", re.DOTALL), re.compile(rb'"[^"]*"')

#: All bytes but brackets and quotation marks.
_OTHERS = bytes(set(range(256)) - set(b'[]{}"'))

#: Step of the depth at each byte.
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1


def parse_json(
    text: bytes | str,
    where: str,
    *,
    most_bytes: int = _MOST_BYTES,
    most_containers: int = _MOST_CONTAINERS,
    otherwise: str = "is not JSON",
    **options: Any,
) -> Any:
    """Decode JSON.

    Args:
        text: the text, or a file's content in UTF-8, or UTF-16 or UTF-32.
        where: name of the file, for messages.
        most_bytes: largest size of the text, bytes in UTF-8.
        most_containers: largest number of tables and lists.
        otherwise: predicate for a text that is no JSON.
        options: functions that `json.loads` calls, such as `object_pairs_hook`.

    Raises:
        InputError: in one line, if the text is larger, deeper than `typed.MOST_DEPTH`, or no JSON.
    """
    if isinstance(text, bytes):
        _check_size(len(text), where, most_bytes)
        try:
            data, text = text, text.decode(encoding := json.detect_encoding(text))
        except UnicodeDecodeError as error:
            raise InputError(f"{where} {otherwise}: {error}") from None
        if not encoding.startswith("utf-8"):
            data = text.encode("utf-8", "surrogatepass")
    else:
        data = text.encode("utf-8", "surrogatepass")
    _check_size(len(data), where, most_bytes)
    depth, containers = _nesting(data)
    if depth > MOST_DEPTH:
        raise InputError(f"{where} {otherwise}: its tables and lists are more than {MOST_DEPTH} deep")
    if containers > most_containers:
        raise InputError(f"{where} has {containers:,} tables and lists; at most {most_containers:,} are read")
    try:
        return json.loads(text, **options)
    except InputError:  # which is a ValueError; of a hook
        raise
    except ValueError as error:
        raise InputError(f"{where} {otherwise}: {error}") from error


def read_json_as(path: Path, kind: type[_Kind], *, most_bytes: int = _MOST_BYTES) -> _Kind:
    """Read a JSON file as a declared type.

    Raises:
        InputError: as `parse_json` and `typed.as_type`; or if the file cannot be read.
    """
    return as_type(_parsed(path, most_bytes), kind, str(path))


def read_json_object(path: Path, *, most_bytes: int = _MOST_BYTES) -> dict[str, Any]:
    """Read a JSON object whose fields are checked by the caller.

    Raises:
        InputError: as `parse_json`; or if the file cannot be read or holds something else.
    """
    return json_object(_parsed(path, most_bytes), str(path))


def json_object(content: Any, where: str) -> dict[str, Any]:
    """Decoded JSON that must be an object.

    Raises:
        InputError: if it is something else.
    """
    if not isinstance(content, dict):
        raise InputError(f"{where} does not hold a JSON object")
    return content


def _parsed(path: Path, most_bytes: int) -> Any:
    with refusals("read", path):
        _check_size(path.stat().st_size, str(path), most_bytes)
    return parse_json(read_bytes(path), str(path), most_bytes=most_bytes)


def _check_size(size: int, where: str, most: int) -> None:
    if size > most:
        raise InputError(f"{where} has {size:,} bytes; at most {most:,} are read")


def _nesting(data: bytes) -> tuple[int, int]:
    """Depth of the tables and lists in a text, and how many there are.

    The parser of the standard library follows lists in lists by calling itself. Two quotation marks without a bracket
    between them can be left out, whichever of them opens a text: what lies inside and outside of texts stays so.
    """
    if b"\\" in data:
        data = _ESCAPE.sub(b"", data)
    marks = data.translate(None, _OTHERS).replace(b'""', b"")
    if b'"' in marks:
        marks = _TEXT.sub(b"", marks)
    steps = _STEPS[np.frombuffer(marks, np.uint8)]
    depth = int(np.cumsum(steps, dtype=np.int32).max(initial=0))
    return depth, int(np.count_nonzero(steps > 0))
