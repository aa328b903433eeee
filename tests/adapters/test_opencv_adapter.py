"""OpenCV's trackers behind the interface of ours."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dlatrack.adapters import opencv
from dlatrack.adapters.opencv import OpenCVTracker
from dlatrack.errors import InputError


class Stand:
    """What OpenCV's trackers offer: it moves a box by one px, and is lost in the third frame."""

    def __init__(self) -> None:
        self.calls: list[tuple[np.ndarray, tuple[int, ...]]] = []

    def init(self, image: np.ndarray, box: tuple[int, ...]) -> None:
        self.calls.append((image, box))
        self.box = box

    def update(self, image: np.ndarray) -> tuple[bool, tuple[int, ...]]:
        self.calls.append((image, self.box))
        self.box = (self.box[0] + 1, *self.box[1:])
        return len(self.calls) != 4, self.box


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    made = Stand()
    cv2 = SimpleNamespace(
        TrackerCSRT_create=lambda: made,
        TrackerKCF_create=lambda: made,
        cvtColor=lambda image, _: image[..., ::-1],
        COLOR_RGB2BGR=None,
        __version__="5",
    )
    monkeypatch.setattr(opencv, "cv2", cv2)
    return made


def test_boxes_are_rounded_and_cut_and_a_lost_target_keeps_its_box(stand: Stand) -> None:
    tracker = OpenCVTracker("CSRT")
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    tracker.init(image, np.array([-0.6, 0.4, 3.2, 5.0]))
    assert stand.calls[0][1] == (0, 0, 3, 2)
    assert stand.calls[0][0][0, 0].tolist() == [2, 1, 0]
    boxes = [tracker.update(image) for _ in range(3)]
    assert [box.tolist() for box, _ in boxes] == [[1, 0, 3, 2], [2, 0, 3, 2], [2, 0, 3, 2]]
    assert [score for _, score in boxes] == [1, 1, 0]


def test_a_box_outside_the_image_is_refused(stand: Stand) -> None:
    with pytest.raises(InputError, match=r"the box \[9.0, 0.0, 2.0, 2.0\] has no whole px inside the image"):
        OpenCVTracker("KCF").init(np.zeros((2, 4, 3), np.uint8), np.array([9, 0, 2, 2]))


@pytest.mark.parametrize("box", [[1, 2, 3], [1, 2, 3, np.nan], [0, 0, np.inf, 4], "1,2,3,4"])
def test_what_is_no_box_is_refused(stand: Stand, box: object) -> None:
    with pytest.raises(InputError, match="four finite numbers"):
        OpenCVTracker("KCF").init(np.zeros((40, 40, 3), np.uint8), box)


def test_update_comes_after_init(stand: Stand) -> None:
    with pytest.raises(ValueError, match="call init"):
        OpenCVTracker("KCF").update(np.zeros((2, 4, 3), np.uint8))


def test_an_opencv_without_them_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv, "available", lambda: False)
    with pytest.raises(InputError, match="has no tracker KCF; install opencv-contrib-python"):
        OpenCVTracker("KCF")
