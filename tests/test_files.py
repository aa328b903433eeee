"""Files are written whole or not at all, and a folder by one run at a time."""

from __future__ import annotations

import errno
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import PurePosixPath

import pytest
from filelock import FileLock

from dlatrack.errors import InputError
from dlatrack.files import (
    LOCK,
    atomic_path,
    check_writable,
    is_companion,
    owned_file,
    owned_folder,
    remove_leftovers,
    same_file,
    write_text,
)


def elsewhere(owned, *arguments, **options):
    """Own something for a moment in another thread, which counts as another run."""

    def own():
        with owned(*arguments, **options):
            return True

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(own).result()


def own_and_wait(folder, told):
    with owned_folder(folder):
        told.send(os.getpid())
        signal.pause()


def own_and_fork(folder, told):
    """Own a folder, and leave a forked process behind that knows nothing of it."""
    with owned_folder(folder):
        child = os.fork()
        if child == 0:
            signal.pause()
        told.send(child)
        signal.pause()


def started(target, folder):
    """A forked process that owns the folder, and what it tells."""
    ours, theirs = get_context("fork").Pipe()
    process = get_context("fork").Process(target=target, args=(folder, theirs))
    process.start()
    return process, ours.recv()


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
    remove_leftovers(tmp_path / "a.txt")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {".a-12345678.csv", "a-12345678.txt", ".b-12345678.txt", "a.txt"}


def killed_while_it_writes(path):
    """Start a process that is killed in the middle of a file."""

    def write():
        with atomic_path(path) as temporary:
            temporary.write_text("half of a long text")
            os.kill(os.getpid(), signal.SIGKILL)

    process = get_context("fork").Process(target=write)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_what_a_killed_process_left_is_written_over(tmp_path):
    path = tmp_path / "a.txt"
    killed_while_it_writes(path)
    assert [each.suffix for each in tmp_path.iterdir()] == [".txt"]
    assert not path.exists()
    write_text(path, "new")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"a.txt": "new"}
    killed_while_it_writes(path)
    assert path.read_text() == "new"
    remove_leftovers(path)
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_two_that_write_the_same_file_do_not_mix(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_path(path) as first:
        first.write_text("first")
        with atomic_path(path) as second:
            second.write_text("second")
            assert second != first
        write_text(path, "third")
        assert first.read_text() == "first"
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"a.txt": "first"}


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_is_written_where_there_are_no_locks(tmp_path, monkeypatch, error):
    def refuse(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr("fcntl.flock", refuse)
    write_text(tmp_path / "a.txt", "whole")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"a.txt": "whole"}


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


def test_a_folder_has_one_owner_who_is_named(tmp_path):
    folder = tmp_path / "deep" / "run"
    with owned_folder(folder):
        with owned_folder(folder):  # the same run
            pass
        message = rf"deep/run is being written by another run \(process {os.getpid()} on .+: .+\); wait until it ends"
        with pytest.raises(InputError, match=message) as refused:
            elsewhere(owned_folder, folder)
        assert "\n" not in str(refused.value)
    assert not folder.exists(), "nothing was written"
    assert elsewhere(owned_folder, folder)


def test_the_lock_is_gone_and_the_files_stay(tmp_path):
    with owned_folder(tmp_path / "run"):
        (tmp_path / "run" / "result").touch()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["result"]


def test_a_lock_dies_with_its_process(tmp_path):
    process, _ = started(own_and_wait, tmp_path)
    with pytest.raises(InputError, match=f"process {process.pid} on"), owned_folder(tmp_path):
        pass
    process.kill()
    process.join()
    assert (tmp_path / LOCK).exists()
    with owned_folder(tmp_path):
        pass
    assert not (tmp_path / LOCK).exists()


def test_processes_that_outlive_the_owner_hold_no_lock(tmp_path):
    process, orphan = started(own_and_fork, tmp_path)
    process.kill()
    process.join()
    try:
        with owned_folder(tmp_path):
            os.kill(orphan, 0)  # it is still there
    finally:
        os.kill(orphan, signal.SIGKILL)


@pytest.mark.parametrize(
    ("mine", "other", "allowed"),
    [
        ((1, 3), (2, 3), True),
        ((2, 3), (2, 3), False),
        ((1, 3), (1, 1), False),
        ((1, 1), (1, 3), False),
        ((1, 2), (2, 3), False),
        ((1, 2), (2, 12), False),
        ((3, 12), (1, 2), False),
    ],
)
def test_parts_of_one_run_may_be_at_work_together(tmp_path, mine, other, allowed):
    with owned_folder(tmp_path, part=mine):
        if allowed:
            assert elsewhere(owned_folder, tmp_path, part=other)
        else:
            with pytest.raises(InputError, match="is being written by another run"):
                elsewhere(owned_folder, tmp_path, part=other)
    assert elsewhere(owned_folder, tmp_path, part=other)
    assert [*tmp_path.iterdir()] == []


def test_a_part_passes_over_the_locks_that_killed_runs_have_left(tmp_path):
    for name in (LOCK, f"{LOCK}-1-of-2", f"{LOCK}-2-of-3"):
        (tmp_path / name).write_text("half")
    assert elsewhere(owned_folder, tmp_path, part=(2, 3))


def test_files_of_the_user_that_look_like_locks_are_left_alone(tmp_path):
    for name in (".lock", f"{LOCK}.txt", f"{LOCK}-1"):
        (tmp_path / name).write_text("mine")
    assert elsewhere(owned_folder, tmp_path, part=(1, 2))
    left = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert left == dict.fromkeys((".lock", f"{LOCK}.txt", f"{LOCK}-1"), "mine")


def test_a_file_has_one_owner(tmp_path):
    path = tmp_path / "tuning.json"
    with owned_file(path), ExitStack() as stack:
        with pytest.raises(InputError, match=r"tuning\.json is being written by another run"):
            elsewhere(owned_file, path)
        stack.enter_context(owned_file(tmp_path / "other.json"))
        assert elsewhere(owned_folder, tmp_path)
    assert [*tmp_path.iterdir()] == []
    with owned_file(tmp_path / "deep" / "tuning.json"):
        assert (tmp_path / "deep").is_dir()
    assert [*tmp_path.iterdir()] == [], "nothing was written"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_locks_a_run_goes_on_with_a_warning(tmp_path, monkeypatch, number):
    def refuse(_lock):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.warns(UserWarning, match="lies on a file system without locks"), owned_folder(tmp_path):
        (tmp_path / "result").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_a_lock_of_another_user_is_named(tmp_path, monkeypatch):
    def refuse(_lock):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.raises(InputError, match=r"cannot lock .*\.lock: Permission denied"), owned_folder(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write .*file/run: Not a directory"):
        elsewhere(owned_folder, tmp_path / "file" / "run")
    with pytest.raises(InputError, match=r"cannot write .*file/run\.json"):
        elsewhere(owned_file, tmp_path / "file" / "run.json")


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
