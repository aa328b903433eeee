"""YouTube-BB: a hand-made file, each trap of the layout, planted faults."""

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
from dlatrack.datasets.manifests import mini_file
from dlatrack.datasets.youtubebb import read
from dlatrack.errors import InputError

Miniature = Callable[[str], Path]

CSV = "yt_bb_detection_train.csv"
FOLDER = "yt_bb_detection_train"
TUBE = f"{FOLDER}/0/-mini_tube1_%d_0_0.jpg"


def hand_made(root: Path, rows: list[str], sizes: dict[str, tuple[int, int]]) -> Path:
    """The validation file, and images of given width and height."""
    for image, (width, height) in sizes.items():
        file = root / "yt_bb_detection_validation" / image
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.full((height, width, 3), 50, np.uint8))
    (root / "yt_bb_detection_validation").mkdir(exist_ok=True)
    (root / "yt_bb_detection_validation.csv").write_text("".join(f"{row}\n" for row in rows))
    (root / mini_file("youtubebb")).write_text(
        'miniature_of = "youtubebb"\nseed = 0\n[splits.validation]\ntracks = 1\n'
    )
    return root


def test_boxes_are_pixels_of_each_frame_and_edges_come_x_before_y(tmp_path: Path) -> None:
    """The first row is data, not a header; xmin, xmax, ymin, ymax."""
    rows = [
        "a_b-c_d-e_f,2000,23,car,0,present,0.25,0.75,0.5,1.0",
        "a_b-c_d-e_f,1000,23,car,0,present,0.1,0.3,0.2,0.6",
    ]
    sizes = {"23/a_b-c_d-e_f_1000_23_0.jpg": (200, 100), "23/a_b-c_d-e_f_2000_23_0.jpg": (80, 40)}
    table = read(hand_made(tmp_path, rows, sizes), "validation")
    assert list(table.names) == ["a_b-c_d-e_f_23_0"]
    assert table.numbers.tolist() == [1000, 2000]
    np.testing.assert_allclose(table.boxes_xywh, [[20, 20, 40, 40], [20, 20, 40, 20]], rtol=1e-6)
    assert table.boxes_xywh.dtype == np.float32
    assert (table.classes[0], table.fps[0]) == ("car", 1)
    assert table.path(0) == tmp_path.resolve() / "yt_bb_detection_validation/23/a_b-c_d-e_f_1000_23_0.jpg"


def test_a_stored_box_has_the_aspect_ratio_of_the_target(miniature: Miniature) -> None:
    """Relative boxes, as pysot stores them, are wrong by the aspect ratio of the image."""
    root = miniature("youtubebb")
    sequence = read(root, "validation").sequence(0)
    height, width = sequence.frames[0].shape[:2]
    xmin, xmax, ymin, ymax = map(
        float, (root / "yt_bb_detection_validation.csv").read_text().splitlines()[0].split(",")[6:]
    )
    relative = (xmax - xmin) / (ymax - ymin)
    _, _, w, h = sequence.boxes_xywh[0]
    assert w / h == pytest.approx(relative * width / height, rel=1e-4)
    assert width != height


def test_a_segment_is_one_video_class_and_object_whatever_the_order_of_rows(miniature: Miniature) -> None:
    table = read(miniature("youtubebb"))
    assert list(table.names) == [
        "-mini_tube1_0_0",
        "-mini_tube1_0_1",
        "-mini_tube1_19_0",
        "_mini-tube__23_0",
    ]
    assert list(table.classes) == ["person", "person", "dog", "car"]
    assert np.diff(table.starts).tolist() == [6, 6, 2, 12]
    for track in range(4):
        stamps = table.numbers[table.starts[track] : table.starts[track + 1]]
        np.testing.assert_array_equal(np.diff(stamps), 1000)


def test_absent_rows_are_not_visible_and_have_no_box(miniature: Miniature) -> None:
    root = miniature("youtubebb")
    sequence = read(root).sequence("_mini-tube__23_0")
    rows = [line.split(",") for line in (root / CSV).read_text().splitlines() if line.startswith("_mini")]
    absent = np.array([row[5] == "absent" for row in rows])
    assert 0 < absent.sum() < len(absent)
    np.testing.assert_array_equal(sequence.visible, ~absent)
    np.testing.assert_array_equal(np.isnan(sequence.boxes_xywh).all(1), absent)


