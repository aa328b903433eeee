"""The door for structured text."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dlatrack.errors import InputError
from dlatrack.structured.toml_files import read_toml


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    rate: float
    sizes: tuple[int, int] = (1, 2)


class _Whole(msgspec.Struct, forbid_unknown_fields=True):
    parts: dict[str, _Part]


def test_a_file_becomes_its_type(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[parts.x]\nrate = 0.5\nsizes = [3, 4]\n[parts.y]\nrate = 1\n")
    found = read_toml(path, _Whole)
    assert found.parts["x"] == _Part(0.5, (3, 4))
    assert found.parts["y"] == _Part(1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[parts.x]\n", r"parts\[...\]: object missing required field `rate`"),
        ("[parts.x]\nrate = 'fast'\n", r"parts\[...\].rate: expected `float`, got `str`"),
        ("[parts.x]\nrate = 1\nspeed = 2\n", r"unknown field `speed`"),
        ("[parts.x]\nrate = 1\nsizes = [1]\n", r"sizes: expected `array` of length 2, got 1"),
        ("parts = 3\n", r"parts: expected `object`, got `int`"),
        ("", r"the file: object missing required field `parts`"),
        ("[parts", "is no TOML file"),
        ("x = " + "[" * 100_000, "is no TOML file"),
        ("\ufeff", "is no TOML file"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_toml(path, _Whole)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_toml(tmp_path / "none.toml", _Whole)
    path = tmp_path / "huge.toml"
    path.write_text("# " + "x" * 2**20)
    with pytest.raises(InputError, match="at most 1,048,576 are read"):
        read_toml(path, _Whole)
