"""The picker without a browser: boxes as the page sends them go in, boxes or a message come out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

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


def test_it_opens_with_the_frame_and_the_boxes(picker):
    with Image.open(io.BytesIO(picker.picture)) as image:
        assert (image.format, image.size) == ("WEBP", (320, 240))
    assert picker.size == [320, 240]
    assert picker.boxes == [[100, 80, 60.5, 45]]
    assert picker.message == ""
    assert len(set(picker.colours)) >= 6


def test_boxes_move_come_and_go(picker):
    picker.set_state({"boxes": [[90, 80, 70.5, 45]]})
    assert boxes(picker) == [[90, 80, 70.5, 45]]
    picker.set_state({"boxes": [[10, 20, 30, 40], [50, 60, 70, 80]]})
    assert boxes(picker) == [[10, 20, 30, 40], [50, 60, 70, 80]]
    picker.set_state({"boxes": [[50, 60, 70, 80]]})
    assert boxes(picker) == [[50, 60, 70, 80]]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ([[1, 2, 3]], "the first box must be four finite numbers"),
        ([[1, 2, None, 3]], "four finite numbers"),
        ([[400, 0, 5, 5]], "outside the 320 x 240 image"),
        ([[0, 0, 0, 5]], "positive width"),
        ([], "is needed"),
    ],
)
def test_bad_input_is_said_and_changes_nothing(picker, sent, message):
    picker.set_state({"boxes": sent})
    assert message in picker.message
    assert picker.boxes == boxes(picker) == [[100, 80, 60.5, 45]]
    picker.set_state({"boxes": [[100, 80, 60.5, 46]]})
    assert picker.message == ""


def test_bad_beginnings(video, tmp_path):
    with pytest.raises(InputError, match=r"none\.mp4 is missing"):
        pick_boxes(tmp_path / "none.mp4", "1,2,3,4")
    with pytest.raises(InputError, match="target 1: the first box"):
        pick_boxes(video, [np.array([400.0, 0, 5, 5])])
