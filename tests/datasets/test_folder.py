from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dlatrack.datasets.folder import read_folder, read_folders, write_folder
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError

SIZE = (40, 30)  # width, height


def make(root: Path, files: dict[str, str], *, names: list[str] | None = None) -> Path:
    """A sequence folder whose image n is filled with the grey level 10 n."""
    (root / "img").mkdir(parents=True)
    for number, name in enumerate(names or ["0001.png", "0002.png", "0003.png"], 1):
        image = np.full((SIZE[1], SIZE[0], 3), 10 * number, np.uint8)
        image[..., 0] = 200  # blue in the file's BGR order
        cv2.imwrite(str(root / "img" / name), image)
    for name, text in files.items():
        (root / name).write_text(text)
    return root


def test_for_training_the_target_may_appear_later(tmp_path: Path) -> None:
    absent = "NaN,NaN,NaN,NaN"
    folder = make(tmp_path / "Car", {"groundtruth_rect.txt": f"{absent}\n1,2,10,20\n{absent}\n"})
    for read, root in ((read_folder, folder), (read_folders, tmp_path)):
        (sequence,) = read(root, needs_first_box=False)
        assert sequence.visible.tolist() == [False, True, False]
        np.testing.assert_array_equal(sequence.boxes_xywh[1], [0, 1, 10, 20])
        with pytest.raises(
            InputError, match=r"row 1: the target is absent \(NaN\); a tracker needs a box in the"
        ):
            read(root)
    (folder / "groundtruth_rect.txt").write_text(f"{absent}\n" * 3)
    with pytest.raises(
        InputError, match=r"_rect\.txt: the target is absent \(NaN\) in every row; training needs"
    ):
        read_folder(folder, needs_first_box=False)


def test_rows_lose_one_pixel_and_nan_rows_are_absent(tmp_path: Path) -> None:
    text = "1,2,10,20\nNaN,NaN,NaN,NaN\n3.5\t4 , 5   6\n\n"
    (sequence,) = read_folder(make(tmp_path / "Car", {"groundtruth_rect.txt": text}))
    assert sequence.name == "Car"
    np.testing.assert_array_equal(sequence.boxes_xywh[[0, 2]], [[0, 1, 10, 20], [2.5, 3, 5, 6]])
    assert np.isnan(sequence.boxes_xywh[1]).all()
    assert sequence.visible.tolist() == [True, False, True]


def test_images_are_rgb_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = make(
        tmp_path / "Car", {"groundtruth_rect.txt": "1,1,5,5\n" * 3}, names=["8.png", "10.jpg", "9.PNG"]
    )
    (sequence,) = read_folder(folder)
    assert [path.name for path in sequence.frames.paths] == ["8.png", "9.PNG", "10.jpg"]
    np.testing.assert_array_equal(sequence.frames[0][0, 0], [10, 10, 200])
    np.testing.assert_array_equal(sequence.frames[-2][0, 0], [30, 30, 200])
    assert sequence.frames[0].shape == (30, 40, 3)
    assert len(list(sequence.frames)) == 3


def test_several_targets_and_an_empty_file(tmp_path: Path) -> None:
    rows = "1,1,5,5\n" * 3
    files = {"groundtruth_rect.10.txt": rows, "groundtruth_rect.2.txt": rows, "groundtruth_rect.1.txt": " \n"}
    assert [s.name for s in read_folder(make(tmp_path / "Human4", files))] == ["Human4-2", "Human4-10"]


def test_read_folders_sorts_and_passes_over_others(tmp_path: Path) -> None:
    for name in ("b", "a"):
        make(tmp_path / name, {"groundtruth_rect.txt": "1,1,5,5\n" * 3})
    (tmp_path / "notes").mkdir()
    (tmp_path / "list.txt").write_text("a\nb\n")
    assert [sequence.name for sequence in read_folders(tmp_path)] == ["a", "b"]


