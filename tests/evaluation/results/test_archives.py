"""Archives of results: read like folders, and nothing leads out of them or fills the disk."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.results import archives
from dlatrack.evaluation.results.archives import as_given, opened
from dlatrack.evaluation.results.text import read_result_rows

ROW = b"1,2,3,4\n"


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, entries: dict[str, bytes], **options) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for name, data in entries.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for key, value in options.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture(params=["zip", "tar.xz"])
def archive(request, tmp_path):
    """Makes an archive of one kind."""
    return lambda entries: (zipped if request.param == "zip" else tarred)(
        tmp_path / f"a.{request.param}", entries
    )


def test_a_folder_is_itself(tmp_path):
    with opened(tmp_path) as folder:
        assert folder == tmp_path


def test_files_are_unpacked_and_gone_afterwards(archive):
    with opened(archive({"OTB100/A/Car1.txt": ROW, "readme.md": b"x", "OTB100/A/t.mat": b"m"})) as folder:
        found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        assert found == ["OTB100/A/Car1.txt", "OTB100/A/t.mat"], "other kinds of files are left out"
        assert (folder / "OTB100/A/Car1.txt").read_bytes() == ROW
    assert not folder.exists()


@pytest.mark.parametrize(
    "name", ["../Car1.txt", "a/../../Car1.txt", "/etc/Car1.txt", "..\\Car1.txt", "C:/Car1.txt"]
)
def test_no_entry_leads_out(archive, name, tmp_path):
    with (
        pytest.raises(InputError, match=r"a\.(zip|tar\.xz): entry .* leads out of its folder"),
        opened(archive({name: ROW})),
    ):
        pass
    assert not (tmp_path.parent / "Car1.txt").exists()


def test_links_are_left_out(tmp_path):
    path = tarred(tmp_path / "a.tar.xz", {"Car1.txt": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd")
    with opened(path) as folder:
        assert not list(folder.iterdir())


def test_a_bomb_is_refused_before_it_goes_off(archive, monkeypatch):
    monkeypatch.setattr(archives, "FILE_BYTES", 10_000)
    with (
        pytest.raises(InputError, match=r"entry 'a\.txt' is too much; a file may have 10,000 bytes"),
        opened(archive({"a.txt": bytes(10_001)})),
    ):
        pass
    monkeypatch.setattr(archives, "TOTAL_BYTES", 15_000)
    with (
        pytest.raises(InputError, match=r"entry 'b\.txt' is too much.* all together 15,000"),
        opened(archive({"a.txt": bytes(9000), "b.txt": bytes(9000)})),
    ):
        pass
    monkeypatch.setattr(archives, "FILES", 2)
    with (
        pytest.raises(InputError, match=r"entry 'c\.txt' is too much.* in 2 files"),
        opened(archive(dict.fromkeys(("a.txt", "b.txt", "c.txt"), ROW))),
    ):
        pass


def test_a_zip_that_lies_about_its_sizes_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.txt": bytes(100_000)})
    data = path.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"cannot read .*a\.zip as an archive"), opened(path):
        pass


@pytest.mark.parametrize("cut", [0, 1, 40, 90])
def test_damaged_archives_are_named(archive, cut):
    path = archive({"OTB100/A/Car1.txt": ROW * 20})
    path.write_bytes(path.read_bytes()[: cut * len(path.read_bytes()) // 100])
    with pytest.raises(InputError, match=r"cannot read .*a\.(zip|tar\.xz) as an archive"), opened(path):
        pass


def test_other_files_and_missing_ones(tmp_path):
    (tmp_path / "a.rar").write_bytes(b"x")
    with (
        pytest.raises(
            InputError,
            match=r"a\.rar is neither a folder nor an archive \.zip or \.tar.*; of a single result file",
        ),
        opened(tmp_path / "a.rar"),
    ):
        pass
    with pytest.raises(InputError, match="there is no results folder or archive"), opened(tmp_path / "none"):
        pass


def test_hidden_companions_are_left_out(archive):
    entries = {
        "T/Car1.txt": ROW,
        "__MACOSX/T/._Car1.txt": b"\0\5\x16\7",
        "T/._Car1.txt": b"",
        ".DS_Store/a.txt": b"",
    }
    with opened(archive(entries)) as folder:
        found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert found == ["T/Car1.txt"]


@pytest.mark.parametrize("second", [ROW, b"5,6,7,8\n"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(tmp_path, second):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("T/Car1.txt", ROW)
        file.writestr("T\\Car1.txt", second)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as file:
        for data in (ROW, second):
            member = tarfile.TarInfo("T/Car1.txt")
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    for name in ("a.zip", "a.tar.gz"):
        with (
            pytest.raises(InputError, match=r"entry 'T.*Car1\.txt' is there twice; each file once"),
            opened(tmp_path / name),
        ):
            pass


def test_a_folder_inside_an_archive(archive):
    path = archive({"VOT2018/A/a.txt": ROW, "VOT2019/A/a.txt": b"5,6,7,8\n"})
    with opened(path / "VOT2019") as folder:
        assert (folder / "A" / "a.txt").read_bytes() == b"5,6,7,8\n"
    with pytest.raises(InputError, match=r"a\.(zip|tar\.xz) has no folder VOT2020"), opened(path / "VOT2020"):
        pass
    with pytest.raises(InputError, match="leads out of the archive"), opened(path / "VOT2019" / ".." / ".."):
        pass


def test_errors_name_the_archive_and_the_path_inside(archive, tmp_path):
    path = archive({"T/Car1.txt": b"1,2,x,4\n", "T/._x.txt": ROW})
    with pytest.raises(InputError) as caught, opened(path) as folder:
        read_result_rows(folder / "T" / "Car1.txt")
    assert str(caught.value).startswith(f"{path}/T/Car1.txt row 1: '1,2,x,4'")
    with opened(path / "T") as folder:
        assert as_given(f"{folder}/Car1.txt row 1", folder, path / "T") == f"{path}/T/Car1.txt row 1"
    too_long = archive({f"{'x' * 300}/Car1.txt": ROW})
    with pytest.raises(InputError, match="File name too long") as caught, opened(too_long):
        pass
    assert "dlatrack-results-" not in str(caught.value)


def test_an_encrypted_zip_is_named(tmp_path):
    path = zipped(tmp_path / "a.zip", {"T/Car1.txt": ROW})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag in the local header and in the central directory
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"cannot read .*a\.zip as an archive: .*encrypted"), opened(path):
        pass


def test_a_damaged_middle_is_named(tmp_path):
    rows = "".join(f"{number},2,3,4\n" for number in range(20_000)).encode()
    path = tarred(tmp_path / "a.tar.xz", {"T/Car1.txt": rows})
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"cannot read .*a\.tar\.xz as an archive"), opened(path):
        pass


def test_a_file_and_a_folder_of_one_name(archive):
    with (
        pytest.raises(InputError, match=r"a\.(zip|tar\.xz)") as caught,
        opened(archive({"a.txt": ROW, "a.txt/b.txt": ROW})),
    ):
        pass
    assert "dlatrack-results-" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    """tarfile reads what belongs to a header at once, however long it says that it is."""
    monkeypatch.setattr(archives, "FILE_BYTES", 10_000)
    path = tarred(tmp_path / "a.tar.xz", {"pax": b"x" * 10_001}, type=tarfile.XHDTYPE)
    with (
        pytest.raises(InputError, match=r"a\.tar\.xz as an archive: a header of 10,001 bytes is too much"),
        opened(path),
    ):
        pass
    long = tarred(tmp_path / "b.tar.xz", {f"{'deep/' * 30}Car1.txt": ROW})
    with opened(long) as folder:
        assert len(list(folder.rglob("Car1.txt"))) == 1
