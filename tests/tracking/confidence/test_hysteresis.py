"""States of a track."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.tracking.confidence.hysteresis import Hysteresis, Thresholds

LIMITS = Thresholds(tracking=0.6, lost=0.2, found_after=2, lost_after=3)


def states(probabilities, start="tracking"):
    machine = Hysteresis(LIMITS, start)
    return [machine.observe(probability)[0] for probability in probabilities]  # first letters


@pytest.mark.parametrize(
    ("start", "probabilities", "expected"),
    [
        ("tracking", [0.6, 0.59, 0.6, 0.6], "tuut"),
        ("tracking", [0.1, 0.1, 0.1, 0.1], "uull"),
        ("tracking", [0.1, 0.1, 0.2, 0.1, 0.1, 0.1], "uuuuul"),
        ("lost", [0.9, 0.5, 0.9, 0.9], "lllt"),
        ("lost", [0.5] * 4, "llll"),
        ("uncertain", [0.9, 0.9, 0.1], "utu"),
    ],
)
def test_changes_by_hand(start, probabilities, expected):
    assert "".join(states(probabilities, start)) == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=40))
def test_a_state_never_jumps_without_enough_frames(probabilities):
    machine, before = Hysteresis(LIMITS), "tracking"
    for place, probability in enumerate(probabilities):
        now = machine.observe(probability)
        if now == "lost" and before != "lost":
            assert all(each < LIMITS.lost for each in probabilities[place - 2 : place + 1])
        if now == "tracking" and before != "tracking":
            assert all(each >= LIMITS.tracking for each in probabilities[place - 1 : place + 1])
        before = now


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tracking": 1.5}, r"tracking must be a number in 0\.\.1, got 1\.5"),
        ({"lost": float("nan")}, r"lost must be a number in 0\.\.1, got nan"),
        ({"lost": 0.7, "tracking": 0.6}, "lost must be at most tracking, 0.6, got 0.7"),
        ({"found_after": 0}, "found_after must be a whole number, 1 or more, got 0"),
        ({"lost_after": -1}, "lost_after must be a whole number, 1 or more, got -1"),
        ({"found_after": 2.5}, "found_after must be a whole number, 1 or more, got 2.5"),
        ({"lost_after": True}, "lost_after must be a whole number, 1 or more, got True"),
        ({"tracking": True}, r"tracking must be a number in 0\.\.1, got True"),
        ({"tracking": "high"}, r"tracking must be a number in 0\.\.1, got 'high'"),
    ],
)
def test_thresholds_out_of_range_are_named(options, message):
    with pytest.raises(InputError, match=message):
        Thresholds(**options)


def test_numbers_of_numpy_are_numbers():
    chosen = Thresholds(tracking=np.float32(0.5), lost_after=np.int64(3))
    assert chosen == Thresholds(tracking=0.5, lost_after=3)
    assert (type(chosen.tracking), type(chosen.lost_after)) == (float, int)
