"""The check: counts, image files, boxes and hashes."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dlatrack.datasets.check import check
from dlatrack.datasets.faults import FaultLog
from dlatrack.datasets.image_check import check_images, look_at
from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.datasets.index.columns import TextColumn
from dlatrack.datasets.index.tracks import ImageList, TrackTable
from dlatrack.datasets.manifests import names
from dlatrack.errors import InputError

Miniature = Callable[[str], Path]


@pytest.fixture
def table(tmp_path: Path) -> TrackTable:
    """Two tracks in one video of three images, 40 x 30 px, and one in another."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in (1, 2, 3):
            cv2.imwrite(str(tmp_path / name / f"{number}.jpg"), np.full((30, 40, 3), 9 * number, np.uint8))
    builder = TrackTableBuilder(tmp_path)
    box = np.array([[5.0, 5, 10, 10]] * 3)
    for name, video in (("first", "a"), ("second", "a"), ("third", "b")):
        builder.add(name, f"{video}/%d.jpg", np.arange(1, 4), box)
    return builder.build()


def found(table: TrackTable, **options) -> tuple[str, list[str]]:
    log = FaultLog()
    digest = check_images(table, log, **{"deep": False, "one_size": True, **options})
    return digest, [str(fault).replace(f"{table.root}/", "") for fault in log.faults]


def moved(table: TrackTable, row: int, box: list[float]) -> TrackTable:
    boxes_xywh = table.boxes_xywh.copy()
    boxes_xywh[row] = box
    return replace(table, boxes_xywh=boxes_xywh)


def test_sound_images_have_no_fault(table: TrackTable) -> None:
    assert found(table)[1] == found(table, deep=True)[1] == []


def test_missing_and_empty_images_are_found_without_opening(table: TrackTable) -> None:
    (table.root / "a" / "2.jpg").unlink()
    (table.root / "b" / "3.jpg").write_bytes(b"")
    (table.root / "b" / "2.jpg").unlink()
    (table.root / "b" / "2.jpg").mkdir()
    assert found(table)[1] == [
        "a/2.jpg is missing; an image is needed",
        "b/3.jpg is empty; a JPEG or PNG image is needed",
    ]
    assert "b/2.jpg cannot be read (Is a directory)" in found(table, deep=True)[1]


def test_a_missing_image_is_named_once(table: TrackTable) -> None:
    (table.root / "a" / "2.jpg").unlink()
    log = FaultLog(paths={str(table.root / "a" / "2.jpg")})
    check_images(table, log, deep=False, one_size=True)
    assert log.count == 0


def test_the_first_image_of_a_video_is_opened_and_deep_opens_all(table: TrackTable) -> None:
    for name in ("a/1.jpg", "b/2.jpg"):
        file = table.root / name
        file.write_bytes(file.read_bytes()[:-9])
    what = "is not a readable, complete JPEG or PNG image"
    assert found(table)[1] == [f"a/1.jpg {what}"]
    assert found(table, deep=True)[1] == [f"a/1.jpg {what}", f"b/2.jpg {what}"]


@pytest.mark.parametrize(
    ("box", "outside"),
    [
        ([40, 5, 9, 9], True),
        ([39.5, 5, 9, 9], False),
        ([5, 30, 9, 9], True),
        ([-9, 5, 9, 9], True),
        ([-8.5, 5, 9, 9], False),
        ([5, -9, 9, 9], True),
        ([99, 99, 0, 0], False),
        ([np.nan] * 4, False),
    ],
)
def test_boxes_that_do_not_overlap_their_image(table: TrackTable, box: list[float], outside: bool) -> None:
    spoiled = replace(moved(table, 4, box), visible=table.visible & np.isfinite(moved(table, 4, box).has_box))
    text = (
        f"a/2.jpg frame 2: '{','.join(f'{v:g}' for v in box)}' is the box of second, 0-based, and lies outside the "
        f"image of 40 x 30 px; it must overlap it"
    )
    assert found(spoiled)[1] == ([text] if outside else [])


def test_where_sizes_vary_only_opened_images_are_compared(table: TrackTable) -> None:
    cv2.imwrite(str(table.root / "a" / "2.jpg"), np.zeros((60, 80, 3), np.uint8))
    inside, outside = moved(table, 4, [50, 40, 9, 9]), moved(table, 4, [80, 40, 9, 9])
    assert found(inside, one_size=False)[1] == found(outside, one_size=False)[1] == []
    assert found(inside, one_size=False, deep=True)[1] == []
    assert "of 80 x 60 px" in found(outside, one_size=False, deep=True)[1][0]


