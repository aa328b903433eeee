"""Crops cut on the fly from the images of a data set."""

from __future__ import annotations

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from dlatrack.datasets.index.builder import TrackTableBuilder
from dlatrack.errors import InputError
from dlatrack.sampling.crops import crop_511
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.store import CropStore


def test_a_crop_is_the_crop_of_its_image(table):
    crops = OriginalCrops.of(table)
    path = crops.table.path(7)
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    assert np.array_equal(crops.image(7), crop_511(image, crops.table.boxes_xywh[7]))


def test_tracks_and_sizes_are_those_of_a_store(table):
    crops = OriginalCrops.of(table)
    store = CropStore.build(crops.table.sequences())
    assert crops.tracks.tolist() == store.tracks.tolist()
    assert crops.videos.tolist() == store.videos.tolist() == [0, 1, 2, 3]
    assert np.allclose(crops.target_wh, store.target_wh, rtol=1e-6)
    assert len(crops) == len(store)


def test_unusable_rows_are_left_out(table):
    visible = table.visible.copy()
    visible[2] = False
    boxes = table.boxes_xywh.copy()
    boxes[3, 2] = 0
    crops = OriginalCrops.of(replace(table, visible=visible, boxes_xywh=boxes))
    assert len(crops) == len(OriginalCrops.of(table)) - 2
    with pytest.raises(InputError, match=r"no target in .* is visible and has a box with an area"):
        OriginalCrops.of(replace(table, visible=np.zeros(len(table), bool)))


def test_tracks_of_a_video_come_together(tmp_path):
    builder = TrackTableBuilder(tmp_path)
    box = np.array([[1.0, 2, 3, 4]])
    for name, template in (("a", "one.jpg"), ("b", "two.jpg"), ("c", "one.jpg")):
        builder.add(name, template, np.array([0]), box)
    crops = OriginalCrops.of(builder.build())
    assert list(crops.table.names) == ["a", "c", "b"]
    assert crops.videos.tolist() == [0, 2, 3]


def test_bad_images_are_named(table, tmp_path):
    shutil.copytree(table.root, tmp_path / "copy")
    crops = OriginalCrops.of(replace(table, root=tmp_path / "copy"))
    first, second = crops.table.path(0), crops.table.path(1)
    first.unlink()
    second.write_bytes(second.read_bytes()[:500])
    with pytest.raises(InputError, match=rf"cannot read {first}: No such file"):
        crops.image(0)
    with pytest.raises(InputError, match=rf"{second} is not a readable, complete JPEG"):
        crops.image(1)


def test_the_digest_follows_boxes_and_images_and_not_the_folder(table, tmp_path):
    digest = OriginalCrops.of(table).digest()
    copy = replace(table, root=shutil.copytree(table.root, tmp_path / "copy"))
    assert OriginalCrops.of(copy).digest() == digest
    assert OriginalCrops.of(replace(table, boxes_xywh=table.boxes_xywh + 1)).digest() != digest
    path = OriginalCrops.of(copy).table.path(7)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1  # the size stays
    path.write_bytes(data)
    assert OriginalCrops.of(copy).digest() != digest
