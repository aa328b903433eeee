"""Want of memory in a command: its line, and the check of limits before the libraries are loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from dlatrack.errors import InputError, NotEnoughMemoryError
from dlatrack.memory import amount_of, memory_error, process_limit

#: Memory in which a command and its libraries fit, bytes.
_LEAST = 5e8

#: What lowers the need of each command that has options for it.
_ADVICE = {
    "train": "a larger --accumulate and a smaller --batch, both for a new run alone, and fewer --workers need less",
    "track": "smaller frames and --weights of a smaller tracker need less; the smallest is dla_nanotrack_v3",
    "benchmark": "fewer --workers and --weights of a smaller tracker need less; finished results are kept",
    "evaluate": "--results of one tracker at a time need less",
    "tune": "fewer --workers need less; finished trials are kept",
    "data": "fewer --workers need less; finished shards are kept",
    "run": "--preset smoke needs least, and smaller parameters, given by -p, less than the preset's",
    "demo": "--preset smoke needs least",
    "figures": "--preset smoke needs least",
    "study": "fewer --jobs need less; finished cells are kept",
    "bench": "a smaller --batch and fewer --threads need less",
}


def prepare_memory() -> None:
    """Adapt to a limit of this process's memory before the libraries are loaded.

    OpenBLAS, which NumPy, SciPy and OpenCV bring each of its own, asks for 32 MB for each core while it is loaded. If
    it does not get them it asks again and again without an end, so under a limit it gets one core.

    Raises:
        NotEnoughMemoryError: if the libraries do not fit.
    """
    limit = process_limit()
    if limit is None:
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if limit < _LEAST and not {"-h", "--help"} & set(sys.argv):
        raise NotEnoughMemoryError(
            f"out of memory while starting: about {amount_of(_LEAST)} are needed, {amount_of(limit)} are there",
            "raise the limit with ulimit -d or ulimit -v",
        )


def command_error(error: Exception, arguments: Sequence[str]) -> InputError | None:
    """The line of a command that memory is short, with the options that lower its need; None for other errors.

    Args:
        error: error that the command ended in.
        arguments: arguments of the command line, from the name of the command on.
    """
    command = next((word for word in arguments if not word.startswith("-")), "")
    short = error if isinstance(error, NotEnoughMemoryError) else memory_error(error, f"running {command}")
    if short is None or command not in _ADVICE:
        return short
    return NotEnoughMemoryError(short.fault, _ADVICE[command])
