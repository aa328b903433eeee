"""Messages for bad input."""

from __future__ import annotations

from dlatrack.errors import counted, listed, shortened, without_password


def test_what_is_long_is_quoted_by_its_beginning() -> None:
    assert shortened("1,2,3,4") == "1,2,3,4"
    assert shortened("7" * 80) == "7" * 80
    assert shortened("7" * 81) == "7" * 80 + "..."


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


def test_passwords_of_addresses_are_not_shown() -> None:
    assert without_password("rtsp://name:pass@word@host/a b") == "rtsp://***@host/a b"
    assert without_password("dlatrack track rtsp:/name:p/ss@host --box 1,2,3,4") == (
        "dlatrack track rtsp:/***@host --box 1,2,3,4"
    )
    assert (
        without_password("https://host/x and someone@example.org") == "https://host/x and someone@example.org"
    )
