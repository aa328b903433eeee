"""Messages for bad input."""

from __future__ import annotations

from dlatrack.errors import shortened


def test_what_is_long_is_quoted_by_its_beginning() -> None:
    assert shortened("1,2,3,4") == "1,2,3,4"
    assert shortened("7" * 80) == "7" * 80
    assert shortened("7" * 81) == "7" * 80 + "..."
