"""The picker without a browser: values of widgets go in, boxes come out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.datasets.video.writer import record
from dlatrack.errors import InputError
from dlatrack.viz.picker import pick_boxes


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "clip.avi"
    with record(path, 25) as recording:
        recording.add(synthetic_sequence(7, 1, challenges=()).frames[0])
    return path


@pytest.fixture
def picker(video):
    return pick_boxes(video, "100, 80, 60.5, 45")


def boxes(picker) -> list[list[float]]:
    return [box.tolist() for box in picker.boxes_xywh]


def test_it_opens_with_picture_bars_and_text(picker):
    assert cv2.imdecode(np.frombuffer(picker.picture.value, np.uint8), cv2.IMREAD_COLOR).shape == (
        520,
        693,
        3,
    )
    assert picker.across.value == (100, 160), "160.5 rounds to the even step"
    assert picker.down.value == (240 - 125, 240 - 80)
    assert picker.text.value == "100, 80, 60.5, 45"
    assert picker.message.value == ""


def test_a_bar_moves_the_sides_that_it_moved(picker):
    before = picker.picture.value
    picker.across.value = (90, 160)
    assert boxes(picker) == [[90, 80, 70.5, 45]]
    picker.down.value = (240 - 130, 240 - 80)
    assert boxes(picker) == [[90, 80, 70.5, 50]]
    assert picker.text.value == "90, 80, 70.5, 50"
    assert picker.picture.value != before


def test_text_moves_bars_and_adds_targets(picker):
    picker.text.value = "10,20,30,40; 50,60,70,80"
    assert boxes(picker) == [[10, 20, 30, 40], [50, 60, 70, 80]]
    assert picker.across.value == (10, 40)
    picker.target.value = 1
    assert picker.across.value == (50, 120)
    picker.across.value = (55, 120)
    assert boxes(picker) == [[10, 20, 30, 40], [55, 60, 65, 80]]


def test_targets_come_and_go(picker):
    picker.more.click()
    assert boxes(picker) == [[100, 80, 60.5, 45], [120, 90, 80, 60]]
    assert picker.target.value == 1
    picker.target.value = 0
    picker.less.click()
    assert boxes(picker) == [[120, 90, 80, 60]]
    picker.less.click()
    assert len(picker.boxes_xywh) == 1
    assert "one target is needed" in picker.message.value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3", "a box is four numbers"),
        ("400,0,5,5", "outside the 320 x 240 image"),
        ("0,0,0,5", "positive width"),
        ("", "is needed"),
    ],
)
def test_bad_input_is_said_and_changes_nothing(picker, text, message):
    picker.text.value = text
    assert message in picker.message.value
    assert 'role="alert"' in picker.message.value
    assert boxes(picker) == [[100, 80, 60.5, 45]]
    picker.text.value = "100,80,60.5,46"
    assert picker.message.value == ""


def test_a_bar_closed_to_nothing_keeps_the_box(picker):
    picker.across.value = (100, 100)
    assert boxes(picker) == [[100, 80, 60.5, 45]]
    assert "positive width" in picker.message.value
    picker.across.value = (100, 120)
    assert boxes(picker) == [[100, 80, 20, 45]]
    assert picker.message.value == ""


def test_bad_beginnings(video, tmp_path):
    with pytest.raises(InputError, match=r"none\.mp4 is missing"):
        pick_boxes(tmp_path / "none.mp4", "1,2,3,4")
    with pytest.raises(InputError, match="target 1: the first box"):
        pick_boxes(video, [np.array([400.0, 0, 5, 5])])
