"""Files are written whole or not at all."""

from __future__ import annotations

import errno

import pytest

from dlatrack.errors import InputError
from dlatrack.files import atomic_path, check_writable, same_file, sweep, write_text


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


def test_names_of_one_file(tmp_path):
    real, other = tmp_path / "a.mp4", tmp_path / "b.mp4"
    real.write_text("a")
    other.write_text("a")
    (tmp_path / "link.mp4").symlink_to(real)
    (tmp_path / "hard.mp4").hardlink_to(real)
    (tmp_path / "nowhere.mp4").symlink_to(tmp_path / "gone.mp4")
    for name in ("a.mp4", "link.mp4", "hard.mp4", "../" + tmp_path.name + "/a.mp4"):
        assert same_file(tmp_path / name, real)
        assert not same_file(tmp_path / name, other)
    assert same_file(tmp_path / "nowhere.mp4", tmp_path / "gone.mp4")
    assert not same_file(tmp_path / "gone.mp4", real)


def test_a_text_that_is_not_unicode_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.json"
    write_text(file, "old")
    with pytest.raises(
        InputError, match=r"cannot write .*a\.json: .*caf\\udce9' holds a name that is not UTF-8"
    ):
        write_text(file, '{"name": "caf\udce9"}')
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
