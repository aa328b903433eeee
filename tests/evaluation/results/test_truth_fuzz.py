"""Whatever lies in a file of truth, the answer is what it says or one clear line: no traceback, no other numbers."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from fuzzing import NUMBERS, attempt, inputs, plain_lines, plain_number, plain_table, tables
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.datasets.manifests import manifest
from dlatrack.evaluation import truth_source
from dlatrack.evaluation.truth import TAGS
from dlatrack.evaluation.truth_json import read_json_truth
from dlatrack.evaluation.truth_source import read_truth

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.sampled_from(["", "1", "1_0", "OCC", "NaN", "é\n", [], {}, [[]], [None], 10**400, 1e300, -1e9]),
)
VALUES = st.one_of(st.integers(-50, 2000), st.floats(-50, 2000))
#: Rarely an odd value in place of a sound one.
SOME = st.integers(0, 40).map(lambda number: number == 0)


@st.composite
def entries(draw):
    """A sequence of a JSON file; most are sound, some have fields of other lengths, types or values."""

    def one(sound):
        return draw(ODD) if draw(SOME) else draw(sound)

    width = draw(st.sampled_from([4, 4, 8]))
    rows = []
    for _ in range(draw(st.integers(1, 5))):
        row = [one(VALUES) for _ in range(width)]
        rows.append(one(st.sampled_from([row, row, row, None, [None] * width, [math.nan] * width])))
    count = len(rows) + draw(st.sampled_from([0] * 8 + [-1, 1]))
    flags = st.lists(st.integers(0, 1), min_size=max(count, 0), max_size=max(count, 0))
    fields = {
        "absent": flags,
        "absent_runs": st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=2).map(sorted), max_size=2),
        "attr": st.lists(st.sampled_from(["OCC", "ALL", "", "SV"]), max_size=3),
        "width": st.integers(1, 4000),
        "height": st.integers(1, 4000),
        "occlusion": st.lists(st.integers(0, 1), max_size=len(rows)),
        "camera_motion": flags,
        "img_names": ODD,
    }
    chosen = draw(st.sets(st.sampled_from(sorted(fields)), max_size=3))
    chosen |= chosen & {"width"} and {"height"}
    if not chosen and draw(st.booleans()):
        return rows
    key = draw(st.sampled_from(["gt", "gt_rect"]))
    return {key: one(st.just(rows)), **{name: one(fields[name]) for name in sorted(chosen)}}


def is_nan(value) -> bool:
    return isinstance(value, float) and math.isnan(value)


def is_number(value) -> bool:
    return type(value) in (int, float) and (is_nan(value) or abs(value) < 1e9)


def are_flags(values) -> bool:
    return isinstance(values, list) and all(
        type(value) in (int, float, bool) and value in (0, 1) for value in values
    )


def plain_entry(entry):
    """Rows, present flags, attributes, size and tags of a sequence, by simple code; None if any is not sound."""
    facts = entry if isinstance(entry, dict) else {"gt": entry}
    try:
        table = plain_boxes(facts.get("gt", facts.get("gt_rect")))
        names = facts.get("attr", [])
        assert isinstance(names, list)
        assert all(isinstance(name, str) and "\n" not in name for name in names)
        sides = tuple(facts[side] for side in ("width", "height") if side in facts)
        assert len(sides) in (0, 2)
        assert all(is_number(side) and side > 0 and side % 1 == 0 for side in sides)
        tags = {tag: facts[tag] for tag in TAGS if tag in facts}
        assert all(are_flags(flags) and len(flags) <= len(table) for flags in tags.values())
        padded = {tag: [i < len(f) and f[i] == 1 for i in range(len(table))] for tag, f in tags.items()}
        present = plain_present(facts, len(table))
        starts = not is_nan(table[0][0]) and (len(table[0]) == 8 or min(table[0][2:]) > 0)
        assert present is None or present[0] or not starts
        return table, present, set(names) - {"ALL", ""}, sides or None, padded
    except AssertionError:
        return None


def plain_boxes(rows) -> list[list[float]]:
    assert isinstance(rows, list)
    assert rows
    assert all(row is None or isinstance(row, list) for row in rows)
    widths = {len(row) for row in rows if row is not None} or {4}
    assert widths in ({4}, {8})
    table = [[math.nan if v is None else v for v in row or [None] * min(widths)] for row in rows]
    for row in table:
        assert all(map(is_number, row))
        assert len({is_nan(value) for value in row}) == 1
    return table


def plain_present(facts, count):
    if "absent" in facts:
        assert "absent_runs" not in facts
        assert are_flags(facts["absent"])
        assert len(facts["absent"]) == count
        return [flag == 1 for flag in facts["absent"]]
    if "absent_runs" not in facts:
        return None
    assert isinstance(facts["absent_runs"], list)
    frames = []
    for run in facts["absent_runs"]:
        assert isinstance(run, list)
        assert [type(end) for end in run] == [int, int]
        assert 0 <= run[0] <= run[1] < count
        frames += range(run[0], run[1] + 1)
    assert sorted(set(frames)) == frames
    return [frame not in frames for frame in range(count)]


def same(sequence, expected) -> bool:
    table, present, names, size, tags = expected
    flags = None if sequence.present is None else sequence.present.tolist()
    return (
        np.array_equal(sequence.regions, np.array(table), equal_nan=True)
        and flags == present
        and sequence.attributes == names
        and sequence.size == size
        and {tag: values.tolist() for tag, values in sequence.tags.items()} == tags
    )


@inputs(150)
@given(entries())
def test_json_that_is_nearly_truth(tmp_path, entry):
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"Car1": entry}))
    answer, message = attempt(lambda: read_json_truth(file))
    expected = plain_entry(entry)
    if message:
        assert expected is None, message
        assert message.startswith(f"{file}: sequence Car1")
    else:
        assert expected is not None, entry
        assert same(answer[0], expected)


@inputs(60)
@given(st.data())
def test_damaged_json(tmp_path, data):
    """A few bytes of a sound file are others: the answer is what Python's own reader finds, or a refusal."""
    sound = {"Car1": [[1, 2, 3, 4], [5, 6.5, 7, 8]], "Car2": {"gt_rect": [[1, 2, 3, 4]], "absent": [1]}}
    damaged = bytearray(json.dumps(sound).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.one_of(st.sampled_from(b'0123456789[]{},.:"e- '), st.integers(0, 255)))
    packed = data.draw(st.booleans())
    file = tmp_path / "a.json"
    file.write_bytes(gzip.compress(bytes(damaged)) if packed else bytes(damaged))
    answer, message = attempt(lambda: read_json_truth(file))
    if message:
        assert message.startswith(str(file))
        return
    found = json.loads(bytes(damaged))
    assert [sequence.name for sequence in answer] == list(found)
    for sequence, entry in zip(answer, found.values(), strict=True):
        assert same(sequence, plain_entry(entry))


