"""Fetching sets of result files from a server in a thread: resumed, checked, and refused without a licence."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import file_server
import pytest
import toy_result_set

from dlatrack.datasets import download
from dlatrack.errors import InputError
from dlatrack.evaluation.result_sets.fetch import fetch_results, wrong_files
from dlatrack.evaluation.result_sets.sets import ResultSet, read_result_set


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_PAUSE", 0)


@pytest.fixture
def server() -> Iterator[file_server.FileServer]:
    with file_server.serving() as server:
        server.files = toy_result_set.served()
        yield server


@pytest.fixture
def wanted(tmp_path: Path) -> ResultSet:
    return read_result_set(toy_result_set.write_toy(tmp_path))


def files_in(folder: Path) -> dict[str, bytes]:
    """Content of all files of a folder, by their paths, but for the lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


ALL = {f"Right/{name}": content for name, content in toy_result_set.RIGHT.items()} | {
    f"Half/{name}": content for name, content in toy_result_set.HALF.items()
}


def test_listed_files_are_fetched_into_folders_of_their_trackers(
    server: file_server.FileServer, wanted: ResultSet, tmp_path: Path
) -> None:
    reports: list[tuple[int, int]] = []
    out = tmp_path / "out"
    done = fetch_results(wanted, out, host=server.address, report=lambda *report: reports.append(report))
    assert files_in(out) == ALL
    assert (done.folder, done.files, done.new, done.unknown, done.elsewhere) == (out, 4, 4, 0, ("Other",))
    assert sum(files for files, _ in reports) == 4
    assert sum(received for _, received in reports) == sum(map(len, ALL.values()))


def test_what_is_there_is_not_fetched_again(
    server: file_server.FileServer, wanted: ResultSet, tmp_path: Path
) -> None:
    out = toy_result_set.write_results(
        tmp_path / "out", Right=toy_result_set.RIGHT, Half={"Bolt.txt": b"damaged"}
    )
    done = fetch_results(wanted, out, host=server.address)
    assert (done.files, done.new) == (4, 2)
    assert [path.rpartition("/")[2] for path, _ in server.requests] == ["Biker.txt", "Bolt.txt"]
    assert files_in(out) == ALL


def test_an_interrupted_fetch_resumes(
    server: file_server.FileServer, wanted: ResultSet, tmp_path: Path
) -> None:
    server.answers = [file_server.whole, *[file_server.broken_after(5), *[file_server.broken_after(0)] * 3]]
    with pytest.raises(InputError, match="the connection ended too early"):
        fetch_results(wanted, tmp_path / "out", host=server.address)
    assert files_in(tmp_path / "out") == {
        "Right/Biker.txt": toy_result_set.RIGHT["Biker.txt"],
        "Right/Bolt.txt.part": toy_result_set.RIGHT["Bolt.txt"][:5],
    }
    server.requests.clear()
    assert fetch_results(wanted, tmp_path / "out", host=server.address).new == 3
    assert server.ranges == ["bytes=5-", "", ""]
    assert files_in(tmp_path / "out") == ALL


def test_a_wrong_hash_names_the_file_and_keeps_the_others(
    server: file_server.FileServer, wanted: ResultSet, tmp_path: Path
) -> None:
    path = "/someone/results/0123abc/OTB 100/half/Biker.txt"
    server.files[path] = b"changed"
    with pytest.raises(InputError) as error:
        fetch_results(wanted, tmp_path / "out", host=server.address)
    expected, found = (
        toy_result_set.sha256(toy_result_set.HALF["Biker.txt"]),
        toy_result_set.sha256(b"changed"),
    )
    assert f"half/Biker.txt has SHA-256 {found}, but Biker.txt needs {expected}" in str(error.value)
    assert files_in(tmp_path / "out") == {name: ALL[name] for name in ALL if name.startswith("Right")}


def test_without_a_licence_it_needs_to_be_told(server: file_server.FileServer, tmp_path: Path) -> None:
    manifest = toy_result_set.MANIFEST.replace("CC0-1.0", "none stated")
    wanted = read_result_set(toy_result_set.write_toy(tmp_path, manifest=manifest))
    with pytest.raises(
        InputError,
        match=r"no licence is stated for the results toy \(https://example\.org/results\).*--without",
    ):
        fetch_results(wanted, tmp_path / "out", host=server.address)
    assert server.requests == []
    assert not (tmp_path / "out").exists()
    assert fetch_results(wanted, tmp_path / "out", host=server.address, without_licence=True).new == 4


