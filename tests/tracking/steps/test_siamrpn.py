"""One tracking step of SiamRPN++: by hand, against pysot, and with odd input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.recipes import OnlineConfig
from dlatrack.tracking.steps.siamrpn import siamban_step, siamrpn_step
from dlatrack.tracking.steps.state import TargetState

IMAGE_WH = (1000, 800)
FREE = OnlineConfig(penalty_k=0.0, window_influence=0.0, rate=1.0)


def start() -> TargetState:
    """A square target of 64 px: context side 128 px, 127/128 crop px per image px."""
    return TargetState(np.array([500.0, 400.0]), np.array([64.0, 64.0]))


def peak(anchor: int, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    cls = np.concatenate([np.full((5, 25, 25), 12.0), np.full((5, 25, 25), -12.0)]).astype(np.float32)
    cls[anchor, row, column], cls[5 + anchor, row, column] = -12, 12
    return cls, np.zeros((20, 25, 25), np.float32)


def test_the_best_anchor_moves_and_shapes_the_target() -> None:
    """Anchor 3 is 40 x 80 crop px; cell (10, 15) lies 24 px right of the centre and 16 px above it."""
    state, score = siamrpn_step(*peak(3, 10, 15), start(), FREE, IMAGE_WH)
    assert score == pytest.approx(1)
    assert state.centre_xy == pytest.approx([500 + 24 * 128 / 127, 400 - 16 * 128 / 127])
    assert state.size_wh == pytest.approx([40 * 128 / 127, 80 * 128 / 127])


def test_deltas_are_decoded_in_units_of_the_anchor() -> None:
    cls, reg = peak(2, 12, 12)
    reg[[2, 7, 12, 17], 12, 12] = 0.25, -0.5, np.log(2), np.log(0.5)
    state, _ = siamrpn_step(cls, reg, start(), FREE, IMAGE_WH)
    assert state.centre_xy == pytest.approx([500 + 16 * 128 / 127, 400 - 32 * 128 / 127])
    assert state.size_wh == pytest.approx([128 * 128 / 127, 32 * 128 / 127])


def test_the_window_prefers_the_centre() -> None:
    cls, reg = peak(2, 0, 0)
    cls[7, 12, 12], cls[2, 12, 12] = 0, 0  # half sure in the middle
    free, _ = siamrpn_step(cls, reg, start(), FREE, IMAGE_WH)
    held, _ = siamrpn_step(cls, reg, start(), OnlineConfig(0.0, 0.6, 1.0), IMAGE_WH)
    assert free.centre_xy[0] == pytest.approx(500 - 96 * 128 / 127)
    assert held.centre_xy.tolist() == [500, 400]


def test_size_follows_at_the_rate_times_the_score() -> None:
    hyper = OnlineConfig(penalty_k=0.0, window_influence=0.0, rate=0.5)
    state, _ = siamrpn_step(*peak(3, 12, 12), start(), hyper, IMAGE_WH)
    assert state.size_wh == pytest.approx([(64 + 40 * 128 / 127) / 2, (64 + 80 * 128 / 127) / 2])


def test_twenty_steps_equal_pysot(shared_data: Path) -> None:
    """The answers start at the centre x + (w - 1) / 2, as pysot's tracker does without its test script."""
    official = np.load(shared_data / "parity/siamrpn_r50_l234_dwxcorr_otb.npz")
    penalty_k, window_influence, rate = official["hp"]
    hyper = OnlineConfig(float(penalty_k), float(window_influence), float(rate))
    state = TargetState(np.array([200 + 59 / 2, 150 + 39 / 2]), np.array([60.0, 40.0]))
    for step in range(20):
        rng = np.random.default_rng(100 + step)
        cls = rng.standard_normal((1, 10, 25, 25)).astype(np.float32)
        loc = (0.3 * rng.standard_normal((1, 20, 25, 25))).astype(np.float32)
        state, score = siamrpn_step(cls[0], loc[0], state, hyper, (480, 360))
        assert state.box_xywh == pytest.approx(official["traj_boxes"][step], abs=0.01)
        assert score == pytest.approx(float(official["traj_scores"][step]), abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(-1e4, 1e4, width=32),
    st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
    st.tuples(st.floats(0.5, 3000), st.floats(0.5, 3000)),
)
def test_no_answer_of_the_network_breaks_the_state(seed, spread, image_wh, size_wh) -> None:
    rng = np.random.default_rng(seed)
    cls, reg = (spread * rng.standard_normal((5 * n, 25, 25)).astype(np.float32) for n in (2, 4))
    begin = TargetState(np.array(image_wh) / 2, np.array(size_wh))
    state, score = siamrpn_step(cls, reg, begin, OnlineConfig(0.2, 0.4, 0.3), image_wh)
    assert np.isfinite(state.box_xywh).all()
    assert (state.size_wh >= 10).all()
    assert ((state.centre_xy >= 0) & (state.centre_xy <= image_wh)).all()
    assert 0 <= score <= 1


def test_siamban_decodes_from_points() -> None:
    cls = np.stack([np.full((25, 25), 12.0), np.full((25, 25), -12.0)]).astype(np.float32)
    cls[:, 10, 15] = -12, 12
    reg = np.full((4, 25, 25), 20, np.float32)
    reg[:, 10, 15] = 10, 20, 30, 60  # 40 wide, 80 high; centre 10 px right of the point and 20 px below it
    state, score = siamban_step(cls, reg, start(), FREE, IMAGE_WH)
    assert score == pytest.approx(1)
    assert state.centre_xy == pytest.approx([500 + (24 + 10) * 128 / 127, 400 + (-16 + 20) * 128 / 127])
    assert state.size_wh == pytest.approx([40 * 128 / 127, 80 * 128 / 127])


def test_siamban_survives_sides_without_length() -> None:
    state, _ = siamban_step(np.zeros((2, 25, 25)), np.zeros((4, 25, 25)), start(), FREE, IMAGE_WH)
    assert np.isfinite(state.box_xywh).all()
    assert (state.size_wh >= 10).all()