@inputs(40)
@given(st.one_of(st.binary(max_size=200), tables()))
def test_texts_that_are_nearly_ones_own_truth(tmp_path, data):
    file = tmp_path / "gt" / "a.txt"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    answer, message = attempt(lambda: read_truth("folder", file.parent))
    rows = plain_table(data)
    missing = [sum(map(is_nan, row)) for row in rows or []]
    sound = (
        rows is not None
        and missing[0] == 0
        and all(
            count == 4 or (count == 0 and min(row[2:]) > 0) for count, row in zip(missing, rows, strict=True)
        )
    )
    assert sound == (not message), (data, message)
    if sound:
        assert np.array_equal(answer.boxes["a"], np.array(rows), equal_nan=True)
        assert answer.present["a"].tolist() == [count == 0 for count in missing]
    else:
        assert message.startswith(str(file))


@inputs(40)
@given(tables(width=8))
def test_texts_that_are_nearly_polygons(tmp_path, data):
    (tmp_path / "a.txt").write_bytes(data)
    answer, message = attempt(lambda: read_truth("VOT2018", tmp_path))
    rows = plain_table(data, (4, 8))
    missing = [sum(map(is_nan, row)) for row in rows or []]
    sound = rows is not None and all(count in (0, len(row)) for count, row in zip(missing, rows, strict=True))
    assert sound == (not message), (data, message)
    if sound:
        assert np.array_equal(answer.sequences["a"].regions, np.array(rows), equal_nan=True)


@pytest.fixture
def short_lasot(monkeypatch):
    known = manifest("lasot_test")
    small = replace(known, sequences=(replace(known.sequences[0], name="x-1"),))
    monkeypatch.setattr(truth_source, "manifest", lambda name: small)


FLAGS = st.lists(st.one_of(st.sampled_from(["0", "1"] * 9 + ["0.0", "1."]), NUMBERS), min_size=2, max_size=4)


@inputs(80)
@given(
    st.one_of(
        st.binary(max_size=40),
        st.tuples(
            FLAGS, st.sampled_from([",", ", ", "\n", "\r\n", " "]), st.sampled_from(["", "\n", "\n\n"])
        ).map(lambda parts: (parts[1].join(parts[0]) + parts[2]).encode()),
    )
)
def test_files_that_are_nearly_absent_flags(tmp_path, short_lasot, data):
    (tmp_path / "absent").mkdir(exist_ok=True)
    (tmp_path / "x-1.txt").write_text("1,2,3,4\n" * 3)
    (tmp_path / "absent" / "x-1.txt").write_bytes(data)
    answer, message = attempt(lambda: read_truth("LaSOT", tmp_path))
    lines = plain_lines(data) or []
    words = lines[0].replace(",", " , ").split(",") if len(lines) == 1 and "," in lines[0] else lines
    if len(lines) == 1 and "," not in lines[0]:
        words = (
            lines[0].replace(";", " ; ").split(";")
            if ";" in lines[0]
            else lines[0].replace("\t", " ").split(" ")
        )
        words = [word for word in words if word] if ";" not in lines[0] else words
    flags = [plain_number(word.strip(" \t")) for word in words]
    sound = len(flags) == 3 and all(flag in (0, 1) for flag in flags) and flags[0] == 0
    if message:
        assert message.startswith(str(tmp_path / "absent" / "x-1.txt"))
        assert not sound, (data, message)
    else:
        assert sound, data
        assert answer.present["x-1"].tolist() == [flag == 0 for flag in flags]
