"""COCO: hand-made images, each trap of the layout, planted faults, pycocotools as referee, and speed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from dlatrack.datasets.coco import read
from dlatrack.datasets.manifests import manifest, mini_file
from dlatrack.errors import InputError

Miniature = Callable[[str], Path]

FILE = "annotations/instances_train2017.json"
NINE = "train2017/000000000009.jpg"


def annotation(number: int, image: int, box: Any, category: int = 90, crowd: int = 0) -> dict:
    return {
        "segmentation": [[1, 1, 2, 1, 2, 2]],
        "area": 1.0,
        "iscrowd": crowd,
        "image_id": image,
        "bbox": box,
        "category_id": category,
        "id": number,
    }


def hand_made(root: Path, annotations: list, *, images: int = 2, saved: bool = True) -> Path:
    """Validation images 1, 2, ... of 40 x 30 px, categories 7 (ant) and 90 (bee)."""
    (root / "val2017").mkdir(parents=True)
    (root / "annotations").mkdir()
    listed = [
        {"file_name": f"{n:012d}.jpg", "height": 30, "width": 40, "id": n} for n in range(1, images + 1)
    ]
    for entry in listed:
        file = root / "val2017" / str(entry["file_name"])
        if saved:
            cv2.imwrite(str(file), np.full((30, 40, 3), 50, np.uint8))
        else:
            file.touch()
    categories = [{"id": 90, "name": "bee"}, {"id": 7, "name": "ant"}]
    content = {"images": listed[::-1], "annotations": annotations, "categories": categories}
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(content))
    (root / mini_file("coco")).write_text(
        f'miniature_of = "coco"\nseed = 0\n[splits.val]\nvideos = {images}\n'
    )
    return root


def test_boxes_names_and_classes_of_hand_made_annotations(tmp_path: Path) -> None:
    rows = [
        annotation(30, 2, [0.25, 1.5, 10, 20.75]),
        annotation(20, 1, [39.5, 29, 5, 5], 7),
        annotation(10, 2, [-3, -4, 3.5, 8]),
    ]
    table = read(hand_made(tmp_path, rows, images=3), "val")
    assert list(table.names) == ["000000000001.20", "000000000002.10", "000000000002.30"]
    assert list(table.classes) == ["ant", "bee", "bee"]
    np.testing.assert_array_equal(
        table.boxes_xywh, [[39.5, 29, 5, 5], [-3, -4, 3.5, 8], [0.25, 1.5, 10, 20.75]]
    )
    assert table.boxes_xywh.dtype == np.float32
    assert table.path(2) == tmp_path.resolve() / "val2017/000000000002.jpg"
    counts = table.counts()
    assert (counts.videos, counts.frames, counts.tracks) == (3, 3, 3)
    assert len(table.sequence("000000000001.20")) == 1


def test_names_of_images_need_not_follow_their_ids(tmp_path: Path) -> None:
    root = hand_made(tmp_path, [annotation(5, 1, [1, 2, 3, 4]), annotation(4, 2, [5, 6, 7, 8])])
    file = root / "annotations/instances_val2017.json"
    replace_text(file, '"000000000001.jpg"', '"last.jpg"')
    (root / "val2017/000000000001.jpg").rename(root / "val2017/last.jpg")
    table = read(root, "val")
    assert list(table.names) == ["000000000002.4", "last.5"]
    assert [table.path(row).name for row in range(2)] == ["000000000002.jpg", "last.jpg"]
    np.testing.assert_array_equal(table.boxes_xywh, [[5, 6, 7, 8], [1, 2, 3, 4]])


def test_category_ids_are_no_positions(miniature: Miniature) -> None:
    table = read(miniature("coco"))
    assert list(table.classes) == ["dog", "person", "toothbrush", "hot dog", "hot dog"]


def test_crowds_are_left_out_unless_asked_for(miniature: Miniature) -> None:
    root = miniature("coco")
    plain, crowds = read(root), read(root, crowds=True)
    assert set(crowds.names) - set(plain.names) == {"000000000025.900100000025"}
    row = crowds.names.find("000000000025.900100000025")
    np.testing.assert_array_equal(crowds.boxes_xywh[row], [60, 30, 20, 50])
    note = "1 annotations of crowds are left out, as they are no single objects"
    assert (plain.notes, crowds.notes) == ((note,), ())
    assert f"split train: {note}" in check("coco", root).notes


def test_an_image_without_annotation_counts_and_is_looked_at(miniature: Miniature) -> None:
    table = read(miniature("coco"))
    images = table.images()[0]
    names = {images.path(index).name for index in range(len(images))}
    assert names == {f"{number:012d}.jpg" for number in (9, 25, 34, 200365)}
    assert 34 not in {int(table.path(row).stem) for row in range(len(table))}


def test_the_two_known_boxes_without_height_are_kept_and_unfit_for_training(miniature: Miniature) -> None:
    assert manifest("coco").lists["without_area"] == {"918", "2206849"}
    table = read(miniature("coco"))
    row = table.names.find("000000200365.918")
    assert table.boxes_xywh[row, 3] == 0
    assert np.flatnonzero(~table.usable).tolist() == [row]


def test_boxes_may_leave_the_image_and_touch_its_border(tmp_path: Path) -> None:
    assert read(hand_made(tmp_path, [annotation(1, 1, [-5, -5, 50, 40])]), "val").usable.all()


def test_images_are_also_found_in_a_folder_images(miniature: Miniature) -> None:
    root = miniature("coco")
    before = read(root)
    (root / "images").mkdir()
    (root / "train2017").rename(root / "images" / "train2017")
    after = read(root.parent)
    np.testing.assert_array_equal(after.boxes_xywh, before.boxes_xywh)
    assert after.path(0) == root.resolve() / "images" / NINE


def test_no_annotation_at_all_is_an_empty_table(tmp_path: Path) -> None:
    table = read(hand_made(tmp_path, []), "val")
    assert (table.track_count, table.counts().frames) == (0, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[]",
            r"instances_val2017.json is not an annotation file; the lists images, annotations, categories",
        ),
        ('{"images": []}', r"the lists images, annotations, categories are needed"),
        ('{"images": [', r"instances_val2017.json is not complete JSON"),
        ("[" * 100_000, r"instances_val2017.json is not complete JSON"),
    ],
)
def test_what_is_no_annotation_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (hand_made(tmp_path, []) / "annotations/instances_val2017.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path, "val")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (annotation(1, 1, [1, 2, "3", 4]), r"annotation 1: \"\[1, 2, '3', 4\]\" is not four numbers bbox"),
        (annotation(1, 1, [1, 2, 3]), r"annotation 1: '\[1, 2, 3\]' is not four numbers bbox x,y,w,h"),
        (annotation(1, 1, None), r"annotation 1: 'None' is not four numbers bbox"),
        ({"id": 1}, r"annotation 1: 'None' is not a whole number image_id"),
        ("row", r"annotation 1: 'row' is not a whole number id"),
        (annotation(1, 1, [1, 2, 10**400, 4]), r"annotation 1: .* is not four numbers bbox"),
        (annotation(1, 1, [1, 2, float("nan"), 4]), r"annotation 1: '1,2,nan,4' is not four finite numbers"),
        (
            annotation(1, 1, [1, 2, 3, 4], crowd=2),
            r"annotation 1: '1,1,90,2' are not whole numbers id, image",
        ),
        (annotation(1, 1, [1, 2, 3, 4], 8), r"annotation 1: '8' is not one of the 2 categories"),
        (annotation(1, 8, [1, 2, 3, 4]), r"annotation 1: '8' is not the id of an image in the list"),
    ],
)
def test_an_annotation_with_a_fault_is_named_and_left_out(tmp_path: Path, row: Any, message: str) -> None:
    root = hand_made(tmp_path, [row, annotation(2, 2, [1, 2, 3, 4])])
    with pytest.raises(InputError, match=f"instances_val2017.json {message}"):
        read(root, "val")
    faults: list = []
    assert list(read(root, "val", report=faults.append).names) == ["000000000002.2"]
    assert len(faults) == 1


def change(edit: Callable[[dict], object]) -> Callable[[Path], None]:
    """Spoil the training annotations."""

    def spoil(root: Path) -> None:
        content = json.loads((root / FILE).read_text())
        edit(content)
        (root / FILE).write_text(json.dumps(content))

    return spoil


def box_becomes(*box: object) -> Callable[[Path], None]:
    """Change the box of the third annotation, of image 25."""
    return change(lambda content: content["annotations"][2].update(bbox=list(box)))


def name_becomes(name: str) -> Callable[[Path], None]:
    """Change the name of the second image."""
    return change(lambda content: content["images"][1].update(file_name=name))


PLANTS = [
    Plant("missing image", lambda r: (r / NINE).unlink(), r"09.jpg is missing; instances_train2017", "train"),
    Plant(
        "missing image",
        lambda r: shutil.rmtree(r / "train2017"),
        r"train2017 is missing; a folder is needed",
        "train",
    ),
    Plant(
        "truncated image",
        lambda r: truncate(r / NINE),
        r"000000000009.jpg is not a readable, complete",
        "train",
        by_read=False,
    ),
    Plant("truncated image", lambda r: truncate(r / FILE), r"train2017.json is not complete JSON", "train"),
    Plant(
        "extra row",
        lambda r: shutil.copy(r / NINE, r / "train2017/000000000010.jpg"),
        r"000000000010.jpg is one too many; instances_train2017.json does not list it",
        "train",
    ),
    Plant(
        "extra row",
        change(lambda c: c["annotations"].append({**c["annotations"][0], "id": 77, "image_id": 10})),
        r"instances_train2017.json annotation 7: '10' is not the id of an image in the list",
        "train",
    ),
    Plant(
        "text in a number",
        box_becomes(1, "2", 3, 4),
        r"instances_train2017.json annotation 3: \"\[1, '2', 3, 4\]\" is not four numbers bbox",
        "train",
    ),
    Plant(
        "text in a number",
        change(lambda c: c["images"][1].update(width="wide")),
        r"instances_train2017.json image 2: '9,wide,120' are not whole numbers id, width, height",
        "train",
    ),
    Plant(
        "text in a number",
        change(lambda c: c["categories"][1].update(id="18")),
        r"instances_train2017.json category 2: '18,dog' are not a new whole number id and a name",
        "train",
    ),
    Plant(
        "negative box",
        box_becomes(1, 2, -3, 4),
        r"train2017.json annotation 3: '1,2,-3,4' is x,y,w,h; width and height must be above 0",
        "train",
    ),
    Plant(
        "zero box",
        box_becomes(1, 2, 3, 0),
        r"train2017.json annotation 3: '1,2,3,0' is x,y,w,h; width and height must be above 0",
        "train",
    ),
    Plant(
        "box outside",
        box_becomes(112, 2, 3, 4),
        r"train2017.json annotation 3: '112,2,3,4' lies outside its image",
        "train",
    ),
    Plant(
        "box outside",
        box_becomes(-3, 2, 3, 4),
        r"train2017.json annotation 3: '-3,2,3,4' lies outside its image",
        "train",
    ),
    Plant(
        "wrong count",
        miscount("coco", "tracks = 5", "tracks = 6"),
        r"coco has 5 tracks in split train; 6 are expected",
        "train",
        by_read=False,
    ),
    Plant(
        "wrong split name",
        lambda r: None,
        r"coco has no split 'train2017'; choose from train, val",
        "train2017",
    ),
    Plant(
        "duplicate sequence",
        change(lambda c: c["annotations"].append(c["annotations"][1])),
        r"train2017.json annotation 7: '1' is the id of an annotation before; each id once",
        "train",
    ),
    Plant(
        "duplicate sequence",
        change(lambda c: c["images"].append(c["images"][1])),
        r"train2017.json image 5: '9,000000000009.jpg' has the id or name of image 2",
        "train",
    ),
    Plant(
        "duplicate sequence",
        change(lambda c: c["images"].append({**c["images"][1], "id": 10})),
        r"train2017.json image 5: '10,000000000009.jpg' has the id or name of image 2",
        "train",
    ),
    Plant(
        "unreadable encoding", lambda r: garble(r / FILE), r"train2017.json cannot be read as UTF", "train"
    ),
    Plant(
        "escape by dots",
        name_becomes("../val2017/000000000139.jpg"),
        r"train2017.json image 2: '../val2017/000000000139.jpg' is not the name of a file in train2017",
        "train",
    ),
    Plant("escape by link", lambda r: link_out(r, NINE), r"000000000009.jpg leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, "train2017"), r"train2017 leads out of", "train"),
    Plant("escape by link", lambda r: link_out(r, FILE), r"train2017.json leads out of", "train"),
]


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_fault_is_named(miniature: Miniature, plant: Plant) -> None:
    assert_named("coco", miniature("coco"), plant)


def test_every_kind_is_planted() -> None:
    assert_every_kind(PLANTS)


def test_a_missing_image_is_one_fault_and_not_one_per_annotation(miniature: Miniature) -> None:
    root = miniature("coco")
    (root / NINE).unlink()
    faults: list = []
    assert read(root, report=faults.append).track_count == 3
    assert len(faults) == 1


@pytest.mark.parametrize("split", ["train", "val"])
def test_pycocotools_reads_the_same(
    miniature: Miniature, split: str, capsys: pytest.CaptureFixture[str]
) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    mask = pytest.importorskip("pycocotools.mask")
    root = miniature("coco")
    referee = coco.COCO(str(root / f"annotations/instances_{split}2017.json"))
    for crowds in (False, True):
        table = read(root, split, crowds=crowds)
        numbers = [int(name.rpartition(".")[2]) for name in table.names]
        assert sorted(numbers) == sorted(referee.getAnnIds(iscrowd=None if crowds else False))
        for row, entry in enumerate(referee.loadAnns(numbers)):
            np.testing.assert_allclose(table.boxes_xywh[row], entry["bbox"], rtol=1e-6)
            assert table.classes[row] == referee.loadCats(entry["category_id"])[0]["name"]
            assert table.path(row).name == referee.loadImgs(entry["image_id"])[0]["file_name"]
            if entry["iscrowd"]:
                drawn = mask.toBbox(mask.encode(np.asfortranarray(referee.annToMask(entry))))
                np.testing.assert_array_equal(table.boxes_xywh[row], drawn)
    assert len(table.images()[0]) == len(referee.getImgIds())


def test_many_annotations_are_read_in_little_time(tmp_path: Path) -> None:
    """The 860,001 of COCO must take less than a minute on any machine; a twentieth of that here."""
    rows = [annotation(n, n % 2000 + 1, [1.5, 2.5, 10, 12]) for n in range(43_000)]
    root = hand_made(tmp_path, rows, images=2000, saved=False)
    start = time.process_time()
    table = read(root, "val")
    assert time.process_time() - start < 3
    assert table.counts().tracks == 43_000
    assert table.counts().videos == 2000


def test_a_replaced_text_of_the_declaration_is_noticed(miniature: Miniature) -> None:
    root = miniature("coco")
    replace_text(root / mini_file("coco"), "frames = 4", "frames = 5")
    assert [str(fault) for fault in check("coco", root).faults] == [
        f"{root.resolve()} has 4 frames in split train; 5 are expected"
    ]
