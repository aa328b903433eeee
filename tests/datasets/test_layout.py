"""The steps of readers: names, texts, rows, numbered images, boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlatrack.datasets.faults import FaultLog
from dlatrack.datasets.layout import CheckedFiles, is_plain_name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def rows(root: Path, text: str | bytes, columns: int = 4) -> tuple[np.ndarray | None, list[str]]:
    file, log = root / "rows.txt", FaultLog()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    answer = CheckedFiles(root, log).read_numbers(file, columns)
    return answer, [str(fault).replace(f"{root}/", "") for fault in log.faults]


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3,4\n5,6,7,8\n",
        "1\t2\t3\t4\n5 6 7  8",
        "1, 2 ,3 , 4\r\n5,6,7,8\r\n\r\n",
        "\ufeff1,2,3,4\n5,6,7,8",
    ],
    ids=["commas", "tabs and blanks", "windows", "mark"],
)
def test_rows_in_every_separator(root: Path, text: str) -> None:
    answer, faults = rows(root, text)
    np.testing.assert_array_equal(answer, [[1, 2, 3, 4], [5, 6, 7, 8]])
    assert faults == []


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("1,2,3\n", ["rows.txt row 1: '1,2,3' is not 4 numbers x,y,w,h"]),
        ("1,2,3,4\n1,2,3,4,5", ["rows.txt row 2: '1,2,3,4,5' is not 4 numbers x,y,w,h"]),
        ("1,2,3,4\n\n1,2,3,4\n", ["rows.txt row 2: '' is not 4 numbers x,y,w,h"]),
        ("1,,2,3,4\n", ["rows.txt row 1: '1,,2,3,4' is not 4 numbers x,y,w,h"]),
        ("1,2,3,1e300\n", ["rows.txt row 1: '1,2,3,1e300' is not 4 numbers x,y,w,h"]),
        ("1,5;2,0\n", ["rows.txt row 1: '1,5;2,0' is not 4 numbers x,y,w,h"]),
        ("１,2,3,4\n", ["rows.txt row 1: '１,2,3,4' is not 4 numbers x,y,w,h"]),
        ("1\xa02 3 4\n", ["rows.txt row 1: '1\\xa02 3 4' is not 4 numbers x,y,w,h"]),
        ("1,2,3,4\x0c5,6,7,8\n", ["rows.txt row 1: '1,2,3,4\\x0c5,6,7,8' is not 4 numbers x,y,w,h"]),
        ("1_0,2,3,4\n", ["rows.txt row 1: '1_0,2,3,4' is not 4 numbers x,y,w,h"]),
        ("a,2,3,4\n1,2,3,4\n1,2,3,b", [f"rows.txt row {n} is not" for n in (1, 3)]),
        (" \n", ["rows.txt is empty; rows of x,y,w,h are needed"]),
        (b"1,2,3,\xff\n", ["rows.txt cannot be read as UTF-8 text"]),
        (b"1,2,3,\0\n", ["rows.txt cannot be read as UTF-8 text (it holds NUL bytes; UTF-8 text is needed)"]),
    ],
)
def test_rows_that_are_not_are_named(root: Path, text: str | bytes, messages: list[str]) -> None:
    answer, faults = rows(root, text)
    assert answer is None
    assert len(faults) == len(messages)
    for fault, message in zip(faults, messages, strict=True):
        assert message.split(" is not")[0] in fault


def test_nan_is_a_number_for_check_boxes_to_judge(root: Path) -> None:
    answer, faults = rows(root, "NaN,nan,NaN,NaN\n1,2,3,4\n")
    assert answer is not None
    assert np.isnan(answer[0]).all()
    assert faults == []


@pytest.mark.parametrize(
    ("box", "options", "message"),
    [
        ([1, 2, 3, 4], {}, ""),
        ([-1, -2, 3, 4], {}, ""),
        ([1, 2, 0, 4], {}, r"row 7: '1,2,0,4' has width 0 and height 4; both must be above 0"),
        ([1, 2, 3, -4], {}, r"row 7: '1,2,3,-4' has width 3 and height -4"),
        ([1, 2, 3, -4], {"may_be_empty": True}, ""),
        ([np.nan] * 4, {}, r"row 7: 'nan,nan,nan,nan' is not four finite numbers x,y,w,h"),
        ([np.nan] * 4, {"may_be_absent": True}, ""),
        (
            [np.nan, 1, 2, 3],
            {"may_be_absent": True},
            r"finite numbers x,y,w,h or four NaN where the target is absent",
        ),
        ([1, 2, np.inf, 3], {"may_be_absent": True, "may_be_empty": True}, r"'1,2,inf,3' is not four finite"),
    ],
)
def test_boxes(box: list[float], options: dict, message: str) -> None:
    log = FaultLog()
    boxes = np.array([[1, 1, 1, 1], box])
    CheckedFiles(Path(), log).check_boxes(Path("boxes.txt"), boxes, first_row=6, **options)
    texts = [str(fault) for fault in log.faults]
    assert len(texts) == bool(message)
    assert all(message in text for text in texts)


def images(
    root: Path, names: list[str], pattern: str, needed: tuple[int, int]
) -> tuple[list[int], list[str]]:
    for name in names:
        (root / name).write_bytes(b"")
    log = FaultLog()
    files = CheckedFiles(root, log)
    found = files.image_numbers(root, pattern)
    files.match_images(root, pattern, found, needed)
    return found.tolist(), [str(fault).replace(f"{root}/", "") for fault in log.faults]


def test_unpadded_numbers_are_sorted_as_numbers(root: Path) -> None:
    assert images(root, ["10.jpg", "9.jpg", "0.jpg", "cfg.mat", ".hidden"], "%d.jpg", (9, 10)) == (
        [0, 9, 10],
        ["0.jpg is one too many; there are frames 9 to 10 only"],
    )


def test_missing_numbers_and_other_names_are_faults(root: Path) -> None:
    found, faults = images(
        root, ["0001.jpg", "0004.jpg", "00002.jpg", "cover.png", "3.jpg"], "%04d.jpg", (1, 4)
    )
    assert found == [1, 4]
    assert sorted(faults) == [
        "00002.jpg is an image of another name than 0001.jpg and so on",
        "0002.jpg is missing; frames 1 to 4 are needed",
        "0003.jpg is missing; frames 1 to 4 are needed",
        "3.jpg is an image of another name than 0001.jpg and so on",
        "cover.png is an image of another name than 0001.jpg and so on",
    ]


def test_many_missing_images_are_one_fault(root: Path) -> None:
    _, faults = images(root, ["1.jpg", "123456789012.jpg"], "%d.jpg", (1, 123456789012))
    assert [fault.partition(" ")[2] for fault in faults] == [
        "lacks 123,456,789,010 of the frames 1 to 123456789012"
    ]


def test_a_folder_without_images_is_one_fault(root: Path) -> None:
    assert images(root, [], "%08d.jpg", (1, 9)) == ([], [f"{root} holds no file like 00000001.jpg"])


def test_links_may_stay_inside(root: Path) -> None:
    (root / "a").mkdir()
    (root / "a" / "1.jpg").write_bytes(b"")
    (root / "b").symlink_to("a")
    (root / "a" / "2.jpg").symlink_to("1.jpg")
    (root / "a" / "3.jpg").symlink_to("3.jpg")
    (root / "out").symlink_to(root.parent)
    log = FaultLog()
    files = CheckedFiles(root, log)
    assert files.has_folders(root / "b")
    assert files.image_numbers(root / "b", "%d.jpg").tolist() == [1, 2]
    assert not files.has_folders(root / "b", root / "out", root / "none")
    assert not files.has_folders(root / "none")
    texts = [str(fault).replace(f"{root}/", "") for fault in log.faults]
    assert [text.split(f" {root.parent}")[0] for text in texts] == [
        "b/3.jpg leads out of",
        "out leads out of",
        "none is missing; a folder is needed",
    ]


def test_names_of_a_list(root: Path) -> None:
    (root / "list.txt").write_text("Val_1\n../Val_2\n/etc/Val_3\nVal_1\nTrain_4\n\nVal_5\n")
    log = FaultLog()
    assert CheckedFiles(root, log).read_names(root / "list.txt", r"Val_\d") == ["Val_1", "Val_5"]
    texts = [str(fault).replace(f"{root}/", "") for fault in log.faults]
    assert texts == [
        "list.txt row 2: '../Val_2' is not the name of a folder beside this list",
        "list.txt row 3: '/etc/Val_3' is not the name of a folder beside this list",
        "list.txt row 4: 'Val_1' comes twice, first in row 1; each sequence once",
        r"list.txt row 5: 'Train_4' does not belong here; names like Val_\d are allowed",
        "list.txt row 6: '' is not the name of a folder beside this list",
    ]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0b", "a\nb"])
def test_names_that_are_none(name: str) -> None:
    assert not is_plain_name(name)
    assert is_plain_name("Human4-2 (copy).é")
