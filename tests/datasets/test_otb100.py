"""OTB100: a hand-made folder, each trap of the official layout, planted faults, the got10k package as referee."""

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
from dlatrack.datasets.otb100 import read
from dlatrack.datasets.registry import read as read_by_name
from dlatrack.errors import InputError

Miniature = Callable[[str], Path]


def hand_made(root: Path) -> Path:
    """One sequence of images 3 to 5, with one row to skip."""
    (root / "Car" / "img").mkdir(parents=True)
    for number in range(2, 7):
        image = np.full((30, 40, 3), 10 * number, np.uint8)
        cv2.imwrite(str(root / "Car" / "img" / f"{number:04d}.jpg"), image)
    (root / "Car" / "groundtruth_rect.txt").write_text("9,9,9,9\n1,2,10,20\n3\t4 5  6\n-4, 0,8,9\n")
    (root / mini_file("otb100")).write_text(
        'miniature_of = "otb100"\nseed = 0\n[splits.test]\ntracks = 1\n[[sequences]]\nname = "Car-1"\n'
        'folder = "Car"\nannotation = "groundtruth_rect.txt"\nimages = "img/%04d.jpg"\nfirst = 3\nlast = 5\n'
        'skip_rows = 1\nattributes = "IV SV"\nimages_on_disk = "2-6"\n'
    )
    return root


def test_rows_and_images_of_a_hand_made_sequence(tmp_path: Path) -> None:
    table = read(hand_made(tmp_path), "test")
    assert list(table.names) == ["Car-1"]
    np.testing.assert_array_equal(table.boxes_xywh, [[0, 1, 10, 20], [2, 3, 5, 6], [-5, -1, 8, 9]])
    assert [table.path(row).name for row in range(3)] == ["0003.jpg", "0004.jpg", "0005.jpg"]
    sequence = table.sequence("Car-1")
    assert (sequence.attributes, sequence.fps, len(sequence)) == (("IV", "SV"), 30, 3)
    assert sequence.frames[0].mean() == pytest.approx(30, abs=1)
    assert sequence.visible.all()


def test_the_manifest_lists_the_100(shared_data: Path) -> None:
    facts = json.loads((shared_data / "otb100_sequences.json").read_text())["sequences"]
    entries = {entry.name: entry for entry in manifest("otb100").sequences}
    assert entries.keys() == facts.keys()
    for name, fact in facts.items():
        entry = entries[name]
        assert (entry.folder, entry.annotation, entry.first, entry.last, entry.frames) == (
            fact["folder"],
            fact["anno"],
            fact["first_image"],
            fact["last_image"],
            fact["frames"],
        )
        assert entry.images == f"img/%0{fact['digits']}d.jpg"
        assert list(entry.attributes) == [attribute for attribute in fact["attributes"] if attribute]
        assert set(entry.subsets) == {key for key in ("otb2013", "tb50") if fact[key]}


def test_counts_and_attributes_of_the_manifest_add_up() -> None:
    known = manifest("otb100")
    for split in known.splits.values():
        frames = [entry.frames for entry in known.sequences if known.holds(split.name, entry.name)]
        assert split.counts == {"tracks": len(frames), "rows": sum(frames), "boxes": sum(frames)}
    carried = [attribute for entry in known.sequences for attribute in entry.attributes]
    assert {name: carried.count(name) for name in known.attributes} == known.attribute_counts
    assert {e.name: e.extra["empty_rows"] for e in known.sequences if e.extra["empty_rows"]} == {
        "Board": "698",
        "Twinnings": "472",
    }


def test_names_and_parts(miniature: Miniature) -> None:
    root = miniature("otb100")
    names = "Basketball Biker BlurCar1 Board David Human4-2 Jogging-1 Jogging-2 Tiger1"
    assert " ".join(read(root).names) == names
    assert " ".join(read(root, "tb50").names) == "Basketball Biker David Human4-2"
    assert (
        " ".join(read_by_name("otb100", root.parent, "otb2013").names)
        == "Basketball David Jogging-1 Jogging-2 Tiger1"
    )


