"""Folders for a step: removed at its end, and after a kill by the next one."""

from __future__ import annotations

import errno
import os
import signal
from multiprocessing import get_context
from pathlib import Path

import pytest

from dlatrack.paths import scratch_folder


def test_a_folder_is_there_for_the_block_alone(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as first, scratch_folder(tmp_path) as second:
        (first / "a").write_text("")
        assert first != second
        assert second.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_stays(tmp_path: Path) -> None:
    def work() -> None:
        with scratch_folder(tmp_path, "work") as folder:
            (folder / "large").write_text("large")
            os.kill(os.getpid(), signal.SIGKILL)

    with scratch_folder(tmp_path, "work") as used:
        process = get_context("fork").Process(target=work)
        process.start()
        process.join()
        left = set(tmp_path.iterdir()) - {used}
        assert [[file.name for file in folder.iterdir()] for folder in left] == [["large"]]
        with scratch_folder(tmp_path, "other"):
            assert left < set(tmp_path.iterdir()), "they are of another purpose"
        with scratch_folder(tmp_path, "work") as new:
            assert set(tmp_path.iterdir()) == {used, new}


def test_without_locks_nothing_of_others_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with scratch_folder(tmp_path) as first:
        with scratch_folder(tmp_path):
            pass
        assert list(tmp_path.iterdir()) == [first]
    assert list(tmp_path.iterdir()) == []
