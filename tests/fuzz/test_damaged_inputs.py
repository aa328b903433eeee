"""Damaged inputs of every reader end in one line or are read; `fuzz_run.py` runs more of them by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fuzz_readers import READERS
from fuzz_run import fuzz

#: Inputs of each reader in a test run; some 50,000 in all were run when the readers were written.
SLICE = 8

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does")


@pytest.mark.parametrize("name", READERS)
def test_damaged_inputs_end_in_one_line(name: str, tmp_path: Path) -> None:
    assert fuzz(name, SLICE, tmp_path / "x") == {}


def test_the_fuzzer_sees_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracebacks, the end of the process, and want of memory, each under the number of its first input."""
    import os
    from dataclasses import replace

    def odd(folder: Path, data: bytes) -> object:
        number = int(data)
        if number == 1:
            raise IndexError
        if number == 2:
            raise RecursionError
        if number == 3:
            os._exit(9)
        return [0] * (300_000_000 if number == 4 else 1)

    reader = replace(READERS["truth"], read=odd)
    monkeypatch.setitem(READERS, "truth", reader)
    monkeypatch.setattr("fuzz_run.input_of", lambda name, sound, number: str(number).encode())
    found = fuzz("truth", 6, tmp_path / "x")
    assert [first for first, _ in found.values()] == [1, 2, 3, 4]
    assert [what.split()[0] for what in found] == ["IndexError", "RecursionError", "the", "MemoryError"]
