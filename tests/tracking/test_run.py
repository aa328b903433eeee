from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.tracking.reset import run_with_resets
from dlatrack.tracking.run import RunResult, run_one_pass
from dlatrack.tracking.static import StaticTracker


def sequence(name: str = "Car1", count: int = 4, **changes: Any) -> Sequence:
    boxes = np.tile([10.0, 20, 30, 40], (count, 1)) + np.arange(count)[:, None] * [2, 0, 0, 0]
    parts: dict[str, Any] = {
        "frames": np.zeros((count, 80, 90, 3), np.uint8)
        + np.arange(count, dtype=np.uint8)[:, None, None, None],
        "boxes_xywh": boxes,
        "visible": np.ones(count, bool),
    }
    return Sequence(name, **(parts | changes))


class Drifter:
    """Adds its frame's number to x; counts how often it was started."""

    started = 0

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        Drifter.started += 1
        self._box = box_xywh + np.array([0, 100, 0, 0])

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        return self._box + np.array([image[0, 0, 0], 0, 0, 0]), 0.25


class Forbidden:
    def __init__(self) -> None:
        raise AssertionError("no tracker is needed")


def test_a_run_keeps_the_given_box_and_the_answers() -> None:
    result = run_one_pass(Drifter(), sequence())
    assert result.boxes_xywh.tolist() == [
        [10, 20, 30, 40],
        [11, 120, 30, 40],
        [12, 120, 30, 40],
        [13, 120, 30, 40],
    ]
    assert result.scores.tolist() == [1, 0.25, 0.25, 0.25]
    assert (result.seconds >= 0).all()
    assert (result.read_seconds >= 0).all()
    assert result.seconds.shape == result.read_seconds.shape == (4,)
    assert isinstance(result, RunResult)


def test_static_tracker_answers_the_first_box() -> None:
    box = np.array([1.0, 2, 3, 4])
    tracker = StaticTracker()
    tracker.init(np.zeros((5, 5, 3), np.uint8), box)
    box[0] = 99
    first, score = tracker.update(np.zeros((5, 5, 3), np.uint8))
    first[0] = 99
    assert tracker.update(np.zeros((5, 5, 3), np.uint8))[0].tolist() == [1, 2, 3, 4]
    assert score == 1


def test_an_absent_first_frame_is_named() -> None:
    boxes = sequence().boxes_xywh
    boxes[0] = np.nan
    message = "sequence Car1 does not show its target in the first frame"
    with pytest.raises(InputError, match=message):
        run_one_pass(StaticTracker(), sequence(boxes_xywh=boxes, visible=np.array([False, True, True, True])))
    with pytest.raises(InputError, match=message):
        run_one_pass(StaticTracker(), sequence(visible=np.array([False, True, True, True])))


def test_a_refusal_of_the_tracker_names_sequence_and_frame() -> None:
    class Fussy(StaticTracker):
        def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
            if image[0, 0, 0] == 2:
                raise InputError("an image must be RGB")
            return super().update(image)

    with pytest.raises(InputError, match=r"sequence Car1, frame 2: an image must be RGB"):
        run_one_pass(Fussy(), sequence())


class _Unreadable:
    """Frames of which none can be read."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> np.ndarray:
        raise InputError(f"image {index} cannot be read")


def test_the_static_box_needs_no_images() -> None:
    result = run_one_pass(StaticTracker(), sequence(frames=_Unreadable()))
    assert result.boxes_xywh.tolist() == [sequence().boxes_xywh[0].tolist()] * 4
    with pytest.raises(InputError, match="image 0 cannot be read"):
        run_one_pass(Drifter(), sequence(frames=_Unreadable()))


def test_subclasses_of_the_static_box_get_images() -> None:
    class Looking(StaticTracker):
        def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
            return super().update(image)[0], float(image[0, 0, 0])

    assert run_one_pass(Looking(), sequence()).scores.tolist() == [1, 1, 2, 3]


class Careless:
    """Changes every array that it is given, and answers with one that it goes on to change."""

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        box_xywh[2:] += box_xywh[:2]
        self._box = box_xywh

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        self._box += 1
        return self._box, 0.5


def test_a_tracker_that_changes_its_arrays_changes_neither_truth_nor_answers() -> None:
    video = sequence()
    before = video.boxes_xywh.copy()
    result = run_one_pass(Careless(), video)
    assert (video.boxes_xywh == before).all()
    assert result.boxes_xywh.tolist() == [
        [10, 20, 30, 40],
        [11, 21, 41, 61],
        [12, 22, 42, 62],
        [13, 23, 43, 63],
    ]


def test_the_arrays_of_a_sequence_are_its_own() -> None:
    boxes, visible = np.tile([10.0, 20, 30, 40], (4, 1)), np.ones(4, bool)
    polygons = np.zeros((4, 4, 2))
    video = sequence(boxes_xywh=boxes, visible=visible, polygons=polygons)
    boxes[:], visible[:], polygons[:] = 0, False, 1
    assert (video.boxes_xywh == [10, 20, 30, 40]).all()
    assert video.visible.all()
    assert not video.polygons.any()


@pytest.mark.parametrize("box", [[1, 2, 3], [1, 2, 3, np.nan], "1_0,2,3,4", [[1, 2, 3, 4]], 5.0])
def test_the_static_tracker_takes_a_box_and_nothing_else(box: Any) -> None:
    with pytest.raises(InputError, match="four finite numbers"):
        StaticTracker().init(np.zeros((8, 8, 3), np.uint8), box)


def test_the_static_tracker_shares_no_array() -> None:
    tracker, box = StaticTracker(), np.array([1.0, 2, 3, 4])
    tracker.init(np.zeros((8, 8, 3), np.uint8), box)
    box[:] = 0
    tracker.update(np.zeros((8, 8, 3), np.uint8))[0][:] = 0
    assert tracker.update(np.zeros((8, 8, 3), np.uint8))[0].tolist() == [1, 2, 3, 4]


class Watched:
    """Frames of which each must be free before the next is read."""

    last: weakref.ref[np.ndarray] | None = None

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> np.ndarray:
        assert self.last is None or self.last() is None, "the last frame is still held"
        image = np.zeros((20, 20, 3), np.uint8)
        self.last = weakref.ref(image)
        return image


@pytest.mark.parametrize("run", [run_one_pass, run_with_resets])
def test_a_frame_is_freed_before_the_next_is_decoded(run: Any) -> None:
    """Decoding takes two frames, OpenCV's and the one that it returns."""
    run(Drifter(), sequence(frames=Watched()))
