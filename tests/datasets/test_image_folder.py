"""Which files of a folder are the frames of a clip."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.composed.cutouts import read_cutouts
from dlatrack.datasets.folder import read_folder
from dlatrack.datasets.image_folder import check_headers, image_files
from dlatrack.datasets.stream import FrameStream
from dlatrack.errors import InputError

PICTURE = cv2.imencode(".png", np.zeros((30, 40, 3), np.uint8))[1].tobytes()


def filled(folder: Path, names: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(PICTURE)
    return folder


def named(folder: Path) -> list[str]:
    return [path.name for path in image_files(folder).paths]


@pytest.mark.parametrize(
    "names",
    [
        ["0001.png", "0002.jpg", "0003.JPEG"],
        ["8.png", "9.png", "10.png"],  # by number, not by name
        ["100.png", "101.png", "102.png"],  # a clip that was cut out
        ["0.png", "5.png", "10.png", "15.png"],  # every fifth frame
        ["a1²1.png", "a1²2.png"],  # ² is a digit to str.isdigit, and no number
        ["IMG_1.png", "img_2.PNG"],
        ["0999 (1).png", "0999 (2).png"],
        ["take 1 0001.png", "take 1 0002.png", "take 2 0003.png"],
        ["1403636579763555584.png", "1403636579813555456.png", "1403636579863555584.png"],  # times in ns
        ["1000.png", "1033.png", "1067.png", "1100.png"],  # times in ms
        ["20240501_123058.png", "20240501_123059.png", "20240501_123100.png", "20240501_123101.png"],
        ["20240501_235959.png", "20240502_000000.png", "20240502_000001.png", "20240502_000009.png"],
        ["IMG-20240501-WA_000058.png", "IMG-20240501-WA_000059.png", "IMG-20240501-WA_000100.png"],
        ["2024-05-01 12.30.58.png", "2024-05-01 12.30.59.png", "2024-05-01 12.31.00.png"],
        ["2024-05-01_12-30-58-900.png", "2024-05-01_12-30-59-100.png", "2024-05-01_12-31-00-050.png"],
        ["12h30m58.png", "12h30m59.png", "12h31m00.png", "12h31m07.png"],
        ["123058.png", "123059.png", "123100.png", "123101.png"],
        ["1700000000.png", "1700000001.png", "1700000002.png", "1700000009.png", "1700000010.png"],
        ["1700000000000.png", "1700000000050.png", "1700000000150.png"],  # ms
        [f"{1403636579000000000 + 50_000_000 * n}.png" for n in (0, 1, 2, 4, 5)],  # ns, a frame dropped
        ["1305031102.175304.png", "1305031102.211214.png", "1305031102.5.png", "1305031103.1.png"],
        ["0001_1700000000.png", "0002_1700000003.png", "0003_1700000004.png"],  # a counter and a time
        ["001_1033.png", "002_1066.png", "003_1132.png"],
        ["20240501_123058_1.png", "20240501_123058_2.png", "20240501_123059_1.png"],  # bursts
        ["20240501_0001.png", "20240501_0002.png", "20240501_0003.png"],  # the day, and a counter
        ["chapter1_0009.png", "chapter2_0010.png", "chapter2_0011.png"],
        ["photo.png"],
    ],
)
def test_numbers_give_the_order(tmp_path: Path, names: list[str]) -> None:
    assert named(filled(tmp_path, names)) == names


def test_notes_of_systems_are_passed_over(tmp_path: Path) -> None:
    filled(tmp_path, ["0001.png", "0002.png", "._0001.png", "._0002.png", ".hidden.png", ".thumb.webp"])
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "notes.txt", "frames.mp4"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    (tmp_path / "__MACOSX").mkdir()
    assert named(tmp_path) == ["0001.png", "0002.png"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0001.jpg", "0001.png", "0002.jpg"], "has 0001.jpg and 0001.png, two images of one number"),
        (["0001.jpg", "1.jpg", "0002.jpg"], "has 0001.jpg and 1.jpg, two images of one number"),
        (
            ["0001.jpg", "0001_mask.jpg"],
            "has 0001.jpg and 0001_mask.jpg; the images of a clip must differ in their",
        ),
        (
            ["0001.jpg", "0002.jpg", "cover.jpg"],
            "has 0001.jpg and cover.jpg; the images of a clip must differ",
        ),
        (["first.jpg", "second.jpg"], "has first.jpg and second.jpg; the images of a clip must differ"),
        (
            ["1.png", "2.png", "3.bmp", "4.bmp"],
            "has 3.bmp, 4.bmp; only images ending in .jpg, .jpeg, .png are read",
        ),
        (["1.tif"], "has 1.tif; only images ending in"),
        ([f"{n}.WebP" for n in range(5)], "has 0.WebP, 1.WebP, 2.WebP and 2 more; only images ending in"),
        (
            ["1.png", "2.png", "4.png"],
            "has 3 images with numbers 1 to 4, but lacks 3; number them without a gap",
        ),
        (["1.png", "3.png", "4.png"], "has 3 images with numbers 1 to 4, but lacks 2;"),
        (["0.png", "5.png", "10.png", "20.png"], "with numbers 0 to 20 in steps of 5, but lacks 15;"),
        (["7.png", "8.png", "100.png"], "with numbers 7 to 100, but lacks 9, 10, 11 and more;"),
        (["a1_1.png", "a1_2.png", "a1_4.png"], "with numbers 1 to 4, but lacks 3;"),
        (
            [f"cam{cam}_{n:04d}.png" for cam in (0, 1) for n in range(5)],
            "has numbers of which none grows from image to image, as if there were several clips; a folder holds "
            "one, numbered 1, 2, 3 and so on (first cam0_0000.png, last cam1_0004.png)",
        ),
        (
            [f"cam{cam}_{n:04d}.png" for cam in (0, 1) for n in range(5) if (cam, n) != (1, 2)],
            "has numbers of which none grows from image to image",
        ),
        (["cam0_1700000000.png", "cam0_1700000001.png", "cam1_1700000000.png"], "none grows from image to"),
        (["take 1 0001.png", "take 1 0002.png", "take 2 0001.png"], "none grows from image to image"),
        (["001_1033.png", "002_1066.png", "004_1132.png"], "with numbers 1 to 4, but lacks 3;"),
        (["001_1700000000.png", "002_1700000001.png", "004_1700000003.png"], "1 to 4, but lacks 3;"),
        (["20240501_0001.png", "20240501_0002.png", "20240501_0004.png"], "1 to 4, but lacks 3;"),
        (["20240501123058_1.png", "20240501123058_2.png", "20240501123058_4.png"], "1 to 4, but lacks 3;"),
        (["00000001.png", "00000002.png", "00000004.png"], "1 to 4, but lacks 3;"),
        (
            ["000058.png", "000059.png", "000100.png"],
            "with numbers 58 to 100, but lacks 60, 61, 62 and more;",
        ),
        ([f"{n}.png" for n in (0, 2, 4, 5, 6, 8)], "with numbers 0 to 8, but lacks 1, 3, 7;"),
        ([f"{n}.png" for n in (0, 3, 6, 7, 12)], "with numbers 0 to 12, but lacks 1, 2, 4 and more;"),
        (
            [f"{n}.png" for n in (0, 5, 10, 12, 20)],
            "with numbers 0 to 20 in steps of 2 to 8; number them in even steps if none is missing",
        ),
        ([f"{n}.png" for n in (1000, 1033, 1067, 1134)], "with numbers 1000 to 1134 in steps of 33 to 67;"),
        (
            ["5.png", "7.png", "1700000000.5.png"],
            "with numbers 5 to 1700000000 in steps of 2 to 1699999993;",
        ),
        ([f"{n}.png" for n in ("1", "8" * 200, "9" * 200)], f"with numbers 1 to {'9' * 80}... in steps of 1"),
        ([], "has no image; files ending in .jpg, .jpeg, .png are looked for"),
    ],
)
def test_what_is_no_clip_is_named(tmp_path: Path, names: list[str], message: str) -> None:
    folder = filled(tmp_path / "clip" / "img", names)
    (tmp_path / "clip" / "groundtruth_rect.txt").write_text("1,1,5,5\n" * len(names))
    (tmp_path / "clip" / "mask").mkdir()
    for reader in (image_files, FrameStream):
        with pytest.raises(InputError) as refused:
            reader(folder)
        assert message in str(refused.value)
        assert "\n" not in str(refused.value)
    for reader, where in ((read_folder, "clip"), (FrameStream, "clip"), (read_cutouts, "")):
        with pytest.raises(InputError) as refused:
            reader(tmp_path / where)
        assert message in str(refused.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a readable, complete JPEG or PNG image"),
        (PICTURE[:20], "is not a readable, complete JPEG or PNG image"),
        (cv2.imencode(".png", np.zeros((30, 40), np.uint16))[1].tobytes(), "has 16 bits per channel"),
    ],
)
def test_heads_are_read_before_pixels(tmp_path: Path, data: bytes, message: str) -> None:
    filled(tmp_path, ["1.png", "3.png"])
    (tmp_path / "2.png").write_bytes(data)
    with pytest.raises(InputError, match=rf"2\.png \(frame 2\) {message}"):
        check_headers(image_files(tmp_path))
    with pytest.raises(InputError, match=rf"2\.png \(frame 2\) {message}"):
        FrameStream(tmp_path)
