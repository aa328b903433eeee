"""Ending a run from outside without losing work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_signal(number: int = signal.SIGTERM) -> Iterator[Callable[[], bool]]:
    """Notice a signal instead of dying from it: schedulers send SIGTERM before they kill.

    Args:
        number: of the signal.

    Yields:
        Whether the signal has come. Outside the main thread it never does.
    """
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        came.set()

    before = signal.signal(number, note)
    try:
        yield came.is_set
    finally:
        signal.signal(number, before)
