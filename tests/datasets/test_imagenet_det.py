"""ImageNet DET: hand-made images, each trap of the layout, planted faults."""

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

from dlatrack.datasets.check import check
from dlatrack.datasets.imagenet_det import read
from dlatrack.datasets.manifests import manifest, mini_file
from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError

Miniature = Callable[[str], Path]

OLD = "train/ILSVRC2013_train/n02084071/n02084071_100"
NEW = "train/ILSVRC2014_train_0000/ILSVRC2014_train_00000001"


def xml(below: str) -> str:
    return f"Annotations/DET/{below}.xml"


def jpeg(below: str) -> str:
    return f"Data/DET/{below}.JPEG"


def an_object(corners: tuple[float, ...], synset: str = "n02084071") -> str:
    """Corners x1, y1, x2, y2, written in the official order."""
    x1, y1, x2, y2 = corners
    return (
        f"<object><name>{synset}</name><bndbox><xmin>{x1}</xmin><xmax>{x2}</xmax><ymin>{y1}</ymin>"
        f"<ymax>{y2}</ymax></bndbox></object>"
    )


def hand_made(root: Path, objects: dict[str, str]) -> Path:
    """Validation images of 40 x 30 px by name, with their objects as XML."""
    for kind in ("Annotations", "Data"):
        (root / kind / "DET" / "val").mkdir(parents=True)
    encoded = cv2.imencode(".jpg", np.full((30, 40, 3), 50, np.uint8))[1].tobytes()
    for name, text in objects.items():
        size = "<size><width>40</width><height>30</height></size>"
        (root / xml(f"val/{name}")).write_text(f"<annotation>{size}{text}</annotation>")
        (root / jpeg(f"val/{name}")).write_bytes(encoded)
    (root / mini_file("imagenet_det")).write_text(
        f'miniature_of = "imagenet_det"\nseed = 0\n[splits.val]\nvideos = {len(objects)}\n'
    )
    return root


def test_boxes_names_and_classes_of_hand_made_images(tmp_path: Path) -> None:
    """Sizes are the differences of the corners: 10 and 20, not 11 and 21."""
    objects = {
        "ILSVRC2012_val_00000004": an_object((2, 3, 12, 23)) + an_object((0, 0, 39, 29), "n02958343"),
        "ILSVRC2012_val_00000002": "",
        "ILSVRC2013_val_00000001": an_object((1.5, 2, 4, 8), "n99999999"),
    }
    table = read(hand_made(tmp_path, objects), "val")
    assert list(table.names) == [
        "ILSVRC2012_val_00000004.1",
        "ILSVRC2012_val_00000004.2",
        "ILSVRC2013_val_00000001.1",
    ]
    assert list(table.classes) == ["dog", "car", "n99999999"]
    np.testing.assert_array_equal(table.boxes_xywh, [[2, 3, 10, 20], [0, 0, 39, 29], [1.5, 2, 2.5, 6]])
    assert table.boxes_xywh.dtype == np.float32
    assert table.path(1) == tmp_path.resolve() / jpeg("val/ILSVRC2012_val_00000004")
    counts = table.counts()
    assert (counts.videos, counts.frames, counts.tracks, table.notes) == (3, 3, 3, ())


def test_the_classes_include_those_of_the_videos() -> None:
    classes = manifest("imagenet_det").classes
    assert len(classes) == len(set(classes.values())) == manifest("imagenet_det").class_count
    assert classes.items() >= manifest("imagenet_vid").classes.items()


def test_images_of_2014_lie_in_no_synset_folder(miniature: Miniature) -> None:
    """A search for DET/train/*/*/*.xml finds those of 2013 alone."""
    root = miniature("imagenet_det")
    table = read(root)
    assert list(table.names) == [
        "n02084071_100.1",
        "n02084071_100.2",
        "ILSVRC2014_train_00000001.1",
        "ILSVRC2014_train_00060001.1",
    ]
    assert len([*root.glob("Annotations/DET/train/*/*/*.xml")]) == 1