def test_an_absent_row_needs_no_image(miniature: Miniature) -> None:
    root = miniature("youtubebb")
    before = read(root)
    row = int(np.flatnonzero(~before.visible)[0])
    before.path(row).unlink()
    after = read(root)
    assert len(after) == len(before) - 1
    assert "1 rows that say absent have no image here and are left out" in after.notes


def test_vanished_videos_are_counted_in_a_note(miniature: Miniature) -> None:
    root = miniature("youtubebb")
    note = "no frame is here of 1 of 3 videos, which vanish from the web; their 6 of 32 rows are left out"
    assert read(root).notes == (note,)
    assert f"split train: {note}" in check("youtubebb", root).notes
    for image in (root / FOLDER).rglob("-mini*.jpg"):
        image.unlink()
    shutil.rmtree(root / FOLDER / "19")
    table = read(root)
    assert list(table.names) == ["_mini-tube__23_0"]
    assert table.notes == (note.replace("1 of 3", "2 of 3").replace("6 of 32", "20 of 32"),)


def test_nothing_downloaded_is_an_empty_table_with_a_note(tmp_path: Path) -> None:
    rows = ["a_b-c_d-e_f,2000,23,car,0,present,0.25,0.75,0.5,1.0"]
    table = read(hand_made(tmp_path, rows, {}), "validation")
    assert table.track_count == 0
    assert "of 1 of 1 videos" in table.notes[0]


def test_boxes_may_leave_the_frame_a_little_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    rows = ["a_b-c_d-e_f,0,23,car,0,present,-0.1,1.05,-1e-2,0.5\r", ""]
    table = read(hand_made(tmp_path, rows, {"23/a_b-c_d-e_f_0_23_0.jpg": (100, 50)}), "validation")
    np.testing.assert_allclose(table.boxes_xywh, [[-10, -0.5, 115, 25.5]], rtol=1e-6)


@pytest.mark.parametrize("header", ["youtube_id,timestamp_ms,class_id,class_name,object_id,object_presence"])
def test_a_header_is_named(miniature: Miniature, header: str) -> None:
    root = miniature("youtubebb")
    file = root / CSV
    file.write_text(f"{header},xmin,xmax,ymin,ymax\n{file.read_text()}")
    with pytest.raises(InputError, match=r"train.csv row 1: 'youtube_id' is no youtube_id \(the columns"):
        read(root)


def test_an_empty_file_is_named(miniature: Miniature) -> None:
    root = miniature("youtubebb")
    (root / CSV).write_text("\n")
    with pytest.raises(InputError, match=r"train.csv is empty; rows are needed"):
        read(root)


def field_becomes(row: int, column: int, text: str) -> Callable[[Path], None]:
    """Change a field of the training file, column counted from 0."""

    def change(root: Path) -> None:
        fields = (root / CSV).read_text().splitlines()[row - 1].split(",")
        fields[column] = text
        replace_row(root / CSV, row, ",".join(fields))

    return change


def edges_become(*edges: float) -> Callable[[Path], None]:
    """Change xmin, xmax, ymin, ymax in the second row."""

    def change(root: Path) -> None:
        fields = (root / CSV).read_text().splitlines()[1].split(",")
        replace_row(root / CSV, 2, ",".join([*fields[:6], *map(str, edges)]))

    return change


def repeat_row(root: Path) -> None:
    append_row(root / CSV, (root / CSV).read_text().splitlines()[1])


