"""The truth of a benchmark from JSON files, text files and the data set itself."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from dlatrack.datasets.manifests import manifest
from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.evaluation import truth_source
from dlatrack.evaluation.truth import BENCHMARKS, benchmark
from dlatrack.evaluation.truth_source import read_truth
from dlatrack.evaluation.vot.results import VOTRun
from dlatrack.evaluation.vot.scores import evaluate_vot


def put(path, content):
    text = json.dumps(content).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_rows_by_sequence(tmp_path, name):
    file = put(tmp_path / name, {"bike1": [[1, 2, 3, 4], None], "bike2": [[1, 2, 3, 4]]})
    truth = read_truth("uav123", file)
    assert truth.name == "UAV123"
    assert truth.boxes["bike1"][0].tolist() == [1, 2, 3, 4]
    assert np.isnan(truth.boxes["bike1"][1]).all()
    assert truth.present is None
    assert "FM" in truth.sequences["bike1"].attributes, "from the manifest"
    assert truth.with_attribute("FM") == ["bike1"]
    assert len(truth.missing) == 121


@pytest.mark.parametrize(
    ("name", "sequences"),
    [("OTB100", ("Basketball", "Nope")), ("UAV123", ("mine",)), ("VOT2019", ("agility", "Agility"))],
)
def test_a_sequence_that_the_benchmark_does_not_have_is_named(tmp_path, name, sequences):
    """It would be scored as one of the benchmark, and whatever is missing would go unnoticed."""
    file = put(tmp_path / "a.json", {sequence: [[1, 2, 3, 4]] for sequence in sequences})
    with pytest.raises(InputError, match=rf"a\.json: {name} has no sequence {sequences[-1]}; .* folder$"):
        read_truth(name, file)


@pytest.mark.parametrize(("name", "sequence"), [("folder", "s"), ("OTB100", "Car1"), ("UAV123", "bike1")])
def test_polygons_are_no_truth_of_one_pass_evaluation(tmp_path, name, sequence):
    file = put(tmp_path / "a.json", {sequence: [[0, 0, 4, 0, 4, 4, 0, 4]] * 2})
    with pytest.raises(
        InputError, match=rf"a\.json: sequence {sequence} row 1: polygons .* boxes x, y, w, h"
    ):
        read_truth(name, file)


def test_entries_of_pysot(tmp_path):
    entry = {"gt_rect": [[1, 2, 3, 4]] * 3, "attr": ["ALL", "IV"], "absent": [1, 0, 1], "img_names": []}
    truth = read_truth("LaSOT", put(tmp_path / "a.json", {"airplane-1": entry}))
    assert truth.present["airplane-1"].tolist() == [True, False, True], "1 means present there"
    assert truth.sequences["airplane-1"].attributes == {"IV"}
    polygon = [0, 0, 4, 0, 4, 4, 0, 4]
    entry = {"gt_rect": [polygon] * 3, "width": 64, "height": 48, "occlusion": [0, 1]}
    truth = read_truth("VOT2019", put(tmp_path / "b.json", {"agility": entry}))
    sequence = truth.sequences["agility"]
    assert sequence.regions.shape == (3, 8)
    assert sequence.size == (64, 48)
    assert sequence.tags["occlusion"].tolist() == [False, True, False], "tags may end early"


def test_runs_of_absent_frames_include_both_ends(tmp_path):
    entry = {"gt": [[1, 2, 3, 4]] * 5, "absent_runs": [[1, 2], [4, 4]]}
    truth = read_truth("LaSOT", put(tmp_path / "a.json", {"airplane-1": entry}))
    assert truth.present["airplane-1"].tolist() == [True, False, False, True, False]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "does not hold a JSON object with an entry per sequence"),
        ({"Car1": [[1, 2, 3]]}, r"sequence Car1 needs a list of boxes .* row 1 is \[1, 2, 3\]"),
        ({"Car1": [[1, 2, 3, 4], [1, 2]]}, "sequence Car1 needs a list of boxes"),
        ({"Car1": "boxes"}, "sequence Car1 needs a list of boxes"),
        ({"Car1": {"boxes": []}}, "sequence Car1 needs a list of boxes"),
        ({"Car1": []}, "sequence Car1 needs a list of boxes"),
    ],
)
def test_what_is_no_truth_is_named(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_truth("OTB100", put(tmp_path / "a.json", content))


def test_broken_files_are_named(tmp_path):
    for data in (b"{", b"\x1f\x8b\x08broken", b"\xff\xfe"):
        (tmp_path / "a.json").write_bytes(data)
        with pytest.raises(InputError, match=r"a\.json is not JSON, plain or gzipped"):
            read_truth("OTB100", tmp_path / "a.json")


@pytest.mark.parametrize("name", ["OTB100", "UAV123", "LaSOT", "VOT2019"])
def test_the_data_set_itself(tmp_path, name):
    manifest = BENCHMARKS[name].manifest
    root = write_mini(manifest, tmp_path)
    truth = read_truth(name, root)
    assert len(truth.sequences) >= 4
    for sequence in truth.sequences.values():
        assert sequence.regions.shape[1] in (4, 8)
        assert (sequence.present is not None) == (name == "LaSOT")
        assert (sequence.size is not None) == (name == "VOT2019")
    if name == "OTB100":
        text = (root / "Basketball" / "groundtruth_rect.txt").read_text().split("\n")[0]
        first = [float(value) for value in text.replace("\t", ",").split(",")]
        assert truth.boxes["Basketball"][0].tolist() == first, "coordinates are those of the file"
    if name == "LaSOT":
        assert not all(flags.all() for flags in truth.present.values())
    if name == "VOT2019":
        assert {sequence.regions.shape[1] for sequence in truth.sequences.values()} == {4, 8}
        assert any(flags.any() for s in truth.sequences.values() for flags in s.tags.values())


def test_folders_of_ones_own(tmp_path):
    from dlatrack.datasets.folder import write_folder
    from dlatrack.datasets.synthetic import synthetic_sequence

    sequence = synthetic_sequence(3, 4, challenges=())
    write_folder(sequence, tmp_path)
    truth = read_truth("folder", tmp_path)
    (boxes,) = truth.boxes.values()
    assert boxes == pytest.approx(sequence.boxes_xywh + np.array([1, 1, 0, 0]), abs=1e-4)


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_text_files_of_ones_own_sequences(tmp_path):
    rows = {"seqA": [[50, 60.1, 30, 44], None, [51.25, 61, 30, 44]], "half_time": [[1, 2, 3, 4]]}
    texts = {
        "seqA.txt": "50,60.1,30,44\nNaN,NaN,NaN,NaN\n51.25,61,30,44\n",
        "half_time.TXT": "\ufeff1 2\t3 4\r\n",
        **{"._seqA.txt": b"\0\5", ".DS_Store": b"\0", "__MACOSX/seqA/groundtruth_rect.txt": "1,2,3,4"},
    }
    from_texts = read_truth("folder", write(tmp_path / "gt", texts)).sequences
    from_json = read_truth("folder", put(tmp_path / "gt.json", rows)).sequences
    assert from_texts.keys() == from_json.keys()
    for name, sequence in from_texts.items():
        assert np.array_equal(sequence.regions, from_json[name].regions, equal_nan=True), "to the last bit"
        assert sequence.present.tolist() == from_json[name].present.tolist()
    assert from_texts["seqA"].present.tolist() == [True, False, True]


def test_flags_of_ones_own_json_and_rows_without_a_box_are_absent(tmp_path):
    entry = {"gt": [[1, 2, 3, 4], None, [1, 2, 3, 4]], "absent": [1, 1, 0]}
    truth = read_truth("folder", put(tmp_path / "a.json", {"a": entry}))
    assert truth.present["a"].tolist() == [True, False, False]


@pytest.mark.parametrize("first", [None, [0, 0, 0, 0], [None] * 4])
def test_trackers_need_a_box_in_the_first_frame_of_ones_own(tmp_path, first):
    file = put(tmp_path / "a.json", {"b": [[1, 2, 3, 4]], "a": [first, [1, 2, 3, 4]]})
    with pytest.raises(
        InputError, match=r"a\.json: sequence a row 1: the target is absent, .* in the first frame"
    ):
        read_truth("folder", file)


@pytest.mark.parametrize("text", ["", "These are boxes of a street.\n"])
def test_a_text_that_is_no_truth_is_told_to_count_as_a_sequence(tmp_path, text):
    write(tmp_path, {"a.txt": "1,2,3,4\n", "README.txt": text})
    with pytest.raises(InputError, match=r"README\.txt .*\(every \.txt file in .* counts as a sequence\)$"):
        read_truth("folder", tmp_path)


def test_clips_without_images_and_their_numbers_as_written(tmp_path):
    write(tmp_path, {"B/groundtruth_rect.txt": "0.1,0.7,3,4\nnan nan nan nan\n", "C/notes.md": "x"})
    write(tmp_path, {"A/groundtruth_rect.1.txt": "1,2,3,4\n", "A/groundtruth_rect.2.txt": "5,6,7,8\n"})
    write(tmp_path, {"seqA.txt": "9,9,9,9\n"})
    truth = read_truth("folder", tmp_path)
    assert list(truth.sequences) == ["A-1", "A-2", "B"], "sequence folders win over text files beside them"
    assert truth.boxes["B"][0].tolist() == [0.1, 0.7, 3, 4], "0.1 - 1 + 1 would be another number"
    assert truth.present["B"].tolist() == [True, False]
    assert list(read_truth("folder", tmp_path / "B").sequences) == ["B"], "the folder of one sequence"
    write(tmp_path / "other", {"seqA.txt": "9,9,9,9\n", "seqA/img/0001.jpg": b"not looked at"})
    assert read_truth("folder", tmp_path / "other").boxes["seqA"].tolist() == [[9, 9, 9, 9]]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.txt": "1,2,3,4\n1_0,2,3,4\n"}, "a.txt row 2: '1_0,2,3,4' is not four numbers"),
        ({"a.txt": "1,2,3,4\nNaN,2,3,4\n"}, "a.txt row 2: 'NaN,2,3,4' is NaN in part"),
        (
            {"a.txt": "1,2,3,4\n0,0,0,0\n"},
            "a.txt row 2: .* above 0, or all four NaN where the target is absent",
        ),
        ({"a.txt": "1,2,3,1e300\n"}, "a.txt row 1: .* 1e300 is too large"),
        ({"a.txt": "NaN,NaN,NaN,NaN\n1,2,3,4\n"}, "a.txt row 1: the target is absent"),
        ({"a.txt": ""}, "a.txt is empty"),
        ({"readme.txt": "These are boxes\n"}, "readme.txt row 1: 'These are boxes' is not four numbers"),
        ({"notes.md": ""}, "holds neither sequence folders .* nor text files of true boxes"),
        ({"._a.txt": "1,2,3,4\n"}, "holds neither sequence folders .* nor text files of true boxes"),
        (
            {"A/groundtruth_rect.2.txt": "1,2,3,4", "A-2/groundtruth_rect.txt": "1,2,3,4"},
            "has two sequences A-2",
        ),
        ({"A/groundtruth_rect.txt": "1,2,3,4", "A/img/x": ""}, "A/img has no image"),
        ({"a.txt": "1,2,3,4", "a.TXT": "5,6,7,8"}, "has two sequences a; each name once"),
        (
            {"groundtruth_rect.txt": "1,2,3,4", "A/groundtruth_rect.txt": "1,2,3,4"},
            "gt is annotated, and so is .*gt/A in it; one of the two must go",
        ),
    ],
)
def test_what_is_no_truth_of_ones_own(tmp_path, files, message):
    with pytest.raises(InputError, match=message) as caught:
        read_truth("folder", write(tmp_path / "gt", files))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="is neither a file nor a folder"):
        read_truth("folder", tmp_path / "none")


@pytest.fixture
def lasot(tmp_path, monkeypatch):
    """Truth of LaSOT as text files, with one sequence of three frames and whatever flags a test gives."""
    entry = replace(manifest("lasot_test").sequences[0], name="x-1")
    known = replace(manifest("lasot_test"), sequences=(entry,))
    monkeypatch.setattr(truth_source, "manifest", lambda name: known)
    write(tmp_path, {"x-1.txt": "1,2,3,4\n" * 3})
    return lambda flags: read_truth("LaSOT", write(tmp_path, {"absent/x-1.txt": flags}))


@pytest.mark.parametrize(
    "flags", ["0,1,0\n", "0\n1\n0\n", "\ufeff0, 1, 0", "0 1 0", "0\r\n1\r\n0\r\n\r\n", "0.0,1.0,0"]
)
def test_absent_flags_of_lasot(lasot, flags):
    assert lasot(flags).present["x-1"].tolist() == [True, False, True], "1 means absent there"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("0,1", "has 2 flags for 3 rows of boxes; one per row is needed"),
        ("0\n0\n0\n1\n", "has 4 flags for 3 rows of boxes"),
        ("", "has 0 flags for 3 rows of boxes"),
        ("0,2,0", "flag 2 is '2'; 0 or 1 is needed"),
        ("0,0,-1", "flag 3 is '-1'; 0 or 1 is needed"),
        ("nan,0,0", "flag 1 is 'nan'; 0 or 1 is needed"),
        ("yes,no,no", "does not hold flags 0 and 1: 'yes' is not a finite number"),
        ("0,,1", "does not hold flags 0 and 1: '' is not a finite number"),
        ("0\n\n1\n", "does not hold flags 0 and 1: '' is not a finite number"),
        ("0,1\n0,1\n", "does not hold flags 0 and 1: '0,1' is not a finite number"),
        ("1,0,1", "flag 1 is 1, absent, in the frame where trackers are started; .* unlike those of pysot"),
        ("1\n1\n1\n", "flag 1 is 1, absent, in the frame"),
        ("０,1,0", "does not hold flags 0 and 1: '０' is not a finite number"),
        ("0,1,0".encode("utf-16"), "does not hold flags 0 and 1: it is UTF-16"),
        (b"0,1,\xff", "does not hold flags 0 and 1: byte 4 is not UTF-8"),
        (b"0,1,0\0", "does not hold flags 0 and 1: it holds NUL bytes"),
    ],
)
def test_flags_that_are_none_are_named(lasot, flags, message):
    with pytest.raises(InputError, match=rf"absent/x-1\.txt {message}") as caught:
        lasot(flags)
    assert "\n" not in str(caught.value)


def test_sizes_of_images_come_from_the_manifest(tmp_path):
    known = manifest("vot2019").sequences[0]
    size = (int(known.extra["width"]), int(known.extra["height"]))
    entry = {"gt_rect": [[0, 0, 4, 0, 4, 4, 0, 4]] * known.frames}
    for facts, expected in ({}, size), ({"width": 64, "height": 48}, (64, 48)):
        truth = read_truth("VOT2019", put(tmp_path / "a.json", {known.name: entry | facts}))
        assert truth.sequences[known.name].size == expected
    with pytest.raises(
        InputError, match=r"sequence x: the size of its images is not known; .* width and height"
    ):
        truth = read_truth("VOT2018", put(tmp_path / "b.json", {"x": entry}))
        run = VOTRun(np.r_[1, np.full(known.frames - 1, 0)], np.full((known.frames, 8), np.nan))
        evaluate_vot({"x": [run]}, truth)


def test_polygons_of_vot_as_text(tmp_path):
    write(tmp_path, {"a.txt": "0,0,4,0,4,4,0,4\n", "b.txt": "1,2,3,4\n"})
    truth = read_truth("VOT2018", tmp_path)
    assert truth.sequences["a"].regions.tolist() == [[0, 0, 4, 0, 4, 4, 0, 4]]
    assert truth.sequences["b"].regions.tolist() == [[1, 2, 3, 4]]
    write(tmp_path, {"b.txt": "1,2,3,4\n0,0,4,0,4,4,0,4\n"})
    with pytest.raises(InputError, match=r"b\.txt row 2: has 8 numbers, but row 1 has 4"):
        read_truth("VOT2018", tmp_path)
    write(tmp_path, {"b.txt": "1,2,3,4\n1,2,nan,4\n"})
    with pytest.raises(InputError, match=r"b\.txt row 2: the box is NaN in part"):
        read_truth("VOT2018", tmp_path)


def test_text_files(tmp_path):
    for entry in ("a", "b"):
        (tmp_path / f"{entry}.txt").write_text("1,2,3,4\n5,6,7,8\n")
    truth = read_truth("VOT2018", tmp_path)
    assert list(truth.sequences) == ["a", "b"]
    with pytest.raises(InputError, match="holds neither OTB100 nor text files of its true boxes"):
        read_truth("OTB100", tmp_path)


def test_names_and_places_that_are_not_there(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="there is no benchmark 'OTB'; choose from OTB100, UAV123, LaSOT"):
        benchmark("OTB")
    monkeypatch.delenv("DLATRACK_DATA", raising=False)
    with pytest.raises(InputError, match="where is the truth of OTB100"):
        read_truth("OTB100")
    with pytest.raises(InputError, match="holds neither VOT2018 nor text files"):
        read_truth("VOT2018", tmp_path)
