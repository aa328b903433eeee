"""Signals of one frame, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.tracking.confidence.signals import (
    FirstLook,
    first_look,
    frame_signals,
    target_map,
    thumbnail,
)
from dlatrack.tracking.steps.state import CropGeometry, TargetState

GEOMETRY = CropGeometry(template_size=127, search_size=255, stride=8)


def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)


def state(x: float, y: float, width: float = 63.5, height: float = 63.5) -> TargetState:
    """By default a target whose context side is 127 px, so that a cell is 8 px."""
    return TargetState(np.array([x, y]), np.array([width, height]))


def signals(target, score, new, last=None):
    seen = image()
    return frame_signals(
        np.array(target, float),
        score,
        last or state(100, 100),
        new,
        GEOMETRY,
        first_look(seen, state(100, 100)),
        seen,
    )


def test_the_sidelobe_is_the_map_without_the_box():
    target = np.full((5, 5), 0.1)
    target[1:4, 1:4] = 0.9  # the window: one cell around the middle
    target[0, 0] = 0.6  # the second peak
    found = signals(target, 0.9, state(100, 100, 10, 10))
    sidelobe = np.array([0.6] + [0.1] * 15)
    assert found.score == 0.9
    assert found.margin == pytest.approx(0.9 - 0.6)
    assert found.peak_to_sidelobe == pytest.approx((0.9 - sidelobe.mean()) / (sidelobe.std() + 1e-3))
    assert found.size_change == pytest.approx(np.log(10 / 63.5))


def test_the_window_follows_the_box_and_grows_with_it():
    target = np.zeros((7, 7))
    target[3, 4] = 0.8  # one cell, 8 px, to the right of the middle
    assert signals(target, 0.8, state(108, 100, 10, 10)).margin == pytest.approx(0.8)
    assert signals(target, 0.8, state(84, 100, 10, 10)).margin == 0, "the peak is three cells away"
    # A box of 56 px reaches 3.5 cells to each side, and so covers the peak, which is three cells away.
    assert signals(target, 0.8, state(84, 100, 56, 10)).margin == pytest.approx(0.8)


def test_cells_are_larger_in_the_image_for_larger_targets():
    target = np.zeros((7, 7))
    target[3, 4] = 0.8
    last = state(100, 100, 127, 127)  # context side 254 px, a cell is 16 px
    assert signals(target, 0.8, state(116, 100, 10, 10), last).margin == pytest.approx(0.8)
    assert signals(target, 0.8, state(68, 100, 10, 10), last).margin == 0


def test_flat_maps_and_boxes_as_large_as_the_map_are_finite():
    flat = signals(np.full((5, 5), 0.5), 0.5, state(100, 100, 10, 10))
    assert (flat.peak_to_sidelobe, flat.margin) == (pytest.approx(0, abs=1e-6), 0)
    low = signals(np.full((5, 5), 0.5), 0.25, state(100, 100, 10, 10))
    assert low.peak_to_sidelobe == 0, "a peak below its surroundings is none"
    large = signals(np.full((5, 5), 0.5), 0.5, state(100, 100, 400, 400))
    assert (large.peak_to_sidelobe, large.margin) == (0, 0)
    assert signals(np.zeros((5, 5)), 1.0, state(100, 100, 10, 10)).peak_to_sidelobe == pytest.approx(1000)


def test_the_window_is_every_cell_near_the_peak():
    rng = np.random.default_rng(0)
    for _ in range(200):
        target = rng.random((25, 25))
        width, height = rng.uniform(2, 250, 2)
        new = state(*rng.uniform(0, 200, 2), width, height)
        found = signals(target, 0.9, new)
        cells = np.stack(np.meshgrid(np.arange(25), np.arange(25)), -1) - 12  # x, y from the middle
        half = np.maximum(np.array([width, height]) / 16, 1)
        away = (np.abs(cells - (new.centre_xy - 100) / 8) > half).any(-1)
        if not away.any():
            assert (found.peak_to_sidelobe, found.margin) == (0, 0)
            continue
        sidelobe = target[away]
        ratio = max((0.9 - sidelobe.mean()) / (sidelobe.std() + 1e-3), 0)
        assert found.peak_to_sidelobe == pytest.approx(ratio)
        assert found.margin == pytest.approx(0.9 - sidelobe.max())


def test_likeness_is_a_correlation():
    seen = image()
    first = thumbnail(seen, np.array([20.0, 30, 40, 40]))
    assert first.shape == (12, 12, 3)
    assert float((first * first).sum()) == pytest.approx(1, abs=0.01)
    darker = (seen // 2).astype(np.uint8)
    assert float((first * thumbnail(darker, np.array([20.0, 30, 40, 40]))).sum()) > 0.97
    assert float((first * thumbnail(255 - seen, np.array([20.0, 30, 40, 40]))).sum()) < -0.98
    black = thumbnail(np.zeros_like(seen), np.array([20.0, 30, 40, 40]))
    assert not black.any()
    beyond = thumbnail(seen, np.array([-500.0, -500, 40, 40]))
    assert np.isfinite(beyond).all()


def test_a_thumbnail_of_its_own_size_is_the_pixels():
    seen = image()
    found = thumbnail(seen, np.array([20.0, 30, 12, 12]))
    pixels = seen[30:42, 20:32].astype(float) - seen[30:42, 20:32].mean()
    assert np.corrcoef(found.ravel(), pixels.ravel())[0, 1] == pytest.approx(1, abs=1e-5)


def test_maps_of_every_family():
    logits = np.array([[[0.0, 1]], [[2, 0]], [[1, 1]], [[0, 5]]])  # two boxes: background, then target
    expected = 1 / (1 + np.exp(-np.array([[1.0, 5.0]])))
    for head in ("rpn", "car", "ban", "nano"):
        assert target_map(head, [logits]) == pytest.approx(expected)
    scales = np.array([[[[0.0, 3]]], [[[1, 2]]]])
    assert target_map("fc", [scales]) == pytest.approx(1 / (1 + np.exp(-np.array([[1.0, 3.0]]))))
    alone, centre = np.array([[[0.0, 2]]]), np.array([[[1.0, 0]]])
    product = 1 / (1 + np.exp(-alone[0])) / (1 + np.exp(-centre[0]))
    assert target_map("fcpp", [alone, alone, centre]) == pytest.approx(product)


def test_the_first_look_keeps_size_and_pixels():
    seen = image()
    found = first_look(seen, state(100, 100))
    assert isinstance(found, FirstLook)
    assert found.size_wh.tolist() == [63.5, 63.5]
    assert np.array_equal(found.thumbnail, thumbnail(seen, state(100, 100).box_xywh))
