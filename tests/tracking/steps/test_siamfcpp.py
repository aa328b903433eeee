"""SiamFC++ online: crops and steps, against the published tracker's arithmetic written out in its own coordinates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.recipes import OnlineConfig, recipe
from dlatrack.tracking.steps.siamfcpp import affine_window, siamfcpp_step
from dlatrack.tracking.steps.state import CropGeometry, TargetState

HYPER = recipe("siamfcpp").online["OTB100"]
GEOMETRY = CropGeometry(127, 303, 8)


class Referee:
    """video_analyst's way: centres at x + (w - 1) / 2, corners that both belong to the box."""

    def __init__(self, box_xywh: list[float], image_wh: tuple[int, int]) -> None:
        x, y, w, h = box_xywh
        self.position = [x + (w - 1) / 2, y + (h - 1) / 2]
        self.size = [w, h]
        self.image_wh = image_wh

    @staticmethod
    def context(w: float, h: float) -> float:
        pad = (w + h) / 2
        return ((w + pad) * (h + pad)) ** 0.5

    def update(self, cls: np.ndarray, ltrb: np.ndarray, ctr: np.ndarray) -> list[float]:
        scale = 127 / self.context(*self.size)
        size = [side * scale for side in self.size]
        hann = np.hanning(19)
        best, chosen = -1.0, None
        for row in range(19):
            for column in range(19):
                px, py = 79 + 8 * column, 79 + 8 * row
                left, top, right, bottom = ltrb[:, row, column]
                x1, y1, x2, y2 = px - left, py - top, px + right, py + bottom
                cx, cy, w, h = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1 + 1, y2 - y1 + 1
                score = 1 / (1 + np.exp(-cls[0, row, column])) / (1 + np.exp(-ctr[0, row, column]))
                s = self.context(w, h) / self.context(*size)
                r = (size[0] / size[1]) / (w / h)
                penalty = np.exp(-(max(s, 1 / s) * max(r, 1 / r) - 1) * HYPER.penalty_k)
                value = penalty * score * (1 - HYPER.window_influence)
                value += hann[row] * hann[column] * HYPER.window_influence
                if value > best:
                    best, chosen = value, (cx, cy, w, h, penalty * score * HYPER.rate)
        cx, cy, w, h, rate = chosen
        for axis, (middle, side) in enumerate(((cx, w), (cy, h))):
            moved = middle / scale + self.position[axis] - 151 / scale
            smoothed = self.size[axis] * (1 - rate) + side / scale * rate
            self.position[axis] = max(0, min(self.image_wh[axis], moved))
            self.size[axis] = max(10, min(self.image_wh[axis], smoothed))
        (x, y), (w, h) = self.position, self.size
        return [x - (w - 1) / 2, y - (h - 1) / 2, w, h]


@pytest.mark.parametrize("image_wh", [(480, 360), (250, 190)])
def test_twenty_steps_agree_with_the_referee(image_wh: tuple[int, int]) -> None:
    box = [200.0, 150.0, 60.0, 40.0]
    referee = Referee(box, image_wh)
    state = TargetState.from_box(np.zeros((*image_wh[::-1], 3), np.uint8), np.array(box))
    for i in range(20):
        rng = np.random.default_rng(100 + i)
        cls, ctr = rng.standard_normal((1, 19, 19)), rng.standard_normal((1, 19, 19))
        ltrb = np.exp(3.2 + 0.3 * rng.standard_normal((4, 19, 19)))
        state, score = siamfcpp_step(cls, ltrb, ctr, state, HYPER, image_wh, GEOMETRY)
        assert state.box_xywh == pytest.approx(np.array(referee.update(cls, ltrb, ctr)), abs=1e-9)
        assert 0 < score < 1


def test_a_sure_cell_moves_the_target_there() -> None:
    cls, ctr = np.full((1, 19, 19), -20.0), np.full((1, 19, 19), 20.0)
    cls[0, 9, 11] = 20.0  # two cells right of the middle: 16 crop px
    state = TargetState(np.array([100.0, 80.0]), np.array([63.5, 63.5]))  # one crop px is one image px
    ltrb = np.full((4, 19, 19), 31.25)  # a box of 63.5 px with both corners
    new, score = siamfcpp_step(cls, ltrb, ctr, state, OnlineConfig(0, 0, 1), (300, 300), GEOMETRY)
    assert new.centre_xy == pytest.approx(np.array([116.0, 80.0]))
    assert new.size_wh == pytest.approx(np.array([63.5, 63.5]))
    assert score == pytest.approx(1)


@given(value=st.sampled_from([0.0, 1e-30, 1e4, 1e30]), logit=st.sampled_from([-1e30, 0.0, 1e30]))
def test_extreme_answers_give_finite_boxes(value: float, logit: float) -> None:
    maps = np.full((1, 19, 19), logit, np.float32)
    state = TargetState(np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    new, score = siamfcpp_step(maps, np.full((4, 19, 19), value), maps, state, HYPER, (40, 30), GEOMETRY)
    assert np.isfinite(new.box_xywh).all()
    assert (new.size_wh >= 10).all()
    assert 0 <= score <= 1


def test_crop_by_hand() -> None:
    """Of a ramp, pixel k shows corner + k (side - 1) / (out - 1); outside is the border's whole part."""
    image = np.repeat(np.arange(0, 200, dtype=np.uint8)[None, :, None], 100, 0).repeat(3, 2)
    crop = affine_window(image, np.array([100.5, 50.5]), 51, 26, np.array([9.9, 9.9, 9.9]))
    assert crop[13, :, 0].tolist() == list(range(75, 126, 2))
    outside = affine_window(image, np.array([-100.5, 50.5]), 51, 26, np.array([9.9, 20.0, 30.5]))
    assert np.unique(outside.reshape(-1, 3), axis=0).tolist() == [[9, 20, 30]]


def test_crop_of_one_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    crop = affine_window(image, np.array([7.5, 4.5]), 1, 5, np.zeros(3))
    assert np.array_equal(crop, np.broadcast_to(image[4, 7], (5, 5, 3)))
