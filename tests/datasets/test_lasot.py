"""LaSOT, training and test set: hand-made folders, each trap of the layout, planted faults."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from planted import (
    Plant,
    append_row,
    assert_every_kind,
    assert_named,
    garble,
    link_out,
    miscount,
    replace_row,
    replace_text,
    truncate,
)

from dlatrack.datasets import layout
from dlatrack.datasets.check import check
from dlatrack.datasets.faults import FaultLog
from dlatrack.datasets.lasot import read
from dlatrack.datasets.manifests import Place, locate, manifest, mini_file
from dlatrack.datasets.registry import read as read_by_name
from dlatrack.errors import InputError

Miniature = Callable[[str], Path]

FIRST = "airplane/airplane-2"
TIGER = "tiger/tiger-6"

#: Present; occluded; out of view behind a usual box; present with a height below 0; present.
ROWS = "10,5,9,8\n0,0,0,0\n11,6,9,8\n12,7,9,-2\n-3,8,9,8\n"


def hand_made(root: Path, name: str, sequence: str) -> Path:
    """Five frames of one sequence, the fourth with a box that has no area."""
    folder = root / sequence.rpartition("-")[0] / sequence
    (folder / "img").mkdir(parents=True)
    for number in range(1, 6):
        image = np.full((30, 40, 3), 10 * number, np.uint8)
        cv2.imwrite(str(folder / "img" / f"{number:08d}.jpg"), image)
    (folder / "groundtruth.txt").write_text(ROWS)
    (folder / "full_occlusion.txt").write_text("0,1,0,0,0\n")
    (folder / "out_of_view.txt").write_text("0,0,1,0,0\n")
    entry = (
        f'[[sequences]]\nname = "{sequence}"\nfolder = "zebra/{sequence}"\nannotation = "groundtruth.txt"\n'
        'images = "img/%08d.jpg"\nfirst = 1\nlast = 5\nattributes = "OV FOC"\nabsent = 2\ninvalid_rows = "4"\n'
    )
    split = "test" if name == "lasot_test" else "train"
    (root / mini_file(name)).write_text(
        f'miniature_of = "{name}"\nseed = 0\n[splits.{split}]\ntracks = 1\n{entry if split == "test" else ""}'
    )
    return root


def test_boxes_and_flags_of_a_hand_made_test_sequence(tmp_path: Path) -> None:
    table = read(hand_made(tmp_path, "lasot_test", "zebra-10"), "test")
    expected = [[10, 5, 9, 8], [0, 0, 0, 0], [11, 6, 9, 8], [12, 7, 9, -2], [-3, 8, 9, 8]]
    np.testing.assert_array_equal(table.boxes_xywh, expected)
    assert table.boxes_xywh.dtype == np.float64
    assert table.visible.tolist() == [True, False, False, False, True]
    assert table.extras["full_occlusion"].tolist() == [0, 1, 0, 0, 0]
    assert table.extras["out_of_view"].tolist() == [0, 0, 1, 0, 0]
    assert table.path(4) == tmp_path.resolve() / "zebra/zebra-10/img/00000005.jpg"
    sequence = table.sequence("zebra-10")
    assert (sequence.attributes, sequence.fps, len(sequence)) == (("OV", "FOC"), 30, 5)
    assert sequence.frames[4].mean() == pytest.approx(50, abs=1)


def test_boxes_and_flags_of_a_hand_made_training_sequence(tmp_path: Path) -> None:
    root = hand_made(tmp_path, "lasot", "zebra-2")
    (root / "training_set.txt").write_text("zebra-2")
    replace_row(root / "zebra/zebra-2/groundtruth.txt", 4, "12,7,9,2.5")
    table = read(root)
    np.testing.assert_array_equal(table.boxes_xywh[3], [12, 7, 9, 2.5])
    assert table.boxes_xywh.dtype == np.float32
    assert table.visible.tolist() == table.usable.tolist() == [True, False, False, True, True]
    assert (table.names[0], table.classes[0], table.fps[0]) == ("zebra-2", "zebra", 30)


def test_a_training_row_can_be_listed_as_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = hand_made(tmp_path, "lasot", "zebra-2")
    (root / "training_set.txt").write_text("zebra-2")
    with pytest.raises(InputError, match=r"groundtruth.txt row 4: '12,7,9,-2' has width 9 and height -2"):
        read(root)
    known = locate("lasot", root)
    lists = {**known.manifest.lists, "invalid": frozenset({"zebra-2:4", "zebra-20:1"})}
    place = Place(known.root, replace(known.manifest, lists=lists))
    monkeypatch.setattr(layout, "locate", lambda *_: place)
    assert read(root).visible.tolist() == [True, False, False, False, True]


def test_the_test_sequences_of_the_manifest(shared_data: Path) -> None:
    facts = json.loads((shared_data / "lasot_test_list.json").read_text())
    entries = manifest("lasot_test").sequences
    assert [entry.name for entry in entries] == list(facts["sequences"])
    for entry in entries:
        fact = facts["sequences"][entry.name]
        assert (entry.first, entry.last, int(entry.extra["absent"])) == (
            1,
            fact["frames"],
            fact["absent_frames"],
        )
        assert set(entry.attributes) == set(fact["attributes"])
        invalid = [str(row + 1) for row, _ in fact.get("invalid_present_rows", [])]
        assert entry.extra["invalid_rows"].split() == invalid
    assert manifest("lasot_test").attribute_counts == facts["attribute_counts"]


def test_absent_frames_and_boxes_without_an_area_in_the_real_annotation(shared_data: Path) -> None:
    file = shared_data / "benchmarks" / "gt" / "lasot_test_gt.json.gz"
    truth = json.loads(gzip.decompress(file.read_bytes()))
    for entry in manifest("lasot_test").sequences:
        content = truth[entry.name]
        boxes_xywh = np.array(content["gt"], float)
        absent = np.zeros(len(boxes_xywh), bool)
        for first, last in content["absent_runs"]:
            absent[first : last + 1] = True
        assert (len(boxes_xywh), absent.sum()) == (entry.frames, int(entry.extra["absent"]))
        invalid = (boxes_xywh[:, 2:] <= 0).any(1) & ~absent
        assert (np.flatnonzero(invalid) + 1).tolist() == [int(r) for r in entry.extra["invalid_rows"].split()]


def test_the_manifests_divide_the_1400() -> None:
    train, tests = manifest("lasot").lists["train"], manifest("lasot_test").sequences
    names = {entry.name for entry in tests}
    classes = {entry.object_class for entry in tests}
    assert (len(train), len(names), len(classes)) == (1120, 280, 70)
    assert train | names == {f"{target}-{number}" for target in classes for number in range(1, 21)}
    assert sum(manifest("lasot").holds("train", name) for name in train | names) == 1120


def test_counts_and_attributes_of_the_manifest_add_up() -> None:
    known = manifest("lasot_test")
    counts = known.splits["test"].counts
    assert counts["rows"] == sum(entry.frames for entry in known.sequences) == 685_360
    assert sum(int(entry.extra["absent"]) for entry in known.sequences) == 18_346
    carried = [attribute for entry in known.sequences for attribute in entry.attributes]
    assert {name: carried.count(name) for name in known.attributes} == known.attribute_counts
    invalid = {entry.name: entry.extra["invalid_rows"] for entry in known.sequences}
    assert {name: rows for name, rows in invalid.items() if rows} == {
        "tiger-6": "118",
        "lion-5": "553",
        "microphone-6": "1109",
    }
    assert all(entry.folder == f"{entry.object_class}/{entry.name}" for entry in known.sequences)


def test_test_sequences_never_train(miniature: Miniature) -> None:
    root = miniature("lasot")
    assert (root / "airplane" / "airplane-1" / "groundtruth.txt").is_file()
    assert list(read(root).names) == ["airplane-2", "basketball-2", "cat-2"]
    append = (root / "training_set.txt").read_text() + "\nairplane-1"
    (root / "training_set.txt").write_text(append)
    with pytest.raises(InputError, match=r"training_set.txt: 'airplane-1' is not a sequence of the train"):
        read(root)


def test_training_sequences_are_no_benchmark(miniature: Miniature) -> None:
    root = miniature("lasot_test")
    assert (root / "airplane" / "airplane-2" / "groundtruth.txt").is_file()
    names = ["airplane-1", "cat-1", "tiger-6", "lion-5", "microphone-6"]
    assert list(read_by_name("lasot_test", root.parent, "test").names) == names


@pytest.mark.parametrize("name", ["lasot", "lasot_test"])
def test_lists_have_no_last_line_end(miniature: Miniature, name: str) -> None:
    root = miniature(name)
    split, file = ("test", "testing_set.txt") if name == "lasot_test" else ("train", "training_set.txt")
    text = (root / file).read_text()
    assert not text.endswith("\n")
    assert text.splitlines()[-1] in list(read(root, split).names)
    assert read(root, split).track_count == text.count("\n") + 1


def test_without_a_list_the_manifest_says_what_must_be_there(miniature: Miniature) -> None:
    root = miniature("lasot_test")
    before = read(root, "test")
    (root / "testing_set.txt").unlink()
    np.testing.assert_array_equal(read(root, "test").boxes_xywh, before.boxes_xywh)
    root, log = miniature("lasot"), FaultLog()
    (root / "training_set.txt").unlink()
    table = read(root, report=log)
    assert table.track_count == 3
    assert log.count == 1120 - 3
    assert str(log.faults[0]) == (
        f"{root.resolve() / 'airplane/airplane-3'} is missing; it is a sequence of the train split; a list "
        "training_set.txt in the root may name fewer"
    )


def test_a_benchmark_list_must_be_complete(miniature: Miniature) -> None:
    root = miniature("lasot_test")
    replace_text(root / "testing_set.txt", "tiger-6\n", "")
    with pytest.raises(InputError, match=r"testing_set.txt does not name tiger-6; a benchmark is scored on"):
        read(root, "test")


@pytest.mark.parametrize(
    ("name", "flag"), [("basketball-2", "out_of_view"), ("cat-2", "full_occlusion")], ids=str
)
def test_absence_is_either_flag_whatever_the_box_says(miniature: Miniature, name: str, flag: str) -> None:
    root = miniature("lasot")
    folder = root / name.rpartition("-")[0] / name
    flags = np.loadtxt(folder / f"{flag}.txt", delimiter=",")
    assert (folder / f"{flag}.txt").read_text().count("\n") == 1
    sequence = read(root).sequence(name)
    np.testing.assert_array_equal(sequence.visible, flags == 0)
    absent = np.flatnonzero(flags).tolist()
    assert absent
    assert sequence.boxes_xywh[absent[0]].tolist() == [0, 0, 0, 0]
    replace_row(folder / "groundtruth.txt", absent[0] + 1, "900,900,50,50")  # looks usual and lies outside
    assert not read(root).sequence(name).visible[absent[0]]
    assert check("lasot", root, deep=True).ok


def test_present_frames_with_an_invalid_box_stay_and_are_not_visible(miniature: Miniature) -> None:
    table = read(miniature("lasot_test"), "test")
    found = {}
    for name in ("tiger-6", "lion-5", "microphone-6"):
        sequence = table.sequence(name)
        (row,) = np.flatnonzero(~sequence.visible).tolist()
        found[name] = (row + 1, sequence.boxes_xywh[row].tolist(), len(sequence))
        rows = slice(*table.starts[table.names.find(name) :][:2])
        assert not table.extras["full_occlusion"][rows].any()
        assert not table.extras["out_of_view"][rows].any()
    assert found == {
        "tiger-6": (8, [613, 731, 247, -11], 12),
        "lion-5": (5, [1, 1, -1, -1], 12),
        "microphone-6": (11, [1, 1, 0, 0], 12),
    }


def test_a_box_that_begins_outside_the_image_is_kept(miniature: Miniature) -> None:
    """Nothing is dropped for a negative x or y, as some trackers' preparation does."""
    root = miniature("lasot")
    replace_row(root / FIRST / "groundtruth.txt", 3, "-3,-4,20,20")
    table = read(root)
    assert table.boxes_xywh[2].tolist() == [-3, -4, 20, 20]
    assert table.usable[2]
    assert check("lasot", root, deep=True).ok


