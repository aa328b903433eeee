"""Perturbed first boxes: by hand, against a plain referee, clipped to the image, and independent of all else."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from dlatrack.errors import InputError
from dlatrack.tracking.perturbation import (
    Perturbation,
    clip_boxes,
    half_pixel_boxes,
    spatial_boxes,
)

SIZE = (320, 240)
boxes_inside = st.tuples(st.floats(0, 200), st.floats(0, 150), st.floats(1, 120), st.floats(1, 90)).map(
    np.array
)


def test_the_twelve_of_otb_by_hand() -> None:
    expected = [
        *([96, 50, 40, 20], [104, 50, 40, 20], [100, 48, 40, 20], [100, 52, 40, 20]),
        *([96, 48, 40, 20], [104, 48, 40, 20], [96, 52, 40, 20], [104, 52, 40, 20]),
        *([104, 52, 32, 16], [102, 51, 36, 18], [98, 49, 44, 22], [96, 48, 48, 24]),
    ]
    assert spatial_boxes(np.array([100.0, 50, 40, 20])) == pytest.approx(np.array(expected))


@given(boxes_inside)
def test_the_twelve_of_otb_against_a_referee(box: np.ndarray) -> None:
    x, y, w, h = box.tolist()
    expected = [
        (x - 0.1 * w, y, w, h),
        (x + 0.1 * w, y, w, h),
        (x, y - 0.1 * h, w, h),
        (x, y + 0.1 * h, w, h),
    ]
    for down in (-0.1, 0.1):
        for right in (-0.1, 0.1):
            expected.append((x + right * w, y + down * h, w, h))
    for scale in (0.8, 0.9, 1.1, 1.2):
        centre_x, centre_y = x + w / 2, y + h / 2
        expected.append((centre_x - scale * w / 2, centre_y - scale * h / 2, scale * w, scale * h))
    assert spatial_boxes(box) == pytest.approx(np.array(expected))


@given(boxes_inside, st.integers(0, 2**40), st.text(max_size=8))
def test_half_pixel_shifts_against_a_referee(box: np.ndarray, seed: int, name: str) -> None:
    found = half_pixel_boxes(box, name, 4, seed)
    for run in range(1, 5):
        draw = np.random.default_rng((seed, run, zlib.crc32(name.encode())))
        expected = [value - 0.5 + draw.random() for value in box.tolist()]
        assert found[run - 1] == pytest.approx(np.array(expected), abs=1e-9)
    assert (np.abs(found - box) <= 0.5).all()


def test_shifts_are_uniform_and_differ_between_runs_sequences_and_seeds() -> None:
    box = np.array([50.0, 40, 30, 20])
    shifts = [half_pixel_boxes(box, name, 200, seed) - box for name in ("a", "b") for seed in (0, 1)]
    values = np.stack(shifts)
    assert len(np.unique(values)) == values.size
    for place in range(4):
        assert kstest(values[..., place].ravel() + 0.5, "uniform").pvalue > 0.01
    assert half_pixel_boxes(box, "a", 3, 1).tolist() == half_pixel_boxes(box, "a", 200, 1)[:3].tolist()


def test_a_tiny_box_keeps_an_area() -> None:
    found = half_pixel_boxes(np.array([5, 5, 0.3, 0.6]), "tiny", 50)
    assert (found[:, 2] >= 0.3).all()
    assert (found[:, 3] >= 0.5).all()


def test_clipping_by_hand() -> None:
    true = np.array([2.0, 100, 40, 20])
    boxes = np.array([[-2.0, 100, 40, 20], [2, 98, 40, 20], [300, 230, 40, 20]])
    found, clipped = clip_boxes(boxes, true, SIZE)
    assert found.tolist() == [[0, 100, 38, 20], [2, 98, 40, 20], [300, 230, 20, 10]]
    assert clipped.tolist() == [True, False, True]


def test_a_true_box_beyond_the_image_is_no_farther_beyond_it() -> None:
    """The left side at -10 stays there when it is shifted out, and may move in."""
    true = np.array([-10.0, 100, 40, 20])
    found, clipped = clip_boxes(np.array([[-14.0, 100, 40, 20], [-6, 100, 40, 20]]), true, SIZE)
    assert found.tolist() == [[-10, 100, 36, 20], [-6, 100, 40, 20]]
    assert clipped.tolist() == [True, False]


def test_a_box_without_area_becomes_the_true_one() -> None:
    true = np.array([319.5, 100, 0.4, 20])
    found, clipped = clip_boxes(np.array([[320.0, 100, 0.4, 20]]), true, SIZE)
    assert found.tolist() == [true.tolist()]
    assert clipped.tolist() == [True]


@given(boxes_inside, st.sampled_from(["sre", "half-pixel:3"]))
def test_first_boxes_lie_in_the_image(box: np.ndarray, text: str) -> None:
    perturbation = Perturbation.parse(text)
    found, clipped = perturbation.first_boxes("a", box, SIZE)
    assert found.shape == (perturbation.runs, 4)
    assert (found[:, :2] >= 0).all()
    assert (found[:, :2] + found[:, 2:] <= np.array(SIZE) + 1e-9).all()
    assert (found[:, 2:] > 0).all()
    plain = spatial_boxes(box) if text == "sre" else half_pixel_boxes(box, "a", 3)
    assert found[~clipped].tolist() == plain[~clipped].tolist()


def test_texts() -> None:
    assert Perturbation.parse("half-pixel:8", 3).as_json() == {"kind": "half-pixel", "runs": 8, "seed": 3}
    assert Perturbation.parse("sre").as_json() == {"kind": "sre", "runs": 12}


@pytest.mark.parametrize(
    "text",
    [
        *("half-pixel:0", "half-pixel:x", "half-pixel:-1", "half-pixel:1000", "half-pixel:", "half-pixel"),
        *(
            "half-pixel:1.5",
            "half-pixel: 3",
            "half-pixel:08",
            "half-pixel:0000000003",
            "half-pixel:٣",
            "sre:12",
            "SRE",
            "tre",
            "",
            "half-pixel:" + "9" * 9999,
        ),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(
        InputError, match="half-pixel:N with N from 1 to 999 runs, no leading zeros, or sre; got '"
    ):
        Perturbation.parse(text)


def test_seeds_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="sre draws nothing; a seed is for half-pixel:N, got 3"):
        Perturbation.parse("sre", 3)
    with pytest.raises(InputError, match="seed of a perturbation must be 0 or more, got -1"):
        Perturbation.parse("half-pixel:2", -1)
