from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.vot2019 import box_corners
from dlatrack.errors import InputError
from dlatrack.tracking.reset import run_with_resets, start_box, true_regions

TARGET = np.array([40.0, 30, 10, 10])
AWAY = np.array([0.0, 0, 5, 5])
DIAMOND = np.array([0.0, 5, 5, 0, 10, 5, 5, 10])


class Frames:
    """Black images of 100 x 80 px; remembers which were asked for."""

    def __init__(self, count: int, size: tuple[int, int] = (100, 80)) -> None:
        self.asked: list[int] = []
        self._count, self._shape = count, (size[1], size[0], 3)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> np.ndarray:
        self.asked.append(index)
        return np.broadcast_to(np.uint8(0), self._shape)


class Scripted:
    """Answers the row of a script that belongs to the frame that was read last."""

    def __init__(self, frames: Frames, script: np.ndarray) -> None:
        self.starts: list[tuple[int, list[float]]] = []
        self._frames, self._script = frames, script

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self.starts.append((self._frames.asked[-1], box_xywh.tolist()))

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        return self._script[self._frames.asked[-1]], 0.5


def video(boxes: np.ndarray, **changes: Any) -> Sequence:
    parts: dict[str, Any] = {
        "frames": Frames(len(boxes)),
        "boxes_xywh": boxes,
        "visible": np.ones(len(boxes), bool),
    }
    return Sequence("bag", **(parts | changes))


def run(lost: set[int], count: int, target: np.ndarray = TARGET) -> tuple[list[int], Scripted, Frames]:
    """Codes of a run that answers the target except in the `lost` frames."""
    sequence = video(np.tile(target, (count, 1)))
    script = np.array([AWAY if frame in lost else target for frame in range(count)])
    frames = sequence.frames
    assert isinstance(frames, Frames)
    tracker = Scripted(frames, script)
    return run_with_resets(tracker, sequence).run.codes.tolist(), tracker, frames


def test_a_lost_target_is_given_back_five_frames_later() -> None:
    codes, tracker, frames = run({3}, 12)
    assert codes == [1, -1, -1, 2, 0, 0, 0, 0, 1, -1, -1, -1]
    assert tracker.starts == [(0, [40, 30, 10, 10]), (8, [40, 30, 10, 10])]
    assert frames.asked == [0, 1, 2, 3, 8, 9, 10, 11]


def test_an_answer_of_the_first_frame_after_a_start_can_fail_at_once() -> None:
    assert run({1, 7}, 14)[0] == [1, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, -1]


@pytest.mark.parametrize(
    ("lost", "codes"),
    [
        (4, [1, -1, -1, -1, 2, 0, 0, 0]),
        (7, [1, -1, -1, -1, -1, -1, -1, 2]),
        (3, [1, -1, -1, 2, 0, 0, 0, 0]),
        (2, [1, -1, 2, 0, 0, 0, 0, 1]),
    ],
)
def test_a_failure_in_the_last_frames_has_no_other_start(lost: int, codes: list[int]) -> None:
    assert run({lost}, 8)[0] == codes


def test_regions_are_the_answers_and_times_leave_out_what_was_skipped() -> None:
    sequence = video(np.tile(TARGET, (9, 1)))
    assert isinstance(sequence.frames, Frames)
    script = TARGET + np.arange(9)[:, None] * [1.5, 0, 0, 0]
    script[2] = AWAY
    result = run_with_resets(Scripted(sequence.frames, script), sequence)
    assert result.run.codes.tolist() == [1, -1, 2, 0, 0, 0, 0, 1, 2]  # 12 px to the side in the last
    assert result.run.regions[1, :4].tolist() == [41.5, 30, 10, 10]
    assert np.isnan(result.run.regions[1, 4:]).all()
    assert np.isnan(np.delete(result.run.regions, 1, 0)).all()
    skipped = [False, False, False, True, True, True, True, False, False]
    assert np.isnan(result.seconds).tolist() == skipped
    assert np.isnan(result.read_seconds).tolist() == skipped
    assert np.nanmin(result.seconds) >= 0


def test_only_what_lies_in_the_image_counts() -> None:
    """The answer overlaps the target, but to the left of the image."""
    boxes = np.tile([-20.0, 30, 30, 10], (3, 1))
    sequence = video(boxes)
    assert isinstance(sequence.frames, Frames)
    script = np.array([[0.0] * 4, [-20, 30, 30, 10], [-20, 30, 15, 10]])
    assert run_with_resets(Scripted(sequence.frames, script), sequence).run.codes.tolist() == [1, -1, 2]


def test_the_start_box_of_a_diamond() -> None:
    """A square of side sqrt(50) on its tip: half the area of the 10 x 10 px around it."""
    side = 10 * 0.5**0.5 + 1
    assert start_box(DIAMOND) == pytest.approx([5 - (side - 1) / 2] * 2 + [side] * 2, abs=1e-12)


def test_a_trapezium_starts_from_its_first_two_sides() -> None:
    """|p1 p2| = 4 and |p2 p3| = 5 make 20 of the 8 x 5 px around it; the mean of the corners is not its middle."""
    box = start_box(np.array([2.0, 0, 6, 0, 6, 5, -2, 5]))
    size = np.array([8, 5]) * 0.5**0.5 + 1
    assert box == pytest.approx([*(np.array([3, 2.5]) - (size - 1) / 2), *size], abs=1e-12)


