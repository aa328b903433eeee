"""Image sizes from JPEG headers: those that OpenCV decodes, and refusals."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.image_size import jpeg_size

DATA = cv2.imencode(".jpg", np.zeros((30, 41, 3), np.uint8))[1].tobytes()


def size_of(tmp_path: Path, data: bytes) -> tuple[int, int] | None:
    (tmp_path / "a.jpg").write_bytes(data)
    return jpeg_size(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    "options", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 1]]
)
@pytest.mark.parametrize("size", [(30, 41, 3), (1, 700, 3), (30, 41)])
def test_width_and_height(tmp_path: Path, options: list[int], size: tuple[int, ...]) -> None:
    data = cv2.imencode(".jpg", np.zeros(size, np.uint8), options)[1].tobytes()
    assert size_of(tmp_path, data) == (size[1], size[0])


def test_a_preview_in_the_header_and_fill_bytes_are_passed_over(tmp_path: Path) -> None:
    inner = cv2.imencode(".jpg", np.zeros((5, 6, 3), np.uint8))[1].tobytes()
    preview = b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner
    assert size_of(tmp_path, DATA[:2] + preview + b"\xff\xff" + DATA[2:]) == (41, 30)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        DATA[:30],
        b"\x89PNG\r\n\x1a\n",
        b"<html>404</html>",
        b"\xff\xd8\xff\xe0\0\0" + DATA[2:],
    ],
)
def test_what_says_no_size(tmp_path: Path, data: bytes) -> None:
    assert size_of(tmp_path, data) is None


def test_a_header_cut_anywhere_says_no_size(tmp_path: Path) -> None:
    end = DATA.index(b"\xff\xc0") + 9
    assert size_of(tmp_path, DATA[:end]) == (41, 30)
    assert {size_of(tmp_path, DATA[:cut]) for cut in range(end)} == {None}


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        jpeg_size(tmp_path / "a.jpg")
