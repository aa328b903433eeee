from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from dlatrack.datasets.sequence import Sequence
from dlatrack.pixels.colours import DLA, FIXED, TARGET
from dlatrack.viz.filmstrip import filmstrip

BOXES = np.array([[10.0, 20, 30, 40], [12, 20, 30, 40], [np.nan] * 4])


@pytest.fixture
def sequence() -> Sequence:
    frames = [np.full((90, 160, 3), shade, np.uint8) for shade in (40, 120, 200)]
    return Sequence("dog", frames, BOXES, np.array([True, True, False]))


def boxes_of(ax) -> dict[tuple[float, ...], list[float]]:
    return {patch.get_edgecolor(): list(patch.get_bbox().bounds) for patch in ax.patches}


def test_boxes_in_fixed_colours(sequence):
    moved = BOXES + np.array([5, 0, 0, 0])
    fig = filmstrip(sequence, {"DLA-SiamCAR": moved, "SiamCAR": np.nan_to_num(BOXES, nan=1.0)}, [0, 2])
    first, last = fig.axes
    assert boxes_of(first) == {
        to_rgba(TARGET): [10, 20, 30, 40],
        to_rgba(DLA): [15, 20, 30, 40],
        to_rgba(FIXED): [10, 20, 30, 40],
    }
    assert boxes_of(last) == {to_rgba(FIXED): [1, 1, 1, 1]}
    assert [ax.get_title() for ax in fig.axes] == ["frame 0", "frame 2 (target not visible)"]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == [
        "annotation",
        "DLA-SiamCAR",
        "SiamCAR",
    ]


@pytest.mark.parametrize("frames", [[0], [0, 1, 2], [0, 1, 2, 0, 1, 2]])
def test_frames_fill_a_page_without_overlap(frames, sequence):
    fig = filmstrip(sequence, {}, frames, columns=3)
    fig.draw_without_rendering()
    assert fig.get_figwidth() * 25.4 == pytest.approx(183)
    boxes = [ax.get_tightbbox() for ax in fig.axes] + [fig.legends[0].get_window_extent()]
    for number, box in enumerate(boxes):
        assert box.y0 >= -0.5
        assert box.y1 <= fig.bbox.y1 + 0.5
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_large_frames_keep_their_coordinates(sequence):
    frames = [np.zeros((1080, 1920, 3), np.uint8)] * 3
    large = Sequence("hd", frames, BOXES, sequence.visible)
    (ax,) = filmstrip(large, {}, [1]).axes
    assert ax.images[0].get_extent() == [-0.5, 1919.5, 1079.5, -0.5]
    assert ax.images[0].get_array().shape[1] == 640


def test_bad_frames_and_boxes(sequence):
    for frames in ([], [3], [-1]):
        with pytest.raises(ValueError, match=r"frames must be some of 0\.\.2 \(dog\)"):
            filmstrip(sequence, {}, frames)
    with pytest.raises(ValueError, match=r"boxes of a have shape \(2, 4\), dog needs \(3, 4\)"):
        filmstrip(sequence, {"a": BOXES[:2]}, [0])
