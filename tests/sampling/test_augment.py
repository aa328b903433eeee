"""Augmentation: geometry by hand, amounts, determinism, and a plain blur kernel as referee."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dlatrack.recipes import AugmentConfig
from dlatrack.sampling import augment as module
from dlatrack.sampling.augment import CropWindow, augment, draw_window

STILL = AugmentConfig(shift=0, scale=0, blur=0, color=0)
SEARCH = AugmentConfig(shift=64, scale=0.18, blur=0.2, color=1)
SIZE = np.array([60.0, 40.0])


def picture(seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (33, 33, 3)).astype(np.uint8)
    return cv2.resize(small, (511, 511), interpolation=cv2.INTER_CUBIC)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_without_change_the_view_is_the_middle_of_the_crop():
    crop = picture()
    view = augment(crop, SIZE, STILL, 255, False, rng())
    assert view.image.shape == (3, 255, 255)
    assert view.image.dtype == np.float32
    assert (view.image == crop[128:383, 128:383].transpose(2, 0, 1)).all()
    assert view.target_xyxy.tolist() == [97, 107, 157, 147]


def test_a_template_view_is_127_wide():
    assert (
        augment(picture(), SIZE, STILL, 127, False, rng()).image
        == picture()[192:319, 192:319].transpose(2, 0, 1)
    ).all()


def test_target_of_a_known_window(monkeypatch):
    """A window of 200 x 300 px from (150, 120): px of the view are 254 / 200 and 254 / 300 of it."""
    monkeypatch.setattr(module, "draw_window", lambda *_: CropWindow(150, 120, 200, 300))
    view = augment(picture(), SIZE, STILL, 255, False, rng())
    x, y = (255 - 150) * 1.27, (255 - 120) * 254 / 300
    expected = [x - 30 * 1.27, y - 20 * 254 / 300, x + 30 * 1.27, y + 20 * 254 / 300]
    assert view.target_xyxy.tolist() == pytest.approx(expected)


def test_the_box_follows_the_picture():
    """A bright square on black is found where the box says, for many random windows."""
    crop = np.zeros((511, 511, 3), np.uint8)
    crop[235:276, 225:286] = 255  # 61 x 41 pixels around 255
    for seed in range(50):
        view = augment(
            crop, SIZE, AugmentConfig(shift=64, scale=0.18, blur=0, color=0), 255, False, rng(seed)
        )
        rows, columns = np.nonzero(view.image[0] > 127)
        found = [columns.min(), rows.min(), columns.max(), rows.max()]
        assert found == pytest.approx(view.target_xyxy.tolist(), abs=1.0)


def test_windows_stay_inside_and_reach_the_stated_amounts():
    windows = [draw_window(SIZE, SEARCH, 255, 511, rng(seed)) for seed in range(3000)]
    low = np.array([(w.left, w.top) for w in windows])
    side = np.array([(w.width, w.height) for w in windows])
    assert low.min() >= 0
    assert (low + side).max() <= 510 + 1e-9
    assert side.min() >= 254 * 0.82
    assert side.max() <= 254 * 1.18
    assert side.min() < 254 * 0.83
    assert side.max() > 254 * 1.17
    shift = low + side / 2 - 255
    assert np.abs(shift).max() <= 64
    assert np.abs(shift).max() > 63
    assert np.abs(np.corrcoef(side.T)[0, 1]) < 0.06, "the axes are stretched independently"


def test_a_window_larger_than_the_crop_is_limited():
    window = draw_window(SIZE, AugmentConfig(shift=64, scale=0.9, blur=0, color=0), 511, 511, rng(3))
    assert window.left >= -1e-9
    assert window.left + window.width <= 510 + 1.0


def test_gray_has_three_equal_channels():
    image = augment(picture(), SIZE, STILL, 127, True, rng()).image
    assert (image[0] == image[1]).all()
    assert (image[1] == image[2]).all()


def test_colour_jitter_shifts_each_channel_by_a_constant_and_does_not_clip():
    crop = np.full((511, 511, 3), 254, np.uint8)
    color = AugmentConfig(shift=0, scale=0, blur=0, color=1)
    shifts = []
    for seed in range(300):
        image = augment(crop, SIZE, color, 127, False, rng(seed)).image
        assert np.ptp(image, axis=(1, 2)).max() == 0
        shifts.append(254 - image[:, 0, 0])
    assert min(s.min() for s in shifts) < -3, "values above 255 are kept"
    expected = module._COLOR @ module._COLOR.T
    assert np.cov(np.array(shifts).T) == pytest.approx(expected, rel=0.35, abs=2.5)


def test_blur_equals_the_cross_shaped_kernel():
    image = rng(4).random((3, 60, 60), dtype=np.float32)
    blurred = image.copy()
    module._blur(blurred, rng(5))
    draws = rng(5)
    side = int(draws.integers(2, 23)) * 2 + 1
    share = draws.random()
    kernel = np.zeros((side, side))
    kernel[:, side // 2] += share / side
    kernel[side // 2] += (1 - share) / side
    assert kernel.sum() == pytest.approx(1)
    for plane, got in zip(image, blurred, strict=True):
        assert got == pytest.approx(cv2.filter2D(plane, -1, kernel), abs=1e-5)


def test_flip_mirrors_picture_and_box():
    flip = AugmentConfig(shift=20, scale=0.1, blur=0, color=0, flip=1)
    plain = AugmentConfig(shift=20, scale=0.1, blur=0, color=0)
    a, b = (
        augment(picture(), SIZE, flip, 255, False, rng(6)),
        augment(picture(), SIZE, plain, 255, False, rng(6)),
    )
    assert (a.image == b.image[:, :, ::-1]).all()
    x1, y1, x2, y2 = b.target_xyxy
    assert a.target_xyxy.tolist() == pytest.approx([254 - x2, y1, 254 - x1, y2])


def test_same_generator_same_bits():
    a, b = (augment(picture(), SIZE, SEARCH, 255, False, rng(7)) for _ in range(2))
    assert (a.image == b.image).all()
    assert (a.target_xyxy == b.target_xyxy).all()
