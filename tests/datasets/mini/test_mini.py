"""Miniatures of all data sets: sound, the same bytes each time, and what they declare."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from dlatrack.datasets import mini
from dlatrack.datasets.check import check
from dlatrack.datasets.manifests import locate, manifest, names
from dlatrack.datasets.mini import LONGER_SETS, write_mini
from dlatrack.datasets.mini.videos import joined_videos, mini_video, save_rows
from dlatrack.datasets.registry import read
from dlatrack.errors import InputError
from dlatrack.files import owned_folder

Miniature = Callable[[str], Path]


def hashes(root: Path) -> dict[str, str]:
    files = (file for file in root.rglob("*") if file.is_file())
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("name", names())
def test_the_deep_check_finds_no_fault_and_the_declared_counts(miniature: Miniature, name: str) -> None:
    root = miniature(name)
    report = check(name, root.parent, deep=True)
    assert [str(fault) for fault in report.faults] == []
    assert report.ok
    assert report.miniature
    declared = locate(name, root).manifest.splits
    assert all(declared[split].counts for split in manifest(name).splits)
    for split, part in declared.items():
        counts = read(name, root, split).counts()
        assert {what: getattr(counts, what) for what in part.counts} == part.counts


@pytest.mark.parametrize("name", names())
def test_the_seed_decides_the_bytes(miniature: Miniature, tmp_path: Path, name: str) -> None:
    first, again = hashes(miniature(name)), hashes(write_mini(name, tmp_path / "again"))
    other = hashes(write_mini(name, tmp_path / "other", seed=1))
    assert first == again
    assert other.keys() == first.keys()
    assert sum(other[file] != first[file] for file in first) > len(first) / 3


@pytest.mark.parametrize("name", names())
def test_every_sequence_can_be_opened_and_shows_its_target(miniature: Miniature, name: str) -> None:
    root = miniature(name)
    for split in locate(name, root).splits_on_disk():
        for sequence in read(name, root, split).sequences():
            height, width = sequence.frames[0].shape[:2]
            x, y, w, h = sequence.boxes_xywh[0]
            assert sequence.frames[0].dtype == np.uint8
            assert x < width
            assert y < height
            assert x + w > 0
            assert y + h > 0


def test_several_miniatures_share_a_folder_and_none_is_overwritten(tmp_path: Path) -> None:
    roots = {write_mini(name, tmp_path) for name in ("otb100", "imagenet_vid")}
    assert {root.name for root in roots} == {"OTB100", "ILSVRC2015"}
    with pytest.raises(InputError, match=r"OTB100 holds OTB100 .* already; choose another folder"):
        write_mini("otb100", tmp_path)
    with pytest.raises(InputError, match="there is no data set 'otb'"):
        write_mini("otb", tmp_path)


def test_a_miniature_that_was_killed_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def content(folder: Path) -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    whole = content(write_mini("got10k", tmp_path / "whole"))
    with monkeypatch.context() as patch:
        patch.setattr(mini, "_toml", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_mini("got10k", tmp_path / "killed")
    root = tmp_path / "killed" / "GOT-10k"
    assert len(content(root)) == len(whole), "the mark is there, the note is not"
    next(root.rglob("*.jpg")).write_bytes(b"half")
    with pytest.raises(InputError, match=r"holds GOT-10k already; choose another folder"):
        write_mini("got10k", tmp_path / "killed", seed=1)
    assert content(write_mini("got10k", tmp_path / "killed")) == whole


@pytest.mark.parametrize("seed", [-1, 2**64, 99999999999999999999999])
def test_a_seed_out_of_range_is_named(tmp_path: Path, seed: int) -> None:
    with pytest.raises(InputError, match=rf"^seed must be in 0\.\.18446744073709551615, got {seed}$"):
        write_mini("otb100", tmp_path, seed=seed)
    assert [*tmp_path.iterdir()] == []


def test_the_largest_seed_is_taken(tmp_path: Path) -> None:
    root = write_mini("vot2019", tmp_path, seed=2**64 - 1)
    assert locate("vot2019", root).manifest.miniature


@pytest.mark.slow
@pytest.mark.parametrize("name", LONGER_SETS)
def test_a_longer_miniature_of_a_benchmark_has_no_fault(tmp_path: Path, name: str) -> None:
    root = write_mini(name, tmp_path, longer=3)
    report = check(name, root.parent, deep=True)
    assert [str(fault) for fault in report.faults] == []
    short = locate(name, write_mini(name, tmp_path / "short")).manifest.splits["test"].counts
    assert read(name, root, "test").counts().rows >= 2.8 * short["rows"]


def test_two_runs_do_not_write_one_miniature(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        pool.submit(stack.enter_context, owned_folder(tmp_path / "OTB100")).result()
        with pytest.raises(InputError, match=r"OTB100 is being written by another run \(process"):
            write_mini("otb100", tmp_path, seed=1)
        pool.submit(stack.close).result()
    assert [*tmp_path.iterdir()] == []


def test_only_a_benchmark_can_be_made_longer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^longer must be 1, or more for otb100, .*; got 2 for coco$"):
        write_mini("coco", tmp_path, longer=2)
    with pytest.raises(InputError, match="got 0 for otb100"):
        write_mini("otb100", tmp_path, longer=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_scenes_hide_their_target_only_when_asked_to() -> None:
    plain, hidden = mini_video("test/plain", 0, 8), mini_video("test/hidden", 0, 20, challenges=("OV",))
    assert plain.visible.all()
    assert plain.size == (160, 120)
    assert hidden.visible[[0, -1]].all()
    frame = int(np.flatnonzero(~hidden.visible)[0])
    np.testing.assert_array_equal(hidden.boxes_xywh[frame], hidden.boxes_xywh[frame - 1])


def test_two_scenes_in_one_video() -> None:
    left, right = mini_video("test/left", 0, 3, (80, 72)), mini_video("test/right", 0, 3, (80, 72))
    images, *boxes = joined_videos(left, right)
    assert images[0].shape == (72, 160, 3)
    np.testing.assert_array_equal(boxes[0], left.boxes_xywh)
    np.testing.assert_array_equal(boxes[1] - right.boxes_xywh, [[80, 0, 0, 0]] * 3)


def test_rows_are_written_as_asked(tmp_path: Path) -> None:
    save_rows(tmp_path / "a" / "b.txt", np.array([[1.25, 2.5], [np.nan, 4]]), number=".2f", separator="\t")
    assert (tmp_path / "a" / "b.txt").read_text() == "1.25\t2.50\nNaN\t4.00\n"
    save_rows(tmp_path / "c.txt", [[1.6, -0.4]])
    assert (tmp_path / "c.txt").read_text() == "2,0\n"
