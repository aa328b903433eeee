from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dlatrack.recipes import OnlineConfig, recipe
from dlatrack.tracking.steps.siamcar import siamcar_step
from dlatrack.tracking.steps.state import TargetState

Maps = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
HYPER = OnlineConfig(penalty_k=0.2, window_influence=0.0, rate=1.0)
IMAGE_WH = (1000, 800)


def start() -> TargetState:
    """A square target of 64 px: context side 128 px, 127/128 crop px per image px."""
    return TargetState(np.array([500.0, 400.0]), np.array([64.0, 64.0]))


def peak(row: int, column: int, size: float = 63.5) -> Maps:
    """Sure of the target in one cell, sure of background elsewhere; the same square predicted everywhere."""
    cls = np.stack([np.full((25, 25), 10.0), np.full((25, 25), -10.0)]).astype(np.float32)
    cls[:, row, column] = cls[::-1, row, column]
    centerness = np.full((1, 25, 25), -10, np.float32)
    centerness[0, row, column] = 10
    return cls, np.full((4, 25, 25), size / 2, np.float32), centerness


def test_a_peak_in_the_middle_leaves_the_centre_and_its_penalised_rate_moves_the_size() -> None:
    state, score = siamcar_step(*peak(12, 12), start(), HYPER, IMAGE_WH)
    assert state.centre_xy.tolist() == [500, 400]
    assert state.size_wh == pytest.approx([64, 64])  # 63.5 crop px are 64 image px: no change to smooth
    assert score == pytest.approx(1, abs=1e-6)


def test_displacement_has_the_pitch_of_the_enlarged_map() -> None:
    """Cell 15 peaks at pixel (15 + 0.5) * 7.72 - 0.5 = 119.16 of 0..192, the crop centre being 96."""
    state, _ = siamcar_step(*peak(12, 15), start(), HYPER, IMAGE_WH)
    assert state.centre_xy == pytest.approx([500 + 23 * 128 / 127, 400])
    state, _ = siamcar_step(*peak(9, 12), start(), HYPER, IMAGE_WH)
    assert state.centre_xy == pytest.approx([500, 400 - 23 * 128 / 127])


def test_size_moves_with_the_rate() -> None:
    hyper = OnlineConfig(penalty_k=0.0, window_influence=0.0, rate=0.25)
    state, score = siamcar_step(*peak(12, 12, size=127), start(), hyper, IMAGE_WH)
    assert score == pytest.approx(1, abs=1e-6)
    assert state.size_wh == pytest.approx([80, 80], rel=1e-5)  # a quarter of the way from 64 to 128


def test_a_coarse_peak_in_the_last_cell_stays_within_the_map() -> None:
    """The last pixels of the enlarged map round to cell 25 of 0..24."""
    state, _ = siamcar_step(*peak(24, 24), start(), HYPER, IMAGE_WH)
    assert (state.centre_xy > (500 + 92, 400 + 92)).all()


def test_a_constant_centerness_map_counts_as_one() -> None:
    cls, reg, centerness = peak(12, 15)
    flat = np.full_like(centerness, 3)
    expected, _ = siamcar_step(cls, reg, centerness, start(), HYPER, IMAGE_WH)
    found, _ = siamcar_step(cls, reg, flat, start(), HYPER, IMAGE_WH)
    assert found.centre_xy == pytest.approx(expected.centre_xy)


def test_window_prefers_the_middle() -> None:
    cls, reg, _ = peak(12, 22)
    cls[:, 12, 12] = cls[:, 12, 22] - np.array([-0.5, 0.5])
    near = replace(HYPER, window_influence=0.4)
    state, _ = siamcar_step(cls, reg, np.zeros((1, 25, 25)), start(), near, IMAGE_WH)
    assert state.centre_xy.tolist() == [500, 400]


def test_inputs_are_left_alone() -> None:
    maps = peak(12, 15)
    copies = [part.copy() for part in maps]
    state = start()
    siamcar_step(*maps, state, HYPER, IMAGE_WH)
    assert all(np.array_equal(a, b) for a, b in zip(maps, copies, strict=True))
    assert state.box_xywh.tolist() == start().box_xywh.tolist()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.0, 1.0, 1e3, 1e30]),
    sides=st.sampled_from([0.0, 1e-30, 1.0, 60.0, 1e30]),
    width=st.floats(0.01, 4000),
    height=st.floats(0.01, 4000),
    benchmark=st.sampled_from(sorted(recipe("siamcar").online)),
)
def test_any_finite_answer_gives_a_usable_state(
    seed: int, spread: float, sides: float, width: float, height: float, benchmark: str
) -> None:
    rng = np.random.default_rng(seed)
    cls = (spread * rng.standard_normal((2, 25, 25))).astype(np.float32)
    reg = (sides * rng.random((4, 25, 25))).astype(np.float32)
    centerness = (spread * rng.standard_normal((1, 25, 25))).astype(np.float32)
    state = TargetState(np.array([0.0, 3000.0]), np.array([width, height]))
    with np.errstate(all="raise", under="ignore"):
        new, score = siamcar_step(
            cls, reg, centerness, state, recipe("siamcar").online[benchmark], (4000, 3000)
        )
    assert np.isfinite(new.box_xywh).all()
    assert (new.size_wh >= 1).all()
    assert (new.size_wh <= (4000, 3000)).all()
    assert (new.centre_xy >= 0).all()
    assert (new.centre_xy <= (4000, 3000)).all()
    assert 0 <= score <= 1


@pytest.mark.parametrize("benchmark", ["OTB100", "UAV123", "LaSOT"])
def test_twenty_steps_agree_with_the_public_code(shared_data: Path, benchmark: str) -> None:
    answer = np.load(shared_data / "parity" / "siamcar_r50.npz")
    hyper = recipe("siamcar").online[benchmark]
    assert [hyper.rate, hyper.penalty_k, hyper.window_influence] == answer[f"hp_{benchmark}"].tolist()
    # The answers start at (x + (w - 1)/2, y + (h - 1)/2) of the box 200, 150, 60, 40.
    state = TargetState(np.array([229.5, 169.5]), np.array([60.0, 40.0]))
    for step, expected in enumerate(answer[f"traj_{benchmark}"]):
        rng = np.random.default_rng(100 + step)
        cls = rng.standard_normal((2, 25, 25))
        reg = np.exp(3.2 + 0.3 * rng.standard_normal((4, 25, 25)))
        centerness = rng.standard_normal((1, 25, 25))
        maps = (part.astype(np.float32) for part in (cls, reg, centerness))
        state, _ = siamcar_step(*maps, state, hyper, (480, 360))
        assert np.abs(state.box_xywh - expected).max() < 1e-4