def test_images_without_an_object_or_without_xml_count_and_are_looked_at(miniature: Miniature) -> None:
    root = miniature("imagenet_det")
    table = read(root)
    shown = {table.path(row) for row in range(len(table))}
    images = table.images()[0]
    bare = {images.path(index) for index in range(len(images))} - shown
    assert {path.stem for path in bare} == {
        "ILSVRC2013_train_00000001",
        "ILSVRC2014_train_00000002",
        "ILSVRC2014_train_00060002",
    }
    note = "split train: 2 images have no annotation file and are taken to show no object"
    assert note in check("imagenet_det", root).notes
    truncate(root / jpeg("train/ILSVRC2013_train_extra0/ILSVRC2013_train_00000001"))
    (fault,) = check("imagenet_det", root).faults
    assert "ILSVRC2013_train_00000001.JPEG is not a readable, complete" in str(fault)


def test_folders_extra_may_be_absent(miniature: Miniature) -> None:
    root = miniature("imagenet_det")
    shutil.rmtree(root / "Data/DET/train/ILSVRC2013_train_extra0")
    assert read(root).counts().frames == 5


def test_the_links_of_pysot_are_passed_over(miniature: Miniature) -> None:
    """With them each image would come twice, and those of val would be among train."""
    root = miniature("imagenet_det")
    before = read(root)
    for kind in ("Annotations", "Data"):
        train = root / kind / "DET" / "train"
        for link, target in (
            ("a", "ILSVRC2013_train"),
            ("b", "ILSVRC2014_train_0000"),
            ("h", "ILSVRC2014_train_0006"),
            ("i", "../val"),
        ):
            (train / link).symlink_to(target)
    after = read(root)
    assert list(after.names) == list(before.names)
    assert after.counts() == before.counts()


@pytest.mark.parametrize("name", ["ILSVRC", "ILSVRC2015"])
def test_the_root_may_have_either_name(miniature: Miniature, name: str) -> None:
    root = miniature("imagenet_det")
    other = root.rename(root.with_name("elsewhere"))
    (root.parent / "above").mkdir()
    other = other.rename(root.parent / "above" / name)
    assert read(other.parent, "val").track_count == 1


def test_det_and_vid_share_a_root(tmp_path: Path) -> None:
    videos = write_mini("imagenet_vid", tmp_path)
    stills = write_mini("imagenet_det", tmp_path / "other")
    shutil.copytree(stills, videos, dirs_exist_ok=True)
    for name in ("imagenet_vid", "imagenet_det"):
        assert [str(fault) for fault in check(name, videos, deep=True).faults] == []


def spoil(old: str, new: str, below: str = OLD) -> Callable[[Path], None]:
    return lambda root: replace_text(root / xml(below), old, new)


def box_becomes(x1: int, x2: int) -> Callable[[Path], None]:
    """Change the left and right corner of the first object of the first image."""

    def change(root: Path) -> None:
        file = root / xml(OLD)
        text = file.read_text()
        before, _, rest = text.partition("<xmin>")
        rest = rest.partition("</xmax>")[2]
        file.write_text(f"{before}<xmin>{x1}</xmin>\n\t\t\t<xmax>{x2}</xmax>{rest}")

    return change


def copy_to_other_part(root: Path) -> None:
    for place in (xml, jpeg):
        shutil.copy(root / place(NEW), root / place(NEW.replace("train_0000/", "train_0006/")))


def rename_part(root: Path) -> None:
    for kind in ("Annotations", "Data"):
        (root / kind / "DET/train/ILSVRC2014_train_0006").rename(root / kind / "DET/train/more")


def rename_synset(root: Path) -> None:
    for kind in ("Annotations", "Data"):
        part = root / kind / "DET/train/ILSVRC2013_train"
        (part / "n02084071").rename(part / "dog")