def test_an_image_of_another_size_than_its_video_is_named(table: TrackTable) -> None:
    cv2.imwrite(str(table.root / "a" / "2.jpg"), np.zeros((30, 41, 3), np.uint8))
    what = "a/2.jpg is 41 x 30 px, the first image of its video 40 x 30"
    assert found(table, deep=True)[1] == [what]
    assert found(table, one_size=False, deep=True)[1] == []


def test_an_image_of_another_size_than_listed_is_named(table: TrackTable) -> None:
    """The second video's second image is listed as it would lie on its side, its third not at all."""
    builder = ImageList(
        table.root,
        TextColumn.of(["b/%d.jpg"]),
        np.array([0, 3]),
        np.array([1, 2, 3]),
        np.array([[40, 30], [30, 40], [0, 0]]),
    )
    listed = replace(table, on_disk=builder)
    what = "b/2.jpg is 40 x 30 px, listed as 30 x 40; its boxes are for the listed size"
    assert found(listed, deep=True)[1] == [what]
    assert found(listed)[1] == []


@pytest.mark.parametrize("orientation", [2, 3, 6])
def test_an_orientation_tag_is_named_or_counted(table: TrackTable, orientation: int) -> None:
    file = table.root / "b" / "2.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.open(file).save(file, exif=exif)
    (fault,) = found(table, deep=True)[1]
    assert fault.startswith(
        f"b/2.jpg has an orientation tag, {orientation}, by which viewers turn it away from its "
    )
    notes: list[str] = []
    assert found(table, deep=True, notes=notes)[1] == []
    assert notes == ["1 images have an orientation tag; they are read as stored, as their boxes are"]
    assert table.sequence("third").frames[1].shape == (30, 40, 3)


def test_sixteen_bits_are_named(table: TrackTable) -> None:
    data = cv2.imencode(".png", np.zeros((30, 40), np.uint16))[1].tobytes()
    (table.root / "a" / "1.jpg").write_bytes(data)
    (fault,) = found(table)[1]
    assert fault.startswith("a/1.jpg has 16 bits per channel; stretch")


@pytest.mark.parametrize("name", ["coco", "imagenet_det", "imagenet_vid"])
def test_sizes_are_compared_where_the_annotation_lists_them(
    miniature: Callable[[str], Path], name: str
) -> None:
    """The first image of the first video, so that it is decoded without `deep`."""
    root = miniature(name)
    file = min(
        path for path in root.rglob("*.*") if path.suffix in (".jpg", ".JPEG") and "train" in str(path)
    )
    with Image.open(file) as image:
        width, height = image.size
        smaller = image.resize((width - 12, height - 13))
    smaller.save(file)
    (fault,) = check(name, root).faults
    assert str(fault).startswith(
        f"{file} is {width - 12} x {height - 13} px, listed as {width} x {height}; its boxes are"
    )


@pytest.mark.parametrize("name", ["coco", "imagenet_det"])
def test_tags_are_noted_in_photographs_of_imagenet_alone(miniature: Callable[[str], Path], name: str) -> None:
    root = miniature(name)
    file = min(
        path for path in root.rglob("*.*") if path.suffix in (".jpg", ".JPEG") and "train" in str(path)
    )
    exif = Image.Exif()
    exif[0x0112] = 8
    with Image.open(file) as image:
        image.save(file, exif=exif)
    report = check(name, root)
    noted = any("1 images have an orientation tag" in note for note in report.notes)
    assert (report.fault_count, noted) == ((1, False) if name == "coco" else (0, True))