def test_ranges_that_are_not_all_images_from_1(miniature: Miniature) -> None:
    table = read(miniature("otb100"))
    ends = {}
    for name in ("BlurCar1", "Board", "David", "Tiger1"):
        sequence = table.sequence(name)
        ends[name] = [sequence.frames.paths[k].name for k in (0, len(sequence) - 1)]
    assert ends == {
        "BlurCar1": ["0247.jpg", "0258.jpg"],
        "Board": ["00001.jpg", "00012.jpg"],
        "David": ["0300.jpg", "0307.jpg"],
        "Tiger1": ["0006.jpg", "0012.jpg"],
    }


def test_tiger1_skips_its_first_five_rows(miniature: Miniature) -> None:
    root = miniature("otb100")
    rows = np.loadtxt(root / "Tiger1" / "groundtruth_rect.txt")
    assert len(rows) == 12
    np.testing.assert_array_equal(read(root).sequence("Tiger1").boxes_xywh, rows[5:] - [1, 1, 0, 0])


def test_commas_tabs_and_a_blank_separate_numbers(miniature: Miniature) -> None:
    root = miniature("otb100")
    assert "," in (root / "Basketball" / "groundtruth_rect.txt").read_text()
    lines = (root / "BlurCar1" / "groundtruth_rect.txt").read_text().splitlines()
    assert "\t" in lines[0]
    assert "\t" not in lines[7]
    row = [float(field) for field in lines[7].split()]
    np.testing.assert_array_equal(read(root).sequence("BlurCar1").boxes_xywh[7] + [1, 1, 0, 0], row)


def test_the_empty_box_of_board_is_kept_and_boxes_may_begin_above_the_image(miniature: Miniature) -> None:
    table = read(miniature("otb100"))
    np.testing.assert_array_equal(table.sequence("Board").boxes_xywh[-1], [-1, -1, 0, 0])
    assert table.sequence("Biker").boxes_xywh[0, 1] < -1
    assert table.usable.sum() == len(table) - 1


def test_two_targets_share_their_images(miniature: Miniature) -> None:
    table = read(miniature("otb100"))
    first, second = (table.sequence(f"Jogging-{number}") for number in (1, 2))
    assert [*first.frames.paths] == [*second.frames.paths]
    assert (first.boxes_xywh[:, 0] + 40 < second.boxes_xywh[:, 0]).all()
    assert table.counts().frames == len(table) - len(first)


def test_copies_of_shared_folders_are_read(miniature: Miniature) -> None:
    """The form that pysot wants: one copy of the folder per target."""
    root = miniature("otb100")
    before = read(root)
    for number in (1, 2):
        shutil.copytree(root / "Jogging", root / f"Jogging-{number}")
    (root / "Jogging-2" / "groundtruth_rect.2.txt").rename(root / "Jogging-2" / "groundtruth_rect.txt")
    np.testing.assert_array_equal(read(root).boxes_xywh, before.boxes_xywh)
    shutil.rmtree(root / "Jogging")
    table = read(root)
    np.testing.assert_array_equal(table.boxes_xywh, before.boxes_xywh)
    assert "Jogging-2/img" in str(table.sequence("Jogging-2").frames.paths[0])


def test_links_within_the_root_and_other_case_are_read(miniature: Miniature) -> None:
    root = miniature("otb100")
    (root / "Jogging").rename(root / "Jogging-1")
    (root / "Jogging-2").symlink_to("Jogging-1")
    (root / "Basketball").rename(root / "basketball")
    assert read(root).track_count == 9


