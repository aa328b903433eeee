"""UAV123: a hand-made folder, each trap of the official layout, planted faults, the got10k package as referee."""

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
    replace_text,
    truncate,
)

from dlatrack.datasets.manifests import manifest, mini_file
from dlatrack.datasets.uav123 import read
from dlatrack.errors import InputError

Miniature = Callable[[str], Path]

IMAGES, ANNO = "data_seq/UAV123", "anno/UAV123"


def hand_made(root: Path) -> Path:
    """A sequence of the images 3 to 5 of six, absent in its second row."""
    folder = root / IMAGES / "boat1"
    folder.mkdir(parents=True)
    for number in range(1, 7):
        cv2.imwrite(str(folder / f"{number:06d}.jpg"), np.full((30, 40, 3), 10 * number, np.uint8))
    (root / ANNO / "att").mkdir(parents=True)
    (root / ANNO / "boat1_2.txt").write_text("1,2,10,20\nNaN,NaN,NaN,NaN\n3,4,5,6\n")
    (root / ANNO / "att" / "boat1_2.txt").write_text("1,0,0,0,0,0,0,0,0,1,0,1")
    (root / mini_file("uav123")).write_text(
        'miniature_of = "uav123"\nseed = 0\n[splits.test]\ntracks = 1\n[[sequences]]\nname = "boat1_2"\n'
        f'folder = "{IMAGES}/boat1"\nannotation = "{ANNO}/boat1_2.txt"\nimages = "%06d.jpg"\nfirst = 3\n'
        'last = 5\nattributes = "SV VC SOB"\nobject_class = "vessel"\nabsent_rows = 1\n'
    )
    return root


def test_rows_images_and_flags_of_a_hand_made_sequence(tmp_path: Path) -> None:
    table = read(hand_made(tmp_path))
    np.testing.assert_array_equal(table.boxes_xywh, [[0, 1, 10, 20], [np.nan] * 4, [2, 3, 5, 6]])
    assert table.visible.tolist() == [True, False, True]
    assert [table.path(row).name for row in range(3)] == ["000003.jpg", "000004.jpg", "000005.jpg"]
    sequence = table.sequence("boat1_2")
    assert (sequence.attributes, sequence.fps, table.classes[0]) == (("SV", "VC", "SOB"), 30, "vessel")
    assert sequence.frames[0].mean() == pytest.approx(30, abs=1)


def test_the_manifest_lists_the_123(shared_data: Path) -> None:
    facts = json.loads((shared_data / "uav123_sequences.json").read_text())
    known = manifest("uav123")
    entries = {entry.name: entry for entry in known.sequences}
    assert entries.keys() == facts["sequences"].keys()
    assert list(known.attributes) == facts["attribute_file_column_order"]
    for name, fact in facts["sequences"].items():
        entry = entries[name]
        assert (entry.folder, entry.annotation) == (f"{IMAGES}/{fact['folder']}", f"{ANNO}/{name}.txt")
        assert (entry.first, entry.last, entry.frames) == (
            fact["first_image"],
            fact["last_image"],
            fact["frames"],
        )
        assert list(entry.attributes) == fact["attributes"]
        assert int(entry.extra["absent_rows"]) == fact["nan_frames"]


def test_counts_and_attributes_of_the_manifest_add_up() -> None:
    known = manifest("uav123")
    rows = sum(entry.frames for entry in known.sequences)
    absent = sum(int(entry.extra["absent_rows"]) for entry in known.sequences)
    images = {(e.folder, number) for e in known.sequences for number in range(e.first, e.last + 1)}
    assert known.split("test").counts == {
        "videos": len({folder for folder, _ in images}),
        "frames": len(images),
        "tracks": len(known.sequences),
        "rows": rows,
        "boxes": rows - absent,
    }
    assert (rows, absent) == (112578, 2683)
    carried = [attribute for entry in known.sequences for attribute in entry.attributes]
    assert {name: carried.count(name) for name in known.attributes} == known.attribute_counts


def test_ranges_of_the_got10k_package_are_those_of_the_manifest() -> None:
    uav = pytest.importorskip("got10k.datasets.uav123")
    referee = json.loads((Path(uav.__file__).parent / "uav123.json").read_text())["UAV123"]
    ours = {
        entry.name: {
            "start_frame": entry.first,
            "end_frame": entry.last,
            "folder_name": Path(entry.folder).name,
        }
        for entry in manifest("uav123").sequences
    }
    assert ours == referee


