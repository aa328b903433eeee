from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.tracking.timing import RunTimes, write_summary, write_times

SECONDS = np.array([0.5, 0.25, np.nan, 1.0, 0.25])
READ = np.array([0.125, 0.125, np.nan, 0.125, 0.125])
STARTED = np.array([True, False, False, True, False])


def test_frames_are_summed_by_stage() -> None:
    times = RunTimes.of(SECONDS, READ, STARTED)
    assert times == RunTimes(4, 2, read_seconds=0.5, init_seconds=1.5, update_seconds=0.5)
    assert times.frames_per_second == 2
    assert times + times == RunTimes(8, 4, read_seconds=1.0, init_seconds=3.0, update_seconds=1.0)
    assert RunTimes().frames_per_second == 0


def test_times_are_in_the_form_of_got10k(tmp_path: Path) -> None:
    times = RunTimes.of(SECONDS, READ, STARTED)
    write_times(tmp_path, "bag", [SECONDS[:3]], times)
    assert (tmp_path / "bag_time.txt").read_text() == "0.50000000\n0.25000000\nnan\n"
    write_times(tmp_path, "bag", [SECONDS[:3], SECONDS[2:]], times)
    assert (tmp_path / "bag_time.txt").read_text().splitlines() == [
        "0.50000000,nan",
        "0.25000000,1.00000000",
        "nan,0.25000000",
    ]


def test_a_summary_takes_what_is_there(tmp_path: Path) -> None:
    times = RunTimes.of(SECONDS, READ, STARTED)
    for name in ("bag", "book"):
        write_times(tmp_path, name, [SECONDS], times)
    write_summary(tmp_path / "summary.json", ["book", "bag", "missing"])
    record = json.loads((tmp_path / "summary.json").read_text())
    assert record == {"sequences": 2, **asdict(times + times), "frames_per_second": pytest.approx(2)}


@pytest.mark.parametrize("text", ["{", "[]", '{"frames": 1, "stops": 2}'])
def test_unreadable_times_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bag_stages.json").write_text(text)
    with pytest.raises(InputError, match=r"bag_stages\.json does not hold the times of a sequence"):
        write_summary(tmp_path / "summary.json", ["bag"])
