"""Photographs with instance masks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.instance_masks import masked_objects
from dlatrack.errors import InputError


def _write(folder: Path, name: str = "a", size: tuple[int, int] = (60, 80)) -> np.ndarray:
    """A photograph with a 20 x 30 px object of value 1 and one of 8 x 8 px of value 2."""
    mask = np.zeros((60, 80), np.uint8)
    mask[10:30, 5:35] = 1
    mask[40:48, 50:58] = 2
    cv2.imwrite(str(folder / f"{name}.png"), mask)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    cv2.imwrite(str(folder / f"{name}.jpg"), image)
    return mask


def test_boxes_are_tight_and_small_objects_are_left_out(tmp_path: Path) -> None:
    _write(tmp_path)
    (found,) = masked_objects(tmp_path)
    assert found.name == "a-1"
    assert found.box_xywh.tolist() == [5, 10, 30, 20]
    sequence = found.sequence()
    assert len(sequence) == 1
    assert sequence.frames[0].shape == (60, 80, 3)
    assert sequence.boxes_xywh.tolist() == [[5, 10, 30, 20]]


def test_the_cut_out_is_the_object_without_its_border(tmp_path: Path) -> None:
    _write(tmp_path)
    (found,) = masked_objects(tmp_path)
    cut = found.cut_out()
    assert cut is not None
    assert cut.rgba.shape == (18, 28, 4), "one pixel less on every side"
    assert cut.rgba[9, 14, 3] == 255


def test_a_photograph_of_another_size_and_a_folder_without_masks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no mask"):
        list(masked_objects(tmp_path))
    _write(tmp_path, size=(30, 40))
    with pytest.raises(InputError, match=r"a\.png is 80 x 60 px, but a\.jpg 40 x 30"):
        list(masked_objects(tmp_path))
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(InputError, match=r"a\.jpg"):
        list(masked_objects(tmp_path))
