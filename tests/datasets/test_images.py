from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dlatrack.datasets.images import (
    ImageFiles,
    NumberedPaths,
    decode_image,
    fill,
    is_whole,
    read_image,
)
from dlatrack.errors import InputError

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


def refused(data: bytes) -> str:
    """Why a file is not decoded; empty if it is."""
    try:
        decode_image(data)
    except ValueError as error:
        return str(error)
    return ""


def test_png_is_decoded_exactly_as_rgb() -> None:
    image = decode_image(encoded(".png"))
    np.testing.assert_array_equal(image, IMAGE[..., ::-1])


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_what_is_cut_short_is_refused_wherever_the_cut_is(suffix: str) -> None:
    data = encoded(suffix)
    assert not refused(data)
    for end in (
        0,
        1,
        10,
        len(data) // 3,
        len(data) - 20,
        len(data) - 8 if suffix == ".png" else len(data) - 1,
    ):
        assert refused(data[:end])


def test_a_cut_image_is_refused_in_spite_of_a_whole_preview_inside() -> None:
    """A preview in the header ends with the same mark as the image."""
    data = encoded(".jpg")
    preview = b"\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data
    nested = data[:2] + preview + data[2:]
    assert not refused(nested)
    assert refused(nested[:-30])
    assert is_whole(nested)
    assert not is_whole(nested[:-30])  # OpenCV 4 would decode it


def test_other_files_are_refused() -> None:
    assert refused(b"<html>404 not found</html>")
    assert refused(b"GIF89a" + bytes(50))


def noisy(suffix: str, options: list[int] | None = None) -> bytes:
    image = np.random.default_rng(3).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    return cv2.imencode(suffix, image, options or [])[1].tobytes()


#: A second image as phones and cameras append it, and a trailer with marks in it.
SECOND = encoded(".jpg")
TRAILERS = [
    bytes(1),
    bytes(4096),
    b"\xff",
    SECOND,
    SECOND[: len(SECOND) // 2],
    b"\0\0SEFT\xff\xda\xff\xd8" * 9,
]


@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".jpg", []),
        (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        (".jpg", [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
        (".png", []),
    ],
)
def test_what_follows_the_end_is_passed_over(suffix: str, options: list[int], trailer: bytes) -> None:
    data = noisy(suffix, options)
    image = decode_image(data + trailer)
    np.testing.assert_array_equal(image, decode_image(data))


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".jpg", []),
        (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        (".jpg", [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
        (".png", []),
    ],
)
def test_every_cut_is_noticed(suffix: str, options: list[int]) -> None:
    data = noisy(suffix, options)
    assert is_whole(data)
    assert not any(is_whole(data[:end]) for end in range(len(data)))
    assert not any(is_whole(data[:end] + bytes(len(data) - end)) for end in range(2, len(data) - 12, 7))


def test_a_png_whose_pixels_spell_its_end_is_cut_all_the_same() -> None:
    """A text chunk may hold anything."""
    data = noisy(".png")
    text = b"tEXtIEND\0IEND"
    chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
    longer = data[:33] + chunk + data[33:]
    assert not refused(longer)
    assert refused(longer[:-20])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_refused(channels: int, tmp_path: Path) -> None:
    image = np.full((8, 9, channels), 29_000, np.uint16)
    data = cv2.imencode(".png", image)[1].tobytes()
    assert (
        refused(data) == "has 16 bits per channel; stretch all images of the clip to 8 bits by one rule first"
    )
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.png has 16 bits per channel"):
        read_image(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png has 16 bits per channel"):
        ImageFiles((tmp_path / "a.png",))[0]


def png(image: Image.Image, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB", "RGBA", "LA"])
def test_what_is_opaque_is_decoded_as_pillow_does(mode: str) -> None:
    source = Image.fromarray(IMAGE).convert("L" if mode in ("L", "LA", "1") else "RGB").convert(mode)
    image = decode_image(png(source))
    np.testing.assert_array_equal(image, np.asarray(source.convert("RGB")))


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (Image.new("RGBA", (9, 8), (200, 10, 10, 0)), {}),
        (Image.new("LA", (9, 8), (200, 254)), {}),
        (Image.linear_gradient("L").convert("P"), {"transparency": 3}),
        (Image.new("RGB", (9, 8), (1, 2, 3)), {"transparency": (1, 2, 3)}),
    ],
)
def test_what_is_transparent_is_refused(image: Image.Image, options: dict[str, object]) -> None:
    """OpenCV would show what lies hidden under the transparent pixels."""
    data = png(image, **options)
    assert refused(data) == "has transparent pixels; flatten it to an opaque image first"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pixels_are_as_stored_unless_upright_is_asked_for(kind: str) -> None:
    """Tag 6: the row at the top is the column at the right of what is shown."""
    source = Image.new("L", (16, 8), 20)
    source.paste(220, (0, 0, 16, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = BytesIO()
    source.save(stream, kind, exif=exif)
    stored, upright = (decode_image(stream.getvalue(), upright=turn) for turn in (False, True))
    assert (stored.shape, upright.shape) == ((8, 16, 3), (16, 8, 3))
    assert [stored[row].mean() for row in (0, -1)] == pytest.approx([220, 20], abs=15)
    assert [upright[:, column].mean() for column in (-1, 0)] == pytest.approx([220, 20], abs=15)
