"""Several processes that work off a list of tasks, each with data and tracker of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TypeVar

import cv2

from dlatrack.errors import InputError
from dlatrack.memory import reuse_freed_memory

Answer = TypeVar("Answer")


def work_off(
    prepare: Callable[[], Callable[[str], Answer]], tasks: Sequence[str], workers: int
) -> Iterator[tuple[str, Answer]]:
    """Do tasks in fresh processes, one core for each.

    A process takes its next task when it has done the last. Processes are spawned, not forked, so that they may use
    a GPU; they end when this one does, however it ends.

    Args:
        prepare: called once in each process, gives what does a task there; picklable.
        tasks: what to do, in this order.
        workers: number of processes, at least 1; no more are started than there are tasks.

    Yields:
        Task and answer, in the order in which they are done.

    Raises:
        InputError: of a task, or if a process dies.
        RuntimeError: with the traceback of an error in a process that is not the user's.
    """
    context = multiprocessing.get_context("spawn")
    todo = iter(tasks)
    crew: dict[Connection, SpawnProcess] = {}
    try:
        for _ in range(min(workers, len(tasks))):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_work, args=(prepare, theirs), daemon=True, name="dlatrack tracking"
            )
            process.start()
            theirs.close()
            crew[ours] = process
            _send(ours, next(todo))
        busy = list(crew)
        while busy:
            for connection in [ready for ready in wait(busy) if isinstance(ready, Connection)]:
                answer: tuple[str, Answer] = _receive(connection, crew[connection])
                task = next(todo, None)
                if task is None:
                    busy.remove(connection)
                else:
                    _send(connection, task)
                yield answer
    finally:
        for connection, process in crew.items():
            process.terminate()
            process.join()
            connection.close()


@contextmanager
def one_core() -> Iterator[None]:
    """Keep OpenCV, and torch if it is loaded, from sharing their work out to threads.

    Torch adds up in another order with another number of threads, and a tracker feeds its last bits back. So all
    processes of a run use one thread, the first as well, and results do not depend on the number of processes.
    """
    torch = sys.modules.get("torch")  # a tracker without a network does not need it
    before = cv2.getNumThreads(), torch.get_num_threads() if torch is not None else 1
    cv2.setNumThreads(0)
    if torch is not None:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        if torch is not None:
            torch.set_num_threads(before[1])


def _send(connection: Connection, task: str) -> None:
    with suppress(OSError):  # a process that has died is noticed when its answer is due
        connection.send(task)


def _receive(connection: Connection, process: SpawnProcess) -> tuple[str, Answer]:
    try:
        answer = connection.recv()
    except (EOFError, OSError):
        process.join()
        raise InputError(
            f"a process that tracks has died (exit code {process.exitcode}), perhaps for want of memory; what is "
            f"done stays, run it again with fewer workers"
        ) from None
    if isinstance(answer, Exception):
        raise answer
    done: tuple[str, Answer] = answer
    return done


def _work(prepare: Callable[[], Callable[[str], Answer]], connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # this process is stopped by the other
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    reuse_freed_memory()
    try:
        do = prepare()
        with one_core():  # now torch is loaded, if the tracker needs it
            while True:
                task = connection.recv()
                connection.send((task, do(task)))
    except EOFError:
        return
    except InputError as error:
        connection.send(error)
    except Exception:  # whatever it is, the other process raises it
        connection.send(RuntimeError(traceback.format_exc()))


def _leave_with_parent() -> None:
    """End this process, even in the middle of a sequence, when the one that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
