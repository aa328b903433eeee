from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dlatrack import __version__
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.results import read_boxes
from dlatrack.tracking.run import RunResult, run_one_pass, run_sequences
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
    assert isinstance(result, RunResult)


def test_on_frame_sees_every_frame() -> None:
    seen: list[tuple[int, int, float, float]] = []
    run_one_pass(
        Drifter(),
        sequence(),
        on_frame=lambda i, image, box, score: seen.append((i, image[0, 0, 0], box[0], score)),
    )
    assert seen == [(0, 0, 10, 1), (1, 1, 11, 0.25), (2, 2, 12, 0.25), (3, 3, 13, 0.25)]


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


def test_results_are_in_the_form_of_otb_and_evaluate(tmp_path: Path) -> None:
    sequences = [sequence("Car1"), sequence("Bird-2", 6)]
    told: list[tuple[str, int, int]] = []
    paths = run_sequences(
        StaticTracker, sequences, tmp_path, tracker="static", progress=lambda *report: told.append(report)
    )
    assert [path.name for path in paths] == ["Car1.txt", "Bird-2.txt"]
    assert paths[0].read_text() == "11.0000,21.0000,30.0000,40.0000\n" * 4
    assert told == [("Car1", 1, 2), ("Bird-2", 2, 2)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Bird-2.txt", "Car1.txt", "run.json"]
    results = {s.name: read_boxes(path, len(s)) for s, path in zip(sequences, paths, strict=True)}
    scored = evaluate(results, {s.name: s.boxes_xywh for s in sequences})
    assert scored.sequence_precision.tolist() == [1, 1]
    assert 0.7 < scored.auc < 20 / 21


def test_run_json_says_what_made_the_results(tmp_path: Path) -> None:
    run_sequences(
        StaticTracker,
        [sequence()],
        tmp_path,
        tracker="static",
        weights_sha256="ab12",
        settings={"benchmark": "OTB100"},
    )
    record = json.loads((tmp_path / "run.json").read_text())
    versions = record.pop("versions")
    assert record == {
        "tracker": "static",
        "weights_sha256": "ab12",
        "settings": {"benchmark": "OTB100"},
        "protocol": "one-pass",
    }
    assert versions == {"dlatrack": __version__, "numpy": np.__version__, "torch": torch.__version__}


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    sequences = [sequence(name) for name in ("a", "b", "c", "d")]
    run_sequences(Drifter, sequences, tmp_path, tracker="drifter")
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "b.txt").unlink()
    (tmp_path / "c.txt").write_text("1,2,3,4\n")
    (tmp_path / "d.txt").write_text("1,2,3,4\n1,2,3,4\n1,2,three,4\n1,2,3,4\n")
    before, stamp = Drifter.started, (tmp_path / "a.txt").stat().st_mtime_ns
    run_sequences(Drifter, sequences, tmp_path, tracker="drifter")
    assert Drifter.started == before + 3
    assert (tmp_path / "a.txt").stat().st_mtime_ns == stamp
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == whole


def test_a_complete_run_makes_no_tracker(tmp_path: Path) -> None:
    run_sequences(StaticTracker, [sequence()], tmp_path, tracker="static")
    run_sequences(Forbidden, [sequence()], tmp_path, tracker="static")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tracker": "other"}, "tracker is 'static' there and 'other' here"),
        ({"weights_sha256": "cd"}, "weights_sha256 is 'ab' there and 'cd' here"),
        ({"settings": {"rate": 0.5}}, r"settings is \{\} there and \{'rate': 0.5\} here"),
    ],
)
def test_results_of_something_else_are_not_mixed(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    identity: dict[str, Any] = {"tracker": "static", "weights_sha256": "ab"}
    run_sequences(StaticTracker, [sequence()], tmp_path, **identity)
    with pytest.raises(
        InputError, match=rf"run.json belongs to another run: {message}; choose another folder"
    ):
        run_sequences(StaticTracker, [sequence()], tmp_path, **(identity | changes))


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_an_unreadable_run_json_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run.json"):
        run_sequences(StaticTracker, [sequence()], tmp_path, tracker="static")


@pytest.mark.parametrize("name", ["", "a/b", "../a", "a\\b", "."])
def test_names_that_cannot_be_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be a file name"):
        run_sequences(StaticTracker, [sequence(name)], tmp_path, tracker="static")


def test_repeated_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sequence names must differ, but a comes 2 times"):
        run_sequences(StaticTracker, [sequence("a"), sequence("a")], tmp_path, tracker="static")
