from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

from dlatrack.errors import InputError
from dlatrack.tracking.workers import one_core, run_tasks


def prepare(folder: Path | None = None) -> Callable[[str], tuple[str, int]]:
    """Upper case and the number of the process; some words make trouble."""
    if folder is not None:
        (folder / str(os.getpid())).touch()

    def do(task: str) -> tuple[str, int]:
        if task == "refused":
            raise InputError("sequence refused cannot be tracked")
        if task == "broken":
            raise KeyError("a slip")
        if task == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if task == "endless":
            signal.pause()
        return task.upper(), os.getpid()

    return do


def run_and_die(told: Connection) -> None:
    """Be killed while one process waits and the other works."""
    answers = run_tasks(prepare, ["quick", "endless", "endless"], 2)
    told.send(next(answers)[1][1])
    os.kill(os.getpid(), signal.SIGKILL)


def test_tasks_are_shared_out(tmp_path: Path) -> None:
    tasks = [f"task{number}" for number in range(7)]
    answers = dict(run_tasks(partial(prepare, tmp_path), tasks, 2))
    assert {task: word for task, (word, _) in answers.items()} == {task: task.upper() for task in tasks}
    processes = {int(path.name) for path in tmp_path.iterdir()}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert {process for _, process in answers.values()} <= processes


def test_no_more_processes_than_tasks(tmp_path: Path) -> None:
    assert [task for task, _ in run_tasks(partial(prepare, tmp_path), ["one"], 8)] == ["one"]
    assert len([*tmp_path.iterdir()]) == 1
    assert [*run_tasks(prepare, [], 8)] == []


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        ("refused", InputError, "sequence refused cannot be tracked"),
        ("broken", RuntimeError, "(?s)Traceback.*KeyError: 'a slip'"),
        ("killed", InputError, r"a process that tracks has died \(exit code -9\).*with fewer workers"),
    ],
)
def test_trouble_in_a_process_stops_the_work(task: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        list(run_tasks(prepare, [task, "endless"], 2))


def test_processes_end_with_the_one_that_started_them() -> None:
    ours, theirs = get_context("fork").Pipe()
    process = get_context("fork").Process(target=run_and_die, args=(theirs,))
    process.start()
    worker = os.pidfd_open(ours.recv())
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert select.select([worker], [], [], 600)[0] == [worker]  # readable once the worker has ended
    os.close(worker)


def test_one_core_is_used_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = [6]
    torch = SimpleNamespace(get_num_threads=lambda: threads[-1], set_num_threads=threads.append)
    monkeypatch.setitem(sys.modules, "torch", torch)
    before = cv2.getNumThreads()
    with pytest.raises(KeyError), one_core():
        assert threads == [6, 1]
        assert cv2.getNumThreads() == 1
        raise KeyError
    assert threads == [6, 1, 6]
    assert cv2.getNumThreads() == before
