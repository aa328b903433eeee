"""TrackingNet: a hand-made video, each trap of the layout, planted faults."""

from __future__ import annotations

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

from dlatrack.datasets.check import check
from dlatrack.datasets.faults import FaultLog
from dlatrack.datasets.manifests import manifest, mini_file
from dlatrack.datasets.trackingnet import read
from dlatrack.errors import InputError

Miniature = Callable[[str], Path]

VIDEO = "aa-0_1_0"
ANNO, FRAMES = f"TRAIN_0/anno/{VIDEO}.txt", f"TRAIN_0/frames/{VIDEO}"


def hand_made(root: Path) -> Path:
    """Eleven frames in the third chunk, so that sorting as text would put 10.jpg third."""
    frames = root / "TRAIN_2" / "frames" / "x_0"
    frames.mkdir(parents=True)
    for number in range(11):
        cv2.imwrite(str(frames / f"{number}.jpg"), np.full((30, 40, 3), 10 * number, np.uint8))
    (root / "TRAIN_2" / "anno").mkdir()
    rows = "".join(f"{number - 2.5},3,10.25,8\n" for number in range(11))
    (root / "TRAIN_2" / "anno" / "x_0.txt").write_text(rows)
    (root / mini_file("trackingnet")).write_text(
        'miniature_of = "trackingnet"\nseed = 0\n[splits.train_2]\ntracks = 1\n'
    )
    return root


def test_rows_and_images_of_a_hand_made_video(tmp_path: Path) -> None:
    table = read(hand_made(tmp_path), "train_2")
    assert list(table.names) == ["x_0"]
    assert table.boxes_xywh.dtype == np.float32
    np.testing.assert_array_equal(table.boxes_xywh[[0, 10]], [[-2.5, 3, 10.25, 8], [7.5, 3, 10.25, 8]])
    assert table.visible.all()
    assert [table.path(row).name for row in (0, 1, 2, 10)] == ["0.jpg", "1.jpg", "2.jpg", "10.jpg"]
    sequence = table.sequence("x_0")
    assert [round(float(sequence.frames[row].mean())) for row in (2, 9, 10)] == pytest.approx(
        [20, 90, 100], abs=1
    )
    assert sequence.fps == 30


def test_the_manifest_joins_twelve_chunks() -> None:
    known = manifest("trackingnet")
    chunks = [f"train_{number}" for number in range(12)]
    assert known.splits["train"].of.split() == chunks
    assert known.splits["train_0_3"].of.split() == chunks[:4]
    assert known.splits["train"].counts["frames"] == 14_205_677
    for split in ("train", "train_0_3"):
        parts = [known.splits[name].counts["videos"] for name in known.splits[split].of.split()]
        assert known.splits[split].counts["videos"] == sum(parts)


def test_frames_count_from_0_and_are_in_order_of_their_numbers(miniature: Miniature) -> None:
    root = miniature("trackingnet")
    assert sorted(path.name for path in (root / FRAMES).iterdir())[2] == "10.jpg"
    sequence = read(root).sequence(VIDEO)
    assert [path.name for path in sequence.frames.paths] == [f"{number}.jpg" for number in range(12)]
    np.testing.assert_allclose(sequence.boxes_xywh, np.loadtxt(root / ANNO, delimiter=","), atol=1e-4)


def test_padded_frames_are_of_another_name(miniature: Miniature) -> None:
    root = miniature("trackingnet")
    (root / FRAMES / "2.jpg").rename(root / FRAMES / "02.jpg")
    with pytest.raises(InputError, match=r"02.jpg is an image of another name than 1.jpg and so on"):
        read(root)


def test_chunks_are_read_in_the_order_of_their_numbers(miniature: Miniature) -> None:
    names = [VIDEO, "bb_7-2_1", *(f"chunk{number}_0" for number in range(1, 12))]
    root = miniature("trackingnet")
    assert list(read(root.parent).names) == names
    assert list(read(root, "train_0_3").names) == names[:5]
    assert list(read(root, "train_11").names) == ["chunk11_0"]


def test_boxes_may_leave_the_image_in_part(miniature: Miniature) -> None:
    root = miniature("trackingnet")
    sequence = read(root).sequence("bb_7-2_1")
    assert -7 < sequence.boxes_xywh[:, 0].min() <= -5
    assert sequence.visible.all()
    assert check("trackingnet", root, deep=True, splits=["train_0"]).ok


def test_the_test_set_has_first_boxes_only(miniature: Miniature) -> None:
    sequence = read(miniature("trackingnet"), "test").sequence("test_0")
    assert len(sequence) == 12
    assert sequence.visible.tolist() == [True] + [False] * 11
    assert np.isnan(sequence.boxes_xywh[1:]).all()


def test_chunks_that_are_not_here_are_notes_and_train_needs_all(miniature: Miniature) -> None:
    root = miniature("trackingnet")
    (root / mini_file("trackingnet")).unlink()
    for number in range(4, 12):
        shutil.rmtree(root / f"TRAIN_{number}")
    report = check("trackingnet", root)
    assert report.ok
    assert set(report.counts) == {"train_0", "train_1", "train_2", "train_3", "test"}
    assert {f"split train_{number} was not checked" for number in range(4, 12)} <= set(report.notes)
    assert read(root, "train_0_3").track_count == 5
    with pytest.raises(InputError, match=r"TRAIN_4 is missing; a folder is needed"):
        read(root, "train")