def test_pieces_of_a_folder_have_images_and_rows_of_their_own(miniature: Miniature) -> None:
    root = miniature("uav123")
    table = read(root)
    ends = {}
    for number, first in ((1, 1), (2, 14), (3, 37)):
        name = f"bird1_{number}"
        sequence = table.sequence(name)
        ends[name] = [
            path.name for path in (sequence.frames.paths[0], sequence.frames.paths[len(sequence) - 1])
        ]
        assert ends[name][0] == f"{first:06d}.jpg"
        rows = np.loadtxt(root / ANNO / f"{name}.txt", delimiter=",")
        np.testing.assert_array_equal(sequence.boxes_xywh, rows - [1, 1, 0, 0])
    assert ends == {
        "bird1_1": ["000001.jpg", "000010.jpg"],
        "bird1_2": ["000014.jpg", "000033.jpg"],
        "bird1_3": ["000037.jpg", "000046.jpg"],
    }
    assert table.counts().videos == 3
    assert len(list((root / IMAGES / "bird1").iterdir())) == 49


def test_rows_of_nan_are_absent(miniature: Miniature) -> None:
    root = miniature("uav123")
    sequence = read(root).sequence("bird1_2")
    lines = (root / ANNO / "bird1_2.txt").read_text().splitlines()
    absent = np.array([line == "NaN,NaN,NaN,NaN" for line in lines])
    assert 0 < absent.sum() < len(absent)
    np.testing.assert_array_equal(sequence.visible, ~absent)
    assert np.isnan(sequence.boxes_xywh[absent]).all()


def test_flags_stand_in_the_order_of_the_official_columns(miniature: Miniature) -> None:
    table = read(miniature("uav123"))
    found = {sequence.name: " ".join(sequence.attributes) for sequence in table.sequences()}
    assert found == {
        "car1_1": "",
        "bike1": "SV ARC",
        "bird1_1": "SV LR",
        "bird1_2": "SV LR FM FOC OV",
        "bird1_3": "SV CM SOB",
    }


def test_attributes_of_the_manifest_serve_where_the_flags_are_not_unpacked(miniature: Miniature) -> None:
    root = miniature("uav123")
    before = list(read(root).attributes)
    shutil.rmtree(root / ANNO / "att")
    assert list(read(root).attributes) == before


def test_uav20l_is_passed_over(miniature: Miniature) -> None:
    root = miniature("uav123")
    assert (root / "anno/UAV20L/bird1.txt").is_file()
    names = list(read(root.parent).names)
    assert names == ["car1_1", "bike1", "bird1_1", "bird1_2", "bird1_3"]
    (root / "anno/UAV20L/bird1.txt").write_text("nonsense")
    assert list(read(root).names) == names


def test_names_in_another_case_are_read(miniature: Miniature) -> None:
    root = miniature("uav123")
    (root / IMAGES / "bird1").rename(root / IMAGES / "Bird1")
    assert read(root).path(20).parent.name == "Bird1"


def swap_flags(root: Path) -> None:
    (root / ANNO / "att/bike1.txt").write_text("1,0,1,0,0,0,0,0,0,0,0,0\n")