def test_a_link_to_a_folder_keeps_the_name_of_the_link(tmp_path: Path) -> None:
    make(tmp_path / "real", {"groundtruth_rect.txt": "1,1,5,5\n" * 3})
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    assert read_folder(tmp_path / "alias")[0].name == "alias"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,1,5,5", "1,1,5,0", "1,1,5,5"], r"groundtruth_rect.txt row 2: .* height 0; both must be above 0"),
        (["1,1,5,5", "1,1,-5,5", "1,1,5,5"], r"row 2: .* width -5 and"),
        (["1,1,5,5", "1,1,5,5", "x y w h"], r"row 3: 'x y w h' is not four numbers x,y,w,h"),
        (["1,1,5,5", "", "1,1,5,5"], r"row 2: '' is not four numbers"),
        (["1,1,5", "1,1,5,5", "1,1,5,5"], r"row 1: '1,1,5' is not four numbers"),
        (["1,1,5,5,5", "1,1,5,5", "1,1,5,5"], r"row 1: '1,1,5,5,5' is not four numbers"),
        (["1,1,5,5", "1,1,5,5"], r"has 2 rows for 3 images; one row per image"),
        (["1,1,5,5"] * 4, r"has 4 rows for 3 images"),
        (["1,1,1_0,5", "1,1,5,5", "1,1,5,5"], r"row 1: '1,1,1_0,5' is not four numbers .* '1_0' is not"),
        (["1,1,5,5", "1,,1,5,5", "1,1,5,5"], r"row 2: '1,,1,5,5' is not four numbers"),
        (["1,1,5,5", "1,5 5,5", "1,1,5,5"], r"row 2: '1,5 5,5' is not four numbers .* decimals need a point"),
        (["1,1,5,1e300", "1,1,5,5", "1,1,5,5"], r"row 1: .* 1e300 is too large"),
        (["NaN,NaN,NaN,NaN", "1,1,5,5", "1,1,5,5"], r"row 1: the target is absent \(NaN\)"),
        (["1,1,5,5", "NaN,1,5,5", "1,1,5,5"], r"row 2: 'NaN,1,5,5' is NaN in part"),
        (["1,1,5,5", "41,1,5,5", "1,1,5,5"], r"row 2: box 41,1,5,5 lies outside the image of 40 x 30 px"),
        (["1,1,5,5", "-4,1,5,5", "1,1,5,5"], r"row 2: box -4,1,5,5 lies outside"),
        (
            ["1,1,5,5", "1,1,inf,5", "1,1,5,5"],
            r"row 2: '1,1,inf,5' is not four numbers .* 'inf' is not a finite number",
        ),
    ],
)
def test_bad_annotation_is_refused(tmp_path: Path, rows: list[str], message: str) -> None:
    folder = make(tmp_path / "Car", {"groundtruth_rect.txt": "\n".join(rows) + "\n"})
    with pytest.raises(InputError, match=message) as caught:
        read_folder(folder)
    assert "\n" not in str(caught.value)


def test_a_box_partly_outside_is_kept(tmp_path: Path) -> None:
    folder = make(tmp_path / "Car", {"groundtruth_rect.txt": "1,1,5,5\n40,30,90,90\n-3,0,5,5\n"})
    np.testing.assert_array_equal(read_folder(folder)[0].boxes_xywh[1:], [[39, 29, 90, 90], [-4, -1, 5, 5]])


def test_missing_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no groundtruth_rect\.txt"):
        read_folder(make(tmp_path / "none", {}))
    with pytest.raises(InputError, match=r"groundtruth_rect.txt is empty; one row"):
        read_folder(make(tmp_path / "empty", {"groundtruth_rect.txt": ""}))
    (tmp_path / "bare").mkdir()
    with pytest.raises(InputError, match="bare/img is missing"):
        read_folder(tmp_path / "bare")
    (tmp_path / "bare" / "img").mkdir()
    with pytest.raises(InputError, match="bare/img has no image"):
        read_folder(tmp_path / "bare")
    with pytest.raises(InputError, match="nowhere is not a folder"):
        read_folders(tmp_path / "nowhere")
    (tmp_path / "void").mkdir()
    with pytest.raises(InputError, match="void holds no sequence folder"):
        read_folders(tmp_path / "void")
    binary = make(tmp_path / "binary", {})
    (binary / "groundtruth_rect.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as text"):
        read_folder(binary)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_truncated_image_is_named_when_decoded(tmp_path: Path, suffix: str) -> None:
    names = [f"{number}.{suffix}" for number in (1, 2, 3)]
    folder = make(tmp_path / "Car", {"groundtruth_rect.txt": "1,1,5,5\n" * 3}, names=names)
    damaged = folder / "img" / names[1]
    damaged.write_bytes(damaged.read_bytes()[:-12])
    last = folder / "img" / names[2]
    last.write_bytes(last.read_bytes()[:-1])
    (sequence,) = read_folder(folder)
    with pytest.raises(InputError, match=rf"2.{suffix} \(frame 2\) is not a readable, complete"):
        sequence.frames[1]
    with pytest.raises(InputError, match=r"\(frame 3\)"):
        sequence.frames[-1]


@pytest.mark.parametrize("images", ["png", "jpg"])
def test_what_is_written_is_read_back(tmp_path: Path, images: str) -> None:
    sequence = synthetic_sequence(0, length=12, size=(96, 80), challenges=("OCC", "OV"))
    folder = write_folder(sequence, tmp_path, images)
    assert folder == tmp_path / "synthetic-0000"
    (back,) = read_folder(folder)
    assert back.name == sequence.name
    np.testing.assert_array_equal(back.visible, sequence.visible)
    np.testing.assert_allclose(back.boxes_xywh, sequence.boxes_xywh, atol=1e-3)
    difference = back.frames[7].astype(int) - sequence.frames[7]
    assert np.abs(difference).max() == 0 if images == "png" else np.abs(difference).mean() < 6
    assert sorted(path.name for path in folder.iterdir()) == ["groundtruth_rect.txt", "img"]
    assert len(list((folder / "img").iterdir())) == 12


