"""Signals as requests to stop, so that an interrupted run saves its work."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: Seconds within which a repeated signal counts as the same one: launchers pass on what the terminal sent to all.
_SAME = 1.0


@contextmanager
def stop_signal(*numbers: int) -> Iterator[Callable[[], int]]:
    """Record signals instead of dying from them: schedulers send SIGTERM before they kill, users press Ctrl-C.

    A second Ctrl-C stops at once.

    Args:
        numbers: numbers of the signals; none: SIGTERM.

    Yields:
        A function that returns the number of the first signal received, 0 until then; only the main thread gets any.
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