PLANTS = [
    Plant(
        "missing image",
        lambda r: (r / IMAGES / "bird1/000015.jpg").unlink(),
        r"bird1/000015.jpg is missing; frames 14 to 33 are needed",
        "test",
    ),
    Plant(
        "missing image",
        lambda r: shutil.rmtree(r / IMAGES / "car1"),
        r"data_seq/UAV123/car1 is missing; it belongs to sequence car1_1",
        "test",
    ),
    Plant(
        "truncated image",
        lambda r: truncate(r / IMAGES / "bird1/000015.jpg"),
        r"000015.jpg is not a readable, complete",
        "test",
        by_read=False,
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / ANNO / "bird1_2.txt", "1,1,5,5"),
        r"bird1_2.txt has 21 rows; sequence bird1_2 has 20, images 14 to 33",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / ANNO / "bike1.txt", 3, "1,2,x,4"),
        r"bike1.txt row 3: '1,2,x,4' is not 4 numbers x,y,w,h",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / ANNO / "att/bike1.txt", 1, "1,1,0"),
        r"att/bike1.txt row 1: '1,1,0' is not 12 numbers 0 or 1 for SV ARC LR",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / ANNO / "att/bike1.txt", 1, "2,1" + ",0" * 10),
        r"att/bike1.txt has 1 rows; one row of 12 flags 0 or 1 is needed",
        "test",
    ),
    Plant("wrong count", swap_flags, r"att/bike1.txt says SV LR; sequence bike1 has SV ARC", "test"),
    Plant(
        "negative box",
        lambda r: replace_row(r / ANNO / "bike1.txt", 3, "1,2,3,-4"),
        r"bike1.txt row 3: '1,2,3,-4' has width 3 and height -4",
        "test",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / ANNO / "bike1.txt", 3, "0,0,0,0"),
        r"bike1.txt row 3: '0,0,0,0' has width 0 and height 0; both must be above 0",
        "test",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / ANNO / "bike1.txt", 3, "NaN,2,3,4"),
        r"bike1.txt row 3: 'nan,2,3,4' is not four finite numbers x,y,w,h or four NaN where the target is absent",
        "test",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / ANNO / "bird1_2.txt", 1, "NaN,NaN,NaN,NaN"),
        r"bird1_2.txt row 1: 'nan,nan,nan,nan' is not four finite numbers",
        "test",
        by_read=False,
    ),
    Plant(
        "wrong count",
        lambda r: replace_row(r / ANNO / "bike1.txt", 3, "NaN,NaN,NaN,NaN"),
        r"bike1.txt has 1 rows of NaN; sequence bike1 has 0",
        "test",
    ),
    Plant(
        "box outside",
        lambda r: replace_row(r / ANNO / "bird1_2.txt", 1, "162,1,5,5"),
        r"000014.jpg frame 1: '161,0,5,5' is the box of bird1_2.* outside the image of 160 x 120",
        "test",
        by_read=False,
    ),
    Plant(
        "wrong count",
        miscount("uav123", "rows = 60", "rows = 61"),
        r"UAV123 has 60 rows in split test; 61 are expected",
        "test",
        by_read=False,
    ),
    Plant(
        "wrong count",
        lambda r: shutil.copy(r / ANNO / "bike1.txt", r / ANNO / "bike9.txt"),
        r"bike9.txt is not one of the 5 annotation files",
        "test",
    ),
    Plant(
        "wrong count",
        lambda r: shutil.copytree(r / IMAGES / "car1", r / IMAGES / "car99"),
        r"car99 is not one of the 3 folders of this data set",
        "test",
    ),
    Plant("wrong split name", lambda r: None, r"uav123 has no split 'uav20l'; choose from test", "uav20l"),
    Plant(
        "duplicate sequence",
        lambda r: shutil.copy(r / ANNO / "bike1.txt", r / ANNO / "Bike1.txt"),
        r"bike1.txt is the same sequence as Bike1.txt; each sequence once",
        "test",
    ),
    Plant(
        "unreadable encoding",
        lambda r: garble(r / ANNO / "bike1.txt"),
        r"bike1.txt cannot be read as UTF-8 text",
        "test",
    ),
    Plant(
        "escape by dots",
        lambda r: replace_text(r / mini_file("uav123"), f'"{IMAGES}/bike1"', '"data_seq/../../bike1"'),
        r"mini.uav123.toml sequence 2: 'data_seq/../../bike1' leads out",
        "test",
    ),
    Plant("escape by link", lambda r: link_out(r, f"{IMAGES}/bird1"), r"bird1 leads out of", "test"),
    Plant("escape by link", lambda r: link_out(r, IMAGES), r"data_seq/UAV123 leads out of", "test"),
    Plant("escape by link", lambda r: link_out(r, ANNO), r"anno/UAV123 leads out of", "test"),
    Plant("escape by link", lambda r: link_out(r, f"{ANNO}/bike1.txt"), r"bike1.txt leads out of", "test"),
    Plant(
        "escape by link",
        lambda r: link_out(r, f"{IMAGES}/bird1/000002.jpg"),
        r"000002.jpg leads out of",
        "test",
    ),
]


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_fault_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("uav123", miniature("uav123"), plant)


def test_every_kind_is_planted() -> None:
    assert_every_kind(PLANTS)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not hold UAV123: nothing is found at anno/UAV123/\*\.txt"):
        read(tmp_path)


def test_the_got10k_package_reads_the_same(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    """It wants more than three things in the root, and carries the ranges of the real sequences."""
    uav = pytest.importorskip("got10k.datasets.uav123")
    root = miniature("uav123")
    (root / "configSeqs.m").write_text("")
    referee, table = uav.UAV123(str(root)), read(root)
    entries = {track: table.sequence(track) for track in table.names}
    assert set(referee.seq_names) == set(entries)
    for name, sequence in entries.items():
        numbers = [int(path.stem) for path in sequence.frames.paths]
        referee.seq_metas["UAV123"][name].update(start_frame=numbers[0], end_frame=numbers[-1])
        files, boxes = referee[name]
        np.testing.assert_array_equal(sequence.boxes_xywh, boxes - [1, 1, 0, 0])
        assert [str(path) for path in sequence.frames.paths] == files
