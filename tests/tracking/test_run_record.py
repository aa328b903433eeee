"""A folder of results says what made it, and takes nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dlatrack import __version__
from dlatrack.errors import InputError
from dlatrack.tracking.run_record import check_names, claim

IDENTITY: dict[str, Any] = {"tracker": "static", "weights_sha256": "ab", "settings": {}}


def test_run_json_says_what_made_the_results(tmp_path: Path) -> None:
    claim(tmp_path, IDENTITY | {"settings": {"hyper": "OTB100"}})
    record = json.loads((tmp_path / "run.json").read_text())
    assert record.pop("versions")["dlatrack"] == __version__
    assert record == {"tracker": "static", "weights_sha256": "ab", "settings": {"hyper": "OTB100"}}
    before = (tmp_path / "run.json").stat().st_mtime_ns
    claim(tmp_path, IDENTITY | {"settings": {"hyper": "OTB100"}})
    assert (tmp_path / "run.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tracker": "other"}, "tracker is 'static' there and 'other' here"),
        ({"weights_sha256": "cd"}, "weights_sha256 is 'ab' there and 'cd' here"),
        ({"settings": {"rate": 0.5}}, r"settings is \{\} there and \{'rate': 0.5\} here"),
        (
            {"tracker": "other", "weights_sha256": None},
            "tracker is 'static' there and 'other' here; weights_sha256 is 'ab' there and None here",
        ),
    ],
)
def test_results_of_something_else_are_not_mixed(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    claim(tmp_path, IDENTITY)
    with pytest.raises(
        InputError, match=rf"run.json belongs to another run: {message}; choose another folder"
    ):
        claim(tmp_path, IDENTITY | changes)


def test_the_content_is_compared_and_told_in_words(tmp_path: Path) -> None:
    claim(tmp_path, IDENTITY | {"content": {"images": "a" * 64, "boxes": "b" * 64}})
    claim(tmp_path, IDENTITY | {"content": {"images": "a" * 64, "boxes": "b" * 64}})
    with pytest.raises(
        InputError,
        match=r"its images have another content \(hash aaaaaaaaaaaa there, cccccccccccc here\); choose",
    ):
        claim(tmp_path, IDENTITY | {"content": {"images": "c" * 64, "boxes": "b" * 64}})
    with pytest.raises(InputError, match=r"its boxes have .* \(hash bbbbbbbbbbbb there, None here\)"):
        claim(tmp_path, IDENTITY | {"content": {"images": "a" * 64}})


def test_a_record_without_content_is_of_unknown_clips(tmp_path: Path) -> None:
    claim(tmp_path, IDENTITY)
    with pytest.raises(InputError, match=r"does not say which images and boxes .* earlier versions"):
        claim(tmp_path, IDENTITY | {"content": {"images": "a" * 64}})


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_an_unreadable_run_json_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json"):
        claim(tmp_path, IDENTITY)


@pytest.mark.parametrize("name", ["", "a/b", "../a", "a\\b", "."])
def test_names_that_cannot_be_files_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be a file name"):
        check_names([name])


def test_repeated_names_are_refused() -> None:
    with pytest.raises(InputError, match="sequence names must differ, but a comes 2 times"):
        check_names(["a", "a"])
