"""A folder of results says what made it, and takes nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dlatrack import __version__
from dlatrack.errors import InputError
from dlatrack.tracking.run_record import check_names, write_or_check, write_or_check_content

IDENTITY: dict[str, Any] = {"tracker": "static", "weights_sha256": "ab", "settings": {}}


def test_run_json_says_what_made_the_results(tmp_path: Path) -> None:
    write_or_check(tmp_path, IDENTITY | {"settings": {"hyper": "OTB100"}})
    record = json.loads((tmp_path / "run.json").read_text())
    assert record.pop("versions")["dlatrack"] == __version__
    assert record == {"tracker": "static", "weights_sha256": "ab", "settings": {"hyper": "OTB100"}}
    before = (tmp_path / "run.json").stat().st_mtime_ns
    write_or_check(tmp_path, IDENTITY | {"settings": {"hyper": "OTB100"}})
    assert (tmp_path / "run.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tracker": "other"}, "tracker was 'static' and is now 'other'"),
        ({"weights_sha256": "cd"}, "weights_sha256 was 'ab' and is now 'cd'"),
        ({"settings": {"rate": 0.5}}, r"settings was \{\} and is now \{'rate': 0.5\}"),
        (
            {"tracker": "other", "weights_sha256": None},
            "tracker was 'static' and is now 'other'; weights_sha256 was 'ab' and is now None",
        ),
    ],
)
def test_results_of_something_else_are_not_mixed(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    write_or_check(tmp_path, IDENTITY)
    with pytest.raises(
        InputError, match=rf"run.json belongs to another run: {message}; choose another folder"
    ):
        write_or_check(tmp_path, IDENTITY | changes)


def check_all(folder: Path, content: dict[str, dict[str, str]]) -> None:
    write_or_check_content(folder, content, lambda name: [folder / f"{name}.txt"])


def test_sequences_without_results_may_change(tmp_path: Path) -> None:
    for boxes in "ab":
        check_all(tmp_path, {"dog": {"boxes": boxes, "images": "c"}})
    assert json.loads((tmp_path / "content" / "dog.json").read_text()) == {"boxes": "b", "images": "c"}


@pytest.mark.parametrize(
    ("here", "message"),
    [
        (
            {"boxes": "a", "images": "d"},
            "the images of sequence dog have changed since its results were made;",
        ),
        (
            {"boxes": "d", "images": "b"},
            "the boxes of sequence dog have changed since its results were made;",
        ),
        ({"boxes": "d", "images": "d"}, "the boxes and images of sequence dog have changed since its"),
    ],
)
def test_what_has_changed_of_a_sequence_is_named(tmp_path: Path, here: dict[str, str], message: str) -> None:
    check_all(tmp_path, {"dog": {"boxes": "a", "images": "b"}})
    (tmp_path / "dog.txt").touch()
    with pytest.raises(InputError, match=message):
        check_all(tmp_path, {"cat": {"boxes": "a", "images": "b"}, "dog": here})
    assert [path.name for path in (tmp_path / "content").iterdir()] == ["dog.json"]


def test_of_many_changed_sequences_five_are_named(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(8)]
    check_all(tmp_path, {name: {"boxes": "a"} for name in names})
    for name in names:
        (tmp_path / f"{name}.txt").touch()
    with pytest.raises(InputError, match=r"sequence s0 have .* \(also s1, s2, s3, s4 and 3 more\); choose"):
        check_all(tmp_path, {name: {"boxes": "b"} for name in names})


@pytest.mark.parametrize("text", [None, "", "{", "[]"])
def test_results_without_a_record_are_of_unknown_clips(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "dog.txt").touch()
    if text is not None:
        (tmp_path / "content").mkdir()
        (tmp_path / "content" / "dog.json").write_text(text)
    with pytest.raises(
        InputError, match=r"content/dog\.json does not record their boxes and images; earlier"
    ):
        check_all(tmp_path, {"dog": {"boxes": "a"}})


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_an_unreadable_run_json_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json"):
        write_or_check(tmp_path, IDENTITY)


@pytest.mark.parametrize("name", ["", "a/b", "../a", "a\\b", "."])
def test_names_that_cannot_be_files_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be a file name"):
        check_names([name])


def test_repeated_names_are_refused() -> None:
    with pytest.raises(InputError, match="sequence names must differ, but a comes 2 times"):
        check_names(["a", "a"])
