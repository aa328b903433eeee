"""Still pictures with boxes in one CSV file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dlatrack.datasets.stills import read_stills
from dlatrack.errors import InputError
from dlatrack.sampling.originals import OriginalCrops

HEADER = "picture,class,x,y,w,h"
LINES = (
    "b.jpg,cat,1.5,2,10,8",
    "a.png,,0,0,20,15",
    "b.jpg,dog,-3,5,6,30",
    'sub/c d.jpeg,"a, b",30,20,9.5,9.5',
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures of 40 x 30 px with four boxes."""
    (tmp_path / "sub").mkdir()
    for shade, name in enumerate(("a.png", "b.jpg", "sub/c d.jpeg", "unused.jpg")):
        cv2.imwrite(str(tmp_path / name), np.full((30, 40, 3), 50 * shade + 40, np.uint8))
    write(tmp_path, *LINES)
    return tmp_path


def write(folder: Path, *lines: str, header: str = HEADER, end: str = "\n", start: bytes = b"") -> None:
    (folder / "boxes.csv").write_bytes(start + end.join((header, *lines, "")).encode())


def test_a_small_folder_by_hand(folder: Path) -> None:
    table = read_stills(folder)
    assert list(table.names) == ["a.png", "b.jpg-1", "b.jpg-2", "sub/c d.jpeg"]
    assert list(table.classes) == ["", "cat", "dog", "a, b"]
    assert table.boxes_xywh.tolist() == [[0, 0, 20, 15], [1.5, 2, 10, 8], [-3, 5, 6, 30], [30, 20, 9.5, 9.5]]
    assert [table.path(row).name for row in range(4)] == ["a.png", "b.jpg", "b.jpg", "c d.jpeg"]
    assert (table.counts().videos, table.counts().tracks) == (3, 4), "pictures are videos, boxes are tracks"
    assert table.usable.all()
    crops = OriginalCrops.of(table)
    assert crops.videos.tolist() == [0, 1, 3, 4]
    assert abs(int(crops.image(3)[255, 255, 0]) - 140) < 3, "the picture itself"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_files_of_other_systems_are_the_same(folder: Path, end: str, start: bytes) -> None:
    expected = read_stills(folder).digest()
    write(folder, *LINES, end=end, start=start)
    assert read_stills(folder).digest() == expected


def test_the_order_of_pictures_in_the_file_does_not_matter(folder: Path) -> None:
    expected = read_stills(folder).digest()
    write(folder, LINES[3], LINES[0], LINES[2], LINES[1])
    assert read_stills(folder).digest() == expected


