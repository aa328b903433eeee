"""Memory of a process: the error that says it is not enough, how much there is, and the allocator's settings."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dlatrack.errors import NotEnoughMemoryError

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def reuse_freed_memory() -> bool:
    """Tell glibc to keep large blocks in the process when they are freed.

    A training step on a CPU allocates and frees feature maps of up to 100 MB. By default each comes from the system
    as fresh pages and returns to it at once, and the page faults take as long as the arithmetic: with this call the
    step of `siamcar_small` falls from 29 to 13 ms per pair on two cores. With a backbone that trains, forward and
    backward of 8 pairs fall from 133 to 114 ms per pair on one core of an AMD EPYC. The process then keeps its peak
    memory until it ends.

    Returns:
        Whether the allocator took the settings; False on systems without glibc, where nothing changes.
    """
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 2**26))
    return all(mallopt(name, value) == 1 for name, value in settings)


def mallopt(name: int, value: int) -> int:
    """Change a setting of glibc's allocator; return 1 if it was accepted, 0 on systems without glibc."""
    if sys.platform != "linux":
        return 0
    try:
        return int(ctypes.CDLL(None).mallopt(name, value))
    except AttributeError:  # musl has no such settings
        return 0


#: What errors of other libraries say that have no type of their own for want of memory, in lower case. In order:
#: Python and NumPy; torch on a CPU, on a GPU, and its shared memory; oneDNN; OpenCV; onnxruntime and C++; Python and
#: OpenMP on threads, whose stacks do not fit; the system, and its loader.
_SIGNS = (
    *("unable to allocate", "can't allocate memory", "not enough memory"),
    *("out of memory", "cublas_status_alloc_failed", "unable to mmap", "unable to allocate shared memory"),
    *("could not create a primitive", "could not execute a primitive", "could not create a memory"),
    *("insufficient memory", "failed to allocate", "bad_alloc", "bad allocation"),
    *("can't start new thread", "thread creation failed", "cannot allocate memory", "failed to map segment"),
)

#: Errors whose text is searched for these signs, by their names, as ground loads none of those libraries.
_KINDS = (
    "RuntimeError",
    "OutOfMemoryError",
    "AcceleratorError",
    "error",
    "OSError",
    "ImportError",
    "RuntimeException",
)

#: Errors that mean the memory of a GPU.
_ON_DEVICES = ("OutOfMemoryError", "AcceleratorError")

_AMOUNT = re.compile(r"allocate ([0-9][0-9.,]*) ?([KMGT]i?B|bytes)", re.IGNORECASE)

_UNITS = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def shortage(kind: str, text: str) -> str | None:
    """What an error says of a want of memory.

    Args:
        kind: name of the error's type, e.g. "RuntimeError".
        text: its message.

    Returns:
        The amount that was asked for, e.g. "198 MB", "" if the error does not say; None: it is another error.
    """
    memory = kind in ("MemoryError", "_ArrayMemoryError", "OutOfMemoryError")
    if not memory and not (kind in _KINDS and any(sign in text.lower() for sign in _SIGNS)):
        return None
    amount = _AMOUNT.search(text)
    if amount is None or not (digits := amount[1].replace(",", "").rstrip(".")):
        return ""
    return amount_of(float(digits) * _UNITS[amount[2][0].lower()])


def amount_of(size: float) -> str:
    """A number of bytes as messages give it, e.g. "198 MB" or "1.5 GB"; 1 GB is 10^9 bytes."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= 0.9995 * factor:
            return f"{size / factor:.2g} {unit}" if size < 9.95 * factor else f"{size / factor:,.0f} {unit}"
    return f"{size:.0f} bytes"


def memory_error(
    error: BaseException, work: str, advice: str = "", needed: Callable[[], float] | None = None
) -> NotEnoughMemoryError | None:
    """The error of this package for one of another library that means want of memory; None for other errors.

    What the failed work has allocated is freed, so that there is memory to go on.

    Args:
        error: error as it was raised.
        work: work that failed, as it follows "while", e.g. "training siamcar".
        advice: what lowers the need, e.g. "use a smaller batch"; "": nothing does.
        needed: function that returns about how many bytes the work needs; None: not known.
    """
    asked = shortage(type(error).__name__, str(error))
    if asked is None and isinstance(error, OSError) and error.errno == errno.ENOMEM:
        asked = ""
    if asked is None:
        return None
    with suppress(RuntimeError):  # of a frame that still runs
        traceback.clear_frames(error.__traceback__)
    there = None if type(error).__name__ in _ON_DEVICES else usable_memory()
    least = None
    if needed is not None:
        with suppress(Exception):  # want of memory, again
            least = needed()
    parts = [f"{asked} more could not be had"] if asked else []
    if least is not None and there is not None and least <= there == process_limit():
        parts.append(f"more than {amount_of(there)} are needed")
    else:
        parts += [f"about {amount_of(least)} are needed"] if least is not None else []
        parts += [f"{amount_of(there)} are there"] if there is not None else []
    found = f": {', '.join(parts)}" if parts else ""
    return NotEnoughMemoryError(f"out of memory while {work}{found}", advice)


@contextmanager
def memory_errors(work: str, advice: str = "", needed: Callable[[], float] | None = None) -> Iterator[None]:
    """Raise want of memory inside the block as a `NotEnoughMemoryError`; arguments as of `memory_error`."""
    try:
        yield
    except Exception as error:
        if (told := memory_error(error, work, advice, needed)) is None:
            raise
        raise told from error


def check_memory(error: Exception, work: str) -> None:
    """Raise a `NotEnoughMemoryError` from an error that means want of memory; for handlers of errors of any kind.

    Args:
        error: error as it was raised.
        work: work that failed, as in `memory_error`.
    """
    if isinstance(error, NotEnoughMemoryError):
        raise error
    if (told := memory_error(error, work)) is not None:
        raise told from error


def usable_memory() -> float | None:
    """Bytes that this process may use in all: the machine's memory, or the smallest limit below it.

    Limits are those of the process (RLIMIT_DATA and RLIMIT_AS) and of its control group, as containers have them.

    Returns:
        None where the system does not say.
    """
    found: list[float] = []
    with suppress(OSError, ValueError, AttributeError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in ("memory.max", "memory/memory.limit_in_bytes"):  # of version 2 and of version 1
        with suppress(OSError, ValueError):
            found.append(float((Path("/sys/fs/cgroup") / file).read_text()))
    if (limit := process_limit()) is not None:
        found.append(limit)
    return min(found, default=None)


def process_limit() -> float | None:
    """Smallest limit of the memory of this process, RLIMIT_DATA or RLIMIT_AS, bytes; None: there is none."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return None
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS)]
    return min((float(limit) for limit in limits if limit != resource.RLIM_INFINITY), default=None)
