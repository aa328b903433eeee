"""Whatever lies in a result file, the answer is its numbers or one clear line: no traceback, no other numbers.

`DLATRACK_FUZZ` multiplies the number of inputs.
"""

from __future__ import annotations

import io
import math
import os
import re
import zipfile
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.protocols import PROTOCOLS
from dlatrack.evaluation.results.archives import opened
from dlatrack.evaluation.results.matlab import read_mat
from dlatrack.evaluation.results.text import read_rows
from dlatrack.evaluation.results.trackers import find_trackers
from dlatrack.evaluation.vot_results import REGION, read_vot_run

TIMES = int(os.environ.get("DLATRACK_FUZZ", "1"))


def inputs(count):
    return settings(
        max_examples=count * TIMES,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def referee(data: bytes) -> list[list[float]] | None:
    """The rows of a file read word by word; None where it is not a table of four finite numbers or NaN per row."""
    try:
        lines = data.removeprefix(b"\xef\xbb\xbf").decode().rstrip().splitlines()
        rows = [[float(word) for word in re.split(r"\s*[,;\t]\s*|\s+", line.strip())] for line in lines]
    except ValueError:
        return None
    good = rows and all(len(row) == 4 and not any(map(math.isinf, row)) for row in rows)
    return rows if good else None


def attempt(action):
    """The answer of an action, or the one line it stops with; anything else that is raised fails the test."""
    try:
        return action(), ""
    except InputError as error:
        return None, str(error)


def check(path, data: bytes) -> None:
    path.write_bytes(data)
    expected = referee(data)
    rows, message = attempt(lambda: read_rows(path))
    if message:
        assert expected is None, (data, message)
        assert path.name in message
        assert "\n" not in message
    else:
        assert expected is not None, data
        assert np.array_equal(rows, np.array(expected), equal_nan=True)


@inputs(300)
@given(st.binary(max_size=300))
def test_random_bytes(tmp_path, data):
    check(tmp_path / "a.txt", data)


NUMBERS = st.one_of(
    st.integers(-3, 2000).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.floats(-5, 2000).map("{:.4f}".format),
    st.sampled_from(
        ["NaN", "nan", "-nan", "inf", "1e400", "1e-400", "1_0", "0x1", "", " ", "1.", ".5", "+3", "--1"]
    ),
    st.sampled_from(["nan1", "e5", "1e", "١", "1,5", "e", "n", "NaNNaN", "1E+3", "\x00", "#1", '"1"']),
)
SEPARATORS = st.sampled_from(
    [",", ", ", " , ", "\t", " ", "  ", ";", ",,", "\t\t", ", ,", "\x0b", "\xa0", "|"]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", ",\n", " \n", "\x0c", "\u2028", "\n,"])


@st.composite
def tables(draw):
    """Text that is nearly a result file: most rows are sound, some have holes, other widths or odd signs."""
    odd = draw(st.booleans())
    separator = draw(SEPARATORS)
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        width = draw(st.sampled_from([4, 4, 4, 4, 4, 3, 5, 8, 1])) if odd else 4
        values = [draw(NUMBERS if odd else st.floats(-1e6, 1e6).map(repr)) for _ in range(width)]
        lines.append((draw(SEPARATORS) if odd and draw(st.booleans()) else separator).join(values))
        lines.append(draw(ENDS) if odd and draw(st.booleans()) else "\n")
    text = draw(st.sampled_from(["", "", "\ufeff", " ", "\n"] if odd else [""])) + "".join(lines)
    return text.encode()


@inputs(1500)
@given(tables())
def test_texts_that_are_nearly_result_files(tmp_path, data):
    check(tmp_path / "a.txt", data)


@pytest.mark.parametrize("rows", [0, 1, 2, 1000, 100_000])
def test_any_number_of_rows(tmp_path, rows):
    check(tmp_path / "a.txt", b"1,2,3,4\n" * rows)
    check(tmp_path / "a.txt", b"1,2,3,4\n" * rows + b"1,2,x,4\n")


@inputs(200)
@given(
    st.lists(st.lists(st.floats(width=32), min_size=4, max_size=4), min_size=1, max_size=8), st.integers(1, 8)
)
def test_scores_of_any_numbers_stay_between_0_and_1(tmp_path, boxes, frames):
    """Numbers of any size, NaN and infinity, other numbers of rows: a score in 0..1, or a refusal."""
    truth = np.tile([10.0, 20, 30, 40], (frames, 1))
    for protocol in PROTOCOLS:
        call = partial(evaluate, {"a": np.array(boxes)}, {"a": truth}, protocol=protocol)
        result, message = attempt(call)
        if result is None:
            assert "sequence a" in message
            continue
        for curve in (result.success, result.precision, result.normalised_precision):
            assert ((curve >= 0) & (curve <= 1)).all()
        assert (np.diff(result.success) <= 1e-12).all()
        assert (np.diff(result.precision) >= -1e-12).all()


VOT_ROWS = st.one_of(
    st.sampled_from(["1", "2", "0", "1", "1.0", "3", "-1", "", " ", "m0,0,4,4", "NaN", "nan,nan,nan,nan"]),
    st.lists(NUMBERS, min_size=3, max_size=9).map(",".join),
    st.lists(st.floats(-50, 500).map("{:.4f}".format), min_size=4, max_size=4).map(",".join),
    st.lists(st.floats(-50, 500).map("{:.4f}".format), min_size=8, max_size=8).map("\t".join),
)


@inputs(600)
@given(st.one_of(st.binary(max_size=200), st.lists(VOT_ROWS, max_size=8).map("\n".join).map(str.encode)))
def test_files_that_are_nearly_runs_of_vot(tmp_path, data):
    """What is read is what is there: a code for each row, and the numbers of each region."""
    path = tmp_path / "ants1_001.txt"
    path.write_bytes(data)
    run, message = attempt(lambda: read_vot_run(path))
    if run is None:
        assert path.name in message
        assert "\n" not in message
        return
    lines = data.removeprefix(b"\xef\xbb\xbf").decode().rstrip().splitlines()
    assert len(run) == len(lines)
    for line, code, region in zip(lines, run.codes, run.regions, strict=True):
        numbers = [float(word) for word in re.split(r"\s*[,;\t]\s*|\s+", line.strip())]
        if code == REGION:
            assert len(numbers) in (4, 8)
            assert region[: len(numbers)].tolist() == numbers
            assert np.isnan(region[len(numbers) :]).all()
        else:
            assert numbers == [code]


@inputs(150)
@given(
    st.binary(max_size=400),
    st.integers(0, 400),
    st.sampled_from([b"", b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"]),
)
def test_bytes_that_are_no_matlab_file(tmp_path, data, at, head):
    path = tmp_path / "Car1_A.mat"
    path.write_bytes(head + data[:at])
    with pytest.raises(InputError, match=r"Car1_A\.mat"):
        read_mat(path)


PARTS = st.sampled_from(["..", ".", "a", "Car1.txt", "", "~", "C:", "con", "\\", "a b", "\u202e", "x" * 60])


@inputs(200)
@given(
    st.lists(
        st.tuples(st.lists(PARTS, min_size=1, max_size=4).map("/".join), st.binary(max_size=60)), max_size=4
    )
)
def test_archives_with_any_names(tmp_path, entries):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in entries:
            if name and name not in archive.namelist():
                archive.writestr(name, content)
    path = tmp_path / "in" / "a.zip"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data.getvalue())
    before = sorted(tmp_path.rglob("*"))
    _, message = attempt(lambda: contents(path))
    assert "\n" not in message
    assert sorted(tmp_path.rglob("*")) == before


def contents(path):
    """Rows of the only tracker in an archive."""
    with opened(path) as folder:
        tracker, *_ = find_trackers(folder, ["Car1"])
        return tracker.read(["Car1"])["Car1"].tolist()


@inputs(150)
@given(st.data())
def test_damaged_archives(tmp_path, data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("A/Car1.txt", "1,2,3,4\n" * 20)
    damaged = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.zip").write_bytes(damaged)
    rows, message = attempt(lambda: contents(tmp_path / "a.zip"))
    assert (rows == [[1, 2, 3, 4]] * 20) != bool(message)
