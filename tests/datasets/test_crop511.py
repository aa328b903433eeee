"""Import of crops prepared for pysot: hand-computed sizes, the same pairs as from our own store, and faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from planted import garble, link_out, truncate

from dlatrack.datasets.crop511 import read_crop511
from dlatrack.datasets.faults import FaultLog
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.recipes import recipe
from dlatrack.sampling.crops import crop_511, size_in_crop
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import JPEG_QUALITY, CropStore

BOXES = {
    "train/car": {
        "00": {"000007": [10, 20, 110, 60], "000002": [30, 30], "note": "a remark"},
        "01": {"000007": [1.5, 2, 11.5, 42]},
    },
    "bus%": {"00": {"000000": [3, 1]}},
}


def crop_set(root: Path, boxes: dict = BOXES) -> Path:
    """Write the JSON and a crop for each of its boxes; a crop shows its frame number as a grey level."""
    root.mkdir(parents=True, exist_ok=True)
    for video, tracks in boxes.items():
        (root / "crop511" / video).mkdir(parents=True)
        for track, frames in tracks.items():
            for frame in filter(str.isdigit, frames):
                image = np.full((511, 511, 3), 10 * int(frame) + int(track), np.uint8)
                for kind in "xz":
                    cv2.imwrite(str(root / "crop511" / video / f"{frame}.{track}.{kind}.jpg"), image)
    (root / "train.json").write_text(json.dumps(boxes, indent=1))
    return root / "train.json"


def test_sizes_and_files_of_a_hand_made_set(tmp_path: Path) -> None:
    crops = read_crop511(crop_set(tmp_path))
    assert list(crops.table.names) == ["train/car/00", "train/car/01", "bus%/00"]
    assert crops.tracks.tolist() == [0, 2, 3, 4]
    assert crops.videos.tolist() == [0, 2, 3]
    assert (len(crops), crops.track_count) == (4, 3)
    # s_z = sqrt((w + (w + h) / 2) * (h + (w + h) / 2)): 60 for 30 x 30; sqrt(170 * 110) for 100 x 40.
    expected = [
        [30 * 127 / 60, 30 * 127 / 60],
        [100 * 127 / 18700**0.5, 40 * 127 / 18700**0.5],
        [10 * 127 / (35 * 65) ** 0.5, 40 * 127 / (35 * 65) ** 0.5],
        [3 * 127 / 15**0.5, 1 * 127 / 15**0.5],
    ]
    np.testing.assert_allclose(crops.target_wh, expected, rtol=1e-6)
    assert crops.target_wh.dtype == np.float32
    np.testing.assert_allclose(crops.table.boxes_xywh[:, :2] + crops.target_wh / 2, 255, rtol=1e-6)
    assert [crops.table.path(row).name for row in (0, 1, 2)] == [
        "000002.00.x.jpg",
        "000007.00.x.jpg",
        "000007.01.x.jpg",
    ]
    assert crops.table.path(3) == tmp_path / "crop511/bus%/000000.00.x.jpg"
    assert [crops.image(row).mean() for row in range(4)] == pytest.approx([20, 70, 71, 0], abs=1)


def test_the_crops_may_lie_elsewhere(tmp_path: Path) -> None:
    file = crop_set(tmp_path / "set")
    (tmp_path / "set" / "crop511").rename(tmp_path / "elsewhere")
    crops = read_crop511(file, tmp_path / "elsewhere")
    assert crops.table.root == tmp_path / "elsewhere"
    with pytest.raises(InputError, match=r"crop511 is missing; a folder is needed"):
        read_crop511(file)


def test_corners_and_sizes_say_the_same(tmp_path: Path) -> None:
    corners = crop_set(tmp_path / "corners", {"a": {"00": {"000001": [7, 9, 27, 19]}}})
    sizes = crop_set(tmp_path / "sizes", {"a": {"00": {"000001": [20, 10]}}})
    np.testing.assert_array_equal(read_crop511(corners).target_wh, read_crop511(sizes).target_wh)
    assert read_crop511(sizes).digest() == read_crop511(corners).digest()
    other = crop_set(tmp_path / "other", {"a": {"00": {"000001": [20, 11]}}})
    assert read_crop511(other).digest() != read_crop511(sizes).digest()


def test_pairs_are_those_of_our_own_store(tmp_path: Path) -> None:
    """The same crops as files of pysot's layout and in a store give the same pairs."""
    sequences = list(synthetic_sequences(3, seed=0, length=6))
    boxes: dict[str, dict] = {}
    for sequence in sequences:
        folder = tmp_path / "crop511" / sequence.name
        folder.mkdir(parents=True)
        frames = boxes.setdefault(sequence.name, {"00": {}})["00"]
        for number in np.flatnonzero(sequence.visible).tolist():
            box = sequence.boxes_xywh[number]
            frames[f"{number:06d}"] = [*box[:2].tolist(), *(box[:2] + box[2:]).tolist()]
            crop = cv2.cvtColor(crop_511(sequence.frames[number], box), cv2.COLOR_RGB2BGR)
            file = folder / f"{number:06d}.00.x.jpg"
            file.write_bytes(
                cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
            )
    (tmp_path / "train.json").write_text(json.dumps(boxes))
    crops, store = read_crop511(tmp_path / "train.json"), CropStore.build(sequences)
    np.testing.assert_array_equal(crops.tracks, store.tracks)
    np.testing.assert_allclose(crops.target_wh, store.target_wh, rtol=1e-5)
    first = sequences[0].boxes_xywh[int(np.flatnonzero(sequences[0].visible)[0])]
    np.testing.assert_allclose(crops.target_wh[0], size_in_crop(*first[2:]), rtol=1e-5)
    np.testing.assert_array_equal(crops.image(4), store.image(4))
    settings = recipe("siamrpnpp_small")
    ours, theirs = (PairSource(source, settings.sampling, settings.net, seed=3) for source in (store, crops))
    for index in range(8):
        a, b = ours.pair(0, index), theirs.pair(0, index)
        np.testing.assert_allclose(a.template, b.template, atol=0.05)
        np.testing.assert_allclose(a.search, b.search, atol=0.05)
        np.testing.assert_allclose(a.target_xyxy, b.target_xyxy, atol=1e-3)
        assert (a.positive, a.key) == (b.positive, b.key)


