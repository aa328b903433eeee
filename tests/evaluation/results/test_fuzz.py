"""Whatever lies in a result file, the answer is its numbers or one clear line: no traceback, no other numbers."""

from __future__ import annotations

import io
import zipfile
from functools import partial

import numpy as np
import pytest
from fuzzing import NUMBERS, attempt, inputs, plain_lines, plain_row, plain_table, tables
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.protocols import PROTOCOLS
from dlatrack.evaluation.results.archives import opened
from dlatrack.evaluation.results.matlab import read_mat
from dlatrack.evaluation.results.text import read_result_rows
from dlatrack.evaluation.results.trackers import find_trackers
from dlatrack.evaluation.vot.results import REGION, read_vot_run


def check(path, data: bytes) -> None:
    path.write_bytes(data)
    expected = plain_table(data)
    rows, message = attempt(lambda: read_result_rows(path))
    if message:
        assert expected is None, (data, message)
        assert path.name in message
    else:
        assert expected is not None, data
        assert np.array_equal(rows, np.array(expected), equal_nan=True)


@inputs(30)
@given(st.binary(max_size=300))
def test_random_bytes(tmp_path, data):
    check(tmp_path / "a.txt", data)


@inputs(150)
@given(tables())
def test_texts_that_are_nearly_result_files(tmp_path, data):
    check(tmp_path / "a.txt", data)


@pytest.mark.parametrize("rows", [0, 1, 2, 1000, 20_000])
def test_any_number_of_rows(tmp_path, rows):
    check(tmp_path / "a.txt", b"1,2,3,4\n" * rows)
    check(tmp_path / "a.txt", b"1,2,3,4\n" * rows + b"1,2,x,4\n")


@inputs(40)
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


@inputs(80)
@given(st.one_of(st.binary(max_size=200), st.lists(VOT_ROWS, max_size=8).map("\n".join).map(str.encode)))
def test_files_that_are_nearly_runs_of_vot(tmp_path, data):
    """What is read is what is there: a code for each row, and the numbers of each region."""
    path = tmp_path / "ants1_001.txt"
    path.write_bytes(data)
    run, message = attempt(lambda: read_vot_run(path))
    rows = [plain_row(line) for line in plain_lines(data) or []]
    if run is None:
        assert path.name in message
        assert not rows or not all(map(is_vot_row, rows))
        return
    for numbers, code, region in zip(rows, run.codes, run.regions, strict=True):
        assert is_vot_row(numbers)
        if code == REGION:
            assert region[: len(numbers)].tolist() == numbers
            assert np.isnan(region[len(numbers) :]).all()
        else:
            assert numbers == [code]


def is_vot_row(numbers) -> bool:
    if numbers is None or np.isnan(numbers).any():
        return False
    return len(numbers) in (4, 8) or (len(numbers) == 1 and numbers[0] in (0, 1, 2))


@inputs(20)
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


@inputs(30)
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
    assert "dlatrack-results" not in message, "the temporary folder is no name that the user knows"
    assert sorted(tmp_path.rglob("*")) == before


def contents(path):
    """Rows of the only tracker in an archive."""
    with opened(path) as folder:
        tracker, *_ = find_trackers(folder, ["Car1"])
        return tracker.read(["Car1"])["Car1"].tolist()


@inputs(30)
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
