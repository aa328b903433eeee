"""SiamFC online: three scales, and the place of the peak."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.recipes import OnlineConfig, recipe
from dlatrack.tracking.steps.siamfc import SCALES, centred_window, siamfc_step
from dlatrack.tracking.steps.state import TargetState

HYPER = recipe("siamfc").online["OTB100"]


def bump(row: float, column: float, height: float = 5.0) -> np.ndarray:
    """A smooth peak on a 17 x 17 map."""
    axis = np.arange(17)
    return height * np.exp(-((axis[:, None] - row) ** 2 + (axis - column) ** 2) / 8)


def state() -> TargetState:
    return TargetState(np.array([100.0, 80.0]), np.array([63.5, 63.5]))  # one crop px is one image px


def test_a_peak_two_cells_to_the_right_is_sixteen_px() -> None:
    maps = np.stack([bump(8, 10)] * 3)[:, None]
    new, score = siamfc_step(maps, state(), OnlineConfig(0.9, 0.0, 0.59), (400, 400))
    assert new.centre_xy == pytest.approx(np.array([116.0, 80.0]), abs=0.5)
    assert new.size_wh == pytest.approx(np.array([63.5, 63.5])), "equal scores keep the scale"
    assert score == pytest.approx(1 / (1 + np.exp(-5)), abs=1e-3)


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_the_size_follows_the_best_scale(chosen: int) -> None:
    heights = [4.0, 4.0, 4.0]
    heights[chosen] = 5.0
    maps = np.stack([bump(8, 8, height) for height in heights])[:, None]
    new, _ = siamfc_step(maps, state(), HYPER, (400, 400))
    assert new.size_wh == pytest.approx(63.5 * (1 - 0.59 + 0.59 * SCALES[chosen]) * np.ones(2))
    # The middle of the enlarged map lies between two of its px, half a cell of 1/16 apart.
    assert new.centre_xy == pytest.approx(np.array([100.0, 80.0]), abs=0.26)


def test_another_scale_must_win_clearly() -> None:
    maps = np.stack([bump(8, 8, 5.1), bump(8, 8, 5.0), bump(8, 8, 5.1)])[:, None]  # 5.1 * 0.9745 < 5
    new, _ = siamfc_step(maps, state(), HYPER, (400, 400))
    assert new.size_wh == pytest.approx(np.array([63.5, 63.5]))


def test_the_window_pulls_to_the_centre() -> None:
    maps = np.stack([np.maximum(bump(8, 1), bump(8, 8, 4.9))] * 3)[:, None]
    far, _ = siamfc_step(maps, state(), OnlineConfig(0.9745, 0.0, 0.59), (400, 400))
    near, _ = siamfc_step(maps, state(), HYPER, (400, 400))
    assert far.centre_xy[0] < 60
    assert near.centre_xy[0] == pytest.approx(100, abs=2)


@given(value=st.sampled_from([-1e30, 0.0, 1e30]))
def test_constant_and_huge_answers_give_finite_boxes(value: float) -> None:
    new, score = siamfc_step(np.full((3, 1, 17, 17), value, np.float32), state(), HYPER, (40, 30))
    assert np.isfinite(new.box_xywh).all()
    assert 0 <= score <= 1


def test_the_crop_begins_at_the_nearest_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    for centre, first in ((30.0, 20), (30.4, 20), (30.5, 21), (30.6, 21)):
        crop = centred_window(image, np.array([centre, centre]), 20, 20, np.zeros(3))
        assert np.array_equal(crop, image[first : first + 20, first : first + 20]), centre
