"""Result files of the reset-based experiment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.evaluation.vot.results import FAILED, VOTRun, find_vot_trackers, read_vot_run, write_vot_run

TEXT = "1\n10.5,20,30,40\n1,2,3,4,5,6,7,8\n2\n0\n0\n0\n0\n1\n"
NOTHING = [np.nan] * 8


def saved(folder: Path, text: str, name: str = "agility_001.txt") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_run_by_hand(tmp_path: Path) -> None:
    run = read_vot_run(saved(tmp_path, TEXT), 9)
    assert len(run) == 9
    assert run.codes.tolist() == [1, -1, -1, 2, 0, 0, 0, 0, 1]
    assert run.codes.dtype == np.int8
    assert run.regions.shape == (9, 8)
    assert run.regions.dtype == np.float64
    assert run.regions[1, :4].tolist() == [10.5, 20, 30, 40]
    assert run.regions[2].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert np.isnan(run.regions[1, 4:]).all()
    assert np.isnan(run.regions[[0, 3, 4, 5, 6, 7, 8]]).all()
    assert np.flatnonzero(run.boxes).tolist() == [1]
    assert np.flatnonzero(run.codes == FAILED).tolist() == [3]


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace(",", "\t"),
        TEXT.replace(",", " ; "),
        TEXT.replace(",", "  "),
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT + "\n\n",
        TEXT.replace("1\n", "1.0000\n").replace("2\n", "2.0000\n"),
    ],
)
def test_peers_separate_values_in_their_own_ways(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.txt"
    path.write_bytes(text.encode())
    expected = read_vot_run(saved(tmp_path, TEXT))
    assert (read_vot_run(path).codes == expected.codes).all()
    assert np.array_equal(read_vot_run(path).regions, expected.regions, equal_nan=True)


def test_a_run_is_written_in_the_official_form(tmp_path: Path) -> None:
    write_vot_run(tmp_path / "run.txt", read_vot_run(saved(tmp_path, TEXT)))
    expected = "1\n10.5000,20.0000,30.0000,40.0000\n1.0000,2.0000,3.0000,4.0000,5.0000,6.0000,7.0000,8.0000\n"
    assert (tmp_path / "run.txt").read_bytes().decode() == expected + "2\n0\n0\n0\n0\n1\n"


NUMBERS = st.floats(-1e6, 1e6)
ROWS = st.one_of(
    st.sampled_from([1, 2, 0]),
    st.lists(NUMBERS, min_size=4, max_size=4),
    st.lists(NUMBERS, min_size=8, max_size=8),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, min_size=1, max_size=8))
def test_writing_and_reading_keep_four_decimals(tmp_path: Path, rows: list[int | list[float]]) -> None:
    codes = np.array([-1 if isinstance(row, list) else row for row in rows], np.int8)
    regions = np.array([[*row, *NOTHING][:8] if isinstance(row, list) else NOTHING for row in rows])
    write_vot_run(tmp_path / "run.txt", VOTRun(codes, regions))
    run = read_vot_run(tmp_path / "run.txt", len(rows))
    assert (run.codes == codes).all()
    assert np.allclose(run.regions, regions, rtol=0, atol=5.1e-5, equal_nan=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n3\n", "agility_001.txt row 2: '3' is not 1, 2, 0 or a region of 4 or 8 numbers"),
        ("1\n1,2,3\n", "row 2: '1,2,3' is not 1, 2, 0 or a region"),
        ("1\n1,2,3,4,5\n", "row 2: '1,2,3,4,5' is not"),
        ("1\n1,2,3,x\n", "row 2: '1,2,3,x' is not"),
        ("1\n1,2,,4\n", "row 2: '1,2,,4' is not"),
        ("1\n\n2\n", "row 2: '' is not"),
        ("1\nnan,nan,nan,nan\n", "row 2: 'nan,nan,nan,nan' is not a region: its numbers must be finite"),
        ("1\nnan\n", "row 2: 'nan' is not"),
        ("1\n1,2,3,4_0\n", "row 2: .* '4_0' is not a finite number"),
        ("1\n10,5, 20,5, 30,5, 40,5\n", "row 2: .* decimals need a point"),
        ("1\n1,5;2,5\n", "row 2: .* decimals need a point"),
        ("1\n１\n", "row 2: .* '１' is not a finite number"),
        ("1\n1,2,3,inf\n", "row 2: .* 'inf' is not a finite number"),
        ("1\n1,2,3,4e9\n", "row 2: .* 4e9 is too large; numbers must be below 1e[+]09"),
        ("1\nm3,4,2,2,1,2,1\n", "row 2: 'm3,4,2,2,1,2,1' is a mask; masks are not supported"),
        ("", "agility_001.txt is empty; it needs one row per frame"),
        ("1\n1,2,3,4\n", "agility_001.txt has 2 rows, but the sequence has 3 frames"),
        ("1\n1,2,3,4\n2\n0\n", "agility_001.txt has 4 rows, but the sequence has 3 frames"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, text: str, message: str) -> None:
    frames = 3 if "but the sequence" in message else None
    with pytest.raises(InputError, match=message):
        read_vot_run(saved(tmp_path, text), frames)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*absent.txt: No such file"):
        read_vot_run(tmp_path / "absent.txt")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"cannot read .*a.txt as a text file"):
        read_vot_run(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("codes", "regions", "message"),
    [
        ([1, -1], [NOTHING], r"codes \(T,\) and regions \(T, 8\), got \(2,\) and \(1, 8\)"),
        ([1, 3], [NOTHING] * 2, "frame 1 has code 3; codes are 1, 2, 0 and -1"),
        (
            [1, -1],
            [NOTHING] * 2,
            "frame 1 with code -1 has region .*nan.*; code -1 needs four or eight numbers",
        ),
        ([1, -1], [NOTHING, [1, 2, 3, 4, 5, *NOTHING[:3]]], "frame 1 with code -1"),
        ([1, 0], [NOTHING, range(8)], "frame 1 with code 0 has region"),
    ],
)
def test_a_run_must_hold_together(codes: list[int], regions: list[list[float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        VOTRun(np.array(codes, np.int8), np.array(regions, float))


def test_repetitions_are_found_in_order(tmp_path: Path) -> None:
    baseline = tmp_path / "VOT2019" / "ours" / "baseline"
    for number in (10, 2, 1):
        saved(baseline / "car1", "1\n", f"car1_{number:03d}.txt")
    saved(baseline / "ball2", "1\n", "ball2_001.txt")
    for other in ("car1_time.txt", "car1_001_time.value", "car1_001.bin", "notes.txt", "car10_001.txt"):
        saved(baseline / "car1", "1\n", other)
    expected = {
        "car1": [baseline / "car1" / f"car1_{number:03d}.txt" for number in (1, 2, 10)],
        "ball2": [baseline / "ball2" / "ball2_001.txt"],
    }
    for folder in (baseline, baseline.parent, tmp_path / "VOT2019"):
        (tracker,) = find_vot_trackers(folder, {"car1": 1, "ball2": 1})
        assert tracker.files == expected
        assert list(tracker.read(["car1", "ball2"])) == ["car1", "ball2"]


def test_runs_that_are_not_found_are_named(tmp_path: Path) -> None:
    baseline = tmp_path / "one" / "baseline"
    saved(baseline / "car1", "1\n", "car1_001.txt")
    saved(baseline / "book", "1\n", "book_001.bin")
    names = ["a", "b", "car1", "c", "d", "book"]
    (tracker,) = find_vot_trackers(tmp_path, dict.fromkeys(names, 1))
    with pytest.raises(
        InputError, match=r"one.baseline has no result <name>/<name>_001.txt or .bin for a, b, c and 1 more"
    ):
        tracker.read(names[:-1])
    with pytest.raises(InputError, match=r"book_001.bin is not a binary result of the VOT toolkit"):
        tracker.read(["car1", "book"])
    with pytest.raises(InputError, match="has no VOT result for any sequence, such as baseline/a/"):
        find_vot_trackers(tmp_path / "absent", {"a": 1})
