"""Numbers that a user chooses, checked; those of numpy are numbers too, True and False are none."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from dlatrack.errors import InputError


def checked_share(name: str, value: Any, least: float = 0.0) -> float:
    """The value as a float, if it is a number in `least`..1.

    Raises:
        InputError: naming the value otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) <= 1:
        raise InputError(f"{name} must be a number in {least:g}..1, got {value!r}")
    return float(value)


def checked_count(name: str, value: Any, least: int) -> int:
    """The value as an int, if it is a whole number of at least `least`.

    Raises:
        InputError: naming the value otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise InputError(f"{name} must be a whole number, {least} or more, got {value!r}")
    return int(value)
