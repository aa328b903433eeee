"""VOT2019: a hand-made sequence, each trap of both layouts, planted faults, the got10k package as referee."""

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
from dlatrack.datasets.vot2019 import around, box_corners, read
from dlatrack.errors import InputError

Miniature = Callable[[str], Path]

TAGS = ("camera_motion", "illum_change", "motion_change", "size_change", "occlusion")


def hand_made(root: Path) -> Path:
    """One sequence of three images: a diamond, a rectangle, a polygon that leaves the image."""
    folder = root / "ball"
    (folder / "color").mkdir(parents=True)
    for number in (1, 2, 3):
        image = np.full((30, 40, 3), 10 * number, np.uint8)
        cv2.imwrite(str(folder / "color" / f"{number:08d}.jpg"), image)
    (folder / "groundtruth.txt").write_text(
        "10,2,14,8,10,14,6,8\n1.5,2,4.5,2,4.5,6,1.5,6\n-3,-2,5,-1,6,9,-2,8\n"
    )
    (folder / "camera_motion.tag").write_text("0\n1\n")
    (folder / "sequence").write_text("name=ball\nfps=24\n\nchannels.color=color/%08d.jpg\n")
    (root / "list.txt").write_text("ball")
    (root / mini_file("vot2019")).write_text(
        'miniature_of = "vot2019"\nseed = 0\n[splits.test]\ntracks = 1\n[[sequences]]\nname = "ball"\n'
        'folder = "ball"\nannotation = "groundtruth.txt"\nimages = "%08d.jpg"\nfirst = 1\nlast = 3\n'
        'attributes = "camera_motion"\nwidth = 40\nheight = 30\nnumbers = 8\n'
    )
    return root


def column(table: object, name: str, tag: str) -> list[int]:
    """A tag's column in the rows of a sequence."""
    index = table.names.find(name)  # type: ignore[attr-defined]
    return table.extras[tag][slice(*table.starts[index : index + 2])].tolist()  # type: ignore[attr-defined]


def test_polygons_boxes_and_tags_of_a_hand_made_sequence(tmp_path: Path) -> None:
    table = read(hand_made(tmp_path))
    np.testing.assert_array_equal(table.boxes_xywh, [[6, 2, 8, 12], [1.5, 2, 3, 4], [-3, -2, 9, 11]])
    assert table.polygons is not None
    np.testing.assert_array_equal(table.polygons[0], [[10, 2], [14, 8], [10, 14], [6, 8]])
    assert table.extras["camera_motion"].tolist() == [0, 1, 0]
    assert table.extras["occlusion"].tolist() == [0, 0, 0]
    sequence = table.sequence("ball")
    assert (sequence.attributes, sequence.fps) == (("camera_motion",), 24)
    np.testing.assert_array_equal(sequence.polygons, table.polygons)
    assert sequence.frames[2].mean() == pytest.approx(30, abs=1)


def test_corners_of_a_box_and_the_box_around_them() -> None:
    polygons = box_corners(np.array([[10.0, 20, 30, 40]]))
    np.testing.assert_array_equal(polygons, [[[10, 20], [40, 20], [40, 60], [10, 60]]])
    np.testing.assert_array_equal(around(polygons), [[10, 20, 30, 40]])


def test_the_manifest_lists_the_60(shared_data: Path) -> None:
    facts = json.loads((shared_data / "vot2019_sequences.json").read_text())["sequences"]
    entries = manifest("vot2019").sequences
    assert [entry.name for entry in entries] == list(facts)
    for entry in entries:
        fact = facts[entry.name]
        assert (entry.folder, entry.first, entry.frames) == (entry.name, 1, fact["frames"])
        sizes = [int(entry.extra[key]) for key in ("width", "height", "numbers")]
        assert sizes == [fact["width"], fact["height"], fact["gt_values_per_row"]]
        assert list(entry.attributes) == [tag for tag in fact["tags"] if fact["tags"][tag]]


def test_counts_and_tags_of_the_manifest_add_up() -> None:
    known = manifest("vot2019")
    rows = sum(entry.frames for entry in known.sequences)
    assert known.split("test").counts == {
        "videos": 60,
        "frames": rows,
        "tracks": 60,
        "rows": rows,
        "boxes": rows,
    }
    assert rows == 19935
    assert tuple(known.attributes) == TAGS
    carried = [tag for entry in known.sequences for tag in entry.attributes]
    assert {tag: carried.count(tag) for tag in TAGS} == known.attribute_counts


def test_conduction1_has_boxes(miniature: Miniature) -> None:
    root = miniature("vot2019")
    table = read(root)
    rows = np.loadtxt(root / "conduction1/groundtruth.txt", delimiter=",")
    sequence = table.sequence("conduction1")
    assert rows.shape == (10, 4)
    np.testing.assert_array_equal(sequence.boxes_xywh, rows)
    assert sequence.polygons is not None
    np.testing.assert_allclose(around(sequence.polygons), rows)
    assert column(table, "conduction1", "rectangle") == [1] * 10
    assert column(table, "agility", "rectangle") == [0] * 10


