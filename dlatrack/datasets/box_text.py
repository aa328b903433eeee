"""Numbers in text files: one grammar for all readers of boxes, flags and regions.

Python's own conversions accept more than files of boxes hold: `float("1_0")` is ten, Arabic and full-width digits are
numbers, `str.split()` splits at no-break spaces and `str.splitlines()` at form feeds. In a file such things are
mistakes or belong to another format, and a reader that guesses may change the score; so they are refused.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Collection, Sequence

import numpy as np

from dlatrack.errors import shortened

#: Numbers in files of boxes must be smaller than this, px. Toolkits keep regions as whole numbers of 32 bits, areas
#: of such boxes are far from overflowing, and in 1,483 public result files the largest number is 38,080.
MOST_PIXELS = 1e9

#: Limit of the numbers in results, px: boxes of trackers that have diverged overlap nothing, and must have a square.
MOST_OF_RESULT = 1e100

#: Largest coordinate and size of a true box, px: the largest image that OpenCV decodes. A larger number is a mistake,
#: and float32 would soon not hold it.
LARGEST_PX = 2**20

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[nN][aA][nN]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_SEPARATOR = re.compile(r"[ \t]*[,;][ \t]*|[ \t]+")

#: A comma between digits.
_TIGHT_COMMA = re.compile(r"[0-9],[0-9]")

#: Every separator but a comma between digits, and a number whose decimals follow a comma.
_LOOSE_SEPARATOR = re.compile(r"[ \t]*;[ \t]*|,[ \t]+|[ \t]+,?[ \t]*")
_COMMA_NUMBER = re.compile(r"[-+]?([0-9.]+)(?:,([0-9.]+))?")

_BLANK = re.compile(r"[ \t]")

#: The characters of a sound file, for `quick_table`.
_PLAIN = re.compile(r"[-+.0-9eENnAa,; \t\r\n]+")


def decode_text(data: bytes) -> str:
    """Decode a text file.

    Args:
        data: content of the file, UTF-8 with or without a byte order mark.

    Raises:
        ValueError: saying what is wrong with the bytes.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ValueError("it is UTF-16; UTF-8 is needed")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8 ({error.reason})") from error
    if "\0" in text:
        raise ValueError("it holds NUL bytes; UTF-8 text is needed")
    return text


def split_lines(text: str) -> list[str]:
    """Lines of a text that end in LF, CR LF or CR; blank lines at its end do not count."""
    text = text.rstrip(" \t\r\n")
    return _LINE_END.split(text) if text else []


def to_number(text: str) -> float:
    """Convert a decimal number, with or without exponent, or NaN.

    Raises:
        ValueError: for anything else: underscores, other digits than 0 to 9, decimal commas, infinity.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{shortened(text)!r} is not a finite number")
    return float(text)


def split_fields(line: str) -> list[str]:
    """Split a row at commas, semicolons, tabs and blanks; nothing between two commas is an empty field.

    Raises:
        ValueError: where commas may stand for decimal points, since the row has other separators and makes sense with
            them, like `10,5;20,0` or `10,5, 20,0`; `1.5,2.5 3.5,4.5` and `-4, 0,8,9` do not.
    """
    line = line.strip(" \t")
    _refuse_doubtful_commas(line)
    return _SEPARATOR.split(line)


def _refuse_doubtful_commas(line: str) -> None:
    parts = _LOOSE_SEPARATOR.split(line)
    numbers = [_COMMA_NUMBER.fullmatch(part) for part in parts]
    if len(parts) == 1 or not all(numbers):
        return
    sides = [number.groups() for number in numbers if number and number[2] is not None]
    if any("." not in left or "." not in right for left, right in sides):
        raise ValueError("commas between digits are mixed with other separators; decimals need a point")


def split_numbers(line: str, most: float = MOST_PIXELS) -> list[float]:
    """Read a row of numbers, separated as `split_fields` says.

    Raises:
        ValueError: naming the field that is not a number below `most`, or as `split_fields`.
    """
    line = line.strip(" \t")
    fields = _SEPARATOR.split(line)
    if "" in fields and (what := _empty_field(fields)):
        raise ValueError(what)
    if len(fields) > 1 and all(field[:1].isalpha() and not _NUMBER.fullmatch(field) for field in fields):
        raise ValueError(
            f"{shortened(fields[0])!r} is not a finite number, nor is any other field; headers are not taken"
        )
    values = [to_number(field) for field in fields]
    _refuse_doubtful_commas(line)
    for field, value in zip(fields, values, strict=True):
        if abs(value) >= most:
            raise ValueError(f"{shortened(field)} is too large; numbers must be below {most:g}")
    return values


def fault_of_box(box_xywh: Sequence[float]) -> str:
    """The fault of a row of four numbers or NaN as a box, as a predicate; empty if there is none."""
    absent = [math.isnan(value) for value in box_xywh]
    if all(absent):
        return ""
    if any(absent):
        return "is NaN in part; four numbers or four NaN are needed"
    if max(map(abs, box_xywh)) > LARGEST_PX:
        return f"has a number beyond {LARGEST_PX} px, which no image reaches"
    if min(box_xywh[2:]) <= 0:
        return (
            f"has width {box_xywh[2]:g} and height {box_xywh[3]:g}; both must be above 0, or all four NaN where the "
            f"target is absent"
        )
    return ""


def _empty_field(fields: list[str]) -> str:
    if len(fields) == 1:
        return "the row is blank"
    if not fields[-1]:
        return "the row ends with a separator; nothing stands behind it"
    return "" if fields[0] else "the row begins with a separator; nothing stands before it"


def quick_table(text: str, columns: Collection[int], most: float = MOST_PIXELS) -> np.ndarray | None:
    """Read a whole table at once, as `split_numbers` would row by row but many times as fast.

    Args:
        text: rows of numbers.
        columns: numbers of columns that are allowed.
        most: limit that all numbers must be below.

    Returns:
        (R, C) float64, R > 0; None if any row is irregular, so that rows must be read one by one.
    """
    text = text.rstrip(" \t\r\n").replace("\r\n", "\n")
    if not _PLAIN.fullmatch(text) or "\r" in text or ("," in text and ";" in text):
        return None
    if _BLANK.search(text) and _TIGHT_COMMA.search(text):
        return None
    separator = "," if "," in text else ";" if ";" in text else None
    try:
        table = np.loadtxt(io.StringIO(text), ndmin=2, comments=None, delimiter=separator)
    except ValueError:
        return None
    sound = table.shape[1] in columns and len(table) == text.count("\n") + 1
    return table if sound and not (np.abs(table) >= most).any() else None
