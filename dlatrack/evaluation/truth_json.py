"""Truth in JSON files: plain rows by sequence, or entries of pysot's benchmark files; every field is checked."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.datasets.box_text import MOST_PIXELS
from dlatrack.datasets.layout import is_plain_name
from dlatrack.errors import InputError
from dlatrack.evaluation.truth import TAGS, SequenceTruth
from dlatrack.files import read_bytes
from dlatrack.structured.json_files import parse_json
from dlatrack.structured.typed import shown

#: Largest file that is read, unpacked; pysot's largest has 70 MB. Decoded, a text may take ten times as much memory.
_MOST_BYTES = 2**27

_NO_JSON = "is not JSON, plain or gzipped"


def read_json_truth(file: Path) -> list[SequenceTruth]:
    """Read the truth of all sequences of a file.

    The file holds an object with an entry per sequence. An entry is a list of rows, or an object with the rows in
    `gt` or `gt_rect` and any of the following; other fields are not read.

    - `absent`: T numbers, 1 where the target is present and 0 where it is absent, as pysot writes them; or true and
      false for them
    - `absent_runs`: pairs of first and last frame, from 0, in which the target is absent
    - `attr`: names of attributes
    - `width`, `height`: of the images, px
    - a tag of VOT: at most T numbers, 1 where the tag holds

    A row is x, y, w, h or x1, y1 ... x4, y4; null, or nothing but null or NaN, where there is no box.

    Args:
        file: JSON, plain or gzipped.

    Raises:
        InputError: naming file, sequence, field and value.
    """
    content = _content(file)
    if not isinstance(content, dict) or not content:
        raise InputError(f"{file} does not hold a JSON object with an entry per sequence")
    return [_entry(file, name, entry) for name, entry in content.items()]


def _content(file: Path) -> Any:
    data = read_bytes(file)
    try:
        if data[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(data)) as stream:
                data = stream.read(_MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                raise InputError(f"{file} is larger than {_MOST_BYTES:,} bytes when unpacked")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{file} {_NO_JSON}: {error}") from error
    pairs = partial(_object, file)
    return parse_json(data, str(file), most_bytes=_MOST_BYTES, otherwise=_NO_JSON, object_pairs_hook=pairs)


def _object(file: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, whose names must differ: JSON readers keep only the last field of a name."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in found if names.count(name) > 1)
        raise InputError(f"{file}: {shown(name)} comes {names.count(name)} times; each name once")
    return found


def _entry(file: Path, name: str, entry: Any) -> SequenceTruth:
    where = f"{file}: sequence {name}"
    if not is_plain_name(name):
        raise InputError(
            f"{file}: {shown(name)} is not the name of a sequence; printable letters without / are needed"
        )
    facts = entry if isinstance(entry, dict) else {"gt": entry}
    if len(facts.keys() & {"gt", "gt_rect"}) != 1:
        raise InputError(f"{where} needs a list of boxes x, y, w, h in one field, gt or gt_rect")
    key = "gt" if "gt" in facts else "gt_rect"
    regions = _regions(where, facts[key])
    frames = len(regions)
    present = _present(where, facts, frames)
    if present is not None and not present[0] and _is_region(regions[0]):
        raise InputError(
            f"{where}: {'absent' if 'absent' in facts else 'absent_runs'} marks frame 0 as absent, where the box "
            f"starts trackers; absent is 1 where the target is present, as in pysot's files, and absent_runs are "
            f"frames without it (in LaSOT's absent/*.txt 1 is absent)"
        )
    return SequenceTruth(
        name,
        regions,
        present,
        _attributes(where, facts),
        _size(where, facts),
        {tag: _tag(where, tag, facts[tag], frames) for tag in TAGS if tag in facts},
    )


def _regions(where: str, rows: Any) -> np.ndarray:
    """The rows as (T, 4) or (T, 8), NaN where there is no box."""
    what = "a list of boxes x, y, w, h or of polygons with 8 numbers"
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{where} needs {what}, got {shown(rows)}")
    if (quick := _quick_regions(rows)) is not None:
        return quick
    width = next((len(row) for row in rows if isinstance(row, list)), 4)
    regions = np.full((len(rows), width), np.nan)
    for number, row in enumerate(rows, 1):
        if row is None:
            continue
        if not isinstance(row, list) or len(row) not in (4, 8):
            raise InputError(f"{where} needs {what}: row {number} is {shown(row)}")
        if len(row) != width:
            raise InputError(
                f"{where} needs {what}: row {number} has {len(row)} numbers, others have {width}"
            )
        if not all(value is None or _is_number(value) for value in row):
            raise InputError(
                f"{where} row {number}: {shown(row)} is not {width} numbers below {MOST_PIXELS:g}, or null"
            )
        values = np.array([np.nan if value is None else value for value in row], np.float64)
        if np.isnan(values).any() and not np.isnan(values).all():
            raise InputError(f"{where} row {number}: {shown(row)} is NaN in part; all or none is needed")
        regions[number - 1] = values
    return regions


def _quick_regions(rows: list[Any]) -> np.ndarray | None:
    """All rows at once; None if a row has to be looked at by itself."""
    try:
        if not {type(value) for row in rows for value in row} <= {int, float}:
            return None
        regions = np.array(rows, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    sound = regions.ndim == 2 and regions.shape[1] in (4, 8) and (np.abs(regions) < MOST_PIXELS).all()
    return regions if sound else None


def _is_number(value: Any) -> bool:
    """Whether a value is a number that can be a coordinate; true and false are not, NaN is."""
    return type(value) in (int, float) and not abs(value) >= MOST_PIXELS


def _is_region(row: np.ndarray) -> bool:
    """Whether a row is a polygon, or a box with a size."""
    return not np.isnan(row).any() and (len(row) == 8 or bool((row[2:] > 0).all()))


def _present(where: str, facts: Mapping[str, Any], frames: int) -> np.ndarray | None:
    if "absent" in facts and "absent_runs" in facts:
        raise InputError(f"{where} has absent and absent_runs; one of them is needed")
    if "absent_runs" in facts:
        return _outside_runs(where, facts["absent_runs"], frames)
    if "absent" not in facts:
        return None
    flags = _flags(where, "absent", facts["absent"])
    if len(flags) != frames:
        raise InputError(
            f"{where}: absent has {len(flags)} flags for {frames} rows of boxes; one per row is needed"
        )
    return flags  # pysot's files mark present targets with 1


def _outside_runs(where: str, runs: Any, frames: int) -> np.ndarray:
    """(frames,) bool, False in runs of frames [first, last]."""
    if not isinstance(runs, list):
        raise InputError(f"{where}: absent_runs is {shown(runs)}; a list of [first, last] is needed")
    present, after = np.ones(frames, bool), 0
    for run in runs:
        pair = run if isinstance(run, list) and [type(end) for end in run] == [int, int] else None
        if pair is None or not after <= pair[0] <= pair[1] < frames:
            raise InputError(
                f"{where}: absent_runs has {shown(run)}; pairs first <= last within frames 0 to {frames - 1} are "
                f"needed, in order and apart"
            )
        present[pair[0] : pair[1] + 1] = False
        after = pair[1] + 1
    return present


def _flags(where: str, field: str, values: Any) -> np.ndarray:
    """A list of numbers 0 and 1, or of false and true, as (N,) bool."""
    if not isinstance(values, list):
        raise InputError(f"{where}: {field} is {shown(values)}; a list of 0 and 1 is needed")
    for index, value in enumerate(values):
        if type(value) not in (int, float, bool) or value not in (0, 1):
            raise InputError(f"{where}: {field} of frame {index} is {shown(value)}; 0 or 1 is needed")
    return np.array(values, np.float64) == 1


def _attributes(where: str, facts: Mapping[str, Any]) -> frozenset[str]:
    names = facts.get("attr", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name.isprintable() for name in names):
        raise InputError(f"{where}: attr is {shown(names)}; a list of names is needed")
    return frozenset(names) - {"ALL", ""}


def _size(where: str, facts: Mapping[str, Any]) -> tuple[int, int] | None:
    given = [side for side in ("width", "height") if side in facts]
    for side in given:
        if not _is_number(facts[side]) or not facts[side] > 0 or facts[side] % 1:
            raise InputError(
                f"{where}: {side} is {shown(facts[side])}; a whole number of px above 0 is needed"
            )
    if len(given) == 1:
        raise InputError(f"{where} has {given[0]} alone; width and height are needed, or neither")
    return (int(facts["width"]), int(facts["height"])) if given else None


def _tag(where: str, tag: str, values: Any, frames: int) -> np.ndarray:
    """(frames,) bool; a tag that ends early does not hold from there on."""
    flags = _flags(where, tag, values)
    if len(flags) > frames:
        raise InputError(
            f"{where}: {tag} has {len(flags)} flags for {frames} rows of boxes; at most one per row"
        )
    return np.pad(flags, (0, frames - len(flags)))
