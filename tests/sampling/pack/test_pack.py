"""Packs: what is written, going on after a stop, and every way in which one can be spoiled."""

from __future__ import annotations

import json
import pickle
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.recipes import recipe
from dlatrack.sampling.content_list import CONTENT
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pack import shard as shard_module
from dlatrack.sampling.pack.read import PackedCrops, read_pack
from dlatrack.sampling.pack.write import _limits, pack
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore


@pytest.fixture
def copy(packed, tmp_path):
    """The folder of a pack that a test may spoil."""
    return Path(shutil.copytree(packed.folder, tmp_path / "copy"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_pairs_from_a_pack_have_the_bits_of_pairs_from_memory(packed, table):
    """The store decodes whole JPEG files without restart markers, the pack only parts of files with them."""
    store = CropStore.build(OriginalCrops.of(table).table.sequences())
    for name in ("dla_siamcar", "dla_siamfcpp"):
        chosen = recipe(name)
        sampling = replace(chosen.sampling, negative_pairs=0.3, gray=0.2)
        a, b = (PairSource(crops, sampling, chosen.net, 3) for crops in (store, packed))
        for index in range(12):
            for x, y in zip(a.pair(1, index), b.pair(1, index), strict=True):
                assert np.array_equal(x, y)


def test_a_pack_holds_what_the_originals_hold(packed, table):
    crops = OriginalCrops.of(table)
    for name in ("target_wh", "tracks", "videos"):
        assert np.array_equal(getattr(packed, name), getattr(crops, name))
    assert packed.track_count == 3
    assert packed.image(5).shape == (511, 511, 3)
    assert np.abs(packed.image(5).astype(int) - crops.image(5)).mean() < 6


def test_shards_are_plain_tar_files_that_stream(packed):
    """Any program finds image and label of a crop beside each other under one key."""
    names, labels = [], {}
    for shard in packed.description.shards:
        with tarfile.open(packed.folder / shard.file, "r|") as tar:
            for member in tar:
                names.append(member.name)
                data = tar.extractfile(member).read()
                if member.name.endswith(".json"):
                    labels[int(member.name[:9])] = json.loads(data)
                else:
                    assert data == packed.encoded(int(member.name[:9]))
    assert names == [f"{n:09d}.{suffix}" for n in range(len(packed)) for suffix in ("jpg", "json")]
    assert labels[6]["track"] == "synthetic-0001"
    assert labels[6]["target_wh"] == packed.target_wh[6].tolist()
    assert set(labels[6]) == {"track", "class", "frame", "target_wh"}


def test_shards_end_with_a_track():
    tracks = np.array([0, 3, 5, 9, 10, 11])
    assert _limits(tracks, 4).tolist() == [0, 5, 9, 11]
    assert _limits(tracks, 1).tolist() == tracks.tolist()
    assert _limits(tracks, 100).tolist() == [0, 11]


def test_the_bytes_do_not_depend_on_the_workers(packed, table, tmp_path):
    pack(table, tmp_path / "two", name="three", shard_crops=4, workers=2)
    assert contents(tmp_path / "two") == contents(packed.folder)


def test_an_interrupted_pack_resumes_at_the_next_shard(packed, table, tmp_path, monkeypatch):
    written, plain = [], shard_module.file_digest

    def stop_at_second(path):
        written.append(path.name)
        if len(written) == 2:
            raise KeyboardInterrupt
        return plain(path)

    out = tmp_path / "out"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shard_module, "file_digest", stop_at_second)
        pack(table, out, name="three", shard_crops=4, workers=1)
    with pytest.raises(InputError, match="not a finished pack"):
        read_pack(out)
    with pytest.raises(InputError, match="pack of other data or other settings"):
        pack(table, out, name="three", shard_crops=5, workers=1)
    before = (out / "crops-000000.tar").stat().st_mtime_ns
    pack(table, out, name="three", shard_crops=4, workers=1)
    assert (out / "crops-000000.tar").stat().st_mtime_ns == before
    assert contents(out) == contents(packed.folder)


def test_a_shard_cut_short_before_the_end_is_written_again(packed, table, tmp_path, monkeypatch):
    out, plain = tmp_path / "out", shard_module.write_shard

    def stop_at_last(job, number):
        if number == 2:
            raise KeyboardInterrupt
        plain(job, number)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("dlatrack.sampling.pack.write.write_shard", stop_at_last)
        pack(table, out, name="three", shard_crops=4, workers=1)
    (out / "crops-000000.tar").write_bytes(b"short")
    (out / "crops-000001.tar.done").write_bytes(b"damaged")
    pack(table, out, name="three", shard_crops=4, workers=1)
    assert contents(out) == contents(packed.folder)


def test_a_finished_pack_is_only_read(copy, table):
    before = {path: path.stat().st_mtime_ns for path in copy.iterdir()}
    assert len(pack(table, copy, name="three", workers=1)) == 15
    assert {path: path.stat().st_mtime_ns for path in copy.iterdir()} == before
    moved = replace(table, boxes_xywh=table.boxes_xywh + 1)
    for other, name in ((moved, "three"), (table, "four")):
        with pytest.raises(InputError, match="holds a pack of other data or other settings"):
            pack(other, copy, name=name, workers=1)


def test_a_folder_in_use_and_bad_numbers_are_refused(table, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="is not empty and holds no pack"):
        pack(table, tmp_path, workers=1)
    with pytest.raises(ValueError, match="shard_crops and workers must be 1 or more, got 0 and 1"):
        pack(table, tmp_path / "out", shard_crops=0, workers=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_image_is_named_and_finished_shards_stay(table, tmp_path, workers):
    shutil.copytree(table.root, tmp_path / "images")
    spoiled = replace(table, root=tmp_path / "images")
    last = OriginalCrops.of(spoiled).table.path(14)
    last.write_bytes(last.read_bytes()[:100])
    with pytest.raises(InputError, match=rf"{last} is not a readable, complete JPEG"):
        pack(spoiled, tmp_path / "out", shard_crops=4, workers=workers)
    assert (tmp_path / "out" / "crops-000000.tar.done").exists()
    assert not (tmp_path / "out" / "crops-000002.tar").exists()


def test_a_pack_travels_to_another_process_by_its_folder(packed):
    data = pickle.dumps(packed)
    assert len(data) < 1000
    assert np.array_equal(pickle.loads(data).image(3), packed.image(3))


def test_shards_are_closed_again(packed, monkeypatch):
    monkeypatch.setattr("dlatrack.sampling.pack.read._OPEN", 1)
    pack = read_pack(packed.folder)
    for index in (0, 14, 1, 13):
        assert np.array_equal(pack.image(index), packed.image(index))
        assert len(pack._open) == 1


def spoil_description(folder: Path) -> None:
    (folder / "pack.json").write_text('{"format": "zip"}')


def spoil_index(folder: Path) -> None:
    (folder / "index.safetensors").write_bytes(b"0" * 100)


def drop_a_key(folder: Path) -> None:
    content = json.loads((folder / "pack.json").read_text())
    del content["shards"]
    (folder / "pack.json").write_text(json.dumps(content))


def cut_a_shard(folder: Path) -> None:
    shard = folder / "crops-000001.tar"
    shard.write_bytes(shard.read_bytes()[:-512])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "pack.json").unlink(), "is not a finished pack: it has no pack.json"),
        (lambda folder: (folder / "pack.json").write_text("{"), "pack.json is not JSON"),
        (lambda folder: (folder / "pack.json").write_text("[]"), "does not hold a JSON object"),
        (spoil_description, "does not describe a pack of the form 'dlatrack crops 1'"),
        (drop_a_key, "is not a complete description of a pack: 'shards'"),
        (spoil_index, "index.safetensors is not the index of this pack"),
        (lambda folder: (folder / "index.safetensors").unlink(), "cannot read .*index.safetensors"),
        (
            lambda folder: (folder / "crops-000001.tar").unlink(),
            "shard .*crops-000001.tar of the pack is missing",
        ),
        (cut_a_shard, r"crops-000001.tar has [\d,]+ bytes, not [\d,]+"),
        (
            lambda folder: (folder / "crops-000003.tar").write_bytes(b""),
            "crops-000003.tar does not belong to this pack; it lists 3 shards",
        ),
    ],
)
def test_spoiled_packs_are_refused(copy, spoil, message):
    spoil(copy)
    with pytest.raises(InputError, match=message):
        read_pack(copy)


