"""Messages for bad input."""

from __future__ import annotations

from dlatrack.errors import counted, listed, shortened


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
