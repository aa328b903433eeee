"""What `results list`, `results check` and `results fetch` print, and their exit statuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import file_server
import pytest
import toy_result_set
from command import call

from dlatrack.datasets import download
from dlatrack.evaluation.result_sets import sets

Called = tuple[object, str, str]
Command = Callable[..., Called]


@pytest.fixture(autouse=True)
def _toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One set, `toy`, and folders without results."""
    toy_result_set.write_toy(tmp_path)
    monkeypatch.setattr(sets, "manifests_dir", lambda: tmp_path)
    monkeypatch.setattr(download, "_PAUSE", 0)
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(tmp_path / "shared"))
    monkeypatch.delenv("DLATRACK_DATA", raising=False)
    sets.result_set.cache_clear()
    yield
    sets.result_set.cache_clear()


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return lambda *arguments: call(monkeypatch, capsys, "results", *arguments, columns=400)


@pytest.fixture
def server() -> Iterator[file_server.FileServer]:
    with file_server.serving() as server:
        server.files = toy_result_set.served()
        yield server


def test_list_says_what_there_is_and_where_it_would_lie(results: Command, tmp_path: Path) -> None:
    status, text, _ = results("list")
    row = next(line for line in text.splitlines() if "toy" in line)
    assert status == 0
    for fact in ("OTB100", "Right, Half; without scores: Other", "CC0-1.0", "https://example.org/results"):
        assert fact in row
    folder = tmp_path / "cache" / "result_sets" / "toy"
    assert f"not here; fetch writes {folder}" in row
    toy_result_set.write_results(folder, Right=toy_result_set.RIGHT)
    assert "not here" not in results("list")[1]


def test_fetched_results_are_found_and_agree(
    results: Command, server: file_server.FileServer, tmp_path: Path
) -> None:
    status, text, progress = results("fetch", "toy", "--mirror", server.address)
    folder = tmp_path / "cache" / "result_sets" / "toy"
    assert status == 0
    assert f"toy: 4 files in {folder}, 4 of them new" in text
    assert "not fetched, as their files are not known: Other; https://example.org/results" in text
    assert "fetching toy  4/4 files  100 %" in progress
    status, text, _ = results("check", "toy", "--gt", toy_result_set.write_truth(tmp_path))
    assert status == 0
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "agrees" in line
    ]
    assert rows[0] == ["Right", "pysot", "auc", "0.952381", "0.952381", "agrees"]
    assert rows[2] == ["Half", "pysot", "auc", "0.476190", "0.476190", "agrees"]
    assert text.endswith("5 scores: all agree\n")


def test_a_difference_is_printed_with_both_numbers_and_status_1(results: Command, tmp_path: Path) -> None:
    folder = toy_result_set.write_results(tmp_path / "own", Right=toy_result_set.HALF)
    status, text, error = results(
        "check", "toy", "--results", folder, "--gt", toy_result_set.write_truth(tmp_path)
    )
    assert (status, error) == (1, "")
    row = next(line for line in text.splitlines() if "differs" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        *("Right", "pysot", "auc", "0.952381", "0.476190", "differs")
    ]
    assert "fault: toy: Right/Bolt.txt has another SHA-256 than the recorded one, or is missing" in text
    assert "note: toy: Half is not here" in text
    assert text.endswith("2 scores: some differ\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check",), "no result files are here; `dlatrack results list` says which there are"),
        (("check", "toy"), "the results toy are not here; get them by dlatrack results fetch toy, or name"),
        (("check", "tor"), "there are no results 'tor'; choose from toy"),
        (("check", "--gt", "x"), "--results and --gt are those of one set; name it"),
        (("check", "toy", "--results", "none"), "where is the truth of OTB100?"),
        (
            ("check", "toy", "--results", "none", "--gt", "TRUTH"),
            "there is no results folder or archive none",
        ),
        (
            ("check", "toy", "--results", "TRUTH/..", "--gt", "TRUTH"),
            "no folder of a tracker of toy: Right, Half",
        ),
        (("fetch", "tor"), "there are no results 'tor'; choose from toy"),
        (("fetch", "toy", "--mirror", "example.org"), "--mirror needs an address that begins with https://"),
        (("fetch", "toy", "--mirror", "http://127.0.0.1:1"), "127.0.0.1:1 cannot be reached"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    results: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    truth = toy_result_set.write_truth(tmp_path)
    given = [{"TRUTH": truth, "TRUTH/..": truth.parent}.get(argument, argument) for argument in arguments]
    status, _, error = results(*given)
    assert status == 2
    last = error.splitlines()[-1]
    assert last.startswith("dlatrack: ")
    assert message in last


def test_without_a_licence_nothing_is_fetched_unless_told(
    results: Command, server: file_server.FileServer, tmp_path: Path
) -> None:
    toy_result_set.write_toy(tmp_path, manifest=toy_result_set.MANIFEST.replace("CC0-1.0", "none stated"))
    status, text, error = results("fetch", "toy", "--mirror", server.address)
    assert (status, text) == (2, "")
    assert error.startswith("dlatrack: no licence is stated for the results toy")
    assert server.requests == []
    assert "fetch toy --without-licence, or" in results("check", "toy")[2]
    out = tmp_path / "out"
    assert results("fetch", "toy", "--without-licence", "--out", out, "--mirror", server.address)[0] == 0
    assert (out / "toy" / "Half" / "Bolt.txt").read_bytes() == toy_result_set.HALF["Bolt.txt"]


def test_a_wrong_hash_is_one_line(results: Command, server: file_server.FileServer, tmp_path: Path) -> None:
    server.files = dict.fromkeys(server.files, b"changed")
    status, _, error = results("fetch", "toy", "--mirror", server.address)
    assert status == 2
    assert f"has SHA-256 {toy_result_set.sha256(b'changed')}, but Biker.txt needs " in error.splitlines()[-1]
    assert not list((tmp_path / "cache").rglob("*.txt*"))


def test_unknown_hashes_are_said(results: Command, server: file_server.FileServer, tmp_path: Path) -> None:
    toy_result_set.write_toy(tmp_path, listed="unknown  Half/Biker.txt\n")
    _, text, _ = results("fetch", "toy", "--mirror", server.address)
    assert "the SHA-256 of 1 of them is not known: look at the scores" in text
