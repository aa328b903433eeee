"""Ending a run from outside without losing work."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: Seconds within which a signal that comes again is the same one: launchers pass on what the terminal sent to all.
_SAME = 1.0


@contextmanager
def stop_signal(*numbers: int) -> Iterator[Callable[[], int]]:
    """Notice signals instead of dying from them: schedulers send SIGTERM before they kill, users press Ctrl-C.

    Pressing Ctrl-C again stops at once.

    Args:
        numbers: of the signals; none: SIGTERM.

    Yields:
        The signal that has come, 0 as long as none has. Outside the main thread none ever does.
    """
    came, since = 0, 0.0
    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return

    def note(number: int, _frame: FrameType | None) -> None:
        nonlocal came, since
        if not came:
            came, since = number, time.monotonic()
        elif number == signal.SIGINT and time.monotonic() - since > _SAME:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in numbers or (signal.SIGTERM,)}
    try:
        yield lambda: came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