PLANTS = [
    Plant(
        "missing image",
        lambda r: (r / (TUBE % 239000)).unlink(),
        r"239000_0_0.jpg is missing; .*train.csv row 11 needs it, and other frames of this video are here",
        "train",
    ),
    Plant(
        "missing image",
        lambda r: shutil.rmtree(r / FOLDER),
        r"yt_bb_detection_train is missing; a folder",
        "train",
    ),
    Plant(
        "truncated image",
        lambda r: truncate(r / (TUBE % 239000)),
        r"239000_0_0.jpg is not a readable, complete",
        "train",
        by_read=False,
    ),
    Plant(
        "truncated image",
        lambda r: (r / (TUBE % 239000)).write_bytes(b""),
        r"239000_0_0.jpg is not a JPEG image that says its size",
        "train",
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / CSV, "-mini_tube1,99000,0,person,0,present,0.1,0.2,0.1,0.2"),
        r"99000_0_0.jpg is missing; yt_bb_detection_train.csv row 33 needs it",
        "train",
    ),
    Plant(
        "extra row",
        lambda r: shutil.copy(r / (TUBE % 239000), r / (TUBE % 99000)),
        r"99000_0_0.jpg is one too many; yt_bb_detection_train.csv has no row for it",
        "train",
    ),
    Plant(
        "text in a number",
        field_becomes(2, 7, "0.5x"),
        r"train.csv row 2: '0.5x' is no xmax \(the columns are youtube_id,timestamp_ms,.*xmin,xmax,ymin,ymax",
        "train",
    ),
    Plant("text in a number", field_becomes(2, 7, "nan"), r"train.csv row 2: 'nan' is no xmax", "train"),
    Plant(
        "text in a number",
        field_becomes(2, 5, "maybe"),
        r"train.csv row 2: 'maybe' is no object_presence",
        "train",
    ),
    Plant(
        "text in a number",
        field_becomes(2, 3, "dog"),
        r"train.csv row 2: 'dog' is not the class_name 'person' that class_id 0 has before",
        "train",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / CSV, 2, "-mini_tube1,237000"),
        r"train.csv row 2: '-mini_tube1,237000' is not 10 fields youtube_id,timestamp_ms",
        "train",
    ),
    Plant(
        "negative box",
        edges_become(0.5, 0.25, 0.1, 0.2),
        r"train.csv row 2: '0.5,0.25,0.1,0.2' is xmin,xmax,ymin,ymax with width -0.25 and height 0.1; both",
        "train",
    ),
    Plant(
        "zero box",
        edges_become(0.5, 0.75, 0.2, 0.2),
        r"train.csv row 2: '0.5,0.75,0.2,0.2' is xmin,xmax,ymin,ymax with width 0.25 and height 0; both",
        "train",
    ),
    Plant(
        "box outside",
        edges_become(1.0, 1.5, 0.1, 0.2),
        r"train.csv row 2: '1,1.5,0.1,0.2' is xmin,xmax,ymin,ymax and lies outside the frame",
        "train",
    ),
    Plant(
        "box outside",
        edges_become(0, 120, 0, 60),
        r"train.csv row 2: '0,120,0,60' is xmin,xmax,ymin,ymax and lies outside the frame, which reaches from",
        "train",
    ),
    Plant(
        "wrong count",
        miscount("youtubebb", "tracks = 4", "tracks = 5"),
        r"youtubebb has 4 tracks in split train; 5 are expected",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong split name",
        lambda r: None,
        r"youtubebb has no split 'val'; choose from train, validation",
        "val",
    ),
    Plant(
        "duplicate sequence",
        repeat_row,
        r"train.csv row 33: '0/-mini_tube1_237000_0_1.jpg' comes twice, first in row 2",
        "train",
    ),
    Plant("unreadable encoding", lambda r: garble(r / CSV), r"train.csv cannot be read as UTF-8", "train"),
    Plant(
        "escape by dots",
        field_becomes(2, 0, "../../../aa"),
        r"train.csv row 2: '../../../aa' is no youtube_id",
        "train",
    ),
    Plant("escape by link", lambda r: link_out(r, TUBE % 239000), r"239000_0_0.jpg leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, f"{FOLDER}/0"), r"train/0 leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, FOLDER), r"train leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, CSV), r"train.csv leads out of", "train"),
]


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_fault_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("youtubebb", miniature("youtubebb"), plant)


def test_every_kind_is_planted() -> None:
    assert_every_kind(PLANTS)


def test_a_link_out_of_the_root_is_not_opened(miniature: Miniature) -> None:
    root = miniature("youtubebb")
    link_out(root, TUBE % 239000)
    faults: list = []
    table = read(root, report=faults.append)
    assert len(faults) == 1
    assert 239000 not in table.numbers[: table.starts[1]]
    assert len(table) == 25
