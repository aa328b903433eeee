from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.tracking.steps.state import TargetState, change_penalty

IMAGE = np.zeros((100, 200, 3), np.uint8)


def test_state_of_a_box_by_hand() -> None:
    state = TargetState.from_box(IMAGE, [10, 20, 60, 40])
    assert state.centre_xy.tolist() == [40, 40]
    assert state.box_xywh.tolist() == [10, 20, 60, 40]
    assert state.side == pytest.approx(math.sqrt(110 * 90))


def test_a_box_is_copied_against_later_changes() -> None:
    buffer = np.zeros((2, 4))
    for box in (np.array([10.0, 20.0, 60.0, 40.0]), buffer[1], torch.zeros(4, dtype=torch.float64).numpy()):
        box[:] = 10, 20, 60, 40
        state = TargetState.from_box(IMAGE, box)
        box[2:] += box[:2]
        assert state.box_xywh.tolist() == [10, 20, 60, 40]
        box[:] = 0
        assert state.size_wh.tolist() == [60, 40]
        assert state.side == pytest.approx(math.sqrt(110 * 90))


def test_a_state_keeps_copies_and_hands_out_copies() -> None:
    centre, size = np.array([40.0, 40.0]), np.array([60.0, 40.0])
    state = TargetState(centre, size)
    centre[:], size[:] = 0, 0
    state.box_xywh[:] = 0
    assert state.box_xywh.tolist() == [10, 20, 60, 40]


def test_clipping_keeps_the_centre_inside_and_the_size_possible() -> None:
    state = TargetState(np.array([-5.0, 140.0]), np.array([0.0, 500.0])).clipped((200, 100))
    assert state.centre_xy.tolist() == [0, 100]
    assert state.size_wh.tolist() == [1, 100]


def test_penalty_by_hand() -> None:
    """Twice the side at the same aspect ratio: r_c = 1, s_c = 2. Aspect 2 instead of 1 at the same side: r_c = 2."""
    last = np.array([30.0, 30.0])
    sizes = np.array([[30.0, 30.0], [60.0, 60.0], [15.0, 15.0]])
    assert change_penalty(sizes, last, 60, 0.2) == pytest.approx([1, math.exp(-0.2), math.exp(-0.2)])
    wide = np.array([[2.0, 1.0]])
    assert change_penalty(wide, last, math.sqrt(3.5 * 2.5), 0.2) == pytest.approx([math.exp(-0.2)])


side = st.floats(1e-3, 1e6)


@settings(max_examples=50, deadline=None)
@given(w=side, h=side, last_w=side, last_h=side)
def test_penalty_lies_between_0_and_1(w: float, h: float, last_w: float, last_h: float) -> None:
    last = np.array([last_w, last_h])
    value = change_penalty(np.array([w, h]), last, last_w + last_h, 0.3)
    assert 0 <= value <= 1


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([math.nan, 0, 5, 5], "four finite numbers"),
        ([0, 0, math.inf, 5], "four finite numbers"),
        ([0, 0, 5], r"four finite numbers x, y, w, h in px, got \[0, 0, 5\]"),
        ([0, 0, 0, 5], r"positive width and height, got \[0.0, 0.0, 0.0, 5.0\]"),
        ([0, 0, 5, -1], "positive width and height"),
        ([200, 0, 5, 5], r"\[200.0, 0.0, 5.0, 5.0\] lies outside the 200 x 100 image"),
        ([10, -5, 5, 5], "lies outside"),
        ([0, 0, 1e300, 5], r"must be 1e-06 to 1000000 px wide and high"),
        ([0, 0, 5, 1e-200], r"must be 1e-06 to 1000000 px wide and high"),
        (["1", "2", "3", "4"], r"four finite numbers .* got \['1', '2', '3', '4'\]"),
        ("1_0,2,3,4", r"four finite numbers .* got '1_0,2,3,4'"),
        ([[1, 2], [3]], r"four finite numbers .* got \[\[1, 2\], \[3\]\]"),
        ([1, 2, 3, 4j], "four finite numbers"),
        ([[1, 2, 3, 4]], "four finite numbers"),
        (None, "four finite numbers .* got None"),
    ],
)
def test_bad_boxes_are_named(box: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TargetState.from_box(IMAGE, box)