@given(
    centre=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    sides=st.tuples(st.floats(2, 300), st.floats(2, 300)),
    angle=st.floats(0, 2 * np.pi),
)
def test_the_start_box_keeps_centre_and_area_of_a_rectangle(
    centre: tuple[float, float], sides: tuple[float, float], angle: float
) -> None:
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(sides) / 2
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    box = start_box((half @ turn + np.array(centre)).ravel())
    assert box[:2] + (box[2:] - 1) / 2 == pytest.approx(centre, abs=1e-9)
    assert (box[2:] - 1).prod() == pytest.approx(sides[0] * sides[1], rel=1e-9)


@pytest.mark.parametrize("polygons", [None, "corners"])
def test_annotated_boxes_are_given_as_they_are(polygons: str | None) -> None:
    boxes = np.array([[198.0, 214, 31, 29], [10.5, 20.25, 30, 40]])
    regions = true_regions(video(boxes, polygons=box_corners(boxes) if polygons else None))
    assert regions[0].tolist() == [198, 214, 228, 214, 228, 242, 198, 242]
    assert np.stack([start_box(region) for region in regions]) == pytest.approx(boxes, abs=1e-12)


def test_one_polygon_that_is_not_a_box_makes_them_all_polygons() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10]])
    polygons = np.stack([box_corners(boxes)[0], DIAMOND.reshape(4, 2)])
    regions = true_regions(video(boxes, polygons=polygons))
    assert regions[0].tolist() == [0, 0, 10, 0, 10, 10, 0, 10]
    assert start_box(regions[0]).tolist() == [0, 0, 11, 11]


@given(st.sets(st.integers(0, 39)), st.integers(1, 40))
def test_every_failure_is_followed_by_four_skipped_frames_and_a_start(lost: set[int], count: int) -> None:
    codes = run(lost, count)[0]
    assert codes[0] == 1
    text = "".join({1: "i", 2: "f", 0: "s", -1: "r"}[code] for code in codes)
    assert text.replace("fssssi", "").strip("r") in (
        "i",
        *(f"i{'r' * n}f{'s' * k}" for n in range(40) for k in range(5)),
    )
    assert {frame for frame, code in enumerate(codes) if code == 2} <= lost
    assert not {frame for frame, code in enumerate(codes) if code == -1} & lost


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"polygons": np.full((3, 4, 2), np.nan)}, "sequence bag, frame 0: the true region nan,nan"),
        (
            {"polygons": np.stack([DIAMOND.reshape(4, 2), DIAMOND.reshape(4, 2) * [1, 0], np.ones((4, 2))])},
            "frame 1: the true region 0,0,5,0,10,0,5,0 must be finite and have an area",
        ),
        (
            {
                "boxes_xywh": np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [np.nan] * 4]),
                "visible": np.array([True, True, False]),
            },
            "frame 2: the true region nan",
        ),
    ],
)
def test_a_frame_without_a_true_region_is_named(changes: dict[str, Any], message: str) -> None:
    sequence = video(np.tile(TARGET, (3, 1)), **changes)
    assert isinstance(sequence.frames, Frames)
    with pytest.raises(InputError, match=message):
        run_with_resets(Scripted(sequence.frames, np.tile(TARGET, (3, 1))), sequence)
    assert sequence.frames.asked == []


def test_answers_that_are_not_finite_are_named() -> None:
    sequence = video(np.tile(TARGET, (3, 1)))
    assert isinstance(sequence.frames, Frames)
    tracker = Scripted(sequence.frames, np.array([TARGET, TARGET, [1, np.nan, 3, 4]]))
    with pytest.raises(
        InputError, match=r"sequence bag, frame 2: the tracker answered 1,nan,3,4; it must be finite"
    ):
        run_with_resets(tracker, sequence)


def test_a_refusal_of_the_tracker_names_sequence_and_frame() -> None:
    class Fussy(Scripted):
        def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
            raise InputError("the box lies outside the image")

    sequence = video(np.tile(TARGET, (3, 1)))
    assert isinstance(sequence.frames, Frames)
    with pytest.raises(InputError, match="sequence bag, frame 0: the box lies outside the image"):
        run_with_resets(Fussy(sequence.frames, np.tile(TARGET, (3, 1))), sequence)


def test_a_published_run_comes_out_again(shared_data: Path) -> None:
    """Real truth and the rows of a real tracker: the same failures and restarts, row by row."""
    sequences = json.loads((shared_data / "vot_micro_golden.json").read_text())["sequences"]
    frames_seen = failures = 0
    for name, entry in sequences.items():
        rows = [row if len(row) == 4 else [-1000, -1000, 5, 5] for row in entry["result"]]
        polygons = np.array(entry["gt"]).reshape(-1, 4, 2)
        boxes = np.concatenate([polygons.min(1), np.ptp(polygons, axis=1)], 1)
        frames = Frames(len(boxes), (entry["width"], entry["height"]))
        sequence = video(boxes, frames=frames, polygons=polygons)
        answered = run_with_resets(Scripted(frames, np.array(rows, float)), sequence).run
        assert answered.codes.tolist() == [row[0] if len(row) == 1 else -1 for row in entry["result"]], name
        given = [row for row in entry["result"] if len(row) == 4]
        assert answered.regions[answered.codes == -1, :4].tolist() == given, name
        frames_seen, failures = frames_seen + len(boxes), failures + int((answered.codes == 2).sum())
    assert (frames_seen, failures) == (486, 24)
