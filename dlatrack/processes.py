"""Worker processes: starting them, ending with the process that started them, and what to say when one dies."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from dlatrack.errors import InputError

#: What a script that starts processes needs.
GUARD = 'put the call below `if __name__ == "__main__":`'


def check_may_start() -> None:
    """Refuse to start processes from one that is itself being started.

    A process that is not forked imports the script that started it. Without a guard the script would start its work
    once more in each of them.

    Raises:
        InputError: naming the guard.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise InputError(f"this script is imported again by each process that it starts; {GUARD}")


def start(process: BaseProcess, what: str) -> None:
    """Start a process.

    Args:
        process: to start.
        what: it is given, for the message, e.g. "the tracker".

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
    """What to say of a process that has ended without an answer; waits for its end.

    Args:
        process: that has ended, or is about to.
        what: it does, e.g. "tracks".
        advice: what helps against a lack of memory.
        begun: whether it had got as far as its work.
    """
    process.join()
    code = process.exitcode
    if not begun and code is not None and code > 0:
        return InputError(
            f"a process that {what} ended before its work began (exit code {code}, its error is printed above): it "
            f"imports the script that started it, so {GUARD}, and put functions and classes of a notebook or of "
            f"standard input into a module"
        )
    return InputError(f"a process that {what} has died (exit code {code}), possibly out of memory; {advice}")


def parent_watch() -> Callable[[], bool]:
    """A function that says whether the process that started this one is still there.

    A forked process may keep open what tells its brothers of the parent's end, and a process of a fork server is a
    child of that, so two signs are looked at.
    """
    parent, born = multiprocessing.parent_process(), os.getppid()
    return lambda: os.getppid() == born and (parent is None or parent.is_alive())


def leave_with_parent() -> None:
    """End this process, even in the middle of its work, when the one that started it is gone."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