def test_the_sentence_about_the_target_is_not_read(miniature: Miniature) -> None:
    root = miniature("lasot")
    garble(root / FIRST / "nlp.txt")
    (root / "cat/cat-2/nlp.txt").unlink()
    assert check("lasot", root).ok


def test_a_class_that_is_still_a_zip_is_named(miniature: Miniature) -> None:
    root = miniature("lasot")
    shutil.rmtree(root / "cat")
    (root / "cat.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"cat.zip is not unpacked; a folder cat is needed beside it"):
        read(root)


def test_the_usual_names_of_the_root(miniature: Miniature) -> None:
    for name, split, other in (("lasot", "train", "LaSOTBenchmark"), ("lasot_test", "test", "LaSOT_test")):
        root = miniature(name)
        count = read(root, split).track_count
        renamed = root.parent / "elsewhere" / other
        renamed.parent.mkdir()
        root.rename(renamed)
        assert read(renamed.parent, split).track_count == count


def unlink(root: Path, below: str) -> None:
    (root / below).unlink()


def copy_tree(root: Path, old: str, new: str) -> None:
    shutil.copytree(root / old, root / new)


TRAIN_PLANTS = [
    Plant(
        "missing image",
        lambda r: unlink(r, f"{FIRST}/img/00000004.jpg"),
        r"00000004.jpg is missing; frames 1 to 12",
        "train",
    ),
    Plant(
        "missing image",
        lambda r: shutil.rmtree(r / FIRST),
        r"airplane-2 is missing; it is a sequence of the train split",
        "train",
    ),
    Plant(
        "missing image",
        lambda r: unlink(r, f"{FIRST}/out_of_view.txt"),
        r"out_of_view.txt is missing; a text file is needed",
        "train",
    ),
    Plant(
        "truncated image",
        lambda r: truncate(r / FIRST / "img/00000004.jpg"),
        r"00000004.jpg is not a readable, complete",
        "train",
        by_read=False,
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / FIRST / "groundtruth.txt", "1,1,5,5"),
        r"airplane-2/groundtruth.txt has 13 rows for 12 images; one row per image",
        "train",
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / FIRST / "full_occlusion.txt", "0"),
        r"full_occlusion.txt has 2 rows; one row is needed, 0 or 1 per image",
        "train",
    ),
    Plant(
        "extra row",
        lambda r: replace_text(r / FIRST / "out_of_view.txt", "0,", "0,0,"),
        r"out_of_view.txt has 13 flags for 12 rows of groundtruth.txt",
        "train",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / FIRST / "groundtruth.txt", 3, "1,2,x,4"),
        r"groundtruth.txt row 3: '1,2,x,4' is not 4 numbers x,y,w,h",
        "train",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / FIRST / "out_of_view.txt", 1, "0,0,0,2,0,0,0,0,0,0,0,0"),
        r"out_of_view.txt row 1 flag 4: '2' is not 0 or 1",
        "train",
    ),
    Plant(
        "negative box",
        lambda r: replace_row(r / FIRST / "groundtruth.txt", 3, "1,2,3,-4"),
        r"groundtruth.txt row 3: '1,2,3,-4' has width 3 and height -4; both must be above 0",
        "train",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / FIRST / "groundtruth.txt", 1, "0,0,0,0"),
        r"groundtruth.txt row 1: '0,0,0,0' has width 0 and height 0",
        "train",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / FIRST / "groundtruth.txt", 1, "NaN,NaN,NaN,NaN"),
        r"groundtruth.txt row 1: 'nan,nan,nan,nan' is not four finite numbers x,y,w,h$",
        "train",
    ),
    Plant(
        "box outside",
        lambda r: replace_row(r / FIRST / "groundtruth.txt", 9, "160,2,3,4"),
        r"00000009.jpg frame 9: '160,2,3,4' is the box of airplane-2.* outside the image of 160 x 120",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong count",
        miscount("lasot", "frames = 60", "frames = 61"),
        r"LaSOT has 60 frames in split train; 61 are expected",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong count",
        lambda r: copy_tree(r, FIRST, "airplane/airplane-21"),
        r"airplane-21 is not one of the 1,400 sequences of LaSOT",
        "train",
    ),
    Plant(
        "wrong count",
        lambda r: (r / "airplane").rename(r / "aeroplane"),
        r"aeroplane is not one of the 70 classes of LaSOT",
        "train",
    ),
    Plant("wrong split name", lambda r: None, r"lasot has no split 'test'; choose from train", "test"),
    Plant(
        "duplicate sequence",
        lambda r: replace_row(r / "training_set.txt", 2, "airplane-2"),
        r"training_set.txt row 2: 'airplane-2' comes twice, first in row 1",
        "train",
    ),
    Plant(
        "duplicate sequence",
        lambda r: copy_tree(r, FIRST, "cat/airplane-2"),
        r"cat/airplane-2 is the same sequence as .*airplane/airplane-2; each sequence once",
        "train",
    ),
    Plant(
        "unreadable encoding",
        lambda r: garble(r / FIRST / "full_occlusion.txt"),
        r"full_occlusion.txt cannot be read as UTF-8 text",
        "train",
    ),
    Plant(
        "unreadable encoding",
        lambda r: garble(r / "training_set.txt"),
        r"training_set.txt cannot be read as UTF-8 text",
        "train",
    ),
    Plant(
        "escape by dots",
        lambda r: replace_row(r / "training_set.txt", 2, "../airplane-2"),
        r"training_set.txt row 2: '../airplane-2' is not the name of a folder",
        "train",
    ),
    Plant("escape by link", lambda r: link_out(r, "airplane"), r"airplane leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, FIRST), r"airplane-2 leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, f"{FIRST}/img"), r"img leads out of", "train"),
    Plant(
        "escape by link",
        lambda r: link_out(r, f"{FIRST}/out_of_view.txt"),
        r"out_of_view.txt leads out of",
        "train",
    ),
    Plant(
        "escape by link",
        lambda r: link_out(r, f"{FIRST}/img/00000002.jpg"),
        r"00000002.jpg leads out of",
        "train",
    ),
]

