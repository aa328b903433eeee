"""OpenCV's trackers behind the interface of ours."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dlatrack.adapters import opencv
from dlatrack.adapters.opencv import OpenCVTracker, opencv_trackers
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
    monkeypatch.setattr(opencv, "available", lambda *_: False)
    with pytest.raises(InputError, match="has no tracker KCF; install opencv-contrib-python"):
        OpenCVTracker("KCF")


def test_nano_needs_two_files_that_opencv_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class RefusedError(Exception):
        err = "no ONNX"

    made: list[SimpleNamespace] = []

    def create(parameters: SimpleNamespace) -> Stand:
        if "bad" in parameters.neckhead:
            raise RefusedError
        made.append(parameters)
        return Stand()

    names = {"TrackerNano_create": create, "TrackerNano_Params": SimpleNamespace, "error": RefusedError}
    monkeypatch.setattr(
        opencv, "cv2", SimpleNamespace(**names, cvtColor=lambda image, _: image, COLOR_RGB2BGR=0)
    )
    backbone, head, bad = (tmp_path / name for name in ("backbone.onnx", "head.onnx", "bad.onnx"))
    with pytest.raises(
        InputError, match=r"backbone.onnx is not a file; OpenCV's TrackerNano needs an ONNX file"
    ):
        OpenCVTracker("Nano", (backbone, head))
    for file in (backbone, head, bad):
        file.touch()
    with pytest.raises(InputError, match=r"OpenCV cannot read .*backbone.onnx and .*bad.onnx: no ONNX"):
        OpenCVTracker("Nano", (backbone, bad))
    tracker = OpenCVTracker("Nano", (backbone, head))
    tracker.init(np.zeros((9, 9, 3), np.uint8), np.array([1, 2, 3, 4]))
    assert tracker.update(np.zeros((9, 9, 3), np.uint8))[0].tolist() == [2, 2, 3, 4]
    assert {(each.backbone, each.neckhead) for each in made} == {(str(backbone), str(head))}


def test_opencv_trackers_are_those_that_it_has(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(opencv_trackers(correlation=True)) == ["OpenCV CSRT", "OpenCV KCF"]
    monkeypatch.delattr(opencv.cv2, "TrackerCSRT_create")
    assert list(opencv_trackers(correlation=True)) == ["OpenCV KCF"]
    monkeypatch.delattr(opencv.cv2, "TrackerKCF_create")
    with pytest.raises(InputError, match="has no tracker CSRT; install opencv-contrib-python in place of"):
        opencv_trackers(correlation=True)
    with pytest.raises(
        InputError, match=r"opencv_nano must be two ONNX files, .* got 'a.onnx,b.onnx,c.onnx'"
    ):
        opencv_trackers(correlation=False, nano="a.onnx,b.onnx,c.onnx")