def test_a_shard_of_another_pack_is_found_when_it_is_read(copy):
    """Same size, other content."""
    shard = copy / "crops-000001.tar"
    shard.write_bytes(shard.read_bytes().replace(b"000000005.jpg", b"000000077.jpg"))
    pack = read_pack(copy)
    with pytest.raises(InputError, match=r"it holds '000000077.jpg' where 000000005.jpg should be"):
        pack.image(5)
    with pytest.raises(InputError, match=r"crops-000001.tar is not what was packed"):
        pack.verify()
    (copy / "crops-000000.tar").write_bytes(b"0")
    with pytest.raises(InputError, match=r"crops-000000.tar ends within crop 2"):
        pack.image(2)


def test_a_damaged_crop_is_named(copy, packed):
    shard = copy / "crops-000000.tar"
    data = bytearray(shard.read_bytes())
    start = int(packed.index.offsets[1])
    data[start : start + 200] = bytes(200)
    shard.write_bytes(data)
    with pytest.raises(InputError, match=r"crop 1 of 15 in .* cannot be decoded"):
        read_pack(copy).image(1)


def test_a_sound_pack_verifies(packed: PackedCrops):
    packed.verify()
    assert packed.digest() == read_pack(packed.folder).digest()


@pytest.fixture
def own_table(table, tmp_path):
    """The table in a folder whose images a test may change."""
    return replace(table, root=shutil.copytree(table.root, tmp_path / "images"))


