"""What is written outlives SIGKILL; `stream_kills.py` makes as many rounds as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest
from stream_kills import KINDS, run_rounds
from streams import needs_ffmpeg


@pytest.mark.slow
@needs_ffmpeg
def test_kills_of_reader_and_server_lose_nothing_that_was_written(tmp_path: Path) -> None:
    rounds = run_rounds(len(KINDS), 0, tmp_path)
    assert {found.kind for found in rounds} == set(KINDS)
    assert [fault for found in rounds for fault in found.faults] == []
    assert all(found.reported for found in rounds)