def test_zips_beside_their_frames_do_no_harm(miniature: Miniature) -> None:
    root = miniature("trackingnet")
    assert (root / "TRAIN_0" / "zips" / f"{VIDEO}.zip").is_file()
    assert read(root, "train_0").track_count == 2


def test_a_zip_that_is_not_unpacked_is_named(miniature: Miniature) -> None:
    root = miniature("trackingnet")
    shutil.rmtree(root / FRAMES)
    with pytest.raises(InputError, match=rf"{VIDEO}.zip is not unpacked; its images are needed in .*frames/"):
        read(root)
    shutil.rmtree(root / "TRAIN_0" / "frames")
    log = FaultLog()
    assert read(root, "train_0", report=log).track_count == 0
    assert [str(fault) for fault in log.faults] == [
        f"{root.resolve() / 'TRAIN_0/zips'} is not unpacked; each VIDEO.zip belongs into a folder frames/VIDEO"
    ]


def copy_to_another_chunk(root: Path) -> None:
    shutil.copy(root / ANNO, root / "TRAIN_9" / "anno")
    shutil.copytree(root / FRAMES, root / "TRAIN_9" / "frames" / VIDEO)


def dots(root: Path) -> None:
    """A folder of frames that is a link with dots in it."""
    (root / FRAMES).rename(root.parent / "elsewhere")
    (root / FRAMES).symlink_to("../../../elsewhere")


PLANTS = [
    Plant(
        "missing image", lambda r: (r / FRAMES / "4.jpg").unlink(), r"/4.jpg is missing; frames 0", "train"
    ),
    Plant(
        "missing image",
        lambda r: (r / "TEST/frames/test_0/4.jpg").unlink(),
        r"test_0/4.jpg is missing; frames 0 to 11",
        "test",
    ),
    Plant(
        "missing image",
        lambda r: shutil.rmtree(r / "TRAIN_3/frames/chunk3_0"),
        r"frames/chunk3_0 is missing; a folder is needed",
        "train",
    ),
    Plant(
        "missing image",
        lambda r: (r / "TRAIN_3/anno/chunk3_0.txt").unlink(),
        r"frames/chunk3_0 has no annotation .*anno/chunk3_0.txt",
        "train",
    ),
    Plant(
        "truncated image",
        lambda r: truncate(r / FRAMES / "4.jpg"),
        r"/4.jpg is not a readable, complete",
        "train",
        by_read=False,
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / ANNO, "1,1,5,5"),
        rf"{VIDEO}.txt has 13 rows for 12 images; one row per image is needed",
        "train",
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / "TEST/anno/test_0.txt", "1,1,5,5"),
        r"test_0.txt has 2 rows; a test sequence has its first box only",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / ANNO, 3, "1,2,x,4"),
        rf"{VIDEO}.txt row 3: '1,2,x,4' is not 4 numbers x,y,w,h",
        "train",
    ),
    Plant(
        "negative box",
        lambda r: replace_row(r / ANNO, 3, "1,2,3,-4"),
        rf"{VIDEO}.txt row 3: '1,2,3,-4' has width 3 and height -4; both must be above 0",
        "train",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / "TEST/anno/test_0.txt", 1, "1,2,0,4"),
        r"test_0.txt row 1: '1,2,0,4' has width 0 and height 4",
        "test",
    ),
    Plant(
        "box outside",
        lambda r: replace_row(r / ANNO, 3, "-9,2,9,4"),
        rf"/2.jpg frame 3: '-9,2,9,4' is the box of {VIDEO}.* outside the image of 160 x 120",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong count",
        miscount("trackingnet", "[splits.train_0]\nvideos = 2", "[splits.train_0]\nvideos = 3"),
        r"has 2 videos in split train_0; 3 are expected",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong count",
        lambda r: shutil.rmtree(r / "TRAIN_7"),
        r"TRAIN_7 is missing; a folder is needed",
        "train",
    ),
    Plant(
        "wrong split name",
        lambda r: None,
        r"trackingnet has no split 'train_12'; choose from train, train_0_3, train_0, .*train_11, test",
        "train_12",
    ),
    Plant(
        "wrong count",
        lambda r: (r / "TRAIN_11").rename(r / "TRAIN_12"),
        r"TRAIN_12 is not a part of TrackingNet; its folders are TRAIN_0 to TRAIN_11 and TEST",
        "train",
    ),
    Plant(
        "duplicate sequence",
        copy_to_another_chunk,
        rf"TRAIN_9/anno/{VIDEO}.txt is the same sequence as .*TRAIN_0/anno/{VIDEO}.txt; each sequence once",
        "train",
    ),
    Plant(
        "unreadable encoding",
        lambda r: garble(r / ANNO),
        rf"{VIDEO}.txt cannot be read as UTF-8 text",
        "train",
    ),
    Plant("escape by dots", dots, rf"frames/{VIDEO} leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, FRAMES), rf"frames/{VIDEO} leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, ANNO), rf"anno/{VIDEO}.txt leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, "TRAIN_5"), r"TRAIN_5 leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, "TRAIN_5/frames"), r"frames leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, f"{FRAMES}/2.jpg"), r"/2.jpg leads out of", "train"),
]


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_fault_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("trackingnet", miniature("trackingnet"), plant)


def test_every_kind_is_planted() -> None:
    assert_every_kind(PLANTS)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not hold TrackingNet: nothing is found at TRAIN_\*/anno"):
        read(tmp_path)