def test_polygons_are_kept_and_may_leave_the_image(miniature: Miniature) -> None:
    root = miniature("vot2019")
    sequence = read(root).sequence("butterfly")
    rows = np.loadtxt(root / "butterfly/groundtruth.txt", delimiter=",").reshape(-1, 4, 2)
    np.testing.assert_array_equal(sequence.polygons, rows)
    height, width = sequence.frames[0].shape[:2]
    assert (rows < 0).any() or (rows > (width, height)).any()


def test_short_and_missing_tag_files_are_padded(miniature: Miniature) -> None:
    root = miniature("vot2019")
    assert len((root / "hand/motion_change.tag").read_text().split()) == 7
    assert not (root / "hand/illum_change.tag").exists()
    table = read(root)
    assert column(table, "hand", "motion_change") == [1, 0, 1, 1, 0, 1, 0, 0, 0, 0]
    assert column(table, "hand", "size_change") == [1, 0, 1, 1] + [0] * 6
    assert column(table, "hand", "illum_change") == [0] * 10
    assert table.sequence("hand").attributes == ("motion_change", "size_change")
    (root / "hand/occlusion.tag").write_text("")
    assert column(read(root), "hand", "occlusion") == [0] * 10


def test_the_layout_of_older_editions(miniature: Miniature) -> None:
    root = miniature("vot2019")
    assert (root / "basketball/00000001.jpg").is_file()
    assert (root / "basketball/camera_motion.label").is_file()
    table = read(root)
    sequence = table.sequence("basketball")
    assert sequence.frames.paths[9] == root.resolve() / "basketball/00000010.jpg"
    assert column(table, "basketball", "camera_motion") == [1] * 10
    assert sequence.attributes == ("camera_motion", "size_change")


def test_the_file_sequence_may_lack_sizes_and_gives_the_rate(miniature: Miniature) -> None:
    root = miniature("vot2019")
    assert "width" not in (root / "hand/sequence").read_text()
    sequence = read(root).sequence("hand")
    assert sequence.fps == 25
    assert sequence.frames[0].shape == (120, 160, 3)
    (root / "agility/sequence").unlink()
    assert read(root).path(0) == root.resolve() / "agility/color/00000001.jpg"


def test_images_may_lie_in_a_folder_of_another_name(miniature: Miniature) -> None:
    root = miniature("vot2019")
    (root / "agility/color").rename(root / "agility/rgb")
    replace_text(root / "agility/sequence", "=color/", "=rgb/")
    assert read(root).path(0) == root.resolve() / "agility/rgb/00000001.jpg"


def test_the_order_is_that_of_the_list(miniature: Miniature) -> None:
    root = miniature("vot2019")
    names = (root / "list.txt").read_text().split()
    (root / "list.txt").write_text("\n".join(names[::-1]))
    assert list(read(root.parent).names) == names[::-1]


def shorten_list(root: Path) -> None:
    names = (root / "list.txt").read_text().split()
    (root / "list.txt").write_text("\n".join(names[:-1]))


