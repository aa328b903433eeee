"""Checks of the columns of a stored list of crops, so that a damaged file is refused when it is read.

Without them a wrong number would show much later, as an error of NumPy in the middle of training, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dlatrack.errors import InputError
from dlatrack.structured.typed import shown

#: Names of the kinds of numbers, as NumPy abbreviates them.
_KINDS = {"i": "whole numbers with a sign", "u": "whole numbers without a sign", "f": "numbers with a point"}

#: Limit of target sizes, px of a crop; a target of a crop has about 127.
_MOST_SIDE = 1e6


def check_columns(
    where: str,
    columns: Mapping[str, np.ndarray],
    wanted: Mapping[str, tuple[str, int]],
    optional: tuple[str, ...] = (),
) -> None:
    """Check that columns have the names, kinds of numbers and dimensions that they must have.

    Args:
        where: name of the file, for messages.
        columns: found columns by name.
        wanted: kind of number ("i", "u" or "f", as `numpy.dtype.kind`) and number of dimensions by name.
        optional: names in `wanted` that may be missing.

    Raises:
        InputError: naming the first column that is missing, unknown, or of another kind.
    """
    for name in [*wanted, *columns]:
        if name not in columns and name not in optional:
            raise InputError(f"{where}: it lacks the column {name}; needed are {', '.join(wanted)}")
        if name not in wanted:
            raise InputError(f"{where}: it has the column {shown(name)}; allowed are {', '.join(wanted)}")
        if name in columns and (columns[name].dtype.kind, columns[name].ndim) != wanted[name]:
            kind, dimensions = wanted[name]
            raise InputError(
                f"{where}: {name} holds {columns[name].dtype} in {columns[name].ndim} dimensions; {_KINDS[kind]} in "
                f"{dimensions} are needed"
            )


def check_starts(where: str, name: str, starts: np.ndarray, end: int, *, apart: bool = True) -> None:
    """Check that a column tells where parts of a list start: 0, ascending numbers, and the end of the list.

    Args:
        where: name of the file, for messages.
        name: name of the column.
        starts: (P + 1,) int, the column.
        end: length of the list that is cut into P parts.
        apart: whether every part must have an item.

    Raises:
        InputError: naming the column, and the first number that does not fit.
    """
    if len(starts) < 2 or starts[0] != 0 or starts[-1] != end:
        ends = f"from {starts[0]} to {starts[-1]}" if len(starts) else "empty"
        raise InputError(
            f"{where}: {name} is {ends} with {len(starts)} numbers; it must begin with 0 and end with {end}"
        )
    wrong = np.flatnonzero(starts[1:] < starts[:-1] + apart)
    if len(wrong):
        first = int(wrong[0])
        raise InputError(
            f"{where}: {name} goes from {starts[first]} to {starts[first + 1]} after {first}; it must ascend"
        )


def check_target_sizes(where: str, target_wh: np.ndarray, crops: int) -> None:
    """Check that there are a width and a height above 0 for each crop.

    Raises:
        InputError: naming the first crop without them.
    """
    if target_wh.shape != (crops, 2):
        raise InputError(f"{where}: target_wh has the shape {target_wh.shape}; ({crops}, 2) is needed")
    wrong = ~((target_wh > 0) & (target_wh < _MOST_SIDE)).all(1)
    if wrong.any():
        crop = int(wrong.argmax())
        raise InputError(
            f"{where}: target_wh of crop {crop} is {target_wh[crop].tolist()}; numbers above 0 and below "
            f"{_MOST_SIDE:g} are needed"
        )
