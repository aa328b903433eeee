"""Numbers in the names of images: whether they count the frames of one clip without a gap, or are times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from dlatrack.errors import shortened

#: From here on a number is a time, such as seconds, ms or ns since 1970; frames are not counted so far.
_TIME = 10_000_000

#: Steps of at least this size may differ by one, as rounded times in ms do.
_ROUNDED = 4

#: How many numbers a message names.
_NAMED = 3

#: A number in a name; after seconds since 1970 a point begins a fraction.
_NUMBER = re.compile(r"([1-9][0-9]{9,}\.[0-9]+|[0-9]+)")

_DATE = re.compile(r"(?:19|20)[0-9]{2}(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3])(-?)[0-5][0-9]\1[0-5][0-9]")


def split_name(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a name into the texts around its numbers, and the numbers."""
    parts = _NUMBER.split(name)
    return tuple(parts[::2]), tuple(parts[1::2])


def values(numbers: Sequence[str]) -> tuple[Fraction, ...]:
    """The values of the numbers in a name."""
    return tuple(map(Fraction, numbers))


def fault_of_numbers(rows: Sequence[tuple[str, ...]]) -> str:
    """Why images with these numbers are not the consecutive frames of one clip.

    A number that grows from image to image counts them, and must grow by even steps. Times only give the order: a
    number of ten million or more, a date (20240501, 2024-05-01), a time of day (123058 or 12-30-58; six digits are
    one from 010000 on, or after a date), and every number to the right of one. A time that is the same in all names
    does not count: it says when the clip began.

    Args:
        rows: the numbers of each image, equally many, in the order of their values.

    Returns:
        The fault, as the object of "has"; empty if there is none.
    """
    columns = list(zip(*rows, strict=True))[: _first_time(rows)]
    left = [[int(value) for value in values(column)] for column in columns if len(set(column)) > 1]
    counters = [column for column in left if all(a < b for a, b in pairwise(column))]
    if left and not counters:
        return (
            "numbers of which none grows from image to image, as if there were several clips; a folder holds one, "
            "numbered 1, 2, 3 and so on"
        )
    if not counters or any(_even(counter) for counter in counters):
        return ""
    return _gap(min(counters, key=lambda numbers: min(_steps(numbers))))


def _first_time(rows: Sequence[tuple[str, ...]]) -> int:
    """Index of the first number that is a time, or how many numbers there are."""
    dated = False
    count = len(rows[0])
    for index in range(count):
        for width in (1, 3) if index + 3 <= count else (1,):
            texts = {"-".join(row[index : index + width]) for row in rows}
            date = all(map(_DATE.fullmatch, texts))
            clock = all(map(_CLOCK.fullmatch, texts)) and (dated or width == 3 or min(texts) >= "010000")
            large = width == 1 and min(map(Fraction, texts)) >= _TIME
            if len(texts) > 1 and (date or clock or large):
                return index
            dated = dated or date
    return count


def _steps(numbers: Sequence[int]) -> list[int]:
    return [after - before for before, after in pairwise(numbers)]


def _even(numbers: Sequence[int]) -> bool:
    """Whether all steps are the same, apart from rounding."""
    steps = _steps(numbers)
    if min(steps) == max(steps):
        return True
    mean = (numbers[-1] - numbers[0]) / len(steps)
    off = max(abs(number - numbers[0] - mean * index) for index, number in enumerate(numbers))
    return min(steps) >= _ROUNDED and off <= 1


def _gap(numbers: Sequence[int]) -> str:
    """The fault of numbers in uneven steps, with those that are missing if the steps show which."""
    steps = _steps(numbers)
    step = min(steps)
    first, last, least, most = (shortened(str(n)) for n in (numbers[0], numbers[-1], step, max(steps)))
    found = f"{len(numbers)} images with numbers {first} to {last}"
    if any(amount % step for amount in steps):
        return f"{found} in steps of {least} to {most}; number them in even steps if none is missing"
    missing = [
        number
        for before, after in pairwise(numbers)
        for number in range(before + step, min(after, before + (_NAMED + 1) * step), step)
    ]
    count = (numbers[-1] - numbers[0]) // step + 1 - len(numbers)
    named = ", ".join(shortened(str(number)) for number in missing[:_NAMED]) + (
        " and more" if count > _NAMED else ""
    )
    found += f" in steps of {least}" if step > 1 else ""
    return f"{found}, but lacks {named}; number them without a gap if none is missing"
