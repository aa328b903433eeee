"""Points and anchors of the score map."""

from __future__ import annotations

import pytest

from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid


def test_points_are_row_major_and_centred():
    points = ScoreGrid().points
    assert points.shape == (625, 2)
    assert points[0].tolist() == [31, 31]
    assert points[1].tolist() == [39, 31]
    assert points[25].tolist() == [31, 39]
    assert points[312].tolist() == [127, 127]
    assert points[-1].tolist() == [223, 223]


def test_anchors_of_a_point_stand_together():
    anchors = ScoreGrid(size=3, offset=10).anchors(RPN_ANCHORS)
    assert anchors.shape == (45, 4)
    assert anchors[0].tolist() == [10 - 52, 10 - 16, 10 + 52, 10 + 16]
    assert anchors[7].tolist() == [18 - 32, 10 - 32, 18 + 32, 10 + 32]
    assert ScoreGrid().anchors(POINT_ANCHOR)[312].tolist() == [95, 95, 159, 159]


def test_a_grid_needs_cells_and_a_stride():
    with pytest.raises(ValueError, match="size >= 1 and stride > 0, got 0 and 8"):
        ScoreGrid(size=0)


def test_points_that_were_handed_out_may_be_changed():
    grid = ScoreGrid(size=3)
    for _ in range(2):
        assert grid.axis.tolist() == [31, 39, 47]
        assert grid.points[5].tolist() == [47, 39]
        assert grid.anchors(POINT_ANCHOR)[0].tolist() == [-1, -1, 63, 63]
        grid.axis.zero_()
        grid.points.numpy()[:] = 0