def test_files_of_an_unknown_hash_are_counted(server: file_server.FileServer, tmp_path: Path) -> None:
    listed = (
        toy_result_set.rows(Right=toy_result_set.RIGHT) + "unknown  Half/Biker.txt\nunknown  Half/Bolt.txt\n"
    )
    wanted = read_result_set(toy_result_set.write_toy(tmp_path, listed=listed))
    done = fetch_results(wanted, tmp_path / "out", host=server.address)
    assert (done.files, done.new, done.unknown) == (4, 4, 2)
    assert fetch_results(wanted, tmp_path / "out", host=server.address).new == 0
    assert wrong_files(wanted, "Half", tmp_path / "nowhere") == []


def test_a_set_without_a_list_names_its_page(tmp_path: Path) -> None:
    manifest = toy_result_set.MANIFEST.replace('files = "results_toy.txt"', "").replace(
        "CC0-1.0", "none stated"
    )
    wanted = read_result_set(toy_result_set.write_toy(tmp_path, manifest=manifest))
    with pytest.raises(
        InputError, match=r"no list of the files.*; get them from https://example\.org/results"
    ):
        fetch_results(wanted, tmp_path / "out")


def zipped(**contents: bytes) -> bytes:
    """A zip file, whose names say nothing of trackers."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in contents.items():
            archive.writestr(f"VOT/{name}.txt", content)
    return stream.getvalue()


@pytest.fixture
def in_archive(server: file_server.FileServer, tmp_path: Path) -> ResultSet:
    """The set with both trackers in one archive, which has a file more."""
    manifest = toy_result_set.MANIFEST.replace("OTB 100/right", "all.zip").replace("OTB 100/half", "all.zip")
    server.files = {
        "/someone/results/0123abc/all.zip": zipped(
            x1=toy_result_set.RIGHT["Biker.txt"],
            x2=toy_result_set.RIGHT["Bolt.txt"],
            x3=toy_result_set.HALF["Bolt.txt"],
            x4=b"1\n",
        )
    }
    return read_result_set(toy_result_set.write_toy(tmp_path, manifest=manifest))


def test_files_in_an_archive_are_found_by_their_hash(
    server: file_server.FileServer, in_archive: ResultSet, tmp_path: Path
) -> None:
    server.answers = [file_server.broken_after(50)]
    assert fetch_results(in_archive, tmp_path / "out", host=server.address).new == 4
    assert files_in(tmp_path / "out") == ALL
    assert server.ranges == ["", "bytes=50-"]
    assert fetch_results(in_archive, tmp_path / "out", host=server.address).new == 0


def test_an_archive_without_a_listed_file_is_refused(
    server: file_server.FileServer, in_archive: ResultSet, tmp_path: Path
) -> None:
    server.files = {"/someone/results/0123abc/all.zip": zipped(x1=toy_result_set.RIGHT["Biker.txt"])}
    with pytest.raises(
        InputError,
        match=r"all\.zip lacks 2 of 4 files with their recorded SHA-256: Right/Bolt\.txt, Half/Bolt\.txt",
    ):
        fetch_results(in_archive, tmp_path / "out", host=server.address)
    server.files = {"/someone/results/0123abc/all.zip": b"no zip"}
    with pytest.raises(InputError, match=r"cannot read .* as an archive"):
        fetch_results(in_archive, tmp_path / "out", host=server.address)
    assert files_in(tmp_path / "out") == {}


def test_files_with_another_content_are_named(wanted: ResultSet, tmp_path: Path) -> None:
    folder = toy_result_set.write_results(tmp_path / "out", Right={"Biker.txt": b"damaged"}) / "Right"
    assert wrong_files(wanted, "Right", folder) == ["Biker.txt", "Bolt.txt"]
    toy_result_set.write_results(tmp_path / "out", Right=toy_result_set.RIGHT)
    assert wrong_files(wanted, "Right", folder) == []
    assert wrong_files(wanted, "Other", folder) == []