def test_a_percent_sign_is_a_character(folder: Path) -> None:
    (folder / "b.jpg").rename(folder / "50%d.jpg")
    write(folder, "50%d.jpg,,1,1,5,5", " a.png , , 1 , 1 , 5 , 5 ")
    assert [read_stills(folder).path(row).name for row in range(2)] == ["50%d.jpg", "a.png"]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("picture,x,y,w,h", "it lacks class"),
        ("picture,class,x,y,w,h,score", "it has 'score' besides"),
        ("image,class,x,y,w,h", "it lacks picture and it has 'image' besides"),
        ("class,picture,x,y,w,h", "the order is another"),
        ("picture;class;x;y;w;h", "it is separated by semicolons, where commas are needed"),
        ("picture\tclass\tx\ty\tw\th", "it is separated by tabs, where commas are needed"),
        ("Picture,class,x,y,w,h", "it lacks picture and it has 'Picture' besides"),
        ("a.png,cat,1,1,5,5", "it lacks picture, class, x, y, w, h"),
    ],
)
def test_another_header_is_refused(folder: Path, header: str, reason: str) -> None:
    write(folder, *LINES, header=header)
    with pytest.raises(
        InputError, match=rf"boxes\.csv line 1: '.*' is not the header picture,class,x,y,w,h; .*{reason}"
    ):
        read_stills(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.png,cat,1,1,5", r"'a\.png,cat,1,1,5' has 5 fields; picture,class,x,y,w,h are needed"),
        (
            "a.png;cat;1;1;5;5",
            r".* has 1 field separated by semicolons, where commas are needed; picture,class",
        ),
        ("a.png,cat,1,1,5,5,9", r".* has 7 fields"),
        ("", r"'' has 0 fields"),
        ('a.png,"cat,1,1,5,5', r".* is not a line of a CSV file \(unexpected end of data\)"),
        (
            "a.png,cat,1_0,1,5,5",
            r"'1_0' is no value of x; a number of px with a decimal point, at most 1048576",
        ),
        ("a.png,cat,1,one,5,5", r"'one' is no value of y"),
        ("a.png,cat,1,1,nan,5", r"'nan' is no value of w"),
        ("a.png,cat,1,1,5,inf", r"'inf' is no value of h"),
        ("a.png,cat,1,1,5,", r"'' is no value of h"),
        ("a.png,cat,1,1,5,1e7", r"'1e7' is no value of h"),
        ("a.png,cat,1,1,0,5", r"'0' is no value of w; a number above 0 is needed"),
        ("a.png,cat,1,1,5,-2", r"'-2' is no value of h; a number above 0"),
        ("a.png,cat,1,1,5,1e-60", r"'1e-60' is no value of h; a number above 0"),
        (
            "a.png,cat,40,1,5,5",
            r"'40,1,5,5' lies outside a\.png of 40 x 30 px; x,y,w,h must overlap it, px from 0",
        ),
        ("a.png,cat,39.99999999,1,5,5", r"'40,1,5,5' lies outside a\.png of 40 x 30 px"),
        (
            "a.png,cat,0.5,0.5,0.25,0.4",
            r"'0\.5,0\.5,0\.25,0\.4' is not in px of a\.png as it is stored, which has 40 x 30: "
            r"width and height must be at least 1 px and at most 4 times the picture's",
        ),
        ("a.png,cat,1,1,160.5,5", r"'1,1,160\.5,5' is not in px of a\.png"),
        ("a.png,cat,1,1,5,121", r"'1,1,5,121' is not in px of a\.png"),
        ("a.png,cat,1,-5,5,5", r"'1,-5,5,5' lies outside a\.png"),
        ("b.jpg,cat,1.50,2,10.0,8", r"'b\.jpg,cat,1\.50,2,10\.0,8' repeats line 2; each box is needed once"),
        ("lost.jpg,cat,1,1,5,5", r"cannot read .*lost\.jpg: No such file"),
        (
            "sub,cat,1,1,5,5",
            r"'sub' is not the path of a picture below .*, with / between folders, ending in \.jpg",
        ),
        ("../a.png,cat,1,1,5,5", r"'\.\./a\.png' is not the path of a picture below"),
        ("/a.png,cat,1,1,5,5", r"'/a\.png' is not the path of a picture below"),
        (r"sub\c.jpg,cat,1,1,5,5", r"'sub\\\\c\.jpg' is not the path of a picture below"),
        (",cat,1,1,5,5", r"'' is not the path of a picture below"),
    ],
)
def test_bad_lines_are_named(folder: Path, line: str, message: str) -> None:
    write(folder, *LINES, line, "a.png,cat,2,2,5,5")
    with pytest.raises(InputError, match=rf"boxes\.csv line 6: {message}") as caught:
        read_stills(folder)
    assert "\n" not in str(caught.value)


def test_pictures_are_looked_at(folder: Path) -> None:
    whole = (folder / "b.jpg").read_bytes()
    (folder / "b.jpg").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"boxes\.csv line 2: .*b\.jpg is not a readable, complete JPEG or PNG"
    ):
        read_stills(folder)
    (folder / "b.jpg").write_bytes(whole[:-20])
    table = read_stills(folder)
    with pytest.raises(InputError, match=r"b\.jpg is not a readable, complete JPEG or PNG image"):
        OriginalCrops.of(table).image(1)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(folder / "b.jpg", exif=exif)
    with pytest.raises(
        InputError, match=r"boxes\.csv line 2: .*b\.jpg has orientation tag 6, so that its boxes"
    ):
        read_stills(folder)
    cv2.imwrite(str(folder / "a.png"), np.zeros((30, 40, 3), np.uint16))
    with pytest.raises(InputError, match=r"boxes\.csv line 3: .*a\.png has 16 bits per channel"):
        read_stills(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"boxes\.csv is empty; a line picture,class,x,y,w,h and a line for each box are needed"),
        (b"\r\n \n", r"boxes\.csv is empty"),
        (HEADER.encode(), r"boxes\.csv has a header and no box"),
        (HEADER.encode("utf-16"), r"boxes\.csv cannot be read as text: it is UTF-16; UTF-8 is needed"),
        (
            HEADER.encode() + b"\na.png,K\xe4fer,1,1,5,5\n",
            r"boxes\.csv cannot be read as text: byte 29 is not UTF-8",
        ),
        (b"\0" * 9, r"boxes\.csv cannot be read as text: it holds NUL bytes"),
    ],
)
def test_bad_files_are_named(folder: Path, content: bytes, message: str) -> None:
    (folder / "boxes.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_stills(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*boxes\.csv: No such file"):
        read_stills(tmp_path)


def test_the_shared_pictures(shared_data: Path) -> None:
    counts = read_stills(shared_data / "stills_boxes").counts()
    assert (counts.videos, counts.tracks, counts.boxes) == (1172, 2864, 2864)