def change_image(table) -> None:
    """Change one byte of an image, and not its size."""
    path = OriginalCrops.of(table).table.path(6)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_pack_of_other_images_is_not_taken(own_table, copy):
    pack(own_table, copy, name="three", workers=1)
    before = contents(copy)
    change_image(own_table)
    with pytest.raises(
        InputError,
        match=r"\(images differ; the first change: images of synthetic-0001/%06d\.jpg\); choose another",
    ):
        pack(own_table, copy, name="three", workers=1)
    assert contents(copy) == before


@pytest.mark.parametrize("row", [0, 6, 14])
def test_a_stopped_pack_makes_shards_of_changed_images_anew(own_table, tmp_path, monkeypatch, row):
    """After two of its three shards; the result is that of a pack of the images as they are now."""
    write, made = shard_module.write_shard, []

    def noted(job, number):
        if len(made) == 2:
            raise KeyboardInterrupt
        write(job, number)
        made.append(number)

    out, options = tmp_path / "out", {"name": "three", "shard_crops": 4, "workers": 1}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("dlatrack.sampling.pack.write.write_shard", noted)
        pack(own_table, out, **options)
    path = OriginalCrops.of(own_table).table.path(row)
    cv2.imwrite(str(path), 255 - cv2.imread(str(path)))
    made.clear()
    monkeypatch.setattr(
        "dlatrack.sampling.pack.write.write_shard", lambda job, n: (made.append(n), write(job, n))
    )
    pack(own_table, out, **options)
    assert made == {0: [0, 2], 6: [1, 2], 14: [2]}[row]
    assert contents(out) == contents(pack(own_table, tmp_path / "whole", **options).folder)


@pytest.mark.parametrize("text", [None, "", "[]"])
def test_a_stopped_pack_that_lacks_its_list_of_images_is_refused_for_others(
    own_table, tmp_path, monkeypatch, text
):
    with monkeypatch.context() as patch, pytest.raises(KeyError):
        patch.setattr("dlatrack.sampling.pack.write._write_shards", lambda *_: {}["stop"])
        pack(own_table, tmp_path / "out", name="three", workers=1)
    (tmp_path / "out" / CONTENT).unlink()
    if text is not None:
        (tmp_path / "out" / CONTENT).write_text(text)
    change_image(own_table)
    with pytest.raises(InputError, match=r"\(images differ\); choose another folder"):
        pack(own_table, tmp_path / "out", name="three", workers=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_pack_that_fails_says_that_it_resumes_and_does(own_table, packed, tmp_path, workers):
    path = OriginalCrops.of(own_table).table.path(14)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    options = {"name": "three", "shard_crops": 4, "workers": workers}
    message = r"image; what is packed stays in \S+out, and the same command resumes once this is corrected$"
    with pytest.raises(InputError, match=message):
        pack(own_table, tmp_path / "out", **options)
    path.write_bytes(whole)
    assert contents(pack(own_table, tmp_path / "out", **options).folder) == contents(packed.folder)


def test_a_pack_of_an_earlier_version_is_read_and_not_taken_for_this_one(copy, table):
    described = json.loads((copy / "pack.json").read_text())
    del described["images_sha256"]
    (copy / "pack.json").write_text(json.dumps(described))
    assert len(read_pack(copy)) == 15
    with pytest.raises(InputError, match="does not say which images it was packed from"):
        pack(table, copy, name="three", workers=1)


def test_two_runs_do_not_pack_to_one_folder(packed, table, tmp_path, monkeypatch):
    out, plain, refused = tmp_path / "out", shard_module.write_shard, []

    def again(job, number):
        with ThreadPoolExecutor(1) as pool:
            refused.append(pool.submit(pack, table, out, name="three", workers=1).exception())
        plain(job, number)

    monkeypatch.setattr("dlatrack.sampling.pack.write.write_shard", again)
    pack(table, out, name="three", shard_crops=4, workers=1)
    assert contents(out) == contents(packed.folder)
    assert all(isinstance(error, InputError) for error in refused)
    assert "out is being written by another run (process" in str(refused[0])


def test_a_folder_that_is_refused_is_left_as_it_was(table, tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="is not empty and holds no pack"):
        pack(table, tmp_path, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
