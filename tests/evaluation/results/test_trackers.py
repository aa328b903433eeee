"""Trackers are found in every form in which peers keep their results."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from dlatrack.errors import InputError
from dlatrack.evaluation.results.names import find_results
from dlatrack.evaluation.results.trackers import find_trackers

NAMES = ["Car1", "bird1_1", "Jogging-1"]


def put(folder, *files):
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1,2,3,4\n")


def summary(trackers):
    return {t.name: {name: path.name for name, path in t.files.items()} for t in trackers}


def test_a_folder_of_one_tracker(tmp_path):
    put(
        tmp_path / "SiamX", "Car1.txt", "bird1_1.txt", "jogging_1.txt", "Car1_time.txt", "times/Car1_time.txt"
    )
    (tracker,) = find_trackers(tmp_path / "SiamX", NAMES)
    assert tracker.name == "SiamX"
    assert tracker.files.keys() == set(NAMES)
    assert tracker.read(NAMES)["Car1"].tolist() == [[1, 2, 3, 4]]
    assert find_trackers(tmp_path / "SiamX", NAMES, label="x")[0].name == "x"


def test_several_trackers_at_any_depth(tmp_path):
    put(tmp_path, "OTB100/A/Car1.txt", "OTB100/B/Car1.txt", "deep/er/C/bird1_1.txt", "OTB100/notes.txt")
    assert summary(find_trackers(tmp_path, NAMES)) == {
        "A": {"Car1": "Car1.txt"},
        "B": {"Car1": "Car1.txt"},
        "C": {"bird1_1": "bird1_1.txt"},
    }


def test_pytracking_names_uav123_with_a_prefix_and_got10k_human4_without_number(tmp_path):
    put(tmp_path, "dimp/dimp50_000/uav_bird1_1.txt", "dimp/dimp50_000/uav_bird1_1_time.txt", "got/Human4.txt")
    found = summary(find_trackers(tmp_path, [*NAMES, "Human4-2"]))
    assert found == {"dimp50_000": {"bird1_1": "uav_bird1_1.txt"}, "got": {"Human4-2": "Human4.txt"}}


def test_got10k_keeps_a_folder_per_sequence(tmp_path):
    put(
        tmp_path,
        *(f"T/{name}/{name}_{n:03d}.txt" for name in NAMES for n in (1, 2, 3)),
        "T/Car1/Car1_time.txt",
    )
    assert summary(find_trackers(tmp_path, NAMES)) == {"T": {name: f"{name}_001.txt" for name in NAMES}}


def test_matlab_files_of_several_trackers(tmp_path):
    run = np.empty(1, object)
    run[0] = {"res": np.array([[1.0, 2, 3, 4]]), "type": "rect"}
    for stem in ("Car1_KCF", "car1_SiamFC", "bird1_1_KCF", "bird1_1_SiamFC"):
        savemat(tmp_path / f"{stem}.mat", {"results": run})
    found = find_trackers(tmp_path, NAMES)
    assert summary(found) == {
        "KCF": {"Car1": "Car1_KCF.mat", "bird1_1": "bird1_1_KCF.mat"},
        "SiamFC": {"Car1": "car1_SiamFC.mat", "bird1_1": "bird1_1_SiamFC.mat"},
    }
    assert found[0].read(["Car1"])["Car1"].tolist() == [[1, 2, 3, 4]]


def test_equal_names_are_told_apart_by_their_path(tmp_path):
    put(tmp_path, "a/run/Car1.txt", "b/run/Car1.txt")
    assert [t.name for t in find_trackers(tmp_path, NAMES)] == ["a/run", "b/run"]


def test_what_is_missing_is_named(tmp_path):
    put(tmp_path, "readme.txt")
    with pytest.raises(InputError, match=r"has no result file for any sequence, such as Car1\.txt"):
        find_trackers(tmp_path, NAMES)
    put(tmp_path, "A/Car1.txt")
    (tracker,) = find_trackers(tmp_path, NAMES)
    with pytest.raises(InputError, match=r"A has no result file for bird1_1, Jogging-1"):
        tracker.read(NAMES)
    put(tmp_path, "A/car1.txt")
    with pytest.raises(InputError, match=r"several files for sequence Jogging-1"):
        put(tmp_path, "A/jogging_1.txt", "A/jogging.1.txt")
        find_trackers(tmp_path, NAMES)


def test_hidden_companions_are_no_trackers(tmp_path):
    put(
        tmp_path,
        *("T/Car1.txt", "T/._Car1.txt", "__MACOSX/T/._Car1.txt", "__MACOSX/T/Car1.txt"),
        *(".Trashes/T/Car1.txt", "T/.Car1-8skd02lq.txt", ".cache/Car1.mat"),
    )
    assert summary(find_trackers(tmp_path, NAMES)) == {"T": {"Car1": "Car1.txt"}}
    hidden = tmp_path / ".cache" / "results"
    put(hidden, "T/Car1.txt")
    assert summary(find_trackers(hidden, NAMES)) == {"T": {"Car1": "Car1.txt"}}, (
        "what lies above is not judged"
    )
    put(tmp_path / "one", "Car1.txt", "._Car1.txt", "car1.txt/readme.md")
    assert find_results(tmp_path / "one", ["Car1"])["Car1"].name == "Car1.txt"


@pytest.mark.parametrize("suffix", ["time", "times", "confidence", "object_presence_scores"])
def test_the_names_of_sequences_say_what_is_a_side_file(tmp_path, suffix):
    """`half_time.txt` is the result of a sequence `half_time`, and the times of a sequence `half`."""
    odd = f"half_{suffix}"
    put(tmp_path / "A", f"{odd}.txt", f"{odd}_time.txt", f"{odd}_confidence.txt")
    assert summary(find_trackers(tmp_path / "A", [odd])) == {"A": {odd: f"{odd}.txt"}}
    put(tmp_path / "B", "half.txt", f"{odd}.txt", f"{odd}_time.txt")
    assert summary(find_trackers(tmp_path / "B", ["half"])) == {"B": {"half": "half.txt"}}
    both = find_trackers(tmp_path / "B", ["half", odd])
    assert summary(both) == {"B": {"half": "half.txt", odd: f"{odd}.txt"}}
    lenient = f"Half{suffix.replace('_', '')}"
    assert summary(find_trackers(tmp_path / "B", ["half", lenient])) == {"B": {"half": "half.txt"}}


def test_a_folder_of_times_is_no_tracker(tmp_path):
    """With sequences `half` and `half_time`, `times/half_time.txt` would fit the second."""
    put(tmp_path, "T/half.txt", "T/half_time.txt", "T/times/half_time.txt", "T/times/half_time_time.txt")
    for file in (tmp_path / "T" / "times").iterdir():
        file.write_text("0.1\n0.2\n")
    found = summary(find_trackers(tmp_path, ["half", "half_time"]))
    assert found == {"T": {"half": "half.txt", "half_time": "half_time.txt"}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,2,3,4\n5,6,7,8\n", True),
        ("1 2 3 4\n", True),
        ("0.1\n0.2\n", False),
        ("1,2,3\n", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("name", ["half_time", "half_confidence"])
def test_boxes_of_a_sequence_that_is_called_like_a_side_file_are_told_by_their_numbers(
    tmp_path, name, text, found
):
    put(tmp_path, f"T/{name}.txt", "U/half.txt")
    (tmp_path / "T" / f"{name}.txt").write_text(text)
    trackers = summary(find_trackers(tmp_path, ["half", name]))
    assert trackers == {"U": {"half": "half.txt"}} | ({"T": {name: f"{name}.txt"}} if found else {})


def test_got10k_folders_of_sequences_that_are_called_like_side_files(tmp_path):
    put(
        tmp_path, "T/x_times/x_times_001.txt", "T/x_times/x_times_time.txt", "T/x/x_001.txt", "T/x/x_time.txt"
    )
    found = summary(find_trackers(tmp_path, ["x", "x_times"]))
    assert found == {"T": {"x": "x_001.txt", "x_times": "x_times_001.txt"}}


@pytest.mark.parametrize(
    ("names", "file", "found"),
    [
        (["собака", "кошка"], "кошка.txt", "кошка"),
        (["собака"], "кошка.txt", None),
        (["собака 1"], "Собака_1.txt", "собака 1"),
        (["犬_1", "犬_2"], "犬-2.txt", "犬_2"),
        (["---"], "===.txt", None),
        (["café"], "cafe\N{COMBINING ACUTE ACCENT}.txt", "café"),
        (["café"], "caf.txt", None),
        (["cafe\N{COMBINING ACUTE ACCENT}_1"], "Café-1.txt", "cafe\N{COMBINING ACUTE ACCENT}_1"),
    ],
)
def test_names_in_any_script(tmp_path, names, file, found):
    put(tmp_path, f"T/{file}")
    if found is None:
        with pytest.raises(InputError, match="has no result file for any sequence"):
            find_trackers(tmp_path, names)
    else:
        assert summary(find_trackers(tmp_path, names)) == {"T": {found: file}}


@pytest.mark.parametrize("row", ["1e12,1e12,3,4", "-1e99 0 1 1", "1,2,3,4e9"])
def test_rows_of_a_tracker_that_has_lost_all_measure_are_read(tmp_path, row):
    put(tmp_path, "T/a.txt")
    (tmp_path / "T" / "a.txt").write_text(f"1,2,3,4\n{row}\n")
    (tracker,) = find_trackers(tmp_path, ["a"])
    numbers = [float(text) for text in row.replace(",", " ").split()]
    assert tracker.read(["a"])["a"].tolist() == [[1, 2, 3, 4], numbers]
    (tmp_path / "T" / "a.txt").write_text("1,2,3,1e100\n")
    with pytest.raises(InputError, match=r"row 1: .* 1e100 is too large; numbers must be below 1e\+100"):
        tracker.read(["a"])
