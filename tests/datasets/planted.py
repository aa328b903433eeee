"""Faults to plant in a miniature, and the assertion that a check names them.

A test module of a reader lists one `Plant` or more for each of `KINDS` and runs

    @pytest.mark.parametrize("plant", PLANTS, ids=str)
    def test_planted_fault_is_named(miniature, plant):
        assert_named("otb100", miniature("otb100"), plant)

    def test_every_kind_is_planted():
        assert_every_kind(PLANTS)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import pytest

from dlatrack.datasets.check import check
from dlatrack.datasets.manifests import mini_file
from dlatrack.datasets.registry import read
from dlatrack.errors import InputError

KINDS = (
    "missing image",
    "truncated image",
    "extra row",
    "text in a number",
    "negative box",
    "zero box",
    "box outside",
    "wrong count",
    "wrong split name",
    "duplicate sequence",
    "unreadable encoding",
    "escape by dots",
    "escape by link",
)


@dataclass(frozen=True)
class Plant:
    """One fault.

    Args:
        kind: of `KINDS`.
        spoil: plants it in the miniature with the given root.
        message: regular expression that a fault, naming file and row, must match.
        split: the split it lies in, or the one to ask for.
        by_read: reading the annotation is enough to find it; images need not be opened nor counts compared.
    """

    kind: str
    spoil: Callable[[Path], object]
    message: str
    split: str
    by_read: bool = True

    def __str__(self) -> str:
        return self.kind


def assert_named(name: str, root: Path, plant: Plant) -> None:
    """A deep check of the sound miniature finds nothing; after `spoil` it names the fault, and so does the reader."""
    assert [str(fault) for fault in check(name, root, deep=True).faults] == []
    plant.spoil(root)
    try:
        splits = (plant.split,) if plant.kind == "wrong split name" else None
        messages = [str(fault) for fault in check(name, root, deep=True, splits=splits).faults]
    except InputError as error:
        messages = [str(error)]
    assert any(re.search(plant.message, message) for message in messages), messages
    assert not any("\n" in message for message in messages)
    if plant.by_read:
        with pytest.raises(InputError, match=plant.message):
            read(name, root, plant.split)


def assert_every_kind(plants: Collection[Plant], without: Collection[str] = ()) -> None:
    """Each kind is planted, but those that a layout cannot have."""
    assert {plant.kind for plant in plants} == set(KINDS) - set(without)


def replace_row(file: Path, row: int, text: str) -> None:
    """Put another text in a row, counted from 1."""
    lines = file.read_text().splitlines()
    lines[row - 1] = text
    file.write_text("".join(f"{line}\n" for line in lines))


def append_row(file: Path, text: str) -> None:
    """Add a row at the end."""
    file.write_text("".join(f"{line}\n" for line in [*file.read_text().splitlines(), text]))


def replace_text(file: Path, old: str, new: str) -> None:
    """Change a text that comes in the file."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def truncate(file: Path) -> None:
    """Cut the last third of a file off."""
    data = file.read_bytes()
    file.write_bytes(data[: 2 * len(data) // 3])


def garble(file: Path) -> None:
    """Write a text in an encoding that is not UTF-8."""
    file.write_bytes(b"\xff\xfe" + file.read_text().encode("utf-16-le"))


def link_out(root: Path, below: str) -> None:
    """Move a file or folder out of the root, and leave a link to it."""
    outside = root.parent / f"outside-{Path(below).name}"
    (root / below).rename(outside)
    (root / below).symlink_to(outside)


def miscount(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Plant another number in what a miniature declares."""
    return lambda root: replace_text(root / mini_file(name), old, new)