def test_boxes_without_an_area_are_dropped_and_counted(tmp_path: Path) -> None:
    boxes = {
        "a": {"00": {"000000": [5, 5], "000001": [0, 5], "000002": [9, 9, 5, 20]}, "01": {"000000": [4, -1]}},
        "b": {"00": {"000003": [1, 1, 1, 1]}},
    }
    file, log = crop_set(tmp_path, boxes), FaultLog()
    crops = read_crop511(file, report=log)
    assert list(crops.table.names) == ["a/00"]
    assert (crops.table.numbers.tolist(), crops.tracks.tolist(), crops.videos.tolist()) == (
        [0],
        [0, 1],
        [0, 1],
    )
    assert log.count == 4
    assert str(log.faults[0]) == f"{file} a/00/000001: [0, 5] has width 0 and height 5; both must be above 0"
    assert str(log.faults[1]).endswith("[9, 9, 5, 20] has width -4 and height 11; both must be above 0")


def replace(old: str, new: str) -> Callable[[Path], object]:
    def spoil(root: Path) -> None:
        text = (root / "train.json").read_text()
        assert old in text
        (root / "train.json").write_text(text.replace(old, new, 1))

    return spoil


def write(boxes: object) -> Callable[[Path], object]:
    return lambda root: (root / "train.json").write_text(json.dumps(boxes))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda r: (r / "crop511/train/car/000007.01.x.jpg").unlink(),
            r"train/car/000007.01.x.jpg is missing; .*train.json has a box for it",
        ),
        (lambda r: (r / "crop511/bus%").rename(r / "bus"), r"crop511/bus% is missing; a folder is needed"),
        (lambda r: (r / "train.json").unlink(), r"train.json is missing; a text file is needed"),
        (lambda r: garble(r / "train.json"), r"train.json cannot be read as UTF-8 text"),
        (replace("1.5,", "1.x5,"), r"train.json row \d+: '1.x5,' is not JSON"),
        (replace("}", ""), r"train.json row \d+: .* is not JSON"),
        (write([1]), r"train.json is not a JSON table {video: {track: {frame: box}}}"),
        (write({"a": [1]}), r"train.json: 'a' is not a table of tracks"),
        (write({"train/car": {"00": 5}}), r"train.json train/car/00: 5 is not a table of frames"),
        (
            write({"train/car": {"00": {"000007": [1, 2, "x", 4]}}}),
            r"train/car/00/000007: \[1, 2, 'x', 4\] is not a box of finite numbers \[w, h\] or \[x1, y1, x2, y2\]",
        ),
        (
            write({"train/car": {"00": {"000007": [1, 10**400]}}}),
            r"\[1, 10+\.\.\. is not a box of finite numbers",
        ),
        (
            write({"train/car": {"00": {"000007": [1, 2, 1e300, 4]}}}),
            r"\[1, 2, 1e\+300, 4\] is not a box of finite",
        ),
        (lambda root: (root / "train.json").write_text("9" * 5000), r"train.json is not a JSON table"),
        (write({"train/car": {"00": {"000007": [1, 2, 3]}}}), r"\[1, 2, 3\] is not a box"),
        (write({"train/car": {"00": {"000007": [True, 2]}}}), r"\[True, 2\] is not a box"),
        (write({"train/car": {"00": {"000007": [float("nan"), 2]}}}), r"\[nan, 2\] is not a box"),
        (write({"train/car": {"00": {"000007": [1, float("inf")]}}}), r"\[1, inf\] is not a box"),
        (write({"train/car": {"00": {"000007": [-1, 2]}}}), r"has width -1 and height 2"),
        (
            write({"train/car": {"00": {"000007": [1, 2], "7": [1, 2]}}}),
            r"00/7 is frame 7, which comes twice; each frame once",
        ),
        (
            write({"train/car": {"00": {"1" * 5000: [1, 2]}}}),
            r"00/111111111111\.\.\. has more than 12 digits",
        ),
        (
            write({"train/car": {"../00": {"000007": [1, 2]}}}),
            r"train/car/../00 is not a name of a track like 00",
        ),
        (replace('"bus%"', '"train/car"'), r"'train/car' comes twice in a table; each video"),
        (replace('"01"', '"00"'), r"'00' comes twice in a table"),
        (replace('"bus%"', '"../bus%"'), r"train.json: '../bus%' does not name a folder below"),
        (replace('"bus%"', '"/bus%"'), r"train.json: '/bus%' does not name a folder below"),
        (lambda r: link_out(r, "crop511/bus%"), r"crop511/bus% leads out of"),
        (lambda r: link_out(r, "train.json"), r"train.json leads out of"),
        (lambda r: link_out(r, "crop511/train/car/000007.01.x.jpg"), r"000007.01.x.jpg leads out of"),
        (write({}), r"train.json has no box whose crop is in .*crop511"),
    ],
)
def test_faults_are_named(tmp_path: Path, spoil: Callable[[Path], object], message: str) -> None:
    file = crop_set(tmp_path / "set")
    spoil(tmp_path / "set")
    with pytest.raises(InputError, match=message) as caught:
        read_crop511(file)
    assert "\n" not in str(caught.value)


def test_damaged_crops_are_named_when_decoded(tmp_path: Path) -> None:
    crops = read_crop511(crop_set(tmp_path))
    truncate(crops.table.path(0))
    crops.table.path(1).unlink()
    cv2.imwrite(str(crops.table.path(2)), np.zeros((271, 271, 3), np.uint8))
    for index, name in enumerate(("000002.00", "000007.00", "000007.01")):
        with pytest.raises(
            InputError, match=rf"{name}.x.jpg is not a readable, complete JPEG image of 511 x 511"
        ):
            crops.image(index)
    with pytest.raises(IndexError):
        crops.image(4)
