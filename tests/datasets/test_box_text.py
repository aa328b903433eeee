"""What counts as a number in a text file, and what only Python takes for one."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.datasets.box_text import decode_text, quick_table, split_lines, split_numbers, to_number


@pytest.mark.parametrize(
    ("text", "value"), [("10", 10), ("-3.5", -3.5), ("+.5", 0.5), ("1.", 1), ("2e3", 2000), ("1E-1", 0.1)]
)
def test_decimal_numbers(text, value):
    assert to_number(text) == value


def test_nan_is_a_number():
    assert np.isnan([to_number(text) for text in ("NaN", "nan", "-NAN")]).all()


@pytest.mark.parametrize(
    "text",
    [
        *("1_0", "1_000.5", "٣", "１２", "१", "0x10", "0b1", "infinity", "inf", "-Inf", "nan(1)", "nano"),
        *(
            "",
            " 1",
            "1 ",
            "1,5",
            "1d3",
            "1e",
            "e1",
            ".",
            "+",
            "--1",
            "1\N{NO-BREAK SPACE}000",
            "½",
            "²",
            "1f",
        ),
    ],
)
def test_what_only_python_or_nobody_takes_for_a_number(text):
    with pytest.raises(ValueError, match="is not a finite number"):
        to_number(text)


@pytest.mark.parametrize(
    "line",
    ["1,2,3,4", "1;2;3;4", "1 2\t3  4", " 1 , 2;\t3 4 ", "1.0, +2, 3e0, 4"],
)
def test_separators(line):
    assert split_numbers(line) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "line",
    [
        *("10,5;20,0", "10,5 20,0", "10,5\t20,0", "1,5; 2;3;4", "1,2 3 4"),
        *(
            "10,5, 20,5, 30,5, 40,5",
            "10,5 ,20,5",
            "1,\t2,3",
            "1,000.5 2,000.5",
            "1.000,5;2.000,5",
            "1.0,2 3.0,4.0",
        ),
    ],
)
def test_a_comma_that_may_be_a_decimal_point_is_refused(line):
    with pytest.raises(ValueError, match="decimals need a point"):
        split_numbers(line)
    assert quick_table(f"{line}\n{line}", range(1, 9)) is None


@pytest.mark.parametrize("line", ["1.0,2.0 3.0,4.0", "1.,2.;3.,4.", "1.0, 2.0,3.0 ,4.0", "1.0,-2.0;-3.,4.0"])
def test_a_comma_between_numbers_with_points_is_a_separator(line):
    assert np.abs(split_numbers(line)).tolist() == [1, 2, 3, 4]


def test_a_row_of_many_digits_is_looked_at_once():
    assert quick_table("1" * 300_000 + " 2", (2,)) is None


@pytest.mark.parametrize(
    "line",
    ["1,,2,3", "1;;2", "1\x0b2", "1\x0c2", "1\xa02", "1\u20032", "1\u20282", "\ufeff1"],
)
def test_holes_and_other_blanks_are_no_separators(line):
    with pytest.raises(ValueError, match="is not a finite number"):
        split_numbers(line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "^the row is blank$"),
        (" \t", "^the row is blank$"),
        ("1,2,3,4,", "^the row ends with a separator; nothing"),
        ("1;2;", "^the row ends with a separator; nothing"),
        (",1,2", "^the row begins with a separator; nothing"),
        ("1,2,3,4 # a", "^'#' is not a finite number$"),
        ("1,2,3,4 lost", "^'lost' is not a finite number$"),
        ("x,y,w,h", "^'x' is not a finite number, nor is any other field; headers are not taken$"),
        ("left top width height", "headers are not taken$"),
        ("x,2,3,4", "^'x' is not a finite number$"),
    ],
)
def test_the_reason_is_the_one_that_can_be_seen(line, message):
    with pytest.raises(ValueError, match=message):
        split_numbers(line)


@pytest.mark.parametrize("text", ["1e300", "-1e9", "1e400", "1000000000"])
def test_numbers_are_below_a_limit(text):
    with pytest.raises(ValueError, match=r"is too large; numbers must be below 1e\+09"):
        split_numbers(f"1,2,{text},4")
    assert quick_table(f"1,2,{text},4", (4,)) is None
    assert split_numbers("999999999.5") == [999999999.5]


def test_lines_end_as_on_any_system_and_nowhere_else():
    assert split_lines("a\r\nb\nc\rd\n \n\r\n") == ["a", "b", "c", "d"]
    assert split_lines("a\n\nb") == ["a", "", "b"]
    assert split_lines("1\x0c2\x1c3\x85\u2028\n") == ["1\x0c2\x1c3\x85\u2028"]
    assert split_lines(" \n") == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("1,2,3,4".encode("utf-16"), "it is UTF-16; UTF-8 is needed"),
        ("1,2,3,4".encode("utf-16-be"), "NUL bytes"),
        (b"1,2\x003,4", "NUL bytes"),
        ("1,2,3,4 °".encode("latin-1"), "byte 8 is not UTF-8"),
    ],
)
def test_other_encodings_are_named(data, message):
    with pytest.raises(ValueError, match=message):
        decode_text(data)


def test_a_mark_at_the_start_is_no_part_of_the_text():
    assert decode_text(b"\xef\xbb\xbf1,2") == "1,2"


@pytest.mark.parametrize("text", ["1,2\n3,4", "1;2\r\n3;4\r\n", "1\t2\n3 4", " 1 , 2 \n3, 4\n\n"])
def test_whole_tables_are_read_at_once(text):
    table = quick_table(text, (2,))
    assert table is not None
    assert table.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2\n\n3,4",
        "\n1,2",
        "1,2\n3",
        "1,2\n3 4",
        "1,2;3,4",
        "1_0,2",
        "1,2\r3,4",
        "x,y",
        "1,\n2,3",
        "1 2\n \n3 4",
    ],
)
def test_odd_tables_are_left_to_be_read_row_by_row(text):
    assert quick_table(text, (2,)) is None
