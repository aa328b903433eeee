"""Heads of image files: what OpenCV decodes, what viewers turn, and refusals."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dlatrack.datasets.image_header import ImageHeader, read_header

DATA = cv2.imencode(".jpg", np.zeros((30, 41, 3), np.uint8))[1].tobytes()


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    "options", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 1]]
)
@pytest.mark.parametrize("size", [(30, 41, 3), (1, 700, 3), (30, 41)])
def test_size_of_a_jpeg(tmp_path: Path, options: list[int], size: tuple[int, ...]) -> None:
    data = cv2.imencode(".jpg", np.zeros(size, np.uint8), options)[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(data)
    assert read_header(tmp_path / "a.jpg") == (size[1], size[0], 8, 1, "JPEG")
    assert read_header(data) == (size[1], size[0], 8, 1, "JPEG")


@pytest.mark.parametrize(
    ("mode", "bits"), [("L", 8), ("RGB", 8), ("RGBA", 8), ("P", 1), ("1", 1), ("I;16", 16)]
)
def test_depth_of_a_png(mode: str, bits: int) -> None:
    assert read_header(saved(Image.new(mode, (7, 5)), "PNG")) == (7, 5, bits, 1, "PNG")


def test_depth_of_a_png_in_colour() -> None:
    """Pillow calls it RGB, as it decodes it to eight bits."""
    data = cv2.imencode(".png", np.full((5, 7, 3), 300, np.uint16))[1].tobytes()
    assert read_header(data) == (7, 5, 16, 1, "PNG")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_shown_is_that_which_opencv_decodes(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.new("RGB", (12, 7)), kind, exif=exif)
    header = read_header(data)
    assert header is not None
    assert header[:4] == (12, 7, 8, orientation)
    height, width = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    assert header.shown_size == (width, height) == ((7, 12) if orientation > 4 else (12, 7))


@pytest.mark.parametrize("value", [0, 9, 255])
def test_an_orientation_that_is_none_is_upright(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert read_header(saved(Image.new("RGB", (12, 7)), "JPEG", exif=exif)) == (12, 7, 8, 1, "JPEG")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_is_no_orientation() -> None:
    data = saved(Image.new("RGB", (12, 7)), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read_header(data) == (12, 7, 8, 1, "JPEG")


def test_a_preview_in_the_header_and_fill_bytes_are_passed_over() -> None:
    inner = cv2.imencode(".jpg", np.zeros((5, 6, 3), np.uint8))[1].tobytes()
    preview = b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner
    header = read_header(DATA[:2] + preview + b"\xff\xff" + DATA[2:])
    assert header == (41, 30, 8, 1, "JPEG")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        DATA[:30],
        b"\x89PNG\r\n\x1a\n",
        b"<html>404</html>",
        b"BM" + bytes(60),
    ],
)
def test_what_says_no_size(data: bytes) -> None:
    assert read_header(data) is None


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_head_cut_anywhere_says_all_or_nothing(suffix: str) -> None:
    data = cv2.imencode(suffix, np.zeros((30, 41, 3), np.uint8))[1].tobytes()
    whole = ImageHeader(41, 30, 8, 1, "JPEG" if suffix == ".jpg" else "PNG")
    found = [read_header(data[:cut]) for cut in range(len(data))]
    assert set(found) == {None, whole}
    assert found[:25] == [None] * 25


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "a.jpg")
