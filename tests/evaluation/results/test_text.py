from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.results import find_results, read_result_boxes, write_boxes


def put(tmp_path: Path, text: str, name: str = "Car1.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def test_written_file_counts_the_first_pixel_as_one(tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.txt", np.array([[0, 9.5, 30, 20], [1.23456, -1, 2, 3]]))
    assert (tmp_path / "a.txt").read_text() == "1.0000,10.5000,30.0000,20.0000\n2.2346,0.0000,2.0000,3.0000\n"


def test_round_trip(tmp_path: Path) -> None:
    boxes = np.random.default_rng(0).normal(100, 50, (20, 4))
    write_boxes(tmp_path / "a.txt", boxes)
    assert np.abs(read_result_boxes(tmp_path / "a.txt", 20) - boxes).max() <= 5.1e-5


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3,4\n5,6,7,8\n",
        "1\t2\t3\t4\n5\t6\t7\t8",
        "1 2 3 4\r\n  5   6 7 8\r\n\r\n",
        "1, 2, 3, 4\n5 ,6;7;8\n",
        "\ufeff1.0,2.0,3e0,4\n5,6,7,8\n",
        "1,2,3,4\r5,6,7,8\r",
    ],
)
def test_separators_of_peers(tmp_path: Path, text: str) -> None:
    path = put(tmp_path, text)
    assert read_result_boxes(path, 2, first_pixel=0).tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert read_result_boxes(path, 2).tolist() == [[0, 1, 3, 4], [4, 5, 7, 8]]


def test_nan_stands_for_no_box(tmp_path: Path) -> None:
    assert np.isnan(read_result_boxes(put(tmp_path, "NaN,NaN,NaN,NaN\n"))).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4\n1,2,three,4\n", r"Car1.txt row 2: '1,2,three,4' is not x, y, w, h in numbers"),
        ("1,2,3,4\n\n1,2,3,4\n", r"Car1.txt row 2: '' is not"),
        ("1,2,3,4\n1,2,3\n", r"Car1.txt row 2: needs four finite numbers x, y, w, h, got '1,2,3'"),
        ("1,2,3,4,5,6,7,8\n", r"Car1.txt row 1: needs four finite numbers"),
        ("1,2,inf,4\n", r"Car1.txt row 1: '1,2,inf,4' is not .* 'inf' is not a finite number"),
        ("\n", r"Car1.txt is empty"),
        ("1_0,2,3,4\n", r"Car1.txt row 1: '1_0,2,3,4' is not .* '1_0' is not a finite number"),
        ("1,2,3,4\n1,2,٣,4\n", r"Car1.txt row 2: .* '٣' is not a finite number"),
        ("10,5;20,0\n", r"Car1.txt row 1: '10,5;20,0' is not .* decimals need a point"),
        ("10,5, 20,0\n", r"Car1.txt row 1: .* decimals need a point"),
        ("10,5\t20,0\n", r"Car1.txt row 1: .* decimals need a point"),
        ("1 000\N{NO-BREAK SPACE}20 30\n", r"Car1.txt row 1: .* is not a finite number"),
        (
            "1,2,3,4\n-1e300,2,1e300,4\n",
            r"Car1.txt row 2: .* -1e300 is too large; numbers must be below 1e\+09",
        ),
        ("1,2,3,4,\n", r"Car1.txt row 1: '1,2,3,4,' is not"),
        ("x,y,w,h\n1,2,3,4\n", r"Car1.txt row 1: 'x,y,w,h' is not"),
        ("1,2,3,4\x0c5,6,7,8\n", r"Car1.txt row 1: "),
        ("1,2,\x003,4\n", r"cannot read .*Car1.txt as a text file: it holds NUL bytes"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_result_boxes(put(tmp_path, text))


def test_row_count_must_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Car1.txt has 1 rows, but the sequence has 3 frames"):
        read_result_boxes(put(tmp_path, "1,2,3,4\n"), 3)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match=r"cannot read .*a.txt as a text file"):
        read_result_boxes(tmp_path / "a.txt")
    with pytest.raises(InputError, match=r"cannot read .*none.txt"):
        read_result_boxes(tmp_path / "none.txt")


def test_write_refuses_another_shape(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"boxes must have shape \(T, 4\), got \(4,\)"):
        write_boxes(tmp_path / "a.txt", np.zeros(4))


def test_spellings_of_names(tmp_path: Path) -> None:
    files = {
        "Jogging-1": "jogging_1.txt",
        "BlurCar4": "Blurcar4.txt",
        "FaceOcc1": "faceocc1.txt",
        "Human4-2": "human4.2.txt",
        "Skating1": "Skating1.txt",
        "Skating2-1": "skating21.txt",
    }
    for file in [*files.values(), "jogging_1_time.txt"]:
        put(tmp_path, "1,2,3,4\n", file)
    assert {name: path.name for name, path in find_results(tmp_path, files).items()} == files


def test_an_exact_name_is_not_taken_for_another(tmp_path: Path) -> None:
    for name in ("car1_1.txt", "car11.txt"):
        put(tmp_path, "1,2,3,4\n", name)
    found = find_results(tmp_path, ["car11", "car1_1"])
    assert {name: path.stem for name, path in found.items()} == {"car11": "car11", "car1_1": "car1_1"}


def test_missing_and_doubtful_files_are_named(tmp_path: Path) -> None:
    put(tmp_path, "", "CAR1.txt")
    put(tmp_path, "", "car1.txt")
    with pytest.raises(InputError, match=r"several files for sequence Car1: CAR1.txt, car1.txt"):
        find_results(tmp_path, ["Car1"])
    with pytest.raises(InputError, match=r"has no result file for a, b, c and 1 more"):
        find_results(tmp_path, ["a", "b", "c", "d", "car1"])
    with pytest.raises(InputError, match=r"there is no results folder .*none"):
        find_results(tmp_path / "none", ["a"])
