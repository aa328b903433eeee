"""Truth in text files: a file or a folder for each sequence, copies of annotations alone, and damaged lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlatrack.datasets.manifest_file import SequenceEntry
from dlatrack.datasets.manifests import manifest
from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.evaluation.truth_source import read_truth

MANIFESTS = {"OTB100": "otb100", "UAV123": "uav123", "LaSOT": "lasot_test"}
FORMS = ["{name}.txt", "{name}/groundtruth.txt", "{name}/groundtruth_rect.txt", "official"]


def place_of(form: str, entry: SequenceEntry) -> str:
    if form != "official":
        return form.format(name=entry.name)
    return entry.annotation if "/" in entry.annotation else f"{entry.folder}/{entry.annotation}"


def write_truth(folder: Path, benchmark: str, form: str) -> None:
    """Short files: row 1 is the number of the sequence."""
    for number, entry in enumerate(manifest(MANIFESTS[benchmark]).sequences):
        path = folder / place_of(form, entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number},20,30,40\r\n11\t20\t30\t40\nNaN,NaN,NaN,NaN\n")
        if benchmark == "LaSOT":
            flags = folder / "absent" / f"{entry.name}.txt"
            flags.parent.mkdir(exist_ok=True)
            flags.write_text("0,1,0\n")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("benchmark", MANIFESTS)
def test_every_form_of_every_one_pass_benchmark(tmp_path: Path, benchmark: str, form: str):
    write_truth(tmp_path, benchmark, form)
    truth = read_truth(benchmark, tmp_path)
    entries = manifest(MANIFESTS[benchmark]).sequences
    assert (list(truth.sequences), truth.missing) == ([entry.name for entry in entries], ())
    for number, boxes in enumerate(truth.boxes.values()):
        assert np.array_equal(boxes, [[number, 20, 30, 40], [11, 20, 30, 40], [np.nan] * 4], equal_nan=True)
    assert truth.attributes
    if benchmark == "LaSOT":
        assert truth.present is not None
        assert truth.present["airplane-1"].tolist() == [True, False, True]


@pytest.mark.parametrize("form", FORMS)
def test_damaged_lines_are_named(tmp_path: Path, form: str):
    write_truth(tmp_path, "OTB100", form)
    entry = manifest("otb100").sequences[3]
    file = tmp_path / place_of(form, entry)
    for text, message in (
        ("1,2,3,4\n1,2,3\n", "row 2: needs four finite numbers x, y, w, h, got '1,2,3'"),
        ("1,2,3,4\n1,2,3,4_0\n", "row 2: '1,2,3,4_0' is not x, y, w, h in numbers"),
        ("1,2,3,4\n1,NaN,3,4\n", "row 2: the box is NaN in part; all or none is needed"),
        ("", "is empty; it needs one row x, y, w, h per frame"),
    ):
        file.write_text(text)
        with pytest.raises(InputError) as caught:
            read_truth("OTB100", tmp_path)
        assert str(caught.value).startswith(f"{file} {message}")
        assert "\n" not in str(caught.value)


def test_missing_files_are_named(tmp_path: Path):
    write_truth(tmp_path, "OTB100", "{name}/groundtruth.txt")
    (tmp_path / "Biker" / "groundtruth.txt").unlink()
    with pytest.raises(InputError, match="has no text file of true boxes for Biker"):
        read_truth("OTB100", tmp_path)
    assert read_truth("OTB100", tmp_path, allow_missing=True).missing == ("Biker",)


def test_annotations_of_a_data_set_without_its_images(tmp_path: Path):
    """As with them: the rows of Tiger1 that are not scored, several targets of a video, LaSOT's own flags."""
    for benchmark, name in MANIFESTS.items():
        root = write_mini(name, tmp_path)
        expected = read_truth(benchmark, root)
        for image in root.rglob("*.jpg"):
            image.unlink()
        found = read_truth(benchmark, root)
        assert list(found.sequences) == list(expected.sequences)
        for sequence in expected.sequences:
            assert found.boxes[sequence] == pytest.approx(expected.boxes[sequence], abs=1e-3, nan_ok=True)
        present, wanted = found.present or {}, expected.present or {}
        assert {key: flags.tolist() for key, flags in present.items()} == {
            key: flags.tolist() for key, flags in wanted.items()
        }


def test_folders_of_ones_own(tmp_path: Path):
    for name, file in (("b", "groundtruth.txt"), ("a", "groundtruth_rect.txt"), ("c", "notes.md")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("1,2,3,4\nNaN,NaN,NaN,NaN\n")
    truth = read_truth("folder", tmp_path)
    assert list(truth.sequences) == ["a", "b"]
    assert truth.present is not None
    assert truth.present["b"].tolist() == [True, False]
    assert list(read_truth("folder", tmp_path / "b").sequences) == ["b"], "the folder of one sequence"
    (tmp_path / "b" / "groundtruth.txt").write_text("1,2,3,4\n1,2,3,-4\n")
    with pytest.raises(InputError, match=r"b/groundtruth\.txt row 2: .* both must be above 0"):
        read_truth("folder", tmp_path)
    (tmp_path / "groundtruth.txt").write_text("1,2,3,4\n")
    with pytest.raises(InputError, match=r"is annotated, and so is .*/a in it; one of the two must go"):
        read_truth("folder", tmp_path)
