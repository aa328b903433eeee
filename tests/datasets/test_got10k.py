"""GOT-10k: a hand-made sequence, each trap of the layout, planted faults, the got10k package as referee."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
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
    truncate,
)

from dlatrack.datasets.faults import FaultLog
from dlatrack.datasets.got10k import read
from dlatrack.datasets.manifests import manifest, mini_file

Miniature = Callable[[str], Path]

FIRST = "train/GOT-10k_Train_000001"


def hand_made(root: Path) -> Path:
    """Four training frames: visible, absent (whatever cover says), covered wholly, covered in part."""
    folder = root / "train" / "GOT-10k_Train_000007"
    folder.mkdir(parents=True)
    for number in range(1, 5):
        cv2.imwrite(str(folder / f"{number:08d}.jpg"), np.full((30, 40, 3), 10 * number, np.uint8))
    (folder / "groundtruth.txt").write_text("1.5,2,10,20\n0,0,0,0\n3,4,5,6\n3.25,4,5,6\n")
    (folder / "absence.label").write_text("0\n1\n0\n0\n")
    (folder / "cover.label").write_text("8\n5\n0\n3\n")
    (folder / "cut_by_image.label").write_text("0\n0\n0\n1\n")
    (folder / "meta_info.ini").write_text(
        "[META]\nurl: https://example.org\nanno_fps: 10Hz\nobject_class: red panda\n"
    )
    (root / "train" / "list.txt").write_text("GOT-10k_Train_000007")
    (root / mini_file("got10k")).write_text('miniature_of = "got10k"\nseed = 0\n[splits.train]\ntracks = 1\n')
    return root


def test_boxes_labels_and_meta_of_a_hand_made_sequence(tmp_path: Path) -> None:
    table = read(hand_made(tmp_path), "train")
    np.testing.assert_array_equal(
        table.boxes_xywh, [[1.5, 2, 10, 20], [0, 0, 0, 0], [3, 4, 5, 6], [3.25, 4, 5, 6]]
    )
    assert table.boxes_xywh.dtype == np.float32
    assert table.visible.tolist() == [True, False, False, True]
    assert table.extras["cover"].tolist() == [8, 5, 0, 3]
    assert table.extras["cut_by_image"].tolist() == [0, 0, 0, 1]
    assert (table.classes[0], table.fps[0]) == ("red panda", 10)
    assert table.path(3) == tmp_path.resolve() / "train/GOT-10k_Train_000007/00000004.jpg"


def test_the_lists_of_the_manifest(shared_data: Path) -> None:
    facts = json.loads((shared_data / "got10k_lists.json").read_text())
    for name in ("vot_exclude", "unfixed"):
        assert manifest("got10k").lists[name] == {f"GOT-10k_Train_{number:06d}" for number in facts[name]}


def test_derived_splits_leave_out_what_their_lists_name() -> None:
    known = manifest("got10k")
    names = [f"GOT-10k_Train_{number:06d}" for number in range(1, 9336)]
    for split in ("train", "train_vot", "train_fixed", "train_vot_fixed"):
        assert sum(known.holds(split, name) for name in names) == known.splits[split].counts["tracks"]
    assert len(known.lists["vot_exclude"]) == 1000
    assert len(known.lists["unfixed"]) == 44


@pytest.mark.parametrize(
    ("split", "numbers"),
    [
        ("train", [1, 2, 3, 4, 399]),
        ("train_vot", [1, 2, 3, 399]),
        ("train_fixed", [1, 2, 3, 4]),
        ("train_vot_fixed", [1, 2, 3]),
    ],
)
def test_forbidden_and_unfixed_sequences_go_by_name(
    miniature: Miniature, split: str, numbers: list[int]
) -> None:
    """By position in the list, as in index lists that circulate, 4 would be left out as number 3."""
    assert list(read(miniature("got10k"), split).names) == [f"GOT-10k_Train_{n:06d}" for n in numbers]


def test_absent_frames_are_not_visible(miniature: Miniature) -> None:
    root = miniature("got10k")
    sequence = read(root).sequence("GOT-10k_Train_000002")
    absence = np.loadtxt(root / "train/GOT-10k_Train_000002/absence.label")
    np.testing.assert_array_equal(sequence.visible, absence == 0)
    assert 0 < absence.sum() < len(absence)


def test_cover_of_zero_is_not_visible_either(miniature: Miniature) -> None:
    root = miniature("got10k")
    replace_row(root / FIRST / "cover.label", 3, "0")
    assert np.flatnonzero(~read(root).sequence(0).visible).tolist() == [2]


def test_a_box_without_height_is_kept_where_it_is_known_and_unfit_for_training(miniature: Miniature) -> None:
    table = read(miniature("got10k"))
    row = int(table.starts[table.names.find("GOT-10k_Train_000399")])
    assert table.boxes_xywh[row, 3] == 0
    assert table.visible[row]
    assert not table.usable[row]


def test_a_frame_may_have_another_size(miniature: Miniature) -> None:
    frames = read(miniature("got10k")).sequence("GOT-10k_Train_000003").frames
    assert [frames[index].shape for index in (0, 9)] == [(120, 160, 3), (60, 80, 3)]


def test_folders_of_the_downloads_are_looked_into(miniature: Miniature) -> None:
    root = miniature("got10k")
    before = read(root)
    part = root / "train" / "GOT-10k_Train_split_01"
    part.mkdir()
    (root / FIRST).rename(part / Path(FIRST).name)
    after = read(root.parent)
    np.testing.assert_array_equal(after.boxes_xywh, before.boxes_xywh)
    assert after.path(0) == part.resolve() / "GOT-10k_Train_000001/00000001.jpg"


def test_the_test_split_has_first_boxes_only(miniature: Miniature) -> None:
    sequence = read(miniature("got10k"), "test").sequence(0)
    assert len(sequence) == 10
    assert sequence.visible.tolist() == [True] + [False] * 9
    assert np.isnan(sequence.boxes_xywh[1:]).all()


def test_a_split_can_be_absent_but_not_misnamed(miniature: Miniature) -> None:
    root = miniature("got10k")
    shutil.rmtree(root / "test")
    assert read(root).track_count == 5
    (root / "val").rename(root / "vall")
    log = FaultLog()
    read(root, report=log)
    assert [str(fault) for fault in log.faults] == [
        f"{root.resolve() / 'vall'} is not a split of GOT-10k; its folders are test, train, val"
    ]


def swap_list_row(root: Path) -> None:
    replace_row(root / "train/list.txt", 2, "GOT-10k_Val_000001")


def drop_sequence(root: Path) -> None:
    names = (root / "train/list.txt").read_text().split()
    (root / "train/list.txt").write_text("\n".join(names[:-1]))
    shutil.rmtree(root / "train" / names[-1])


def copy_into_download(root: Path) -> None:
    shutil.copytree(root / FIRST, root / "train/GOT-10k_Train_split_01/GOT-10k_Train_000001")


PLANTS = [
    Plant(
        "missing image", lambda r: (r / FIRST / "00000004.jpg").unlink(), r"00000004.jpg is missing", "train"
    ),
    Plant(
        "missing image",
        lambda r: (r / "test/GOT-10k_Test_000001/00000004.jpg").unlink(),
        r"00000004.jpg is missing; frames 1 to 10",
        "test",
    ),
    Plant(
        "missing image",
        lambda r: shutil.rmtree(r / FIRST),
        r"GOT-10k_Train_000001 is missing; it is named in .*list.txt",
        "train",
    ),
    Plant(
        "truncated image",
        lambda r: truncate(r / FIRST / "00000004.jpg"),
        r"00000004.jpg is not a readable, complete",
        "train",
        by_read=False,
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / FIRST / "groundtruth.txt", "1,1,5,5"),
        r"groundtruth.txt has 11 rows for 10 images; one row per image",
        "train",
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / FIRST / "cover.label", "8"),
        r"cover.label has 11 rows for 10 images",
        "train",
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / "test/GOT-10k_Test_000001/groundtruth.txt", "1,1,5,5"),
        r"groundtruth.txt has 2 rows; a test sequence has its first box only",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / FIRST / "groundtruth.txt", 3, "1,2,x,4"),
        r"groundtruth.txt row 3: '1,2,x,4' is not 4 numbers x,y,w,h",
        "train",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / FIRST / "cover.label", 3, "9"),
        r"cover.label row 3: '9' is not a whole number from 0 to 8",
        "train",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / FIRST / "meta_info.ini", 5, "anno_fps: fast"),
        r"meta_info.ini: 'fast' is not a frame rate anno_fps like 10Hz",
        "train",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / FIRST / "meta_info.ini", 5, "anno_fps: 1_0Hz"),
        r"meta_info.ini: '1_0Hz' is not a frame rate anno_fps like 10Hz",
        "train",
    ),
    Plant(
        "negative box",
        lambda r: replace_row(r / FIRST / "groundtruth.txt", 3, "1,2,3,-4"),
        r"groundtruth.txt row 3: '1,2,3,-4' has width 3 and height -4",
        "train",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / FIRST / "groundtruth.txt", 1, "1,2,3,0"),
        r"groundtruth.txt row 1: '1,2,3,0' has width 3 and height 0; both must be above 0",
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
        lambda r: replace_row(r / "train/GOT-10k_Train_000003/groundtruth.txt", 9, "100,2,3,4"),
        r"00000009.jpg frame 9: '100,2,3,4' is the box of GOT-10k_Train_000003.* of 80 x 60 px",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong count",
        drop_sequence,
        r"GOT-10k has 4 tracks in split train; 5 are expected",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong count",
        miscount("got10k", "frames = 60", "frames = 61"),
        r"has 60 frames in split train; 61 are",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong split name",
        lambda r: None,
        r"got10k has no split 'training'; choose from train, val, test",
        "training",
    ),
    Plant(
        "wrong count", swap_list_row, r"list.txt row 2: 'GOT-10k_Val_000001' does not belong here", "train"
    ),
    Plant(
        "duplicate sequence",
        lambda r: replace_row(r / "train/list.txt", 2, "GOT-10k_Train_000001"),
        r"list.txt row 2: 'GOT-10k_Train_000001' comes twice, first in row 1",
        "train",
    ),
    Plant(
        "duplicate sequence", copy_into_download, r"000001 is the same sequence as .*000001; each", "train"
    ),
    Plant(
        "unreadable encoding",
        lambda r: garble(r / "train/list.txt"),
        r"list.txt cannot be read as UTF-8",
        "train",
    ),
    Plant(
        "escape by dots",
        lambda r: replace_row(r / "train/list.txt", 2, "../val/GOT-10k_Val_000001"),
        r"list.txt row 2: '../val/GOT-10k_Val_000001' is not the name of a folder beside this list",
        "train",
    ),
    Plant("escape by link", lambda r: link_out(r, FIRST), r"GOT-10k_Train_000001 leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, "train"), r"train leads out of", "train"),
    Plant(
        "escape by link",
        lambda r: link_out(r, f"{FIRST}/00000002.jpg"),
        r"00000002.jpg leads out of",
        "train",
    ),
]


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_fault_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("got10k", miniature("got10k"), plant)


def test_every_kind_is_planted() -> None:
    assert_every_kind(PLANTS)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_got10k_package_reads_the_same(miniature: Miniature, split: str) -> None:
    got10k = pytest.importorskip("got10k.datasets.got10k")
    root = miniature("got10k")
    referee, table = got10k.GOT10k(str(root), subset=split, return_meta=True), read(root, split)
    assert referee.seq_names == list(table.names)
    for name in referee.seq_names:
        files, boxes, *meta = referee[name]
        sequence = table.sequence(name)
        assert [str(path) for path in sequence.frames.paths] == files
        np.testing.assert_allclose(sequence.boxes_xywh[: len(boxes)], boxes, atol=1e-4)
        if meta:
            cover = table.extras["cover"][slice(*table.starts[table.names.find(name) :][:2])]
            np.testing.assert_array_equal(cover, meta[0]["cover"])