PLANTS = [
    Plant(
        "missing image",
        lambda r: (r / jpeg(NEW)).unlink(),
        r"ILSVRC2014_train_00000001.JPEG is missing; .*00000001.xml describes it",
        "train",
    ),
    Plant(
        "missing image",
        lambda r: shutil.rmtree(r / "Data/DET/train/ILSVRC2014_train_0006"),
        r"Data/DET/train/ILSVRC2014_train_0006 is missing; a folder",
        "train",
    ),
    Plant(
        "missing image",
        lambda r: shutil.rmtree(r / "Annotations/DET/train/ILSVRC2014_train_0006"),
        r"Annotations/DET/train/ILSVRC2014_train_0006 is missing; a folder",
        "train",
    ),
    Plant(
        "truncated image",
        lambda r: truncate(r / jpeg(NEW)),
        r"ILSVRC2014_train_00000001.JPEG is not a readable, complete",
        "train",
        by_read=False,
    ),
    Plant("truncated image", lambda r: truncate(r / xml(OLD)), r"100.xml is not complete XML", "train"),
    Plant(
        "extra row",
        lambda r: shutil.copy(r / xml(NEW), r / xml(f"{NEW[:-1]}9")),
        r"ILSVRC2014_train_00000009.JPEG is missing; .*00000009.xml describes it",
        "train",
    ),
    Plant(
        "extra row",
        lambda r: shutil.copy(r / jpeg(NEW), r / jpeg(NEW).replace("ILSVRC2014_train_00000001", "n1")),
        r"n1.JPEG does not belong here; names like ILSVRC2014_train_",
        "train",
    ),
    Plant(
        "text in a number",
        spoil("<xmin>", "<xmin>x"),
        r"n02084071_100.xml object 1: 'x\d+' is not a number xmin",
        "train",
    ),
    Plant(
        "text in a number",
        spoil("<xmin>", "<xmin>1_0"),
        r"n02084071_100.xml object 1: '1_0\d+' is not a number xmin",
        "train",
    ),
    Plant(
        "text in a number",
        spoil("<width>224<", "<width>wide<"),
        r"n02084071_100.xml: 'wide' is not a number width",
        "train",
    ),
    Plant(
        "text in a number",
        spoil("<name>n00007846<", "<name>person<"),
        r"n02084071_100.xml object 2: 'person' is not a synset like n02084071",
        "train",
    ),
    Plant("negative box", box_becomes(30, 20), r"100.xml object 1: '30,.*has width -10 and height", "train"),
    Plant("zero box", box_becomes(30, 30), r"100.xml object 1: '30,.*has width 0 and height", "train"),
    Plant(
        "box outside",
        box_becomes(224, 230),
        r"n02084071_100.xml object 1: '224,.*lies outside the image of 224 x 120 px",
        "train",
    ),
    Plant(
        "wrong count",
        miscount("imagenet_det", "frames = 6", "frames = 7"),
        r"ILSVRC has 6 frames in split train; 7 are expected",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong count",
        lambda r: (r / xml(NEW)).unlink(),
        r"ILSVRC has 3 tracks in split train; 4 are expected",
        "train",
        by_read=False,
    ),
    Plant("wrong split name", lambda r: None, r"imagenet_det has no split 'test'; choose from train", "test"),
    Plant("wrong count", rename_part, r"DET/train/more does not belong here; names like ILSVRC2013", "train"),
    Plant("wrong count", rename_synset, r"ILSVRC2013_train/dog does not belong here; names like n", "train"),
    Plant(
        "duplicate sequence",
        copy_to_other_part,
        r"0006/ILSVRC2014_train_00000001.JPEG is the same image as .*train_0000/",
        "train",
    ),
    Plant("unreadable encoding", lambda r: garble(r / xml(OLD)), r"100.xml cannot be read as UTF-8", "train"),
    Plant("escape by link", lambda r: link_out(r, xml(OLD)), r"100.xml leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, jpeg(OLD)), r"100.JPEG leads out of", "train"),
    Plant(
        "escape by link",
        lambda r: link_out(r, "Data/DET/train/ILSVRC2014_train_0006"),
        r"ILSVRC2014_train_0006 leads out of",
        "train",
    ),
    Plant(
        "escape by link",
        lambda r: link_out(r, "Data/DET/train/ILSVRC2013_train"),
        r"ILSVRC2013_train leads out of",
        "train",
    ),
]


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_fault_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("imagenet_det", miniature("imagenet_det"), plant)


def test_a_folder_that_is_no_split_is_named(miniature: Miniature) -> None:
    root = miniature("imagenet_det")
    (root / "Annotations/DET/trainval").mkdir()
    with pytest.raises(InputError, match="DET/trainval is not a split of ImageNet DET; its folders are"):
        read(root)


def test_every_kind_is_planted() -> None:
    assert_every_kind(PLANTS, without=["escape by dots"])  # no file names another one