TEST_PLANTS = [
    Plant(
        "missing image",
        lambda r: unlink(r, f"{TIGER}/img/00000012.jpg"),
        r"00000012.jpg is missing; frames 1 to 12",
        "test",
    ),
    Plant(
        "missing image", lambda r: shutil.rmtree(r / "tiger"), r"tiger/tiger-6 is missing; it is a", "test"
    ),
    Plant(
        "truncated image",
        lambda r: truncate(r / TIGER / "img/00000004.jpg"),
        r"00000004.jpg is not a readable, complete",
        "test",
        by_read=False,
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / TIGER / "groundtruth.txt", "1,1,5,5"),
        r"tiger-6/groundtruth.txt has 13 rows; sequence tiger-6 has 12",
        "test",
    ),
    Plant(
        "extra row",
        lambda r: shutil.copy(r / TIGER / "img/00000012.jpg", r / TIGER / "img/00000013.jpg"),
        r"00000013.jpg is one too many; there are frames 1 to 12 only",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / TIGER / "groundtruth.txt", 7, "1,2,3,4O"),
        r"tiger-6/groundtruth.txt row 7: '1,2,3,4O' is not 4 numbers x,y,w,h",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / TIGER / "out_of_view.txt", 1, "0,0,0,1,0,0,0,0,0,0,0,0"),
        r"tiger-6 is flagged absent in 1 frames; sequence tiger-6 has 0",
        "test",
    ),
    Plant(
        "negative box",
        lambda r: replace_row(r / TIGER / "groundtruth.txt", 7, "613,731,247,-11"),
        r"tiger-6/groundtruth.txt row 7: '613,731,247,-11' has width 247 and height -11",
        "test",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / "lion/lion-5/groundtruth.txt", 4, "1,1,0,0"),
        r"lion-5/groundtruth.txt row 4: '1,1,0,0' has width 0 and height 0",
        "test",
    ),
    Plant(
        "box outside",
        lambda r: replace_row(r / TIGER / "groundtruth.txt", 7, "1,120,5,5"),
        r"00000007.jpg frame 7: '1,120,5,5' is the box of tiger-6.* outside the image of 160 x 120",
        "test",
        by_read=False,
    ),
    Plant(
        "wrong count",
        miscount("lasot_test", "tracks = 5", "tracks = 6"),
        r"LaSOTTesting has 5 tracks in split test; 6 are expected",
        "test",
        by_read=False,
    ),
    Plant("wrong split name", lambda r: None, r"lasot_test has no split 'train'; choose from test", "train"),
    Plant(
        "duplicate sequence",
        lambda r: replace_row(r / "testing_set.txt", 2, "airplane-1"),
        r"testing_set.txt row 2: 'airplane-1' comes twice, first in row 1",
        "test",
    ),
    Plant(
        "duplicate sequence",
        lambda r: copy_tree(r, TIGER, "zebra/tiger-6"),
        r"zebra/tiger-6 is the same sequence as .*tiger/tiger-6",
        "test",
    ),
    Plant(
        "unreadable encoding",
        lambda r: garble(r / TIGER / "groundtruth.txt"),
        r"tiger-6/groundtruth.txt cannot be read as UTF-8 text",
        "test",
    ),
    Plant(
        "escape by dots",
        lambda r: replace_text(r / mini_file("lasot_test"), "tiger/tiger-6", "../tiger-6"),
        r"mini.lasot_test.toml sequence 3: '../tiger-6' leads out",
        "test",
    ),
    Plant("escape by link", lambda r: link_out(r, TIGER), r"tiger-6 leads out of", "test"),
]


@pytest.mark.parametrize("plant", TRAIN_PLANTS, ids=str)
def test_planted_fault_in_the_training_set_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("lasot", miniature("lasot"), plant)


@pytest.mark.parametrize("plant", TEST_PLANTS, ids=str)
def test_planted_fault_in_the_test_set_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("lasot_test", miniature("lasot_test"), plant)


@pytest.mark.parametrize("plants", [TRAIN_PLANTS, TEST_PLANTS], ids=["train", "test"])
def test_every_kind_is_planted(plants: list[Plant]) -> None:
    assert_every_kind(plants)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not hold LaSOT, training set: nothing is found at \*/\*-\*/"):
        read(tmp_path)


def test_the_got10k_package_divides_the_same() -> None:
    """Its list of names serves as a referee; its reader of LaSOT cannot be constructed in the published release."""
    got10k = pytest.importorskip("got10k.datasets")
    splits = json.loads((Path(got10k.__file__).parent / "lasot.json").read_text())
    assert set(splits["train"]) == manifest("lasot").lists["train"]
    assert splits["test"] == [entry.name for entry in manifest("lasot_test").sequences]
