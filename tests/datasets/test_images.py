from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.images import NumberedPaths, decode, fill, is_whole

IMAGE = np.arange(40 * 60 * 3, dtype=np.uint8).reshape(40, 60, 3)


def encoded(suffix: str) -> bytes:
    return cv2.imencode(suffix, IMAGE)[1].tobytes()


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("train2017/%012d.jpg", "train2017/000000000042.jpg"),
        ("TRAIN_0/frames/abc/%d.jpg", "TRAIN_0/frames/abc/42.jpg"),
        ("a/b.JPEG", "a/b.JPEG"),
        ("100%%/%d.jpg", "100%/42.jpg"),
        ("100%%d.jpg", "100%d.jpg"),
    ],
)
def test_a_template_is_filled(template: str, path: str) -> None:
    assert fill(template, 42) == path


def test_paths_are_worked_out_one_at_a_time() -> None:
    paths = NumberedPaths(Path("/data"), "%d.jpg", np.array([5, 7]))
    assert (paths[0], paths[-1], len(paths)) == (Path("/data/5.jpg"), Path("/data/7.jpg"), 2)
    with pytest.raises(IndexError):
        paths[2]


def test_png_is_decoded_exactly_as_rgb() -> None:
    image = decode(encoded(".png"))
    assert image is not None
    np.testing.assert_array_equal(image, IMAGE[..., ::-1])


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_what_is_cut_short_is_refused_wherever_the_cut_is(suffix: str) -> None:
    data = encoded(suffix)
    assert decode(data) is not None
    for end in (
        0,
        1,
        10,
        len(data) // 3,
        len(data) - 20,
        len(data) - 8 if suffix == ".png" else len(data) - 1,
    ):
        assert decode(data[:end]) is None


def test_a_cut_image_is_refused_in_spite_of_a_whole_preview_inside() -> None:
    """A preview in the header ends with the same mark as the image."""
    data = encoded(".jpg")
    preview = b"\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data
    nested = data[:2] + preview + data[2:]
    assert decode(nested) is not None
    assert decode(nested[:-30]) is None
    assert is_whole(nested)
    assert not is_whole(nested[:-30])  # OpenCV 4 would decode it


def test_other_files_are_refused() -> None:
    assert decode(b"<html>404 not found</html>") is None
    assert decode(b"GIF89a" + bytes(50)) is None
