"""Manifests: their form, what a miniature replaces, and finding a data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlatrack.datasets.manifest_file import load_content, read_sequence_list
from dlatrack.datasets.manifests import locate, manifest, manifests_dir, mini_file, names
from dlatrack.errors import InputError

MANIFEST = """
title = "A set"
role = "training"
kind = "video"
version = "1"
licence = "none"
terms = "none"
homepage = "https://example.org"
obtain = "ask"
citation = "A. Author"
layout = "folders"
disk_gb = 1
fps = 30
class_count = 2
root_names = ["A"]
[splits.train]
marker = "train"
counts = { tracks = 2 }
"""

LIST = "name,folder,annotation,images,first,last,attributes,subsets,note\nCar,cars,a.txt,%d.jpg,3,5,IV SV,half,odd\n"


@pytest.mark.parametrize("name", names())
def test_each_manifest_is_complete(name: str) -> None:
    known = manifest(name)
    assert known.name == name
    assert known.homepage.startswith("http")
    assert all((known.obtain, known.citation, known.licence, known.terms, known.layout))
    assert known.splits
    assert known.root_names
    assert set(known.attribute_counts) <= set(known.attributes)
    for split in known.splits.values():
        if split.of:
            assert split.only or split.without or " " in split.of
    if known.sequences:
        frames = sum(entry.frames for entry in known.sequences)
        assert frames in {split.counts.get("rows") for split in known.splits.values()}


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"there is no data set 'otb'; choose from .*otb100"):
        manifest("otb")
    with pytest.raises(InputError, match="got10k has no split 'trian'; choose from train, val, test"):
        manifest("got10k").split("trian")


def test_the_hash_covers_the_lists() -> None:
    known = manifest("got10k")
    assert {file.name for file in known.files} == {
        "got10k.toml",
        "got10k_vot_exclude.txt",
        "got10k_unfixed.txt",
    }
    assert known.digest() != manifest("otb100").digest()
    assert len(known.digest()) == 64


def test_a_manifest_with_lists_is_read(tmp_path: Path) -> None:
    lists = 'sequences = "a.csv"\n', '[lists]\nodd = "odd.txt"\n'
    (tmp_path / "a.toml").write_text(lists[0] + MANIFEST + lists[1])
    (tmp_path / "a.csv").write_text(LIST)
    (tmp_path / "odd.txt").write_text("Car\nBus\n")
    content = load_content(tmp_path / "a.toml")
    assert content.lists == {"odd": ("Car", "Bus")}
    (entry,) = content.sequences
    assert (entry.name, entry.folder, entry.frames, entry.skip_rows) == ("Car", "cars", 3, 0)
    assert (entry.attributes, entry.subsets, entry.extra) == (("IV", "SV"), ("half",), {"note": "odd"})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A set"\n', "", r"a\.toml lacks title$"),
        ('title = "A set"', 'titel = "A set"', r"a\.toml lacks title$"),
        ("fps = 30", "fps = 30\nspeed = 1", r"unknown key speed; allowed are .*fps"),
        ("fps = 30", 'fps = "30"', r"fps is '30', which is of the wrong type"),
        ('role = "training"', 'role = "test"', r"role is 'test'; choose from training, benchmark"),
        ("tracks = 2", "track = 2", r"split train has counts {'track': 2}; whole numbers of videos, frames"),
        ("tracks = 2", "tracks = -2", r"split train has counts"),
        ('marker = "train"\n', "", r"split train needs marker"),
        (
            'marker = "train"',
            'marker = "train"\nsource = "rumour"',
            r"source 'rumour'; choose from published",
        ),
        ("[splits", "[splits", r"cannot be read as TOML"),
    ],
)
def test_a_bad_manifest_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = MANIFEST.replace(old, new)
    (tmp_path / "a.toml").write_text(text if text != MANIFEST else "title = ")
    with pytest.raises(InputError, match=message):
        load_content(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",cars,", ",,", r"a\.csv sequence 1 lacks folder"),
        (",3,", ",x,", r"sequence 1: 'x' is not a whole number"),
        (",3,", ",1_3,", r"sequence 1: '1_3' is not a whole number"),
        (",3,5,", ",6,5,", r"sequence 1: 'Car' comes twice, or ends before it starts"),
        (",cars,", ",../cars,", r"sequence 1: '../cars' leads out of the data set's folder"),
        (",a.txt,", ",/etc/passwd,", r"sequence 1: '/etc/passwd' leads out"),
        ("odd\n", "odd\nCar,b,b,%d.jpg,1,2,,,\n", r"sequence 2: 'Car' comes twice"),
    ],
)
def test_a_bad_sequence_list_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(LIST.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_sequence_list(tmp_path / "a.csv")


def test_a_data_set_is_found_by_its_marker_in_the_root_or_below(tmp_path: Path) -> None:
    (tmp_path / "full_data" / "val").mkdir(parents=True)
    for root in (tmp_path, tmp_path / "full_data"):
        place = locate("got10k", root)
        assert place.root == (tmp_path / "full_data").resolve()
        assert place.splits_on_disk() == ("val",)
        assert not place.manifest.miniature
    (tmp_path / "link").symlink_to(tmp_path / "full_data")
    assert locate("got10k", tmp_path / "link").root == (tmp_path / "full_data").resolve()


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"does not hold GOT-10k: nothing is found at train, val, test, here or"
    ):
        locate("got10k", tmp_path)
    with pytest.raises(InputError, match="nowhere is not a folder; the one that holds GOT-10k is needed"):
        locate("got10k", tmp_path / "nowhere")


def test_a_miniature_replaces_counts_and_sequences(tmp_path: Path) -> None:
    (tmp_path / mini_file("otb100")).write_text(
        'miniature_of = "otb100"\nseed = 3\n[splits.test]\ntracks = 1\n[[sequences]]\nname = "Car"\nfolder = "Car"\n'
        'annotation = "a.txt"\nimages = "%d.jpg"\nfirst = 1\nlast = 4\nsubsets = "tb50"\n'
    )
    small = locate("otb100", tmp_path).manifest
    assert small.miniature
    assert small.splits["test"].counts == {"tracks": 1}
    assert small.splits["tb50"].counts == {}
    assert [entry.name for entry in small.sequences] == ["Car"]
    assert (small.lists["tb50"], small.lists["otb2013"]) == ({"Car"}, set())
    assert small.digest() != manifest("otb100").digest()


def test_a_miniature_of_another_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / mini_file("otb100")).write_text('miniature_of = "got10k"\nseed = 0\n[splits.train]\n')
    with pytest.raises(InputError, match="declares a miniature of 'got10k'; 'otb100' is needed"):
        locate("otb100", tmp_path)


def test_the_manifests_lie_in_the_clone() -> None:
    assert manifests_dir().name == "data_manifests"
    assert (manifests_dir() / "otb100.toml").is_file()
