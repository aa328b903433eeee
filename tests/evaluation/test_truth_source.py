"""The truth of a benchmark from JSON files, text files and the data set itself."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.evaluation.truth import BENCHMARKS, benchmark
from dlatrack.evaluation.truth_source import read_truth


def put(path, content):
    text = json.dumps(content).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_rows_by_sequence(tmp_path, name):
    file = put(tmp_path / name, {"bike1": [[1, 2, 3, 4], None], "mine": [[1, 2, 3, 4]]})
    truth = read_truth("uav123", file)
    assert truth.name == "UAV123"
    assert truth.boxes["bike1"][0].tolist() == [1, 2, 3, 4]
    assert np.isnan(truth.boxes["bike1"][1]).all()
    assert truth.present is None
    assert "FM" in truth.sequences["bike1"].attributes, "from the manifest"
    assert truth.sequences["mine"].attributes == frozenset()
    assert truth.with_attribute("FM") == ["bike1"]


def test_entries_of_pysot(tmp_path):
    entry = {"gt_rect": [[1, 2, 3, 4]] * 3, "attr": ["ALL", "IV"], "absent": [1, 0, 1], "img_names": []}
    truth = read_truth("LaSOT", put(tmp_path / "a.json", {"x-1": entry}))
    assert truth.present["x-1"].tolist() == [True, False, True], "1 means present there"
    assert truth.sequences["x-1"].attributes == {"IV"}
    polygon = [0, 0, 4, 0, 4, 4, 0, 4]
    entry = {"gt_rect": [polygon] * 3, "width": 64, "height": 48, "occlusion": [0, 1]}
    truth = read_truth("VOT2019", put(tmp_path / "b.json", {"x": entry}))
    sequence = truth.sequences["x"]
    assert sequence.regions.shape == (3, 8)
    assert sequence.size == (64, 48)
    assert sequence.tags["occlusion"].tolist() == [False, True, False], "tags may end early"


def test_runs_of_absent_frames_include_both_ends(tmp_path):
    entry = {"gt": [[1, 2, 3, 4]] * 5, "absent_runs": [[1, 2], [4, 4]]}
    truth = read_truth("LaSOT", put(tmp_path / "a.json", {"x-1": entry}))
    assert truth.present["x-1"].tolist() == [True, False, False, True, False]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "does not hold a JSON object with an entry per sequence"),
        ({"Car1": [[1, 2, 3]]}, r"sequence Car1 needs a list of boxes .* got shape \(1, 3\)"),
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


def test_text_files(tmp_path):
    for entry in ("a", "b"):
        (tmp_path / f"{entry}.txt").write_text("1,2,3,4\n5,6,7,8\n")
    truth = read_truth("VOT2018", tmp_path)
    assert list(truth.sequences) == ["a", "b"]
    with pytest.raises(InputError, match="has no result file for Basketball"):
        read_truth("OTB100", tmp_path)


def test_names_and_places_that_are_not_there(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="there is no benchmark 'OTB'; choose from OTB100, UAV123, LaSOT"):
        benchmark("OTB")
    monkeypatch.delenv("DLATRACK_DATA", raising=False)
    with pytest.raises(InputError, match="where is the truth of OTB100"):
        read_truth("OTB100")
    with pytest.raises(InputError, match="holds neither VOT2018 nor text files"):
        read_truth("VOT2018", tmp_path)
