"""What `data list`, `data check` and `data mini` print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dlatrack.cli.data import data_check, data_info, data_list, data_mini
from dlatrack.datasets.manifests import manifest, names
from dlatrack.errors import InputError

Miniature = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")


def test_list_says_what_is_here_and_what_is_missing(
    miniature: Miniature, capsys: pytest.CaptureFixture[str]
) -> None:
    root = miniature("got10k")
    for file in (root / "test").rglob("*"):
        if file.is_file():
            file.unlink()
    (root / "test").rename(root / "_test")
    data_list([root.parent])
    text = capsys.readouterr().out
    assert all(name in text for name in names())
    assert f"{root.resolve()} (miniature): train, val; missing test" in text
    row = next(line for line in text.splitlines() if "otb100" in line)
    assert "benchmark" in row
    assert "2.7 GB" in row
    assert "test: 100 tracks " in row
    assert "missing" in row
    assert "train_0 to train_11: 2,511 videos each" in text


@pytest.mark.parametrize("name", names())
def test_info_says_where_to_get_a_set_and_how_it_must_look(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data_info(name)
    text, known = capsys.readouterr().out, manifest(name)
    for fact in (known.homepage, known.licence, known.layout.strip(), *known.quirks):
        assert fact in text
    assert f"DLATRACK_DATA/{known.root_names[0]}" in text
    assert all(f"split {split}: " in text for split in known.splits)


def test_info_of_an_unknown_set_lists_those_there_are() -> None:
    with pytest.raises(InputError, match="got10k"):
        data_info("got")


def test_check_prints_counts_and_hashes(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    data_check("otb100", miniature("otb100"), deep=True, workers=2)
    text = capsys.readouterr().out
    assert "otb100: miniature in" in text
    assert "no fault; every image decoded" in text
    assert "found sha256" in text


def test_check_names_faults_and_fails(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    root = miniature("otb100")
    for file in (root / "Basketball" / "img").iterdir():
        if file.name != "0001.jpg":
            file.unlink()
    (root / "Biker" / "img" / "[bold].jpg").write_bytes(b"")
    for number in range(13, 30):
        (root / "Board" / "img" / f"{number:05d}.jpg").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"otb100 in .* has 29 faults; the first: .*Basketball/img/0002.jpg is missing"
    ):
        data_check("otb100", root)
    text = capsys.readouterr().out
    assert text.count("fault: ") == 20
    assert "[bold].jpg is an image of another name" in text
    assert "and 9 more" in text
    assert "sha256" not in text


def test_mini_writes_one_or_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_mini("otb100", tmp_path / "one")
    assert f"otb100: {tmp_path / 'one' / 'OTB100'}" in capsys.readouterr().out
    data_mini("all", tmp_path / "all")
    assert capsys.readouterr().out.count(str(tmp_path / "all")) == len(names())
