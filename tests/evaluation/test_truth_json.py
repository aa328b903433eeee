"""Truth in JSON files: every field is what it must be, or one line says which is not."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation import truth_json
from dlatrack.evaluation.truth_json import read_json_truth

BOX = [1, 2, 3, 4]


def put(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def one(tmp_path, entry):
    (sequence,) = read_json_truth(put(tmp_path / "a.json", {"Car1": entry}))
    return sequence


def test_every_field(tmp_path):
    entry = {
        "gt_rect": [BOX, None, [None] * 4, [5.5, 6, 0, -1]],
        "absent": [1, 0, 0.0, 1],
        "attr": ["ALL", "OCC", ""],
        "width": 64,
        "height": 48,
        "occlusion": [0, 1],
        "size_change": [],
        "video_dir": "not read",
        "img_names": None,
    }
    sequence = one(tmp_path, entry)
    assert sequence.regions[[0, 3]].tolist() == [BOX, [5.5, 6, 0, -1]]
    assert np.isnan(sequence.regions[1:3]).all()
    assert sequence.present.tolist() == [True, False, False, True]
    assert sequence.attributes == {"OCC"}
    assert sequence.size == (64, 48)
    assert {tag: flags.tolist() for tag, flags in sequence.tags.items()} == {
        "occlusion": [False, True, False, False],
        "size_change": [False] * 4,
    }


@pytest.mark.parametrize("flags", [[True, False], [1, False], [1.0, 0]])
@pytest.mark.parametrize("size", [(640, 480), (640.0, 480), (640.0, 4.8e2)])
def test_values_of_other_types_that_are_unmistakable(tmp_path, flags, size):
    entry = {"gt": [BOX] * 2, "absent": flags, "occlusion": flags, "width": size[0], "height": size[1]}
    sequence = one(tmp_path, entry)
    assert sequence.present.tolist() == sequence.tags["occlusion"].tolist() == [True, False]
    assert sequence.size == (640, 480)
    assert {type(side) for side in sequence.size} == {int}


@pytest.mark.parametrize("first", [None, [0, 0, 0, 0], [5, 5, 0, 9]])
def test_a_first_frame_without_a_box_may_be_marked_absent(tmp_path, first):
    assert one(tmp_path, {"gt": [first, BOX], "absent": [0, 1]}).present.tolist() == [False, True]


def test_nan_as_pysot_writes_it(tmp_path):
    put(tmp_path / "a.json", '{"a": [[1, 2, 3, 4], [NaN, NaN, NaN, NaN]]}')
    (sequence,) = read_json_truth(tmp_path / "a.json")
    assert np.isnan(sequence.regions).all(1).tolist() == [False, True]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"absent": [1, 1]}, "absent has 2 flags for 3 rows of boxes"),
        ({"absent": [1, 1, 1, 1]}, "absent has 4 flags for 3 rows of boxes"),
        ({"absent": []}, "absent has 0 flags for 3 rows"),
        ({"absent": ["1", "1", "0"]}, 'absent of frame 0 is "1"; 0 or 1 is needed'),
        ({"absent": [1, 2, 0]}, "absent of frame 1 is 2; 0 or 1 is needed"),
        ({"absent": [1, 1, -1]}, "absent of frame 2 is -1; 0 or 1"),
        ({"absent": [1, float("nan"), 1]}, "absent of frame 1 is NaN; 0 or 1"),
        ({"absent": [1, None, 1]}, "absent of frame 1 is null; 0 or 1"),
        ({"absent": [[1], [1], [1]]}, r"absent of frame 0 is \[1\]; 0 or 1"),
        ({"absent": None}, "absent is null; a list of 0 and 1"),
        ({"absent": "111"}, 'absent is "111"; a list of 0 and 1'),
        ({"absent": 1}, "absent is 1; a list of 0 and 1"),
        ({"absent": [1, 1, 1], "absent_runs": []}, "has absent and absent_runs; one of them"),
        ({"absent_runs": None}, "absent_runs is null; a list"),
        ({"absent_runs": [0, 1]}, "absent_runs has 0; pairs first <= last within frames 0 to 2"),
        ({"absent_runs": [[0, 1, 2]]}, r"absent_runs has \[0, 1, 2\]; pairs"),
        ({"absent_runs": [[2, 1]]}, r"absent_runs has \[2, 1\]; pairs"),
        ({"absent_runs": [[1, 3]]}, r"absent_runs has \[1, 3\]; pairs .* frames 0 to 2"),
        ({"absent_runs": [[-1, 1]]}, r"absent_runs has \[-1, 1\]; pairs"),
        ({"absent_runs": [[0, 1], [1, 2]]}, r"absent_runs has \[1, 2\]; .* in order and apart"),
        ({"absent_runs": [[2, 2], [0, 0]]}, r"absent_runs has \[0, 0\]; .* in order and apart"),
        ({"absent_runs": [[0.0, 1]]}, r"absent_runs has \[0.0, 1\]; pairs"),
        ({"absent_runs": [[False, 1]]}, r"absent_runs has \[false, 1\]; pairs"),
        ({"attr": None}, "attr is null; a list of names"),
        ({"attr": "OCC"}, 'attr is "OCC"; a list of names'),
        ({"attr": ["OCC", 1]}, r'attr is \["OCC", 1\]; a list of names'),
        ({"attr": {"OCC": 1}}, r'attr is {"OCC": 1}; a list of names'),
        ({"width": "640px", "height": 480}, 'width is "640px"; a whole number of px above 0'),
        ({"width": 640, "height": 0}, "height is 0; a whole number"),
        ({"width": 640, "height": -480}, "height is -480; a whole number"),
        ({"width": 640, "height": None}, "height is null; a whole number"),
        ({"width": True, "height": 480}, "width is true; a whole number"),
        ({"width": 640.5, "height": 480}, "width is 640.5; a whole number"),
        ({"width": 640}, "has width alone; width and height are needed, or neither"),
        ({"occlusion": [0, 1, 0, 1]}, "occlusion has 4 flags for 3 rows of boxes; at most one per row"),
        ({"motion_change": None}, "motion_change is null; a list of 0 and 1"),
        ({"camera_motion": "010"}, 'camera_motion is "010"; a list'),
        ({"absent": [0, 0, 1]}, "absent marks frame 0 as absent, .* absent is 1 where the target is present"),
        ({"absent": [0, 0, 0]}, r"absent marks frame 0 as absent, .*in LaSOT's absent/\*\.txt 1 is absent"),
        ({"absent_runs": [[0, 1]]}, "absent_runs marks frame 0 as absent, .* frames without it"),
        (
            {"gt": [[-9, -8, -1, -8, -1, -2, -9, -2]] * 3, "absent": [0, 1, 1]},
            "absent marks frame 0 as absent",
        ),
        ({"illum_change": [0, 3]}, "illum_change of frame 1 is 3; 0 or 1"),
        ({"gt_rect": [BOX] * 3}, "needs a list of boxes x, y, w, h in one field, gt or gt_rect"),
    ],
)
def test_fields_that_are_not_what_they_must_be(tmp_path, fields, message):
    with pytest.raises(InputError, match=rf"a\.json: sequence Car1:? {message}") as caught:
        one(tmp_path, {"gt": [BOX] * 3, **fields})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([BOX, [1, 2, None, 4]], "row 2: .* is NaN in part; all or none is needed"),
        ([BOX, [1, 2, float("nan"), 4]], "row 2: .* is NaN in part"),
        ([BOX, [1, 2, float("inf"), 4]], r"row 2: \[1, 2, Infinity, 4\] is not 4 numbers below 1e\+09"),
        ([BOX, [1, 2, 1e300, 4]], "row 2: .* is not 4 numbers below"),
        ([BOX, [-1e9, 2, 3, 4]], "row 2: .* is not 4 numbers below"),
        ([[1, 2, 10**400, 4]], "row 1: .* is not 4 numbers below"),
        ([[1, 2, True, 4]], r"row 1: \[1, 2, true, 4\] is not 4 numbers"),
        ([["1_0", 2, 3, 4]], r"row 1: \[.1_0., 2, 3, 4\] is not 4 numbers"),
        ([[1, 2, [3], 4]], "row 1: .* is not 4 numbers"),
        ([BOX, []], r"needs a list of boxes .* row 2 is \[\]"),
        ([BOX, [1, 2, 3, 4, 5, 6, 7, 8]], "needs a list of boxes .* row 2 has 8 numbers, others have 4"),
        ([BOX, "1,2,3,4"], 'needs a list of boxes .* row 2 is "1,2,3,4"'),
        ([BOX, {"x": 1}], "needs a list of boxes .* row 2 is "),
        ([1, 2, 3, 4], "needs a list of boxes .* row 1 is 1"),
        (None, "needs a list of boxes .* got null"),
        ([], r"needs a list of boxes .* got \[\]"),
        (3, "needs a list of boxes .* got 3"),
    ],
)
def test_rows_that_are_no_boxes(tmp_path, rows, message):
    for entry in (rows, {"gt": rows}, {"gt_rect": rows}):
        with pytest.raises(InputError, match=rf"a\.json: sequence Car1:? {message}") as caught:
            one(tmp_path, entry)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < len(str(tmp_path)) + 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": [[1,2,3,4]], "a": [[5,6,7,8]]}', 'a.json: "a" comes 2 times; each name once'),
        ('{"a": {"gt": [[1,2,3,4]], "attr": [], "attr": ["OCC"]}}', '"attr" comes 2 times'),
        ("[" * 100_000, "a.json is not JSON"),
        ('{"a": [[1,2,' + "9" * 5000 + ",4]]}", "a.json is not JSON"),
        ('{"": [[1,2,3,4]]}', 'a.json: "" is not the name of a sequence'),
        ('{"a/b": [[1,2,3,4]]}', '"a/b" is not the name of a sequence'),
        ('{"a\\nb": [[1,2,3,4]]}', r'"a\\nb" is not the name of a sequence'),
        ('{"\\ud800": [[1,2,3,4]]}', "is not the name of a sequence"),
        ('{"a": [[1_0,2,3,4]]}', "a.json is not JSON"),
        ('{"a": [[1,2,3,4],]}', "a.json is not JSON"),
        ("", "a.json is not JSON"),
        ("{}", "does not hold a JSON object with an entry per sequence"),
    ],
)
def test_files_that_are_no_truth(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        read_json_truth(put(tmp_path / "a.json", text))
    assert "\n" not in str(caught.value)


def test_marks_and_encodings_of_json(tmp_path):
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / "a.json").write_bytes(json.dumps({"a": [BOX]}).encode(encoding))
        (sequence,) = read_json_truth(tmp_path / "a.json")
        assert sequence.regions.tolist() == [BOX]


def test_a_gzipped_file_is_not_unpacked_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(truth_json, "_MOST_BYTES", 1000)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b" " * 1001))
    with pytest.raises(InputError, match=r"a\.json\.gz is larger than 1,000 bytes when unpacked"):
        read_json_truth(tmp_path / "a.json.gz")
    data = gzip.compress(json.dumps({"a": [BOX]}).encode())
    for damaged in (data[:-3], data[:20] + bytes([data[20] ^ 255]) + data[21:], data[:-4] + b"\0\0\0\1"):
        (tmp_path / "a.json.gz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"a\.json\.gz is not JSON, plain or gzipped"):
            read_json_truth(tmp_path / "a.json.gz")
