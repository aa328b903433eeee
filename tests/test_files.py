"""Files are written whole or not at all."""

from __future__ import annotations

import errno
from pathlib import PurePosixPath

import pytest

from dlatrack.errors import InputError
from dlatrack.files import atomic_path, check_writable, is_companion, sweep, write_text


def test_a_file_appears_complete(tmp_path):
    path = tmp_path / "deep" / "note.txt"
    write_text(path, "eins\n")
    write_text(path, "zwei\n")
    assert path.read_text() == "zwei\n"
    assert [p.name for p in path.parent.iterdir()] == ["note.txt"]


def test_a_failing_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "note.txt"
    write_text(path, "old")

    def write():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write()
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    path = tmp_path / "weights.bin"

    def write():
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match=r"cannot write .*weights\.bin: No space left on device"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*file/x\.txt"):
        write_text(tmp_path / "file" / "x.txt", "")


def test_whether_a_file_can_be_written_is_found_before_the_work(tmp_path):
    check_writable(tmp_path / "new" / "a.txt")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*a\.txt"):
        check_writable(tmp_path / "file" / "a.txt")


def test_what_a_killed_process_left_is_swept(tmp_path):
    for name in (".a-12345678.txt", ".a-12345678.csv", "a-12345678.txt", ".b-12345678.txt", "a.txt"):
        (tmp_path / name).write_text("")
    sweep(tmp_path / "a.txt")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {".a-12345678.csv", "a-12345678.txt", ".b-12345678.txt", "a.txt"}


@pytest.mark.parametrize(
    ("path", "companion"),
    [
        ("__MACOSX/T/._a.txt", True),
        ("T/__MACOSX/a.txt", True),
        ("T/._a.txt", True),
        (".DS_Store", True),
        ("T/Thumbs.db", True),
        ("desktop.INI", True),
        (".Trashes/a.txt", True),
        ("@eaDir/a.txt", True),
        ("T/a.txt", False),
        ("T/_a.txt", False),
        ("T/a.b.txt", False),
        ("MACOSX/a.txt", False),
        ("../T/a.txt", False),
    ],
)
def test_what_systems_keep_beside_data_is_no_data(path: str, companion: bool) -> None:
    assert is_companion(PurePosixPath(path)) == companion
