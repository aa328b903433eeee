from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba

from dlatrack.assign import Assignment, build_assigner
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid
from dlatrack.pixels.colours import CANDIDATE, IGNORED_COLOUR, NEGATIVE_COLOUR, POSITIVE_COLOUR
from dlatrack.viz.assignment import (
    caption,
    compare_assignments,
    contact_sheet,
    draw_assignment,
    draw_threshold,
)
from dlatrack.viz.save import save_figure
from dlatrack.viz.style import figure_style, new_figure

GRID = ScoreGrid(size=3, stride=8, offset=23)
TARGET = torch.tensor([[20.0, 20.0, 44.0, 42.0]])
CROP = np.full((63, 63, 3), 128, np.uint8)
SEARCH = np.full((255, 255, 3), 90, np.uint8)


def assignment(labels: list[int], **changes) -> Assignment:
    fields = {
        "labels": torch.tensor([labels], dtype=torch.int8),
        "eligible": torch.tensor([1]),
        "threshold": torch.tensor([0.7], dtype=torch.float64),
        "empty": torch.tensor([False]),
        "tied": torch.tensor([False]),
    }
    return Assignment(**fields | changes)


def dynamic(**changes) -> Assignment:
    """Four candidates, of which sample 4 is positive."""
    fields = {
        "candidates": torch.tensor([[4, 1, 3, 5]]),
        "iou": torch.tensor([[0.8, 0.6, 0.6, 0.4]], dtype=torch.float64),
        "mean": torch.tensor([0.6], dtype=torch.float64),
        "std": torch.tensor([0.1], dtype=torch.float64),
    }
    return assignment([0, -1, -1, -1, 1, 0, -1, 0, 0], **fields | changes)


@pytest.fixture
def ax():
    with figure_style():
        yield new_figure(89, 89).add_subplot()


def markers(ax) -> dict[str, list[list[float]]]:
    """Points by the colour of their markers."""
    found = {}
    for layer in ax.collections:
        if isinstance(layer, PathCollection) and len(layer.get_offsets()):
            face = layer.get_facecolor()
            colour = tuple(face[0] if len(face) else layer.get_edgecolor()[0])
            found[colour] = layer.get_offsets().tolist()
    return found


def test_each_sample_has_the_marker_of_its_label(ax):
    draw_assignment(ax, CROP, GRID, dynamic(), TARGET, anchor_shapes=POINT_ANCHOR, title="DLA")
    found = markers(ax)
    assert found[to_rgba(POSITIVE_COLOUR)] == [[31, 31]]
    assert found[to_rgba(NEGATIVE_COLOUR)] == [[23, 23], [39, 31], [31, 39], [39, 39]]
    assert found[to_rgba(IGNORED_COLOUR)] == [[31, 23], [39, 23], [23, 31], [23, 39]]
    assert found[to_rgba(CANDIDATE)] == [[31, 23], [23, 31], [31, 31], [39, 31]]
    assert ax.get_title() == "DLA"
    assert ax.get_xlabel() == "P 1   N 4   ignored 4\nT = 0.600 + 0.100 = 0.700"
    (target,) = ax.patches
    assert target.get_bbox().extents.tolist() == [20, 20, 44, 42]


@pytest.mark.parametrize(
    ("show", "colours"), [("positives", [POSITIVE_COLOUR]), ("candidates", [CANDIDATE, POSITIVE_COLOUR])]
)
def test_less_can_be_shown(show, colours, ax):
    draw_assignment(ax, CROP, GRID, dynamic(), TARGET, anchor_shapes=POINT_ANCHOR, show=show)
    assert set(markers(ax)) == {to_rgba(colour) for colour in colours}


def test_a_point_with_several_anchors_shows_its_best_label_and_positive_boxes(ax):
    shapes = ((10.0, 4.0), (4.0, 10.0))
    labels = [-1, 0, 0, 1] + [-1] * 14
    draw_assignment(ax, CROP, GRID, assignment(labels), TARGET, anchor_shapes=shapes)
    found = markers(ax)
    assert found[to_rgba(POSITIVE_COLOUR)] == [[31, 23]]
    assert found[to_rgba(NEGATIVE_COLOUR)] == [[23, 23]]
    (boxes,) = [layer for layer in ax.collections if isinstance(layer, LineCollection)]
    (outline,) = boxes.get_segments()
    assert outline.min(0).tolist() == [29, 18]
    assert outline.max(0).tolist() == [33, 28]


def test_markers_of_neighbours_do_not_overlap(ax):
    draw_assignment(ax, CROP, GRID, dynamic(), TARGET, anchor_shapes=POINT_ANCHOR)
    for layer in ax.collections:
        assert np.ptp(layer.get_paths()[0].vertices, axis=0).max() < GRID.stride


def test_drawing_leaves_its_inputs_alone(ax):
    crop, found = CROP.copy(), dynamic()
    labels = found.labels.clone()
    draw_assignment(ax, crop, GRID, found, TARGET, anchor_shapes=POINT_ANCHOR)
    assert (crop == CROP).all()
    assert (found.labels == labels).all()


