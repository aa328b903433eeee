from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.sampling.crops import crop_511, mean_colour, size_in_crop, sub_window, template_side

BORDER = np.array([10.9, 20.0, 30.5])


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def padded_reference(image: np.ndarray, centre: tuple[float, float], side: int, size: int) -> np.ndarray:
    """The obvious way: pad the whole image, cut, resize."""
    left, top = (math.floor(c - (side + 1) / 2 + 0.5) for c in centre)
    colour = BORDER.astype(np.uint8).tolist()
    pad = side + max(abs(left), abs(top))
    padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=colour)
    window = padded[top + pad : top + pad + side, left + pad : left + pad + side]
    return cv2.resize(window, (size, size)) if side != size else window


def test_template_side_by_hand() -> None:
    assert template_side(64, 64) == pytest.approx(128)
    assert template_side(60, 40) == pytest.approx(math.sqrt(110 * 90))


def test_size_in_crop_by_hand() -> None:
    assert size_in_crop(64, 64) == pytest.approx((63.5, 63.5))
    assert size_in_crop(200, 100) == pytest.approx((85.9, 42.9), abs=0.06)


def test_sub_window_of_an_odd_side_is_centred_on_the_pixel() -> None:
    image = noise(9, 9)
    assert np.array_equal(sub_window(image, (4.5, 4.5), 3, 3, BORDER), image[3:6, 3:6])


def test_sub_window_of_an_even_side_starts_half_a_side_before_the_centre() -> None:
    image = noise(9, 9)
    assert np.array_equal(sub_window(image, (4, 4), 4, 4, BORDER), image[2:6, 2:6])


def test_outside_has_the_truncated_border_colour() -> None:
    window = sub_window(noise(8, 8), (0, 0), 5, 5, BORDER)
    assert (window[:2] == (10, 20, 30)).all()
    assert (sub_window(noise(8, 8), (500, -500), 5, 5, BORDER) == (10, 20, 30)).all()


def test_mean_colour_of_a_plain_image_is_exact() -> None:
    assert mean_colour(np.full((7, 11, 3), 101, np.uint8)).tolist() == [101, 101, 101]


@settings(max_examples=40, deadline=None)
@given(
    side=st.integers(1, 200), size=st.integers(1, 33), x=st.floats(-60, 100), y=st.floats(-60, 100)
)  # sides on both sides of six times the size: resized window and direct sampling
def test_sub_window_equals_cutting_from_a_padded_copy(side: int, size: int, x: float, y: float) -> None:
    image = noise(31, 47)
    expected = padded_reference(image, (x, y), side, size).astype(int)
    assert np.abs(sub_window(image, (x, y), side, size, BORDER) - expected).max() <= 1


def test_huge_window_around_a_small_image_needs_no_huge_copy() -> None:
    window = sub_window(noise(40, 40), (20, 20), 200_000, 255, BORDER)
    assert window.shape == (255, 255, 3)
    assert (window[0] == (10, 20, 30)).all()


@pytest.mark.parametrize("step", [(1, 1, -1), (-1, -1, 1), (2, 2, 1)])
def test_views_of_images_give_what_their_copies_give(step: tuple[int, int, int]) -> None:
    view = noise(60, 80)[:: step[0], :: step[1], :: step[2]]
    for side in (10, 20, 100):
        expected = sub_window(view.copy(), (20, 20), side, 20, BORDER)
        assert np.array_equal(sub_window(view, (20, 20), side, 20, BORDER), expected)
    assert np.array_equal(crop_511(view, [5, 5, 9, 9]), crop_511(view.copy(), [5, 5, 9, 9]))


def test_sub_window_refuses_a_side_of_zero() -> None:
    with pytest.raises(ValueError, match="side and out_size must be at least 1 px, got 0 and 5"):
        sub_window(noise(5, 5), (2, 2), 0, 5, BORDER)


def test_crop_511_sends_the_square_to_the_first_and_last_pixel() -> None:
    """A horizontal ramp shows where each output column lies in the image."""
    ramp = np.repeat((np.arange(256, dtype=np.uint8))[None, :, None], 256, 0).repeat(3, 2)
    crop = crop_511(ramp, np.array([96, 96, 64, 64]))  # centre 128
    side = 128 * 511 / 127
    expected = 128 - side / 2 + np.arange(511) * side / 510
    inside = (expected >= 0) & (expected <= 255)
    assert np.abs(crop[255, inside, 0] - expected[inside]).max() <= 0.6
    assert crop[255, 255].tolist() == [128, 128, 128]


def test_crop_511_has_the_mean_colour_outside() -> None:
    image = np.zeros((50, 50, 3), np.uint8)
    image[:, :25] = (200, 100, 50)
    crop = crop_511(image, np.array([20, 20, 10, 10]))
    assert crop.shape == (511, 511, 3)
    assert crop[0, 0].tolist() == [100, 50, 25]


@settings(max_examples=20, deadline=None)
@given(width=st.floats(20, 60), height=st.floats(20, 60))
def test_target_has_the_promised_size_in_its_crop(width: float, height: float) -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    x, y = round(200 - width / 2), round(200 - height / 2)
    w, h = round(width), round(height)
    image[y : y + h, x : x + w] = 255
    crop = crop_511(image, np.array([x, y, w, h]))
    share = (crop[..., 0] > 127).sum()
    assert math.sqrt(share) == pytest.approx(math.sqrt(np.prod(size_in_crop(w, h))), rel=0.03)


@pytest.mark.parametrize("box", [(5, 5, 0, 4), (5, 5, 4, -1), (5, 5, math.nan, 4)])
def test_crop_511_refuses_a_box_without_area(box: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="positive width and height"):
        crop_511(noise(20, 20), np.array(box))


@pytest.mark.parametrize("model", ["siamcar_r50", "siamrpn_r50_l234_dwxcorr_otb"])
def test_template_crop_agrees_with_the_public_code(shared_data: Path, model: str) -> None:
    answer = np.load(shared_data / "parity" / f"{model}.npz")
    small = np.random.default_rng(7).integers(0, 256, (45, 60, 3)).astype(np.uint8)
    image = cv2.resize(small, (480, 360), interpolation=cv2.INTER_NEAREST)
    crop = sub_window(image, (230, 170), round(template_side(60, 40)), 127, mean_colour(image))
    assert np.abs(crop.transpose(2, 0, 1)[None] - answer["z_crop"].astype(int)).max() <= 1
