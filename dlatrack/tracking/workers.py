"""Worker processes that run a list of tasks, each with its own data and tracker."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TypeVar

import cv2

from dlatrack.errors import InputError, NotEnoughMemoryError
from dlatrack.memory import memory_error, reuse_freed_memory
from dlatrack.processes import LEAVING, death, start

_Answer = TypeVar("_Answer")


def run_tasks(
    prepare: Callable[[], Callable[[str], _Answer]],
    tasks: Sequence[str],
    workers: int,
    *,
    advice: str = "finished results are kept, run it again with fewer workers",
) -> Iterator[tuple[str, _Answer]]:
    """Run tasks in new processes, one core for each.

    Every process takes the next task when it has finished one. Processes are spawned, not forked, so that they may
    use a GPU; they end with this one, even if it is killed.

    Args:
        prepare: picklable factory of the function that runs a task, called once in each process.
        tasks: tasks in the order in which they are started.
        workers: largest number of processes, at least 1.
        advice: remedy for a lack of memory.

    Yields:
        Task and answer, in the order in which they are finished.

    Raises:
        InputError: the error of a task, or if a process cannot be started or dies.
        NotEnoughMemoryError: if memory is short in a process.
        RuntimeError: with the traceback of any other error in a process.
    """
    context = multiprocessing.get_context("spawn")
    todo = iter(tasks)
    processes: dict[Connection, SpawnProcess] = {}
    try:
        for _ in range(min(workers, len(tasks))):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_work, args=(LEAVING, prepare, theirs), daemon=True, name="dlatrack tracking"
            )
            start(process, "the tracker")
            theirs.close()
            processes[ours] = process
            _send(ours, next(todo))
        busy, begun = list(processes), set[Connection]()
        while busy:
            for connection in [ready for ready in wait(busy) if isinstance(ready, Connection)]:
                answer: tuple[str, _Answer] | None = _receive(
                    connection, processes[connection], advice, begun=connection in begun
                )
                if answer is None:
                    begun.add(connection)
                    continue
                task = next(todo, None)
                if task is None:
                    busy.remove(connection)
                else:
                    _send(connection, task)
                yield answer
    finally:
        for connection, process in processes.items():
            process.kill()  # not SIGTERM, which the script may handle
            process.join()
            connection.close()


def run_in_turn(
    prepare: Callable[[], Callable[[str], _Answer]], tasks: Iterable[str]
) -> Iterator[tuple[str, _Answer]]:
    """Run tasks as `run_tasks`, one after the other in this process; without a task nothing is prepared."""
    do = None
    for task in tasks:
        do = do or prepare()
        with one_core():
            answer = do(task)
        yield task, answer


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
    with suppress(OSError):  # `_receive` reports a process that has died
        connection.send(task)


def _receive(
    connection: Connection, process: SpawnProcess, advice: str, *, begun: bool
) -> tuple[str, _Answer] | None:
    """Task and answer of a process; None when it reports that it has started."""
    try:
        answer = connection.recv()
    except (EOFError, OSError):
        raise death(process, "tracks", advice, begun=begun) from None
    if isinstance(answer, NotEnoughMemoryError):
        raise NotEnoughMemoryError(answer.fault, advice)
    if isinstance(answer, Exception):
        raise answer
    done: tuple[str, _Answer] | None = answer
    return done


def _work(_leaving: None, prepare: Callable[[], Callable[[str], _Answer]], connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops this process
    reuse_freed_memory()
    try:
        connection.send(None)
        do = prepare()
        with one_core():  # after `prepare`, which loads torch if the tracker needs it
            while True:
                task = connection.recv()
                connection.send((task, do(task)))
    except EOFError:
        return
    except InputError as error:
        connection.send(error)
    except Exception as error:  # the parent raises it
        connection.send(memory_error(error, "tracking") or RuntimeError(traceback.format_exc()))