def test_absent_frames_are_written_as_nan_even_with_a_box(tmp_path: Path) -> None:
    frames = [np.zeros((20, 20, 3), np.uint8)] * 2
    sequence = Sequence("two", frames, np.array([[0.0, 0, 5, 5]] * 2), np.array([True, False]))
    folder = write_folder(sequence, tmp_path)
    assert (folder / "groundtruth_rect.txt").read_text().splitlines()[1] == "NaN,NaN,NaN,NaN"


def test_unknown_image_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='images must be "jpg" or "png", got \'bmp\''):
        write_folder(synthetic_sequence(0, length=1), tmp_path, "bmp")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1_0,1,5,5", r"row 2: '1_0,1,5,5' is not four numbers"),
        ("1,\N{ARABIC-INDIC DIGIT ONE},5,5", r"row 2: .* is not four numbers"),
        ("1,1,1e300,5", r"row 2: '1,1,1e300,5' is not four numbers x,y,w,h; 1e300 is too large"),
        ("-2000000,1,2000005,5", r"row 2: .* has a number beyond 1048576 px, which no image reaches"),
    ],
)
def test_numbers_that_are_none_or_absurd(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_folder(make(tmp_path / "Car", {"groundtruth_rect.txt": f"1,1,5,5\n{row}\n1,1,5,5\n"}))


@pytest.mark.parametrize("size", [(80, 30), (40, 60)])
def test_each_box_is_compared_with_its_own_image(tmp_path: Path, size: tuple[int, int]) -> None:
    """The first image is smaller than the second, and larger than the third."""
    folder = make(tmp_path / "Car", {})
    far = f"{size[0] - 4},{size[1] - 4},5,5"
    cv2.imwrite(str(folder / "img" / "0002.png"), np.zeros((size[1], size[0], 3), np.uint8))
    cv2.imwrite(str(folder / "img" / "0003.png"), np.zeros((20, 20, 3), np.uint8))
    (folder / "groundtruth_rect.txt").write_text(f"1,1,5,5\n{far}\n1,1,5,5\n")
    assert read_folder(folder)[0].boxes_xywh[1].tolist() == [size[0] - 5, size[1] - 5, 5, 5]
    (folder / "groundtruth_rect.txt").write_text("1,1,5,5\n1,1,5,5\n31,1,5,5\n")
    with pytest.raises(InputError, match=r"row 3: box 31,1,5,5 lies outside the image of 20 x 20 px"):
        read_folder(folder)


@pytest.mark.parametrize("orientation", [3, 6])
def test_an_image_that_viewers_turn_is_refused(tmp_path: Path, orientation: int) -> None:
    folder = make(tmp_path / "Car", {"groundtruth_rect.txt": "1,1,5,5\n" * 3})
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(folder / "img" / "0002.png") as image:
        image.save(folder / "img" / "0002.png", exif=exif)
    with pytest.raises(
        InputError, match=rf"0002\.png has orientation tag {orientation}, so that its boxes may be"
    ):
        read_folder(folder)


def test_hidden_folders_are_no_sequences(tmp_path: Path) -> None:
    for name in ("a", ".a.copy", "__MACOSX"):
        make(tmp_path / name, {"groundtruth_rect.txt": "1,1,5,5\n" * 3, "._groundtruth_rect.txt": "\0"})
    assert [sequence.name for sequence in read_folders(tmp_path)] == ["a"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are text")
def test_a_name_that_no_result_file_can_hold(tmp_path: Path) -> None:
    folder = make(tmp_path / "Car", {"groundtruth_rect.txt": "1,1,5,5\n" * 3})
    folder = folder.rename(tmp_path / os.fsdecode(b"caf\xe9"))
    with pytest.raises(InputError, match=r"caf\\udce9' has a name that is not UTF-8 text here; rename it"):
        read_folder(folder)


@pytest.mark.parametrize("through_a_link", [False, True])
def test_a_sequence_is_not_written_over_its_own_images(tmp_path: Path, through_a_link: bool) -> None:
    folder = make(tmp_path / "clips" / "Car", {"groundtruth_rect.txt": "1,1,5,5\n" * 3})
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    (sequence,) = read_folder(folder)
    root = folder.parent
    if through_a_link:
        root = tmp_path / "alias"
        root.symlink_to(folder.parent)
    with pytest.raises(InputError, match="Car is where Car was read from; it must be written elsewhere"):
        write_folder(sequence, root)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    assert len(read_folder(write_folder(sequence, tmp_path / "other"))[0]) == 3


def test_real_clips_load(shared_data: Path) -> None:
    root = shared_data / "video"
    sequences = read_folders(root)
    files = [file for file in root.glob("*/groundtruth_rect*.txt") if file.stat().st_size]
    assert len(list(root.glob("*/img"))) == 29
    assert len(sequences) == len(files) == 40
    assert len({sequence.name for sequence in sequences}) == 40
    assert all(sequence.visible[0] for sequence in sequences)
    assert {f"davis_schoolgirls-{n}" for n in range(1, 8)} <= {sequence.name for sequence in sequences}
    for sequence in sequences[::7]:
        x, y, w, h = sequence.boxes_xywh[0]
        height, width = sequence.frames[0].shape[:2]
        assert -1 <= x < x + w <= width + 1
        assert -1 <= y < y + h <= height + 1
