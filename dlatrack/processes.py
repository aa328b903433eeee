"""Worker processes: how they start, end with their parent, and are reported when they die."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from types import TracebackType

from dlatrack.errors import InputError, NotEnoughMemoryError
from dlatrack.memory import memory_error, process_limit

#: Seconds between two looks whether the parent process still runs.
_LOOK = 1.0

#: Option of Linux's prctl: the signal that a process gets when the thread that started it ends.
_PR_SET_PDEATHSIG = 1

#: Exit status of a spawned process whose imports do not fit into memory.
_NO_MEMORY = 12

#: Advice for a script that starts processes.
GUARD = 'put the call below `if __name__ == "__main__":`'


def check_may_start() -> None:
    """Raise if this process is itself a worker that is still being started.

    A process that is not forked imports the script that started it. Without a guard the script would start its work
    again in each of them.

    Raises:
        InputError: with the guard that the script needs.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise InputError(f"this script is imported again by each process that it starts; {GUARD}")


def start(process: BaseProcess, what: str) -> None:
    """Start a process.

    Args:
        process: process to start.
        what: name of the object that is sent to it, for the message, e.g. "the tracker".

    Raises:
        InputError: as `check_may_start`, or if what the process needs cannot be sent to it.
    """
    check_may_start()
    try:
        process.start()
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"{what} cannot be sent to another process ({error}); it must be made by a function or class at the top "
            f"level of a module, or do without workers"
        ) from error


def death(process: BaseProcess, what: str, advice: str, *, begun: bool) -> InputError:
    """The error for a process that has ended without a result; waits for its end.

    Args:
        process: process that has ended, or is about to.
        what: verb for its work, e.g. "tracks".
        advice: remedy for a lack of memory.
        begun: whether its work had begun.
    """
    process.join()
    code = process.exitcode
    if code == _NO_MEMORY:
        return NotEnoughMemoryError(f"out of memory while starting a process that {what}", advice)
    if not begun and code is not None and code > 0:
        return InputError(
            f"a process that {what} ended before its work began (exit code {code}, its error is printed above): it "
            f"imports the script that started it, so {GUARD}, and put functions and classes of a notebook or of "
            f"standard input into a module{f'; or memory is short: {advice}' * (process_limit() is not None)}"
        )
    return InputError(f"a process that {what} has died (exit code {code}), possibly out of memory; {advice}")


def parent_watch(started_by: int | None = None) -> Callable[[], bool]:
    """A function that returns whether the process that started this one still runs.

    Two signs are checked: a forked process may keep open the pipe by which its siblings notice the parent's end, and
    a process of a fork server is a child of that server.

    Args:
        started_by: number of the process whose child this one is; None: the present one, if it has not ended yet.
    """
    parent, born = multiprocessing.parent_process(), os.getppid() if started_by is None else started_by
    return lambda: os.getppid() == born and (parent is None or parent.is_alive())


def leave_with_parent(started_by: int | None = None) -> None:
    """End this process, even in the middle of its work, about a second after the one that started it at the latest.

    Args:
        started_by: as for `parent_watch`.
    """
    threading.Thread(target=_wait_for_parent, args=(parent_watch(started_by),), daemon=True).start()


def _wait_for_parent(parent_is_there: Callable[[], bool]) -> None:
    parent = multiprocessing.parent_process()
    while parent_is_there():
        if parent is None:
            time.sleep(_LOOK)
        else:
            parent.join(_LOOK)
    os._exit(1)


def _begin_spawned(started_by: int, by_main_thread: bool) -> None:
    if by_main_thread:
        _die_with_thread()
    leave_with_parent(started_by)
    sys.excepthook = _report_start


def _die_with_thread() -> None:
    """Let Linux kill this process as soon as the thread that started it ends.

    The thread of `leave_with_parent` cannot end it while other code keeps the interpreter to itself, as the loading
    of large libraries does, for many seconds on a busy machine.
    """
    with suppress(ImportError, OSError, AttributeError):  # another system
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _report_start(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Report an error in the imports of a spawned process; want of memory by the exit status alone, see `death`."""
    if memory_error(error, "starting") is not None:
        os._exit(_NO_MEMORY)
    sys.__excepthook__(kind, error, trace)


class _Leaving:
    """Picklable object whose unpickling calls `_begin_spawned` for the process that has pickled it."""

    def __reduce__(self) -> tuple[Callable[[int, bool], None], tuple[int, bool]]:
        return _begin_spawned, (os.getpid(), threading.current_thread() is threading.main_thread())


#: First argument for a spawned process: from the moment at which it reads this, the process leaves with its parent,
#: also with one that has ended already, and reports want of memory. The modules that the other arguments need are
#: imported later, which takes seconds on a busy machine.
LEAVING = _Leaving()
