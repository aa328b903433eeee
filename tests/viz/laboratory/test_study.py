"""The plain functions behind the laboratory: counts by hand, and agreement with the study of notebook 01."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.assign import ASSIGNERS, build_assigner, options_of
from dlatrack.assign.options import argument_texts
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.studies.label_assignment import count_positives, paper_rules, search_regions, study_sequence
from dlatrack.viz.laboratory import explain_frame, laboratory_sheet, positives_along
from dlatrack.viz.laboratory.region import place_region
from dlatrack.viz.laboratory.study import apply_rule

GRID = ScoreGrid()
RULES = {"rectangle": build_assigner("rectangle", GRID), "dla": build_assigner("dla_points", GRID)}


@pytest.fixture(scope="module")
def video() -> Sequence:
    return study_sequence()


@pytest.fixture(scope="module")
def still() -> Sequence:
    """A 64 x 64 target in the middle of a grey frame, then a frame without it."""
    boxes = np.array([[96.0, 96, 64, 64], [np.nan] * 4])
    return Sequence("still", np.full((2, 256, 256, 3), 120, np.uint8), boxes, np.array([True, False]))


def test_counts_by_hand_for_a_64_px_square_on_a_grid_point():
    # Centre (127, 127) is grid point (12, 12). Nine candidates: the centre, four at 8 px, four at (8, 8) px.
    target = np.array([95.0, 95, 159, 159])
    answer = apply_rule(build_assigner("dla_points", GRID), target)
    side, corner = 56 * 64 / (2 * 64**2 - 56 * 64), 56**2 / (2 * 64**2 - 56**2)
    overlaps = np.array([1] + [side] * 4 + [corner] * 4)
    assert np.sort(answer.iou)[::-1] == pytest.approx(overlaps)
    assert answer.mean_std == pytest.approx((overlaps.mean(), overlaps.std(ddof=1)))
    assert answer.threshold == pytest.approx(overlaps.mean() + overlaps.std(ddof=1))  # 0.714 + 0.124
    assert answer.counts == {"positive": 1, "negative": 4, "ignored": 620}
    # |dx|, |dy| < 0.4 * 32 = 12.8 px: three points in each direction.
    answer = apply_rule(build_assigner("rectangle", GRID), target)
    assert answer.counts == {"positive": 9, "negative": 616, "ignored": 0}


@pytest.mark.parametrize("frame", [0, 12, 40])
def test_a_frame_is_that_of_the_study(frame, video):
    region = search_regions(video, [frame], seed=3)
    rules = paper_rules(GRID)
    view = explain_frame(video, frame, rules, seed=3)
    assert view.target_xyxy.tolist() == region.target_xyxy[0].tolist()
    assert np.abs(view.region_rgb.astype(int) - region.crops_rgb[0]).mean() < 4, (
        "interpolated once, not twice"
    )
    for title, rule in rules.items():
        found = rule.assign(region.target_xyxy, generator=torch.Generator().manual_seed(3))
        assert (view.rules[title].labels == found.labels[0].numpy()).all()


def test_positives_along_are_those_of_the_study(video):
    rules = paper_rules(GRID)
    table, summary = count_positives(search_regions(video, range(0, 60, 7), seed=5), rules, seed=5)
    along = positives_along(video, rules, seed=5)
    assert along.counts.loc[table.index].equals(table)
    everything = count_positives(search_regions(video, range(60), seed=5), rules, seed=5)[1]
    rescued = along.rescued["DLA, points, K = 9"].mean()
    assert rescued == everything.loc["DLA, points, K = 9", "share without any"]
    assert len(summary) == len(rules)


@given(st.lists(st.floats(1, 200), min_size=4, max_size=4), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_frame_and_region_coordinates_are_inverse(numbers, frame):
    box = np.array(numbers)
    region = place_region(box, frame)
    assert region.from_frame(box) == pytest.approx(region.target_xyxy)
    assert region.to_frame(region.target_xyxy) == pytest.approx(box)


def test_a_box_by_hand_moves_the_target_and_not_the_region(still):
    annotated = explain_frame(still, 0, RULES)
    moved = explain_frame(still, 0, RULES, box_xywh=np.array([106.0, 96, 64, 64]))
    assert (moved.region_rgb == annotated.region_rgb).all()
    shift = moved.target_xyxy - annotated.target_xyxy
    assert shift == pytest.approx([10 * moved.region.scale_xy[0], 0] * 2)
    by_hand = explain_frame(still, 1, RULES, box_xywh=np.array([96.0, 96, 64, 64]))
    assert by_hand.target_xyxy == pytest.approx(place_region(by_hand.box_xywh, 1).target_xyxy)


def test_bad_frames_and_boxes(still):
    for call, message in (
        (lambda: explain_frame(still, 2, RULES), r"sequence still has frames 0\.\.1, not 2"),
        (lambda: explain_frame(still, 1, RULES), "frame 1 of still has no annotated target; give its box"),
        (lambda: explain_frame(still, 0, RULES, box_xywh=np.array([1, 2, 0, 4])), "width 0 and height 4"),
        (
            lambda: explain_frame(still, 0, RULES, box_xywh=np.array([300, 2, 5, 4])),
            "outside the frame of 256 x 256",
        ),
        (
            lambda: explain_frame(still, 0, RULES, box_xywh=np.array([np.nan, 2, 5, 4])),
            "four numbers x, y, w, h",
        ),
    ):
        with pytest.raises(InputError, match=message):
            call()
    with pytest.raises(ValueError, match="rectangle rule has no label for negative pairs"):
        explain_frame(still, 0, RULES, positive_pair=False)
    never = Sequence("never", still.frames, still.boxes_xywh, np.array([False, False]))
    with pytest.raises(InputError, match="never has no frame with an annotated, visible target"):
        positives_along(never, RULES)


def test_options_are_read_from_the_classes():
    by_name = {option.name: option for option in options_of("dla_points")}
    assert "anchor_shapes" not in by_name, "set by the name"
    assert by_name["candidates"].default == 9
    assert by_name["on_empty"].choices == ("best", "strict")
    assert "the paper's K" in by_name["candidates"].text
    assert by_name["on_empty"].text.endswith("as Algorithm 1 does literally.")
    for name in ASSIGNERS:
        for option in options_of(name):
            assert option.text, f"{name}.{option.name} explains itself"
            assert option.read(option.written(option.default)) == option.default
    with pytest.raises(InputError, match="no label assigner 'best'; choose from dla"):
        options_of("best")


def test_arguments_of_a_docstring():
    def documented():
        """One.

        Args:
            first: starts here
                and goes on.
            second: short.

        Returns:
            other: no argument.
        """

    assert argument_texts(documented) == {"first": "starts here and goes on.", "second": "short."}


def test_a_contact_sheet_carries_its_numbers(video):
    fig, numbers = laboratory_sheet(video, [0, 40], RULES)
    assert [ax.get_title() for ax in fig.axes][::3] == ["rectangle\nframe 0", "dla\nframe 40"]
    expected = explain_frame(video, 40, RULES).rules["dla"]
    assert numbers["dla"][1]["positive"] == expected.counts["positive"]
    assert numbers["dla"][1]["threshold"] == expected.threshold
    with pytest.raises(InputError, match="needs at least one frame and one rule"):
        laboratory_sheet(video, [], RULES)
