"""The layout of MATLAB files of version 5, checked before SciPy reads them.

SciPy takes the sizes that such a file declares on trust: damaged ones end the process, or take any amount of memory.

Source: MathWorks, "MAT-File Format", version 5 (level 5 MAT-files).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Literal, NamedTuple

#: Limits of a file: bytes of an unpacked variable, numbers of an array, items of a cell array or structure, and depth
#: of these in each other. The longest video of LaSOT has 11,397 frames with four numbers each.
_MOST_BYTES, _MOST_NUMBERS, _MOST_ITEMS, _MOST_DEPTH = 2**26, 2**22, 2**14, 8

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15

#: Bytes of a number by the type of an element.
_NUMBER_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
_INT8, _INT32, _UINT32 = 1, 5, 6

#: The type of texts whose letters have several bytes.
_UTF8 = 16

#: Classes of arrays: cells, structures, texts, and numbers.
_CELL, _STRUCTURE, _TEXT, _NUMBERS = 1, 2, 4, range(6, 16)
_IS_COMPLEX = 0x800


class _Element(NamedTuple):
    """A part of a file."""

    kind: int  #: type
    content: memoryview  #: its bytes


def check_layout(data: bytes, variable: str) -> None:
    """Check headers of all variables of a file, and every size within one of them.

    Args:
        data: content of the file.
        variable: name of the variable whose content is checked.

    Raises:
        ValueError: saying what is wrong.
    """
    marks: dict[bytes, Literal["<", ">"]] = {b"IM": "<", b"MI": ">"}
    order = marks.get(data[126:_HEADER])
    if order is None:
        raise ValueError("it is no MATLAB file of version 5")
    for element in _elements(memoryview(data)[_HEADER:], order):
        found = element
        if element.kind == _COMPRESSED:
            found = next(
                _elements(memoryview(_unpacked(element.content)), order), _Element(0, element.content)
            )
        if found.kind != _MATRIX:
            raise ValueError(f"a variable has type {found.kind}, which is no array")
        parts = _elements(found.content, order)
        shape = _shape(parts, order)
        if bytes(shape.name) == variable.encode():
            _check_content(parts, shape, order, depth=0)


class _Shape(NamedTuple):
    """The header of an array."""

    kind: int  #: class
    is_complex: bool
    items: int  #: number of items
    name: memoryview


def _elements(content: memoryview, order: str) -> Iterator[_Element]:
    """The elements in a stretch of bytes, each of which must end within it."""
    place = 0
    while place < len(content):
        if len(content) - place < 8:
            raise ValueError("it ends within an element")
        kind, size = struct.unpack_from(f"{order}II", content, place)
        if kind >> 16:  # a small one: size and type share four bytes, and the content follows in four more
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            place, most = place + 8, 4
        else:
            start, most = place + 8, len(content)
            padded = size if kind == _COMPRESSED else -(-size // 8) * 8
            place = start + padded
        if size > most or start + size > len(content):
            raise ValueError(f"an element declares {size:,} bytes, and {len(content) - start:,} follow")
        yield _Element(kind, content[start : start + size])


def _unpacked(content: memoryview) -> bytes:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(content, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if stream.unconsumed_tail:
        raise ValueError(f"a variable has more than {_MOST_BYTES:,} bytes")
    if not stream.eof:
        raise ValueError("a compressed variable ends too early")
    return data


def _next(parts: Iterator[_Element], what: str, kinds: tuple[int, ...]) -> memoryview:
    element = next(parts, None)
    if element is None or element.kind not in kinds:
        raise ValueError(f"{what} of an array is missing")
    return element.content


def _shape(parts: Iterator[_Element], order: str) -> _Shape:
    """Read the header of an array."""
    flags = _next(parts, "the class", (_UINT32,))
    sides = _next(parts, "the shape", (_INT32, _UINT32))
    if len(flags) != 8 or len(sides) % 4 or not 2 <= len(sides) // 4 <= 8:
        raise ValueError("the header of an array is damaged")
    (flag, _), shape = struct.unpack(f"{order}II", flags), struct.unpack(f"{order}{len(sides) // 4}i", sides)
    if min(shape) < 0 or math.prod(shape) > _MOST_NUMBERS:
        raise ValueError(f"an array has the shape {shape}; {_MOST_NUMBERS:,} numbers are read at most")
    name = _next(parts, "the name", (_INT8, _UTF8))
    return _Shape(flag & 0xFF, bool(flag & _IS_COMPLEX), math.prod(shape), name)


def _check_content(parts: Iterator[_Element], shape: _Shape, order: str, depth: int) -> None:
    if depth > _MOST_DEPTH:
        raise ValueError(f"arrays are more than {_MOST_DEPTH} deep in each other")
    if shape.kind in (_CELL, _STRUCTURE):
        count = shape.items * (_field_count(parts, order) if shape.kind == _STRUCTURE else 1)
        if count > _MOST_ITEMS:
            raise ValueError(f"an array has {count:,} items; {_MOST_ITEMS:,} are read at most")
        for _ in range(count):
            if content := _next(parts, "an item", (_MATRIX,)):  # one of no bytes is an empty array
                inner = _elements(content, order)
                _check_content(inner, _shape(inner, order), order, depth + 1)
    elif shape.kind == _TEXT or shape.kind in _NUMBERS:
        for _ in range(1 + shape.is_complex):
            element = next(parts, None)
            if element is None or element.kind not in _NUMBER_BYTES:
                raise ValueError("the numbers of an array are missing")
            if len(element.content) != shape.items * _NUMBER_BYTES[element.kind] and element.kind != _UTF8:
                raise ValueError(f"an array of {shape.items:,} numbers has {len(element.content):,} bytes")
    else:
        raise ValueError(f"an array has class {shape.kind}; cells, structures, texts and numbers are read")


def _field_count(parts: Iterator[_Element], order: str) -> int:
    """Number of fields of a structure."""
    width = _next(parts, "the length of names", (_INT32,))
    names = _next(parts, "the names of fields", (_INT8, _UTF8))
    (length,) = struct.unpack(f"{order}i", width) if len(width) == 4 else (0,)
    if length < 1 or len(names) % length:
        raise ValueError("the names of fields are damaged")
    return len(names) // length
