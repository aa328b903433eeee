"""Parts of a JPEG file have the pixels of the whole."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dlatrack.sampling.crops import PixelRectangle
from dlatrack.sampling.pack import jpeg
from dlatrack.sampling.pack.jpeg import decode_crop, decode_part, encode_for_parts


def picture(height: int = 511, width: int = 511) -> np.ndarray:
    small = np.random.default_rng(0).integers(0, 256, (height // 9 + 1, width // 9 + 1, 3)).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def whole(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


def same_inside(data: bytes, part: PixelRectangle) -> bool:
    answer, expected = decode_part(data, part), whole(data)
    assert answer.shape == expected.shape
    rows, columns = slice(part.top, part.bottom), slice(part.left, part.right)
    return np.array_equal(answer[rows, columns], expected[rows, columns])


@pytest.fixture
def decoded_sizes(monkeypatch):
    """The sizes of all images that are decoded."""
    sizes = []
    plain = jpeg._decode

    def decode(data):
        image = plain(data)
        sizes.append(None if image is None else image.shape[:2])
        return image

    monkeypatch.setattr(jpeg, "_decode", decode)
    return sizes


def test_parts_of_any_place_and_size():
    data = encode_for_parts(picture(), 95)
    rng = np.random.default_rng(1)
    for _ in range(60):
        left, top = rng.integers(0, 510, 2).tolist()
        right, bottom = int(rng.integers(left + 1, 512)), int(rng.integers(top + 1, 512))
        assert same_inside(data, PixelRectangle(left, top, right, bottom))
    assert same_inside(data, PixelRectangle(0, 0, 511, 511))


def test_no_more_is_decoded_than_the_pieces_that_cover_the_part(decoded_sizes):
    """Columns 183 to 327 need pieces 2 to 5 of 64 px, rows 183 to 327 need blocks 11 to 20 of 16 px."""
    decode_part(encode_for_parts(picture(), 95), PixelRectangle(183, 183, 328, 328))
    assert decoded_sizes == [(160, 256)]


def test_the_file_is_a_plain_jpeg_of_the_same_pixels():
    image = picture()
    options = [cv2.IMWRITE_JPEG_QUALITY, 95]
    usual = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1].tobytes()
    ours = encode_for_parts(image, 95)
    assert np.array_equal(whole(ours), whole(usual))
    assert len(ours) < 1.05 * len(usual)


@pytest.mark.parametrize("options", [[], [cv2.IMWRITE_JPEG_RST_INTERVAL, 3]])
def test_files_of_others_are_decoded_whole(options, decoded_sizes):
    data = cv2.imencode(".jpg", picture(), options)[1].tobytes()
    assert same_inside(data, PixelRectangle(100, 100, 200, 200))
    assert decoded_sizes == [(511, 511)]


@pytest.mark.parametrize("shape", [(511, 300), (64, 64), (40, 510), (17, 65)])
def test_other_sizes(shape):
    data = encode_for_parts(picture(*shape), 90)
    assert same_inside(data, PixelRectangle(3, 5, shape[1] - 4, shape[0] - 2))


def test_what_is_no_image_gives_none():
    data = encode_for_parts(picture(), 95)
    part = PixelRectangle(100, 100, 200, 200)
    assert decode_part(b"", part) is None
    assert decode_part(b"not a picture at all", part) is None
    assert decode_part(data[:300], part) is None


@pytest.mark.parametrize("parts", [True, False])
def test_a_file_that_declares_a_huge_image_is_not_decoded(monkeypatch, parts):
    data = bytearray(
        encode_for_parts(picture(), 90) if parts else cv2.imencode(".jpg", picture())[1].tobytes()
    )
    at = data.index(b"\xff\xc0") + 5
    assert decode_crop(bytes(data)).shape == (511, 511, 3)
    data[at : at + 4] = b"\xea\x60\xea\x60"  # 60,000 x 60,000 px

    def refuse(_data):
        raise AssertionError("it is decoded")

    monkeypatch.setattr(jpeg, "_decode", refuse)
    assert decode_crop(bytes(data)) is None
    assert decode_part(bytes(data), PixelRectangle(0, 0, 100, 100)) is None
