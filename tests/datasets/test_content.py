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
from dlatrack.datasets.content import content_of, images_digest, listed_images_digests, truth_digest
from dlatrack.datasets.images import ImageFiles
from dlatrack.datasets.index.columns import TextColumn
from dlatrack.datasets.index.tracks import ImageList
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError

FILES = {"a/1.jpg": b"one", "a/2.jpg": b"two", "b/1.jpg": bytes(range(256)) * 100}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, whatever other runs have left in theirs."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("DLATRACK_CACHE", str(folder))
    return folder


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


def images(root: Path) -> str:
    """Hashes of the images of all sequences, in one text."""
    return "\n".join(found["images"] for found in content_of(tracks(root)).values())


def rewrite(path: Path, data: bytes) -> None:
    """Change a file as a tool does that keeps its time."""
    found = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def test_names_sizes_and_bytes_are_hashed(root):
    lines = {name: f"{Path(name).name} {len(data)} {sha256(data)}\n" for name, data in FILES.items()}
    a, b = f"a 2\n{lines['a/1.jpg']}{lines['a/2.jpg']}", f"b 1\n{lines['b/1.jpg']}"
    assert images(root) == f"{sha256(a.encode())}\n{sha256(b.encode())}"


def test_copies_have_the_same_content_in_any_order(root, tmp_path):
    copy = shutil.copytree(root, tmp_path / "copy" / "other name")
    for path in copy.rglob("*.jpg"):
        os.utime(path, (1, 1))
    assert content_of(tracks(copy)[::-1]) == content_of(tracks(root)[:2])


def test_each_sequence_has_hashes_of_its_own(root):
    before = content_of(tracks(root))
    rewrite(root / "b" / "1.jpg", b"other")
    after = content_of(tracks(root))
    assert (list(before), after["a"]) == (["a", "b"], before["a"])
    assert after["b"]["boxes"] == before["b"]["boxes"]
    assert after["b"]["images"] != before["b"]["images"]
    assert content_of(tracks(root)[:1]) == {"a": before["a"]}


@pytest.mark.parametrize("name", FILES)
def test_every_byte_counts_though_size_and_time_stay(root, name):
    before = images(root)
    data = bytearray(FILES[name])
    data[len(data) // 3] ^= 1
    rewrite(root / name, bytes(data))
    assert images(root) != before
    rewrite(root / name, FILES[name])
    assert images(root) == before


def test_names_of_images_and_sequences_count(root):
    found = {images(root)}
    (root / "a" / "2.jpg").rename(root / "a" / "3.jpg")
    found.add(images(root))
    (root / "b").rename(root / "c")
    found.add(images(root))
    (root / "a" / "3.jpg").rename(root / "c" / "3.jpg")
    found.add(images(root))
    assert len(found) == 4


def test_of_large_sets_three_blocks_of_each_image_are_read(root, monkeypatch):
    """The file of 25,600 bytes counts at 0..4095, 12800..16895 and 21504..25599."""
    monkeypatch.setattr(content, "_WHOLE", 1000)
    path, whole = root / "b" / "1.jpg", FILES["b/1.jpg"]
    before = images(root)
    for place, counts in ((4095, True), (4096, False), (12800, True), (16896, False), (21504, True)):
        rewrite(path, whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert (images(root) != before) == counts, place
    rewrite(path, whole + b"x")
    assert images(root) != before


def test_what_was_read_is_not_read_again(root, monkeypatch):
    """By no process: what is known lies in the cache folder, a file for each sequence."""
    monkeypatch.setattr(content, "_SETTLED", -(10**18))
    before = images(root)
    monkeypatch.setattr(content, "_mark", None)
    assert images(root) == before


@pytest.mark.parametrize("name", FILES)
def test_what_has_changed_is_read_again_though_size_and_time_stay(root, monkeypatch, name):
    monkeypatch.setattr(content, "_SETTLED", -(10**18))
    before, changed = images(root), (root / name).stat().st_ctime_ns
    while (root / name).stat().st_ctime_ns == changed:  # until the next tick of the file system
        rewrite(root / name, FILES[name][::-1])
    assert images(root) != before


def test_what_may_yet_change_unseen_is_not_remembered(root, cache):
    images(root)
    assert not any(cache.iterdir())


@pytest.mark.parametrize("text", ["", "0" * 64, "x" * 64 + "\n", "0" * 64 + "\n" + "1" * 64 + "\n", "\xe9"])
def test_a_damaged_cache_is_passed_over(root, cache, monkeypatch, text):
    monkeypatch.setattr(content, "_SETTLED", -(10**18))
    before = images(root)
    kept = list((cache / "content").iterdir())
    assert len(kept) == 2
    for path in kept:
        path.write_text(text, encoding="latin-1")
    assert images(root) == before


def test_a_cache_that_cannot_be_written_costs_only_time(root, cache, monkeypatch):
    monkeypatch.setattr(content, "_SETTLED", -(10**18))
    (cache / "content").write_text("in the way")
    assert images(root) == images(root)


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


def test_drawn_frames_are_told_apart():
    drawn = [synthetic_sequence(seed, 3, (64, 64), challenges=()) for seed in (1, 2)]
    assert images_digest(drawn[0]) == images_digest(synthetic_sequence(1, 3, (64, 64), challenges=()))
    assert images_digest(drawn[0]) != images_digest(replace(drawn[1], name=drawn[0].name))


def test_a_list_of_images_follows_its_files(root):
    numbers, starts = np.array([1, 2, 1]), np.array([0, 2, 3])
    listed = ImageList(root, TextColumn.of(["a/%d.jpg", "b/%d.jpg"]), starts, numbers)
    before = listed_images_digests(listed)
    rewrite(root / "a" / "2.jpg", b"tow")
    after = listed_images_digests(listed)
    assert list(after) == ["a/%d.jpg", "b/%d.jpg"]
    assert [after[name] == before[name] for name in after] == [False, True]


def test_an_image_that_cannot_be_read_is_named(root):
    found = tracks(root)
    (root / "a" / "2.jpg").unlink()
    with pytest.raises(InputError, match=r"cannot read .*a/2\.jpg: No such file or directory"):
        content_of(found)
