"""Several targets through the frames of a video, and the threads that read and write beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.tracking.static import StaticTracker
from dlatrack.tracking.video import (
    VideoTrack,
    background_writer,
    check_first_boxes,
    follow,
    parse_boxes,
    prefetch,
)

FRAMES = [np.full((80, 90, 3), shade, np.uint8) for shade in (0, 1, 2)]
BOXES = [np.array([10.0, 20, 30, 40]), np.array([50.0, 5, 8, 9])]


class Mover(StaticTracker):
    """Moves right by the shade of the image."""

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        return self._box_xywh + np.array([image[0, 0, 0], 0, 0, 0]), 0.5


def test_each_target_has_its_own_tracker() -> None:
    steps = list(follow(FRAMES, [Mover(), StaticTracker()], BOXES))
    assert [step.boxes_xywh[:, 0].tolist() for step in steps] == [[10, 50], [11, 50], [12, 50]]
    assert [step.scores.tolist() for step in steps] == [[1, 1], [0.5, 1], [0.5, 1]]
    assert all(step.image_rgb is frame for step, frame in zip(steps, FRAMES, strict=True))


def test_the_table_has_a_row_for_each_target_in_each_frame() -> None:
    boxes = np.array([[[1, 2, 3, 4], [5, 6, 7, 8.25]], [[1.5, 2, 3, 4], [5, 6, 7, 8]]])
    track = VideoTrack(boxes, np.array([[1, 1], [0.5, 0.98765]]))
    assert track.as_csv().splitlines() == [
        "frame,target,x,y,w,h,score,probability,state",
        "0,1,1.000,2.000,3.000,4.000,1.0000,,",
        "0,2,5.000,6.000,7.000,8.250,1.0000,,",
        "1,1,1.500,2.000,3.000,4.000,0.5000,,",
        "1,2,5.000,6.000,7.000,8.000,0.9877,,",
    ]


def test_boxes_are_read_from_text() -> None:
    first, second = parse_boxes(" 10,20,30,40; -1.5 2 3 4 ;")
    assert first.tolist() == [10, 20, 30, 40]
    assert second.tolist() == [-1.5, 2, 3, 4]
    assert parse_boxes("") == []


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,4; 5"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"a box is four numbers x,y,w,h in px of the first frame, got '"):
        parse_boxes(text)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([90, 0, 5, 5], r"target 2: the first box \[90.0, 0.0, 5.0, 5.0\] lies outside the 90 x 80 image"),
        ([0, 0, 0, 5], r"target 2: the first box must have a positive width and height"),
        ([0, 0, 5, -5], r"target 2: the first box must have a positive width and height"),
        ([0, np.nan, 5, 5], r"target 2: the first box must be four finite numbers"),
    ],
)
def test_bad_targets_are_named(box: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(follow(FRAMES, [StaticTracker(), StaticTracker()], [BOXES[0], np.array(box)]))


def test_a_target_is_needed() -> None:
    with pytest.raises(InputError, match="a box x,y,w,h around the target in the first frame is needed"):
        check_first_boxes(FRAMES[0], [])


def test_a_refusal_names_frame_and_target() -> None:
    class Fussy(StaticTracker):
        def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
            raise InputError("not finite")

    with pytest.raises(InputError, match="frame 1, target 2: not finite"):
        list(follow(FRAMES, [StaticTracker(), Fussy()], BOXES))


def test_items_come_in_order_and_at_most_so_many_early() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    items = prefetch(source(), 3)
    for number in range(20):
        assert next(items) == number
        assert len(taken) <= number + 1 + 3
    assert next(items, None) is None


def test_an_error_of_the_source_comes_where_it_belongs() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise InputError("frame 1 is damaged")

    items = prefetch(source(), 4)
    assert next(items) == 1
    with pytest.raises(InputError, match="frame 1 is damaged"):
        next(items)


def test_leaving_early_ends_the_threads() -> None:
    before = set(threading.enumerate())
    items = prefetch(range(1000), 4)
    assert next(items) == 0
    items.close()
    with background_writer(lambda _: None, 2) as later:
        later(1)
    assert set(threading.enumerate()) <= before


def test_what_is_handed_on_is_done_in_order_by_the_end() -> None:
    done: list[int] = []
    with background_writer(done.append, 2) as later:
        for number in range(10):
            later(number)
            assert number - len(done) <= 3
    assert done == list(range(10))


def test_an_error_in_the_thread_is_raised() -> None:
    def fail(_: int) -> None:
        raise InputError("the disk is full")

    with pytest.raises(InputError, match="the disk is full"), background_writer(fail, 1) as later:
        later(1)
