from __future__ import annotations

from pathlib import Path

import pytest

from dlatrack.datasets.faults import Fault, FaultLog, stop_at_first
from dlatrack.errors import InputError


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (
            Fault(Path("a/b.txt"), "is missing; a text file is needed"),
            "a/b.txt is missing; a text file is needed",
        ),
        (Fault("b.txt", "is blank", row=3), "b.txt row 3: is blank"),
        (Fault("b.txt", "is not a number", 3, "x\ny"), r"b.txt row 3: 'x\ny' is not a number"),
        (Fault("b.xml", "is not a number", 2, "x", "object"), "b.xml object 2: 'x' is not a number"),
        (Fault("b.ini", "is not a rate", value="fast"), "b.ini: 'fast' is not a rate"),
    ],
)
def test_text_names_file_row_and_value_in_one_line(fault: Fault, text: str) -> None:
    assert str(fault) == text


def test_a_long_value_is_cut() -> None:
    assert len(str(Fault("b.txt", "is not a number", 3, "1" * 10_000))) < 130


def test_the_first_fault_stops() -> None:
    with pytest.raises(InputError, match=r"b\.txt row 3: is blank"):
        stop_at_first(Fault("b.txt", "is blank", row=3))


def test_a_log_keeps_the_first_counts_all_and_drops_repeats() -> None:
    log = FaultLog(keep=2)
    for name in ("a", "b", "a", "c"):
        log(Fault(name, "is missing"))
    assert [fault.path for fault in log.faults] == ["a", "b"]
    assert log.count == 3
    assert log.paths == {"a", "b", "c"}