@pytest.mark.parametrize("name", sorted(names()))
def test_notes_of_systems_are_no_data(miniature: Callable[[str], Path], name: str) -> None:
    """Each file has a companion as Macs write them on disks of others, and each folder a hidden one."""
    before = check(name, miniature(name), deep=True)
    assert before.ok
    for path in sorted(miniature(name).rglob("*")):
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
        if path.is_dir():
            (path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
            shutil.copytree(path, path.with_name(f".{path.name}.copy"), symlinks=True)
    after = check(name, miniature(name), deep=True)
    assert after.faults == ()
    assert after.found_sha256 == before.found_sha256


def test_the_hash_follows_sizes_and_with_deep_bytes(table: TrackTable) -> None:
    file = table.root / "b" / "2.jpg"
    before = {deep: found(table, deep=deep)[0] for deep in (False, True)}
    assert before[False] != before[True]
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    os.utime(file, (0, 0))
    assert found(table)[0] == before[False]
    assert found(table, deep=True)[0] != before[True]
    file.write_bytes(data + b"\0")
    assert found(table)[0] != before[False]


def test_the_number_of_threads_changes_nothing(table: TrackTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlatrack.datasets.image_check._CHUNK", 1)
    (table.root / "a" / "2.jpg").unlink()
    before = set(threading.enumerate())  # other tests and libraries of this process may keep threads
    answers = [found(table, deep=True, workers=workers) for workers in (1, 2, 5)]
    assert answers[0] == answers[1] == answers[2]
    assert set(threading.enumerate()) <= before


def test_an_unreadable_image(table: TrackTable, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    assert look_at(table.path(0), opened=True, deep=False).problem == "cannot be read (Permission denied)"


def test_a_report_of_a_miniature(miniature: Miniature) -> None:
    report = check("got10k", miniature("got10k"))
    assert (report.ok, report.miniature, report.deep) == (True, True, False)
    assert report.counts["train"].frames == report.expected["train"]["frames"] == 60
    assert report.as_dict()["counts"]["val"]["tracks"] == 1
    assert report.as_dict()["ok"] is True
    assert report.notes == ()


def test_the_hash_is_that_of_the_data_wherever_it_lies(miniature: Miniature, tmp_path: Path) -> None:
    root = miniature("otb100")
    copy = shutil.copytree(root, tmp_path / "copy" / "OTB2015")
    first, second = check("otb100", root), check("otb100", copy.parent)
    assert first.found_sha256 == second.found_sha256
    assert first.manifest_sha256 == second.manifest_sha256
    assert first.found_sha256 != check("otb100", root, deep=True).found_sha256
    annotation = copy / "Basketball" / "groundtruth_rect.txt"
    annotation.write_text(annotation.read_text().replace(",", " ", 3))
    assert check("otb100", copy).found_sha256 == first.found_sha256
    lines = annotation.read_text().splitlines()
    annotation.write_text("\n".join(["9,9,9,9", *lines[1:]]))
    assert check("otb100", copy).found_sha256 != first.found_sha256


def test_an_absent_split_is_a_note_and_a_chosen_one_is_checked_alone(
    tmp_path: Path, miniature: Miniature
) -> None:
    root = miniature("got10k")
    (root / "mini.got10k.toml").unlink()
    shutil.rmtree(root / "test")
    report = check("got10k", root)
    assert "split test was not checked" in report.notes
    assert [str(fault) for fault in report.faults if " videos " in str(fault)] == [
        f"{root.resolve()} has 5 videos in split train; 9,335 are expected",
        f"{root.resolve()} has 1 videos in split val; 180 are expected",
    ]
    assert set(check("got10k", root, splits=["val"]).counts) == {"val"}
    with pytest.raises(InputError, match="no split 'trian'"):
        check("got10k", root, splits=["trian"])


def test_a_declared_split_that_is_gone_is_a_fault(miniature: Miniature) -> None:
    root = miniature("got10k")
    shutil.rmtree(root / "val")
    assert any("val is missing; a folder is needed" in str(fault) for fault in check("got10k", root).faults)


def test_a_number_that_is_not_verified_makes_a_note(miniature: Miniature) -> None:
    root = miniature("imagenet_vid")
    (root / "mini.imagenet_vid.toml").unlink()
    report = check("imagenet_vid", root)
    assert report.ok
    assert (
        "has 2 videos in split train; 3,862 are expected, by a number that is widely printed but not verified"
        in (report.notes)
    )


def test_reading_goes_on_after_a_fault(miniature: Miniature) -> None:
    root = miniature("otb100")
    (root / "Biker" / "groundtruth_rect.txt").write_text("x\n")
    (root / "Tiger1" / "groundtruth_rect.txt").unlink()
    report = check("otb100", root)
    texts = [str(fault).replace(f"{root.resolve()}/", "") for fault in report.faults]
    assert texts[:2] == [
        "Biker/groundtruth_rect.txt row 1: 'x' is not 4 numbers x,y,w,h; 'x' is not a finite number",
        "Tiger1/groundtruth_rect.txt is missing; a text file is needed",
    ]
    assert report.counts["test"].tracks == 7
    assert report.fault_count == len(report.faults) == 5  # three counts differ, too


def test_a_place_without_any_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not hold"):
        check("imagenet_vid", tmp_path)