PLANTS = [
    Plant(
        "missing image",
        lambda r: (r / "agility/color/00000004.jpg").unlink(),
        r"00000004.jpg is missing; frames 1 to 10 are needed",
        "test",
    ),
    Plant(
        "missing image", lambda r: shutil.rmtree(r / "hand"), r"hand is missing; a folder is needed", "test"
    ),
    Plant(
        "truncated image",
        lambda r: truncate(r / "agility/color/00000004.jpg"),
        r"00000004.jpg is not a readable, complete",
        "test",
        by_read=False,
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / "agility/groundtruth.txt", "1,1,5,1,5,5,1,5"),
        r"agility/groundtruth.txt has 11 rows; sequence agility has 10",
        "test",
    ),
    Plant(
        "extra row",
        lambda r: append_row(r / "agility/occlusion.tag", "0"),
        r"agility/occlusion.tag has 11 rows; sequence agility has 10",
        "test",
    ),
    Plant(
        "extra row",
        lambda r: shutil.copy(r / "agility/color/00000001.jpg", r / "agility/color/00000011.jpg"),
        r"00000011.jpg is one too many; there are frames 1 to 10 only",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / "agility/groundtruth.txt", 3, "1,1,5,1,x,5,1,5"),
        r"groundtruth.txt row 3: '1,1,5,1,x,5,1,5' is not 8 numbers x1,y1,x2,y2,x3,y3,x4,y4",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / "agility/groundtruth.txt", 3, "1,1,5,5"),
        r"groundtruth.txt row 3: '1,1,5,5' is not 8 numbers",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / "agility/occlusion.tag", 3, "2"),
        r"occlusion.tag row 3: '2' is not 0 or 1",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / "agility/sequence", 2, "fps=３０"),
        r"agility/sequence row 2: '３０' is not a number of frames per second like 30",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / "agility/sequence", 2, "fps=fast"),
        r"agility/sequence row 2: 'fast' is not a number of frames per second like 30",
        "test",
    ),
    Plant(
        "text in a number",
        lambda r: replace_row(r / "agility/sequence", 2, "thirty"),
        r"agility/sequence row 2: 'thirty' is not key=value",
        "test",
    ),
    Plant(
        "negative box",
        lambda r: replace_row(r / "conduction1/groundtruth.txt", 3, "1,2,-3,4"),
        r"conduction1/groundtruth.txt row 3: '1,2,-3,4' has width -3 and height 4",
        "test",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / "agility/groundtruth.txt", 3, "1,1,5,5,9,9,5,5"),
        r"groundtruth.txt row 3: '1,1,5,5,9,9,5,5' has no area; it must be above 0",
        "test",
    ),
    Plant(
        "zero box",
        lambda r: replace_row(r / "agility/groundtruth.txt", 3, ",".join(["NaN"] * 8)),
        r"groundtruth.txt row 3: 'nan,.*nan' is not eight finite numbers",
        "test",
    ),
    Plant(
        "box outside",
        lambda r: replace_row(r / "agility/groundtruth.txt", 3, "170,1,175,1,175,5,170,5"),
        r"00000003.jpg frame 3: '170,1,5,4' is the box of agility.* outside the image of 160 x 120",
        "test",
        by_read=False,
    ),
    Plant(
        "wrong count",
        miscount("vot2019", "rows = 50", "rows = 51"),
        r"VOT2019 has 50 rows in split test; 51 are expected",
        "test",
        by_read=False,
    ),
    Plant("wrong count", shorten_list, r"list.txt does not name sequence hand", "test"),
    Plant(
        "wrong count",
        lambda r: append_row(r / "list.txt", "zebra"),
        r"list.txt: 'zebra' is not one of the 5 sequences of VOT2019",
        "test",
    ),
    Plant(
        "wrong count",
        lambda r: shutil.copytree(r / "hand", r / "hand2"),
        r"hand2 is not one of the 5 sequences of VOT2019",
        "test",
    ),
    Plant(
        "wrong count",
        lambda r: replace_text(r / "agility/sequence", "length=10", "length=12"),
        r"agility/sequence row 7: '12' is not the length of sequence agility, 10",
        "test",
    ),
    Plant(
        "wrong count",
        lambda r: (r / "agility/occlusion.tag").unlink(),
        r"occlusion.tag is missing; frames of agility have this tag",
        "test",
    ),
    Plant("wrong split name", lambda r: None, r"vot2019 has no split 'train'; choose from test", "train"),
    Plant(
        "duplicate sequence",
        lambda r: append_row(r / "list.txt", "agility"),
        r"list.txt row 6: 'agility' comes twice, first in row 1",
        "test",
    ),
    Plant(
        "unreadable encoding",
        lambda r: garble(r / "agility/groundtruth.txt"),
        r"groundtruth.txt cannot be read as UTF-8 text",
        "test",
    ),
    Plant(
        "escape by dots",
        lambda r: replace_row(r / "list.txt", 1, "../agility"),
        r"list.txt row 1: '../agility' is not the name of a folder beside this list",
        "test",
    ),
    Plant(
        "escape by dots",
        lambda r: replace_text(r / "agility/sequence", "color/%08d", "../hand/color/%08d"),
        r"agility/sequence row 4: '../hand/color/%08d.jpg' is not a template of images like color/%08d.jpg",
        "test",
    ),
    Plant("escape by link", lambda r: link_out(r, "agility"), r"agility leads out of", "test"),
    Plant("escape by link", lambda r: link_out(r, "agility/color"), r"agility/color leads out of", "test"),
    Plant("escape by link", lambda r: link_out(r, "agility/sequence"), r"agility/sequence leads out", "test"),
    Plant(
        "escape by link",
        lambda r: link_out(r, "agility/occlusion.tag"),
        r"occlusion.tag leads out of",
        "test",
    ),
    Plant(
        "escape by link",
        lambda r: link_out(r, "agility/color/00000002.jpg"),
        r"00000002.jpg leads out of",
        "test",
    ),
]


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_fault_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("vot2019", miniature("vot2019"), plant)


def test_every_kind_is_planted() -> None:
    assert_every_kind(PLANTS)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not hold VOT2019 .*nothing is found at \*/camera_motion"):
        read(tmp_path)


def test_the_got10k_package_reads_the_same(miniature: Miniature) -> None:
    """It knows the layout of older editions alone, and the length of a sequence by its images."""
    vot = pytest.importorskip("got10k.datasets.vot")
    root = miniature("vot2019")
    for color in sorted(root.glob("*/color")):
        for image in color.iterdir():
            image.rename(color.parent / image.name)
        color.rmdir()
        (color.parent / "sequence").unlink()
    referee = vot.VOT(str(root), version=2019, anno_type="default", download=False, return_meta=True)
    table = read(root)
    assert referee.seq_names == list(table.names)
    for name in referee.seq_names:
        files, regions, tags = referee[name]
        sequence = table.sequence(name)
        assert [str(path) for path in sequence.frames.paths] == files
        assert sequence.polygons is not None
        ours = sequence.boxes_xywh if name == "conduction1" else sequence.polygons.reshape(-1, 8)
        np.testing.assert_array_equal(ours, regions)
        for tag, flags in tags.items():
            assert column(table, name, tag) == flags.tolist()
