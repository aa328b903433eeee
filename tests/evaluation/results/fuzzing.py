"""What the tests with drawn inputs share: how many inputs, a plain reader as referee, and who may refuse what.

`DLATRACK_FUZZ` multiplies the number of inputs; 30 makes more than 20,000 of them.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from dlatrack.errors import InputError

TIMES = int(os.environ.get("DLATRACK_FUZZ", "1"))


def inputs(count):
    return settings(
        max_examples=count * TIMES,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def attempt(action):
    """The answer of an action, or the one line it stops with; anything else that is raised fails the test."""
    message = ""
    try:
        return action(), message
    except InputError as error:
        message = str(error)
    assert "\n" not in message
    return None, message


def plain_number(word: str) -> float | None:
    """A number of ASCII digits, or NaN, below 1e9."""
    if word.lstrip("+-").lower() == "nan" and len(word) < 5:
        return float("nan")
    if not set(word) <= set("0123456789.eE+-"):
        return None
    try:
        value = float(word)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None


def plain_row(line: str) -> list[float] | None:
    """The numbers of a row; None where a word is no number, or a comma might be a decimal point."""
    line = line.strip(" \t")
    if any(mark in line for mark in " \t;") and has_doubtful_comma(line):
        return None
    words = re.sub("[ \t]+", ",", re.sub("[ \t]*[,;][ \t]*", ",", line)).split(",")
    numbers = [plain_number(word) for word in words]
    return None if None in numbers else numbers


def has_doubtful_comma(line: str) -> bool:
    """Whether a comma stands between digits, and one of the two numbers has no point."""
    for left, right in pairwise(line.split(",")):
        end, start = re.findall("[.0-9]*$", left)[0], re.findall("^[.0-9]*", right)[0]
        between = end[-1:].isdigit() and start[:1].isdigit()
        if between and not ("." in end and "." in start):
            return True
    return False


def plain_lines(data: bytes) -> list[str] | None:
    """The lines of UTF-8 text without NUL bytes."""
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip(" \t\n")
    return None if "\0" in text else text.split("\n") if text else []


def plain_table(data: bytes, columns=(4,)) -> list[list[float]] | None:
    """The rows of a file; None where it is no table of so many numbers."""
    rows = [plain_row(line) for line in plain_lines(data) or []]
    return rows if rows and rows[0] and len(rows[0]) in columns and same_width(rows) else None


def same_width(rows) -> bool:
    return all(row is not None and len(row) == len(rows[0]) for row in rows)


NUMBERS = st.one_of(
    st.integers(-3, 2000).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.floats(-5, 2000).map("{:.4f}".format),
    st.sampled_from(
        [
            "NaN",
            "nan",
            "-nan",
            "inf",
            "infinity",
            "1e400",
            "1e300",
            "-1e9",
            "1e-400",
            "1_0",
            "0x1",
            "",
            " ",
            "1.",
        ]
    ),
    st.sampled_from(
        ["nan1", "e5", "1e", "١", "１", "1,5", "e", "n", "NaNNaN", "1E+3", "\x00", "#1", '"1"', ".5", "+3"]
    ),
)
SEPARATORS = st.sampled_from(
    [",", ", ", " , ", "\t", " ", "  ", ";", ",,", "\t\t", ", ,", "\x0b", "\xa0", "|", ",\t"]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", ",\n", " \n", "\x0c", "\u2028", "\n,", "\x85", "\r\r\n"])


@st.composite
def tables(draw, width=4):
    """Text that is nearly a table: most rows are sound, some have holes, other widths or odd signs."""
    odd = draw(st.booleans())
    separator = draw(SEPARATORS)
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        count = draw(st.sampled_from([width] * 5 + [3, 5, 8, 1])) if odd else width
        values = [draw(NUMBERS if odd else st.floats(-1e6, 1e6).map(repr)) for _ in range(count)]
        lines.append((draw(SEPARATORS) if odd and draw(st.booleans()) else separator).join(values))
        lines.append(draw(ENDS) if odd and draw(st.booleans()) else "\n")
    text = draw(st.sampled_from(["", "", "\ufeff", " ", "\n", "x,y,w,h\n"] if odd else [""])) + "".join(lines)
    return text.encode(draw(st.sampled_from(["utf-8"] * 8 + ["utf-16", "utf-16-le"])) if odd else "utf-8")
