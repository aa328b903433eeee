"""Processes that are killed at a chosen point of their work and not at a time, so that load changes nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from dlatrack import files


def die_before_operation(number: int) -> Callable[[], int]:
    """Let this process kill itself before its `number`-th operation on a file that it writes, from 1; 0: never.

    Counted are the operations that make a file, bring it to the disk and move it into place; between two of them
    lies all the work on what goes into the file. The function that is returned gives their number so far.
    """
    left = [number]  # below 0 after that many operations of a process that never dies

    def counted(operation: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*arguments, **options)

        return call

    files._open_unfinished = counted(files._open_unfinished)
    os.fsync = counted(os.fsync)
    os.replace = counted(os.replace)
    return lambda: number - left[0]
