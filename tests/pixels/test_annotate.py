"""Boxes in the pixels of a video."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.pixels.annotate import TARGET_COLOURS, annotate_targets, target_colour
from dlatrack.pixels.text import rgb


def drawn(boxes, size=(240, 320)) -> np.ndarray:
    image = np.full((*size, 3), 128, np.uint8)
    annotate_targets(image, np.array(boxes, float), np.linspace(1, 0, len(boxes)), 7)
    return image


def coloured(image, target) -> np.ndarray:
    return (image == rgb(target_colour(target))).all(-1)


def test_each_target_has_its_box_in_its_colour():
    image = drawn([[40, 60, 100, 80], [200, 100, 50, 90]])
    for target, (left, top, right, bottom) in ((1, (40, 60, 140, 140)), (2, (200, 100, 250, 190))):
        rows, columns = np.nonzero(coloured(image, target))
        assert columns.min() == pytest.approx(left, abs=1)
        assert columns.max() == pytest.approx(right, abs=1)
        assert rows.max() == pytest.approx(bottom, abs=1)
        assert rows.min() < top, "the tag stands on the box"
        assert coloured(image, target)[(top + bottom) // 2, left], "the left side is a line"
        assert not coloured(image, target)[top + 5 : bottom - 5, left + 5 : right - 5].any(), (
            "the target stays visible"
        )


def test_tags_stay_inside_the_image():
    image = drawn([[-20, -30, 60, 70], [300, 230, 100, 100], [1e7, -1e7, 5, 5]])
    assert coloured(image, 1)[:20].any()
    assert coloured(image, 2)[-14:, -60:].any()


def test_colours_repeat_after_the_sixth_target():
    assert target_colour(1) == TARGET_COLOURS[0] == target_colour(7)
    assert len(set(TARGET_COLOURS)) == 6


def test_lines_grow_with_the_picture():
    box = [[60, 60, 120, 120]]
    thin, thick = (coloured(drawn(box, size), 1)[120, :120].sum() for size in ((240, 320), (1080, 1920)))
    assert thick > thin >= 1
