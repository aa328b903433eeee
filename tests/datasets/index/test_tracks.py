"""Track tables: building, reading rows and tracks, choosing, hashing."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tables import columns, table

from dlatrack.datasets.index.builder import TrackTableBuilder, literal
from dlatrack.datasets.index.tracks import Counts
from dlatrack.errors import InputError


def test_rows_and_paths() -> None:
    t = table()
    assert (len(t), t.track_count) == (6, 3)
    assert [str(t.path(row)) for row in range(6)] == [
        "/data/video/003.jpg",
        "/data/video/004.jpg",
        "/data/video/006.jpg",
        "/data/still.JPEG",
        "/data/video/004.jpg",
        "/data/video/005.jpg",
    ]
    assert t.has_box.tolist() == [True] * 4 + [False, True]
    assert t.visible.tolist() == t.has_box.tolist()
    assert t.boxes_xywh.dtype == np.float32
    assert t.numbers.dtype == np.int32


def test_counts_and_images_include_those_without_a_target() -> None:
    t = table()
    assert t.counts() == Counts(videos=2, frames=7, tracks=3, rows=6, boxes=5)
    images, of_row = t.images()
    names = [images.path(index).name for index in range(len(images))]
    assert names == ["001.jpg", "002.jpg", "003.jpg", "004.jpg", "005.jpg", "006.jpg", "still.JPEG"]
    assert of_row.tolist() == [2, 3, 5, 6, 3, 4]
    assert images.template_of_image.tolist() == [0] * 6 + [1]


def test_a_track_is_a_sequence_decoded_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "video").mkdir()
    cv2.imwrite(str(tmp_path / "video" / "006.jpg"), np.full((20, 30, 3), 77, np.uint8))
    sequence = table(tmp_path).sequence("a")
    assert (sequence.name, sequence.attributes, sequence.fps) == ("a", ("OCC", "SV"), 25)
    assert sequence.boxes_xywh.dtype == np.float64
    assert sequence.polygons is not None
    assert sequence.polygons.shape == (3, 4, 2)
    assert sequence.frames[2][0, 0].tolist() == [77, 77, 77]
    assert (sequence.frames[-1] == sequence.frames[2]).all()
    with pytest.raises(InputError, match=r"003.jpg \(frame 1\) is not a readable"):
        sequence.frames[0]
    assert [s.name for s in table().sequences()] == ["a", "b", "c"]
    with pytest.raises(InputError, match="there is no sequence 'd' among the 3 in /data"):
        table().sequence("d")


def test_choosing_tracks_and_rows() -> None:
    t = table()
    assert list(t.take(np.array([2, 0])).names) == ["c", "a"]
    assert t.take(np.array([2, 0])).numbers.tolist() == [4, 5, 3, 4, 6]
    assert list(t.take(np.array([True, False, True])).attributes) == ["OCC SV", "IV"]
    rows = t.where(np.array([False, True, True, False, False, True]))
    assert list(rows.names) == ["a", "c"]
    assert rows.starts.tolist() == [0, 2, 3]
    assert rows.extras["cover"].tolist() == [1, 2, 1]
    assert rows.counts().frames == 3
    assert t.where(np.zeros(6, bool)).track_count == 0


def test_usable_rows_are_visible_and_have_an_area() -> None:
    t = table()
    boxes = t.boxes_xywh.copy()
    boxes[1, 2] = 0
    visible = t.visible.copy()
    visible[2] = False
    assert replace(t, boxes_xywh=boxes, visible=visible).usable.tolist() == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]


def test_the_hash_covers_every_column() -> None:
    t = table()
    hashes = {t.digest()}
    for name, column in t.columns().items():
        if name.endswith(("offsets", "starts")):
            continue
        other = column.copy()
        other.flat[0] = not other.flat[0] if other.dtype == bool else other.flat[0] + 1
        head, _, tail = name.partition(".")
        if head == "extras":
            changed = replace(t, extras={tail: other})
        elif head == "on_disk":
            part = replace(t.on_disk.templates, data=other) if tail == "data" else other
            changed = replace(
                t, on_disk=replace(t.on_disk, **{"templates" if tail == "data" else tail: part})
            )
        else:
            changed = replace(t, **{head: replace(getattr(t, head), data=other) if tail else other})
        hashes.add(changed.digest())
    assert len(hashes) == 1 + 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fps": np.ones(2, np.float32)}, "3 tracks, but 2 fps"),
        ({"starts": np.array([0, 3, 3, 6])}, "starts must increase from 0 to the 6 rows"),
        ({"boxes_xywh": np.ones((6, 3))}, r"boxes_xywh must have shape \(6, 4\), not \(6, 3\)"),
        ({"extras": {"cover": np.ones(5)}}, "need 6 rows each"),
    ],
)
def test_columns_that_do_not_fit_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(table(), **change)


def test_the_builder_refuses_what_readers_must_report() -> None:
    builder = TrackTableBuilder(Path("/data"))
    one, box = np.zeros(1, int), np.ones((1, 4))
    builder.add("a", "a%%b/%d.jpg", one, box)
    assert str(builder.build().path(0)) == "/data/a%b/0.jpg"
    assert "a" in builder
    assert literal("100%") == "100%%"
    for template in ("/etc/%d.jpg", "a/../b/%d.jpg", "%d/%d.jpg", "%s.jpg", "100%.jpg"):
        with pytest.raises(ValueError, match="is not a path template"):
            builder.add("b", template, one, box)
    with pytest.raises(ValueError, match="a track has one, and with a %d one or more"):
        builder.add("b", "still.jpg", np.arange(2), np.ones((2, 4)))
    with pytest.raises(ValueError, match="a track 'a' already"):
        builder.add("a", "%d.jpg", one, box)
    with pytest.raises(ValueError, match="needs 1 values in each column"):
        builder.add("b", "%d.jpg", one, np.ones((2, 4)))
    for other in (columns(1, "dog", []), {"polygons": np.ones((1, 4, 2))}):
        with pytest.raises(ValueError, match="other columns than the tracks before"):
            builder.add("b", "%d.jpg", one, box, **other)


def test_large_numbers_keep_eight_bytes() -> None:
    builder = TrackTableBuilder(Path("/data"))
    builder.add("a", "%d.jpg", np.array([2**40]), np.ones((1, 4)))
    assert builder.build().path(0).name == f"{2**40}.jpg"


def test_an_empty_table() -> None:
    t = TrackTableBuilder(Path("/data")).build()
    assert t.counts() == Counts(0, 0, 0, 0, 0)
    assert list(t.sequences()) == []


@pytest.mark.slow
def test_a_million_rows_take_few_bytes_each(tmp_path: Path) -> None:
    """Ten million boxes must stay below 1 GiB; a tenth of that here. `dlatrack bench pairs` measures the seconds."""
    boxes, numbers = np.ones((250, 4), np.float32), np.arange(250)
    tracemalloc.start()
    builder = TrackTableBuilder(tmp_path, np.float32)
    for index in range(4000):
        builder.add(f"video{index}", f"TRAIN_0/frames/video{index}/%d.jpg", numbers, boxes)
    t = builder.build()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(t) == 1_000_000
    assert peak < 2**30 / 10
