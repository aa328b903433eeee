"""Trackers in folders and archives of VOT results."""

from __future__ import annotations

import zipfile

from dlatrack.evaluation.results.archives import opened
from dlatrack.evaluation.vot.results import find_vot_trackers


def put(folder, *files):
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1\n1,2,3,4\n")


def test_folders_and_hidden_companions(tmp_path):
    put(
        tmp_path,
        *("A/baseline/half_time/half_time_001.txt", "A/baseline/half_time/half_time_time.txt"),
        *("B/half_time/half_time_001.txt", "__MACOSX/C/baseline/half_time/half_time_001.txt"),
    )
    found = find_vot_trackers(tmp_path, {"half_time": 2})
    assert [tracker.name for tracker in found] == ["A", "B"]
    runs = found[0].read(["half_time"])["half_time"]
    assert [run.codes.tolist() for run in runs] == [[1, -1]]


def test_editions_side_by_side_are_told_apart(tmp_path):
    files = ("VOT2018/A/baseline/x/x_001.txt", "VOT2019/A/baseline/x/x_001.txt")
    folder = tmp_path / "all"
    put(folder, *files)
    names = ["VOT2018/A", "VOT2019/A"]
    assert [tracker.name for tracker in find_vot_trackers(folder, {"x": 2})] == names
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(folder / file, f"deep/{file}")
    with opened(path) as unpacked:
        assert [tracker.name for tracker in find_vot_trackers(unpacked, {"x": 2})] == [
            f"deep/{n}" for n in names
        ]
    with opened(path / "deep" / "VOT2019") as unpacked:
        assert [tracker.name for tracker in find_vot_trackers(unpacked, {"x": 2})] == ["A"]


def test_a_tracker_inside_another_is_told_apart(tmp_path):
    put(tmp_path, "A/x/x_001.txt", "A/old/A/x/x_001.txt")
    assert [tracker.name for tracker in find_vot_trackers(tmp_path, {"x": 2})] == ["A", "A/old/A"]


def test_text_comes_before_binary_and_other_experiments_are_left_alone(tmp_path):
    put(tmp_path, "A/baseline/x/x_001.txt", "A/realtime/x/x_001.txt", "A/unsupervised/x/x_001.txt")
    put(tmp_path, "A/baseline/x/x_001.bin", "A/baseline/x/x_002.bin", "unsupervised/x/x_001.txt")
    found = find_vot_trackers(tmp_path, {"x": 2})
    assert [tracker.name for tracker in found] == ["A", "unsupervised"]
    assert [path.name for path in found[0].files["x"]] == ["x_001.txt", "x_002.bin"]
    assert [tracker.name for tracker in find_vot_trackers(tmp_path / "A" / "realtime", {"x": 2})] == [
        "realtime"
    ]
