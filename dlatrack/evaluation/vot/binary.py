"""Binary result files of the VOT toolkit in Python, which it writes unless `VOT_RESULTS_BINARY=false` is set."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from dlatrack.datasets.box_text import MOST_PIXELS
from dlatrack.errors import InputError
from dlatrack.files import read_bytes

_VERSION = 1
_HEADER = struct.Struct("<hI")  #: version, number of frames
_SPECIAL, _RECTANGLE, _POLYGON = 0, 1, 2
_OTHERS = {3: "a mask", 4: "a point"}
_CODE = struct.Struct("<I")
_BOX = struct.Struct("<4f")
_COUNT = struct.Struct("<H")
_CORNERS = struct.Struct("<8f")


def read_binary(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read one repetition of a tracker on a sequence.

    Args:
        path: file of the format: little-endian; int16 version 1, uint32 number of frames; for each frame a uint8 kind
            and its data: 0, a code as uint32; 1, a box as four float32 x, y, w, h; 2, a polygon as uint16 number of
            corners and two float32 x, y for each.

    Returns:
        codes: (T,) int8, as in `results.VOTRun`; 1, 2 and 0 are the codes of the toolkit.
        regions: (T, 8) float64, as in `results.VOTRun`; numbers have the precision of float32.

    Raises:
        InputError: if the file cannot be read or has another format, ends early or continues after its last frame; or
            naming the frame, from 1, whose region is a mask, a point, a polygon of other than four corners, not
            finite, or an unknown code.

    Source: votchallenge/toolkit, vot/region/io.py.
    """
    data = read_bytes(path)
    if len(data) < _HEADER.size or (header := _HEADER.unpack_from(data))[0] != _VERSION:
        raise InputError(f"{path} is not a binary result of the VOT toolkit, version {_VERSION}")
    count, offset = header[1], _HEADER.size
    if count == 0:
        raise InputError(f"{path} is empty; it needs one region per frame")
    if count * (1 + _CODE.size) > len(data) - offset:  # before anything of this size is allocated
        raise InputError(f"{path} declares {count} frames, but ends early after {len(data)} bytes")
    codes, regions = np.full(count, -1, np.int8), np.full((count, 8), np.nan)
    for frame in range(count):
        try:
            code, numbers, offset = _read_frame(data, offset)
        except ValueError as error:
            raise InputError(f"{path} frame {frame + 1} of {count}: {error}") from None
        codes[frame] = code
        regions[frame, : len(numbers)] = numbers
    if offset != len(data):
        raise InputError(f"{path} continues for {len(data) - offset} bytes after its {count} frames")
    return codes, regions


def _read_frame(data: bytes, offset: int) -> tuple[int, tuple[float, ...], int]:
    """Code, coordinates and the place of the next frame; ValueError says what is wrong."""
    try:
        kind, offset = data[offset], offset + 1
        if kind == _SPECIAL:
            (code,) = _CODE.unpack_from(data, offset)
            if code not in (0, 1, 2):
                raise ValueError(f"code {code} is unknown; codes are 1, 2 and 0")
            return code, (), offset + _CODE.size
        if kind == _RECTANGLE:
            form = _BOX
        elif kind == _POLYGON:
            (corners,), offset = _COUNT.unpack_from(data, offset), offset + _COUNT.size
            if corners != 4:
                raise ValueError(
                    f"a polygon of {corners} corners is not supported, only boxes and four corners"
                )
            form = _CORNERS
        else:
            what = _OTHERS.get(kind, f"a region of unknown kind {kind}")
            raise ValueError(f"{what} is not supported, only boxes and polygons of four corners")
        numbers = form.unpack_from(data, offset)
    except (IndexError, struct.error):
        raise ValueError("the file ends early") from None
    if not (np.abs(numbers) < MOST_PIXELS).all():  # nor NaN
        raise ValueError(f"the numbers of a region must be finite and below {MOST_PIXELS:g}")
    return -1, numbers, offset + form.size
