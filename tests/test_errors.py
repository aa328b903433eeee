"""Messages for bad input."""

from __future__ import annotations

import pickle

import pytest

from dlatrack.errors import InputError, counted, listed, shortened, without_secrets


def test_what_is_long_is_quoted_by_its_beginning() -> None:
    assert shortened("1,2,3,4") == "1,2,3,4"
    assert shortened("7" * 80) == "7" * 80
    assert shortened("7" * 81) == "7" * 80 + "..."


def test_an_error_is_one_line() -> None:
    error = InputError("a/b\n.txt is\r\nno\u2028file\n")
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == "a/b .txt is no file"


def test_of_an_error_without_end_the_middle_is_left_out() -> None:
    error = InputError("a.json: field " + "x" * 100_000 + " is unknown; fields are a, b")
    assert len(str(error)) == 2005
    assert str(error).startswith("a.json: field xxx")
    assert str(error).endswith("xxx is unknown; fields are a, b")
    assert str(InputError("y" * 2000)) == "y" * 2000


def test_a_list_of_names_by_hand():
    assert listed([]) == ""
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed(("a", "b", "c", "d"), 2) == "a, b and 2 more"


def test_one_is_singular() -> None:
    assert [counted(number, "pair") for number in (0, 1, 2, 4000)] == [
        "0 pairs",
        "1 pair",
        "2 pairs",
        "4,000 pairs",
    ]


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("rtsp://name:pass@word@host/a", "rtsp://***@host/a"),
        ("http://me:with space@127.0.0.1:80/a.ts?tok=secret", "http://***@127.0.0.1:80/a.ts"),
        ("rtsp:/name:p/ss@host", "rtsp:/***@host"),
        ("--source=rtsp://a:b@host/s?key=1", "--source=rtsp://***@host/s"),
        ("rtsp//user:secret@host/s", "rtsp//user:secret@host/s".replace("rtsp//user:secret", "***")),
        ("user:secret@host:554/s", "***@host:554/s"),
        ("https://host/x", "https://host/x"),
        ("/data/a@b/clip.mp4", "/data/a@b/clip.mp4"),
        ("clip?.mp4", "clip?.mp4"),
        ("120,80,60,45", "120,80,60,45"),
    ],
)
def test_secrets_of_addresses_are_not_shown(argument, shown) -> None:
    assert without_secrets(argument) == shown
