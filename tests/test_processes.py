"""Processes that cannot start or that die, and what is said of them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from dlatrack.errors import InputError
from dlatrack.processes import check_may_start, parent_watch
from dlatrack.tracking.workers import run_tasks

WORK = """
from dlatrack.tracking.workers import run_tasks

def upper(word):
    return word.upper()

def prepare():
    return upper
"""
CALL = 'print(list(run_tasks(prepare, ["a"], 1)))'
GUARDED = f'if __name__ == "__main__":\n    {CALL}'


def run(script: Path | None, text: str) -> subprocess.CompletedProcess[str]:
    if script is not None:
        script.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, script or "-"],
        input=None if script else text,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_script_with_a_guard_works(tmp_path):
    done = run(tmp_path / "script.py", WORK + GUARDED)
    assert (done.returncode, done.stdout) == (0, "[('a', 'A')]\n"), done.stderr


def test_a_script_without_a_guard_is_told_so(tmp_path):
    done = run(tmp_path / "script.py", WORK + CALL)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "a process that tracks ended before its work began (exit code 1" in last
    assert 'put the call below `if __name__ == "__main__":`' in last
    assert "dlatrack.errors.InputError: this script is imported again by each process" in done.stderr
    assert "memory" not in done.stderr


def test_functions_of_standard_input_are_asked_into_a_module():
    done = run(None, WORK + CALL)
    assert done.returncode == 1
    assert "put functions and classes of a notebook or of standard input into a module" in done.stderr
    assert "memory" not in done.stderr.splitlines()[-1]


def test_what_cannot_be_sent_is_named():
    with pytest.raises(
        InputError, match=r"the tracker cannot be sent to another process \(.*lambda.*\); it must"
    ):
        list(run_tasks(lambda: str.upper, ["a"], 1))
    with pytest.raises(InputError, match=r"cannot be sent to another process \(cannot pickle"):
        list(run_tasks(threading.Lock().acquire, ["a"], 1))


def test_a_process_that_is_ready_may_start_others():
    check_may_start()
    assert parent_watch()()


PARENT = """
import ctypes, sys, time
from multiprocessing import get_context
from dlatrack.processes import LEAVING, leave_with_parent

class Slow:
    def __reduce__(self):
        return time.sleep, (60,)

class Greedy:
    # it keeps the interpreter to itself, as the loading of a library does
    def __reduce__(self):
        return greed, ()

def greed():
    ctypes.PyDLL(None).sleep(60)

def forked():
    leave_with_parent()
    time.sleep(60)

if __name__ == "__main__":
    kind, spawn = sys.argv[1], get_context("spawn")
    if kind == "forked":
        children = [get_context("fork").Process(target=forked) for _ in range(2)]
    else:
        work = Greedy() if kind == "greedy" else Slow()
        children = [spawn.Process(target=time.sleep, args=(LEAVING, work)) for _ in range(2)]
    for child in children:
        child.start()
    print("started", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("wait", [0, 1.5])
@pytest.mark.parametrize(
    "kind",
    [
        "forked",
        "spawned",
        pytest.param("greedy", marks=pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")),
    ],
)
def test_processes_end_with_a_killed_parent_even_while_they_start(tmp_path, kind, wait):
    script = tmp_path / "script.py"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, script, kind],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    time.sleep(wait)
    children = psutil.Process(parent.pid).children()
    assert len(children) >= 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs(
        children, timeout=20
    )  # about 1 s; more on a machine that is busy with other tests
    assert not alive
