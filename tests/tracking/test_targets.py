"""Targets that are set, moved and added while frames go by, and the table of their boxes."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.tracking.static import StaticTracker
from dlatrack.tracking.table import (
    CSV_HEADER,
    UNKNOWN,
    Certainty,
    certainty_of,
    check_table,
    growing_table,
    is_table,
    table_rows,
)
from dlatrack.tracking.targets import Targets
from dlatrack.tracking.video import VideoTrack

IMAGE = np.zeros((80, 160, 3), np.uint8)


def boxes_of(targets: Targets, frame: int) -> list[list[float]]:
    return targets.step(IMAGE, frame).boxes_xywh.tolist()


def test_a_drawn_box_moves_the_nearest_target() -> None:
    targets = Targets(
        [StaticTracker(), StaticTracker()], [np.array([0, 0, 10, 10.0]), np.array([100, 0, 10, 10])]
    )
    assert boxes_of(targets, 0) == [[0, 0, 10, 10], [100, 0, 10, 10]]
    targets.place(np.array([90.0, 10, 20, 20]))
    assert boxes_of(targets, 1) == [[0, 0, 10, 10], [90, 10, 20, 20]]


def test_a_click_moves_a_target_and_keeps_its_size() -> None:
    targets = Targets([StaticTracker()], [np.array([0, 0, 10, 20.0])])
    boxes_of(targets, 0)
    targets.place(np.array([50.0, 40, 0, 0]))
    assert boxes_of(targets, 1) == [[45, 30, 10, 20]]
    targets.place(np.array([50.0, 40, 0, 0]), add=True)
    assert boxes_of(targets, 2) == [[45, 30, 10, 20], [45, 35, 10, 10]]


def test_targets_may_all_come_later() -> None:
    targets = Targets([StaticTracker()], [])
    steps = [targets.step(IMAGE, 0)]
    assert steps[0].lowest_score == {}
    targets.place(np.array([10.0, 10, 30, 30]))
    steps.append(targets.step(IMAGE, 1))
    targets.place(np.array([90.0, 10, 30, 30]), add=True)
    steps.append(targets.step(IMAGE, 2))
    track = VideoTrack.of(steps)
    assert track.boxes_xywh.shape == (3, 2, 4)
    assert np.isnan(track.scores).tolist() == [[True, True], [False, True], [False, False]]
    assert [row.split(",")[:2] for row in track.as_csv().splitlines()[1:]] == [
        ["1", "1"],
        ["2", "1"],
        ["2", "2"],
    ]


def test_a_refused_box_names_frame_and_target() -> None:
    targets = Targets([StaticTracker()], [np.array([0, 0, np.nan, 1])])
    with pytest.raises(InputError, match="frame 7, target 1: "):
        targets.step(IMAGE, 7)


def test_the_table_tells_how_sure_a_tracker_is() -> None:
    sure = SimpleNamespace(confidence=SimpleNamespace(probability=0.25, state="lost"))
    assert certainty_of(sure) == Certainty(0.25, "lost")
    assert certainty_of(SimpleNamespace(confidence=None)) == UNKNOWN
    boxes, scores = np.array([[1.0, 2, 3, 4]] * 3), np.array([0.5, np.nan, 1])
    assert table_rows(4, boxes, scores, [certainty_of(sure), UNKNOWN, UNKNOWN]) == (
        "4,1,1.000,2.000,3.000,4.000,0.5000,0.2500,lost\n4,3,1.000,2.000,3.000,4.000,1.0000,,\n"
    )


@pytest.mark.parametrize("header", ["frame,target,x,y,w,h,score\n", CSV_HEADER])
def test_tables_of_earlier_versions_may_be_replaced(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text(header)
    assert is_table(tmp_path / "a.csv")
    check_table(tmp_path / "a.csv")
    check_table(tmp_path / "new.csv")


def test_other_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("frame,x,y,w,h\n")
    with pytest.raises(InputError, match=r"a\.csv exists and is no table of dlatrack track"):
        check_table(tmp_path / "a.csv")
    with pytest.raises(InputError, match="is a folder; boxes and scores go there"):
        check_table(tmp_path)


def test_rows_are_on_the_disk_as_soon_as_they_are_added(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{CSV_HEADER}\nold")
    with growing_table(path) as table:
        assert path.read_text() == f"{CSV_HEADER}\n"
        table.add_text("1\n2\n")
        assert path.read_text() == f"{CSV_HEADER}\n1\n2\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_a_full_disk_is_an_error() -> None:
    from dlatrack.tracking.table import GrowingTable

    with (
        open("/dev/full", "wb", buffering=0) as full,
        pytest.raises(InputError, match=r"cannot write x\.csv: No space"),
    ):
        GrowingTable(Path("x.csv"), full.fileno())
