"""Hashes of what sequences and images hold: the same for copies, others after any change."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dlatrack.datasets import content
from dlatrack.datasets.content import content_of, images_digest, listed_images_digest, truth_digest
from dlatrack.datasets.images import ImageFiles
from dlatrack.datasets.index.columns import TextColumn
from dlatrack.datasets.index.image_list import ImageList
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError

FILES = {"a/1.jpg": b"one", "a/2.jpg": b"two", "b/1.jpg": bytes(range(256)) * 100}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def tracks(root: Path) -> list[Sequence]:
    """Sequences of the folders below `root`; their images are never decoded."""
    found = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        paths = tuple(sorted(folder.iterdir()))
        count = len(paths)
        found.append(Sequence(folder.name, ImageFiles(paths), np.ones((count, 4)), np.ones(count, bool)))
    return found


def rewrite(path: Path, data: bytes) -> None:
    """Change a file as a tool does that keeps its time."""
    found = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def test_names_sizes_and_bytes_are_hashed(root):
    lines = {name: f"{Path(name).name} {len(data)} {sha256(data)}\n" for name, data in FILES.items()}
    text = f"a 2\n{lines['a/1.jpg']}{lines['a/2.jpg']}b 1\n{lines['b/1.jpg']}"
    assert images_digest(tracks(root)) == sha256(sha256(text.encode()).encode())


def test_copies_have_the_same_content_in_any_order(root, tmp_path):
    copy = shutil.copytree(root, tmp_path / "copy" / "other name")
    for path in copy.rglob("*.jpg"):
        os.utime(path, (1, 1))
    assert content_of(tracks(copy)[::-1]) == content_of(tracks(root)[:2])


@pytest.mark.parametrize("name", FILES)
def test_every_byte_counts_though_size_and_time_stay(root, name):
    before = images_digest(tracks(root))
    data = bytearray(FILES[name])
    data[len(data) // 3] ^= 1
    rewrite(root / name, bytes(data))
    assert images_digest(tracks(root)) != before
    rewrite(root / name, FILES[name])
    assert images_digest(tracks(root)) == before


def test_names_of_images_and_sequences_count(root):
    found = {images_digest(tracks(root))}
    (root / "a" / "2.jpg").rename(root / "a" / "3.jpg")
    found.add(images_digest(tracks(root)))
    (root / "b").rename(root / "c")
    found.add(images_digest(tracks(root)))
    (root / "a" / "3.jpg").rename(root / "c" / "3.jpg")
    found.add(images_digest(tracks(root)))
    assert len(found) == 4


def test_of_large_sets_three_blocks_of_each_image_are_read(root, monkeypatch):
    """The file of 25,600 bytes counts at 0..4095, 12800..16895 and 21504..25599."""
    monkeypatch.setattr(content, "_WHOLE", 1000)
    path, whole = root / "b" / "1.jpg", FILES["b/1.jpg"]
    before = images_digest(tracks(root))
    for place, counts in ((4095, True), (4096, False), (12800, True), (16896, False), (21504, True)):
        rewrite(path, whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert (images_digest(tracks(root)) != before) == counts, place
    rewrite(path, whole + b"x")
    assert images_digest(tracks(root)) != before


def test_what_was_read_is_not_read_again(root, monkeypatch):
    for path in root.rglob("*.jpg"):
        os.utime(path, (1, 1))
    monkeypatch.setattr(content, "_SETTLED", -(10**18))
    before = images_digest(tracks(root))
    monkeypatch.setattr(content, "_mark", None)
    assert images_digest(tracks(root)) == before


def test_boxes_visibility_and_polygons_count(root):
    first, second = tracks(root)
    found = {truth_digest([first, second]), truth_digest([second, first])}
    assert len(found) == 1
    hidden = replace(first, visible=np.array([True, False]))
    moved = replace(first, boxes_xywh=first.boxes_xywh + 1e-9)
    outlined = replace(first, polygons=np.zeros((2, 4, 2)))
    for other in (hidden, moved, outlined):
        found.add(truth_digest([other, second]))
    assert len(found) == 4


def test_drawn_frames_are_told_apart(root):
    drawn = [synthetic_sequence(seed, 3, (64, 64), challenges=()) for seed in (1, 2)]
    assert images_digest([drawn[0]]) == images_digest([synthetic_sequence(1, 3, (64, 64), challenges=())])
    assert images_digest([drawn[0]]) != images_digest([replace(drawn[1], name=drawn[0].name)])
    assert images_digest([*tracks(root), drawn[0]]) != images_digest(tracks(root))


def test_a_list_of_images_follows_its_files(root):
    numbers, starts = np.array([1, 2, 1]), np.array([0, 2, 3])
    images = ImageList(root, TextColumn.of(["a/%d.jpg", "b/%d.jpg"]), starts, numbers)
    before = listed_images_digest(images)
    rewrite(root / "a" / "2.jpg", b"tow")
    assert listed_images_digest(images) != before


def test_an_image_that_cannot_be_read_is_named(root):
    found = tracks(root)
    (root / "a" / "2.jpg").unlink()
    with pytest.raises(InputError, match=r"cannot read .*a/2\.jpg: No such file or directory"):
        images_digest(found)
