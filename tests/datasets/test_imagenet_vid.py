"""ImageNet VID: hand-made frames, each trap of the layout, planted faults, the got10k package as referee."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from planted import (
    Plant,
    assert_every_kind,
    assert_named,
    garble,
    link_out,
    miscount,
    replace_text,
    truncate,
)

from dlatrack.datasets.imagenet_vid import read
from dlatrack.datasets.manifests import mini_file

Miniature = Callable[[str], Path]

SNIPPET = "VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"
XML, IMAGE = f"Annotations/{SNIPPET}/%06d.xml", f"Data/{SNIPPET}/%06d.JPEG"


def an_object(track: int, corners: tuple[float, ...], synset: str = "n02084071", flags: str = "00") -> str:
    """Corners x1, y1, x2, y2, written in the official order."""
    x1, y1, x2, y2 = corners
    return (
        f"<object><trackid>{track}</trackid><name>{synset}</name><bndbox><xmax>{x2}</xmax><xmin>{x1}</xmin>"
        f"<ymax>{y2}</ymax><ymin>{y1}</ymin></bndbox><occluded>{flags[0]}</occluded>"
        f"<generated>{flags[1]}</generated></object>"
    )


def hand_made(root: Path, frames: list[str]) -> Path:
    """One validation video, with the objects of each frame as XML."""
    below = "VID/val/ILSVRC2015_val_00000003"
    for kind in ("Annotations", "Data"):
        (root / kind / below).mkdir(parents=True)
    for number, objects in enumerate(frames):
        size = "<size><width>40</width><height>30</height></size>"
        text = f"<annotation>{size}{objects}</annotation>"
        (root / "Annotations" / below / f"{number:06d}.xml").write_text(text)
        image = np.full((30, 40, 3), 10 * number, np.uint8)
        encoded = cv2.imencode(".jpg", image)[1]
        (root / "Data" / below / f"{number:06d}.JPEG").write_bytes(encoded.tobytes())
    (root / mini_file("imagenet_vid")).write_text(
        'miniature_of = "imagenet_vid"\nseed = 0\n[splits.val]\nvideos = 1\n'
    )
    return root


def test_boxes_flags_and_numbers_of_hand_made_frames(tmp_path: Path) -> None:
    box = (2, 3, 12, 23)
    frames = [
        an_object(4, box) + an_object(0, (0, 0, 39, 29), "n02958343"),
        "",
        an_object(4, box, flags="10"),
        an_object(4, (3, 3, 12.5, 23), flags="01"),
    ]
    table = read(hand_made(tmp_path, frames), "val")
    assert list(table.names) == ["ILSVRC2015_val_00000003.0", "ILSVRC2015_val_00000003.4"]
    assert list(table.classes) == ["car", "dog"]
    assert table.numbers.tolist() == [0, 0, 2, 3]
    np.testing.assert_array_equal(
        table.boxes_xywh, [[0, 0, 39, 29], [2, 3, 10, 20], [2, 3, 10, 20], [3, 3, 9.5, 20]]
    )
    assert table.extras["occluded"].tolist() == [0, 0, 1, 0]
    assert table.extras["generated"].tolist() == [0, 0, 0, 1]
    assert table.path(0).name == "000000.JPEG"
    assert table.counts().frames == 4


def test_corners_are_read_by_tag(tmp_path: Path) -> None:
    """DET writes xmin first, VID xmax: the order says nothing."""
    text = an_object(0, (2, 3, 12, 23))
    swapped = text.replace("<xmax>12</xmax><xmin>2</xmin>", "<xmin>2</xmin><xmax>12</xmax>")
    table = read(hand_made(tmp_path, [text, swapped]), "val")
    np.testing.assert_array_equal(table.boxes_xywh[0], table.boxes_xywh[1])


def test_more_than_sixty_tracks_are_read(tmp_path: Path) -> None:
    table = read(hand_made(tmp_path, ["".join(an_object(n, (2, 3, 12, 23)) for n in range(61))]), "val")
    assert table.track_count == 61


def test_an_interrupted_track_keeps_all_its_frames(miniature: Miniature) -> None:
    table = read(miniature("imagenet_vid"))
    assert list(table.names) == [
        "ILSVRC2015_train_00000000.0",
        "ILSVRC2015_train_00000000.1",
        "ILSVRC2015_train_00001000.0",
    ]
    assert table.numbers[:8].tolist() == [0, 1, 2, 6, 7, 8, 9, 3]
    assert np.diff(table.starts).tolist() == [7, 1, 10]


def test_frames_without_an_object_count_as_frames_and_are_looked_at(miniature: Miniature) -> None:
    table = read(miniature("imagenet_vid"))
    assert (table.counts().videos, table.counts().frames, len(table)) == (2, 20, 18)
    shown = {str(table.path(row)) for row in range(len(table))}
    images = table.images()[0]
    bare = [images.path(index).name for index in range(len(images)) if str(images.path(index)) not in shown]
    assert bare == ["000004.JPEG", "000005.JPEG"]


def test_the_root_may_have_another_name(miniature: Miniature) -> None:
    root = miniature("imagenet_vid")
    other = root.rename(root.with_name("ILSVRC"))
    assert read(other.parent, "val").track_count == 1


def spoil(number: int, old: str, new: str) -> Callable[[Path], None]:
    return lambda root: replace_text(root / (XML % number), old, new)


def box_becomes(number: int, x1: int, x2: int) -> Callable[[Path], None]:
    """Change the left and right corner of the first object of a frame."""

    def change(root: Path) -> None:
        file = root / (XML % number)
        text = file.read_text()
        before, _, rest = text.partition("<xmax>")
        rest = rest.partition("</xmin>")[2]
        file.write_text(f"{before}<xmax>{x2}</xmax>\n\t\t\t<xmin>{x1}</xmin>{rest}")

    return change


def copy_to_other_part(root: Path) -> None:
    for kind in ("Annotations", "Data"):
        shutil.copytree(
            root / kind / SNIPPET, root / kind / SNIPPET.replace("VID_train_0000", "VID_train_0002")
        )


def rename_split(root: Path) -> None:
    (root / "Annotations/VID/val").rename(root / "Annotations/VID/valid")


PLANTS = [
    Plant(
        "missing image",
        lambda r: (r / (IMAGE % 3)).unlink(),
        r"000003.JPEG is missing; frames 0 to 9",
        "train",
    ),
    Plant(
        "missing image", lambda r: (r / (XML % 3)).unlink(), r"000003.xml is missing; frames 0 to 9", "train"
    ),
    Plant(
        "missing image",
        lambda r: shutil.rmtree(r / "Data" / SNIPPET),
        r"Data/VID/train/.*_00000000 is missing; a folder",
        "train",
    ),
    Plant(
        "truncated image",
        lambda r: truncate(r / (IMAGE % 4)),
        r"000004.JPEG is not a readable, complete",
        "train",
        by_read=False,
    ),
    Plant(
        "truncated image",
        lambda r: (r / (IMAGE % 4)).write_bytes(b""),
        r"000004.JPEG is empty",
        "train",
        by_read=False,
    ),
    Plant("truncated image", lambda r: truncate(r / (XML % 2)), r"000002.xml is not complete XML", "train"),
    Plant(
        "extra row",
        lambda r: shutil.copy(r / (XML % 9), r / (XML % 10)),
        r"000010.JPEG is missing; frames 0 to 10",
        "train",
    ),
    Plant(
        "text in a number",
        spoil(2, "<trackid>0<", "<trackid>zero<"),
        r"000002.xml object 1: 'zero' is not a number trackid",
        "train",
    ),
    Plant(
        "text in a number",
        spoil(2, "<width>224<", "<width>wide<"),
        r"000002.xml: 'wide' is not a number width",
        "train",
    ),
    Plant("text in a number", spoil(2, "<ymax>", "<ymux>"), r"000002.xml is not complete XML", "train"),
    Plant(
        "text in a number",
        spoil(2, "<occluded>1<", "<occluded>2<"),
        r"000002.xml object 1: '0,2,0' are not a trackid from 0 and two flags 0 or 1",
        "train",
    ),
    Plant(
        "text in a number",
        spoil(2, "n02084071", "n99999999"),
        r"000002.xml object 1: 'n99999999' is not one of the 30 classes",
        "train",
    ),
    Plant(
        "text in a number",
        spoil(2, "<annotation>", '<!DOCTYPE a [<!ENTITY b "c">]><annotation>'),
        r"000002.xml declares a document type or entities",
        "train",
    ),
    Plant(
        "negative box",
        box_becomes(2, 30, 20),
        r"000002.xml object 1: '30,.*has width -10 and height",
        "train",
    ),
    Plant("zero box", box_becomes(2, 30, 30), r"000002.xml object 1: '30,.*has width 0 and height", "train"),
    Plant(
        "box outside",
        box_becomes(2, 224, 230),
        r"000002.xml object 1: '224,.*lies outside the image of 224 x 120 px",
        "train",
    ),
    Plant(
        "wrong count",
        miscount("imagenet_vid", "videos = 2", "videos = 3"),
        r"ILSVRC2015 has 2 videos in split train; 3 are expected",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong split name",
        lambda r: None,
        r"imagenet_vid has no split 'test'; choose from train, val",
        "test",
    ),
    Plant("wrong count", rename_split, r"VID/valid is not a split of ImageNet VID", "train"),
    Plant("duplicate sequence", copy_to_other_part, r"train_00000000 is the same video as .*_0000/", "train"),
    Plant(
        "duplicate sequence",
        lambda r: replace_text(r / (XML % 3), "<object>", an_object(1, (1, 2, 9, 9)) + "<object>"),
        r"000003.xml object 2: 'n02958343' has trackid 1 twice",
        "train",
    ),
    Plant(
        "unreadable encoding",
        lambda r: garble(r / (XML % 2)),
        r"000002.xml cannot be read as UTF-8 text",
        "train",
    ),
    Plant("escape by link", lambda r: link_out(r, XML % 2), r"000002.xml leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, IMAGE % 2), r"000002.JPEG leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, f"Data/{SNIPPET}"), r"_00000000 leads out of", "train"),
]


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_fault_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("imagenet_vid", miniature("imagenet_vid"), plant)


def test_every_kind_is_planted() -> None:
    assert_every_kind(PLANTS, without=["escape by dots"])  # no file names another one


def test_the_got10k_package_reads_the_same(miniature: Miniature, tmp_path: Path) -> None:
    """It adds 1 to width and height, and passes over tracks of a single frame."""
    vid = pytest.importorskip("got10k.datasets.vid")
    root = miniature("imagenet_vid")
    referee, table = vid.ImageNetVID(str(root), subset="train", cache_dir=str(tmp_path / "cache")), read(root)
    assert referee.seq_names == [name for name in table.names if name != "ILSVRC2015_train_00000000.1"]
    for name in referee.seq_names:
        files, boxes = referee[name]
        sequence = table.sequence(name)
        assert [str(path) for path in sequence.frames.paths] == files
        np.testing.assert_array_equal(sequence.boxes_xywh, boxes - [0, 0, 1, 1])