def test_caption_of_a_fixed_rule_and_of_a_rescued_target():
    assert caption(assignment([1] + [0] * 8)) == "P 1   N 8   ignored 0"
    assert caption(dynamic(empty=torch.tensor([True]))).startswith("P 1, rescued   N 4")


def test_threshold_panel_counts_every_candidate_once(ax):
    draw_threshold(ax, dynamic())
    positive, other = ax.containers
    assert sum(bar.get_height() for bar in positive) == 1
    assert sum(bar.get_height() for bar in other) == 3
    mean, threshold = (line.get_xdata()[0] for line in ax.lines)
    assert (mean, threshold) == (0.6, 0.7)
    assert ax.get_xlabel() == "IoU with the target"


def test_threshold_panel_of_equal_overlaps(ax):
    same = torch.full((1, 4), 0.5, dtype=torch.float64)
    draw_threshold(ax, dynamic(iou=same, mean=same[:, 0], std=0 * same[:, 0], threshold=same[:, 0]))
    assert sum(bar.get_height() for container in ax.containers for bar in container) == 4
    low, high = ax.get_xlim()
    assert low < 0.5 < high


def test_rules_side_by_side():
    rules = {
        "fixed": build_assigner("rectangle", ScoreGrid()),
        "points": build_assigner("dla_points", ScoreGrid()),
        "anchors": build_assigner("dla", ScoreGrid(), anchor_shapes=RPN_ANCHORS),
    }
    target = np.array([100.0, 90, 150, 170])
    fig = compare_assignments(SEARCH, target, rules, seed=3)
    assert fig.get_figwidth() * 25.4 == pytest.approx(183)
    assert [ax.get_title() for ax in fig.axes if ax.get_title()] == ["fixed", "points", "anchors"]
    captions = [ax.get_xlabel() for ax in fig.axes if ax.get_title()]
    assert captions[0] == "P 8   N 617   ignored 0"
    assert captions[1] == "P 4   N 16   ignored 605\nT = 0.620 + 0.033 = 0.653"
    assert "positive anchor" in [text.get_text() for text in fig.legends[0].get_texts()]
    fig.draw_without_rendering()
    inside_figure(fig)


def test_a_sheet_of_frames():
    boxes = np.array([[100.0, 90, 150, 170], [60.5, 70.25, 103.25, 156]])
    fig = contact_sheet([SEARCH, SEARCH], boxes, build_assigner("dla_points", ScoreGrid()), titles=["0", "7"])
    assert [ax.get_xlabel().split("   ")[0] for ax in fig.axes] == ["P 4", "P 1, rescued"]
    inside_figure(fig)


def inside_figure(fig) -> None:
    """Nothing is cut off at the border, and panels with all their labels do not overlap."""
    fig.draw_without_rendering()
    boxes = [ax.get_tightbbox() for ax in fig.axes] + [fig.legends[0].get_window_extent()]
    for number, box in enumerate(boxes):
        assert box.x0 >= -0.5
        assert box.y0 >= -0.5
        assert box.x1 <= fig.bbox.x1 + 0.5
        assert box.y1 <= fig.bbox.y1 + 0.5
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_what_does_not_fit_together_is_refused(ax):
    with pytest.raises(ValueError, match="labels 9 samples, but the grid has 9 points x 5 anchors = 45"):
        draw_assignment(ax, CROP, GRID, dynamic(), TARGET, anchor_shapes=RPN_ANCHORS)
    with pytest.raises(ValueError, match=r"index must be in 0\.\.0 \(targets\), got 1"):
        draw_assignment(ax, CROP, GRID, dynamic(), TARGET, anchor_shapes=POINT_ANCHOR, index=1)
    with pytest.raises(ValueError, match="show must be one of positives, candidates, labels, got 'all'"):
        draw_assignment(ax, CROP, GRID, dynamic(), TARGET, anchor_shapes=POINT_ANCHOR, show="all")
    with pytest.raises(ValueError, match="only dynamic label assignment"):
        draw_threshold(ax, assignment([1] + [0] * 8))
    with pytest.raises(ValueError, match="one region, target and title each, got 1, 1 and 0"):
        contact_sheet([SEARCH], np.ones((1, 4)), build_assigner("rectangle", GRID), titles=[])


def test_a_real_frame(shared_data, tmp_path):
    cv2 = pytest.importorskip("cv2")
    first = sorted((shared_data / "video" / "davis_dog" / "img").iterdir())[0]
    crop = cv2.resize(cv2.imread(str(first))[..., ::-1], (255, 255))
    rules = {"DLA": build_assigner("dla_points", ScoreGrid())}
    fig = compare_assignments(crop, torch.tensor([100.0, 90, 150, 170]), rules)
    path = save_figure(fig, "dog", data={}, made_by="tests", parameters={}, folder=tmp_path)
    assert cv2.imread(str(path)).shape[1] == pytest.approx(fig.get_figwidth() * 200, abs=1)
    inside_figure(fig)
