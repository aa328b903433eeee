"""Binary result files of the VOT toolkit: bytes written by hand after its region module."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.vot.results import read_vot_run

STARTED = struct.pack("<BI", 0, 1)
BOX = struct.pack("<B4f", 1, 1.5, 2.0, 30.0, 40.0)
POLYGON = struct.pack("<BH8f", 2, 4, 0, 0, 2, 0, 2, 2, 0, 2)


def written(folder: Path, *frames: bytes, count: int | None = None, version: int = 1) -> Path:
    path = folder / "a_001.bin"
    path.write_bytes(struct.pack("<hI", version, len(frames) if count is None else count) + b"".join(frames))
    return path


def test_codes_boxes_and_polygons(tmp_path: Path) -> None:
    lost, waiting = struct.pack("<BI", 0, 2), struct.pack("<BI", 0, 0)
    run = read_vot_run(written(tmp_path, STARTED, BOX, POLYGON, lost, waiting), 5)
    assert run.codes.tolist() == [1, -1, -1, 2, 0]
    assert run.regions[1, :4].tolist() == [1.5, 2, 30, 40]
    assert run.regions[2].tolist() == [0, 0, 2, 0, 2, 2, 0, 2]
    assert np.isnan(run.regions[[0, 3, 4]]).all()
    assert run.boxes.tolist() == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        ([], {}, r"a_001\.bin is empty"),
        ([STARTED], {"version": 2}, "is not a binary result of the VOT toolkit, version 1"),
        ([STARTED], {"count": 4_000_000_000}, "declares 4000000000 frames, but ends early after 11 bytes"),
        ([STARTED, BOX[:-1]], {}, "frame 2 of 2: the file ends early"),
        ([STARTED, POLYGON[:6]], {}, "frame 2 of 2: the file ends early"),
        ([STARTED, BOX], {"count": 1}, "continues for 17 bytes after its 1 frames"),
        ([STARTED, struct.pack("<BI", 0, 7)], {}, "frame 2 of 2: code 7 is unknown; codes are 1, 2 and 0"),
        ([STARTED, struct.pack("<BH6f", 2, 3, *range(6))], {}, "frame 2 of 2: a polygon of 3 corners"),
        ([STARTED, struct.pack("<BhhHHH", 3, 0, 0, 1, 1, 0)], {}, "frame 2 of 2: a mask is not supported"),
        ([STARTED, struct.pack("<Bff", 4, 0, 0)], {}, "frame 2 of 2: a point is not supported"),
        ([STARTED, b"\x09    "], {}, "frame 2 of 2: a region of unknown kind 9"),
        ([STARTED, struct.pack("<B4f", 1, 1, 2, 3, np.nan)], {}, r"must be finite and below 1e\+09"),
        ([STARTED, struct.pack("<B4f", 1, 1, 2, 3, 4e9)], {}, r"must be finite and below 1e\+09"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, frames: list[bytes], options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_vot_run(written(tmp_path, *frames, **options))


def test_the_number_of_frames_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a_001\.bin has 2 rows, but the sequence has 3 frames"):
        read_vot_run(written(tmp_path, STARTED, BOX), 3)
    with pytest.raises(InputError, match=r"cannot read .*none_001\.bin"):
        read_vot_run(tmp_path / "none_001.bin")


def test_no_damaged_file_ends_in_another_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    whole = written(tmp_path, STARTED, BOX, POLYGON).read_bytes()
    for _ in range(2000):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            data[place] = rng.integers(0, 256)
        path = tmp_path / "a_001.bin"
        path.write_bytes(bytes(data[: rng.integers(0, len(data) + 1)]))
        with suppress(InputError):
            read_vot_run(path)