PLANTS = [
    Plant(
        "missing image",
        lambda r: (r / "Board/img/00005.jpg").unlink(),
        r"00005.jpg is missing; frames 1 to 12",
        "test",
    ),
    Plant("missing image", lambda r: shutil.rmtree(r / "Biker"), r"Biker is missing; it holds", "test"),
    Plant(
        "truncated image",
        lambda r: truncate(r / "Board/img/00005.jpg"),
        r"00005.jpg is not a readable, complete",
        "test",
        by_read=False,
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / "Board/groundtruth_rect.txt", "1,1,5,5"),
        r"Board/groundtruth_rect.txt has 13 rows; sequence Board has 12",
        "test",
    ),
    Plant(
        "extra row",
        lambda r: shutil.copy(r / "David/img/0300.jpg", r / "David/img/0308.jpg"),
        r"0308.jpg is one too many; there are frames 296 to 307 only",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / "Tiger1/groundtruth_rect.txt", 7, "1\tx\t5\t5"),
        r"Tiger1/groundtruth_rect.txt row 7: '1\\tx\\t5\\t5' is not 4 numbers x,y,w,h",
        "test",
    ),
    Plant(
        "negative box",
        lambda r: replace_row(r / "Tiger1/groundtruth_rect.txt", 7, "1,1,-5,5"),
        r"Tiger1/groundtruth_rect.txt row 7: '1,1,-5,5' has width -5 and height 5; both must be above 0",
        "test",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / "Board/groundtruth_rect.txt", 11, "0,0,0,0"),
        r"Board/groundtruth_rect.txt row 11: '0,0,0,0' has width 0",
        "test",
    ),
    Plant(
        "box outside",
        lambda r: replace_row(r / "Board/groundtruth_rect.txt", 11, "162,1,5,5"),
        r"00011.jpg frame 11: '161,0,5,5' is the box of Board.* outside the image of 160 x 120",
        "test",
        by_read=False,
    ),
    Plant(
        "wrong count",
        miscount("otb100", "rows = 99", "rows = 100"),
        r"OTB100 has 99 rows in split test; 100 are expected",
        "test",
        by_read=False,
    ),
    Plant(
        "wrong count",
        lambda r: shutil.copytree(r / "Board", r / "Newcomer"),
        r"Newcomer is not one of the 9 sequences",
        "test",
    ),
    Plant("wrong split name", lambda r: None, r"no split 'train'; choose from test, otb2013, tb50", "train"),
    Plant(
        "duplicate sequence",
        lambda r: shutil.copytree(r / "Board", r / "board"),
        r"board is the same sequence as Board",
        "test",
    ),
    Plant(
        "unreadable encoding",
        lambda r: garble(r / "Biker/groundtruth_rect.txt"),
        r"Biker/groundtruth_rect.txt cannot be read as UTF-8 text",
        "test",
    ),
    Plant(
        "escape by dots",
        lambda r: replace_text(r / mini_file("otb100"), 'folder = "Board"', 'folder = "../Board"'),
        r"mini.otb100.toml sequence 4: '../Board' leads out",
        "test",
    ),
    Plant("escape by link", lambda r: link_out(r, "Board/img"), r"Board/img leads out of", "test"),
    Plant("escape by link", lambda r: link_out(r, "Board"), r"Board leads out of", "test"),
    Plant("escape by link", lambda r: link_out(r, "Board/img/00002.jpg"), r"00002.jpg leads out of", "test"),
    Plant(
        "escape by link",
        lambda r: link_out(r, "Board/groundtruth_rect.txt"),
        r"groundtruth_rect.txt leads out of",
        "test",
    ),
]


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_fault_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("otb100", miniature("otb100"), plant)


def test_every_kind_is_planted() -> None:
    assert_every_kind(PLANTS)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not hold OTB100 .*nothing is found at \*/groundtruth_rect"):
        read(tmp_path)


def test_the_got10k_package_reads_the_same(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    """It keeps all rows of Tiger1, calls Human4-2 Human4, and needs David's real numbers of images."""
    otb = pytest.importorskip("got10k.datasets.otb")
    root = miniature("otb100")
    referee, table = otb.OTB(str(root), version=2015, download=False), read(root)
    assert len(referee) == table.track_count
    for name in set(referee.seq_names) - {"David"}:
        files, boxes = referee[name]
        ours = {"Human4": "Human4-2"}.get(name, name.replace(".", "-"))
        sequence = table.sequence(ours)
        skip = 5 if name == "Tiger1" else 0
        np.testing.assert_array_equal(sequence.boxes_xywh, boxes[skip:] - [1, 1, 0, 0])
        assert [str(path) for path in sequence.frames.paths] == files[skip:]
