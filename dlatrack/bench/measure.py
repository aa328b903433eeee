"""Timing of operations in turn, and a description of the machine."""

from __future__ import annotations

import os
import platform
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

_WARMUP = 3

#: Instruction sets for sums of products in float32, int8 and bfloat16, as Linux names them.
_FLAGS = ("avx2", "fma", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")


@dataclass(frozen=True)
class Timing:
    """Time of one operation over repetitions."""

    name: str  #: name of the operation
    median: float  #: median of the repetitions, ms
    low: float  #: 5th percentile, ms
    high: float  #: 95th percentile, ms
    repeats: int  #: number of repetitions


@dataclass(frozen=True)
class BenchReport:
    """Timings, figures by name that follow from them, such as factors, and the machine."""

    timings: list[Timing]
    figures: dict[str, float]
    machine: dict[str, str]


def measure(operations: dict[str, Callable[[int], object]], repeats: int) -> list[Timing]:
    """Time operations in turn, A B A B ..., so that a drift of the machine's speed affects them alike.

    Args:
        operations: functions of the number of the repetition, by name.
        repeats: number of timed repetitions, after three for warming up.
    """
    times: dict[str, list[float]] = {name: [] for name in operations}
    for turn in range(-_WARMUP, repeats):
        for name, operation in operations.items():
            started = time.perf_counter()
            operation(max(turn, 0))
            if turn >= 0:
                times[name].append(1000 * (time.perf_counter() - started))
    return [timing(name, np.array(taken)) for name, taken in times.items()]


def timing(name: str, milliseconds: np.ndarray) -> Timing:
    """Median and spread of repetitions, (repeats,) ms."""
    low, median, high = np.percentile(milliseconds, [5, 50, 95])
    return Timing(name, float(median), float(low), float(high), len(milliseconds))


def measure_twins(
    first: Callable[[int], Iterator[str]],
    second: Callable[[int], Iterator[str]],
    turns: int,
    *,
    on_turn: Callable[[], None] = lambda: None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Time two versions of a job, stage by stage, in the order first, second, second, first of every turn.

    In every turn, a steady drift of the machine's speed and the effect of running second then affect both alike.

    Args:
        first: the job as a function of the number of the turn; its iterator yields the name of each stage at its end.
        second: the other version, with the same stages.
        turns: number of timed turns, after one for warming up.
        on_turn: callback after every turn, including the first.

    Returns:
        By stage (turns,) ms, the mean of the two calls of each turn, of `first` and of `second`.
    """
    taken: list[dict[str, np.ndarray]] = [defaultdict(lambda: np.zeros(turns)) for _ in range(2)]
    for turn in range(-1, turns):
        for version in (0, 1, 1, 0):
            started = time.perf_counter()
            for stage in (first, second)[version](max(turn, 0)):
                ended = time.perf_counter()
                if turn >= 0:
                    taken[version][stage][turn] += 1000 * (ended - started) / 2
                started = ended
        on_turn()
    return taken[0], taken[1]


def resident_mib() -> float:
    """Resident memory of this process, MiB; NaN if the system does not report it."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_mib() -> float:
    """Largest resident memory that this process has ever had, MiB; NaN if the system does not report it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return float("nan")
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return float(peak[1]) / 1024 if peak else float("nan")


def machine() -> dict[str, str]:
    """Processor, number of cores and versions, for the record of a timing."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "torch": f"torch {torch.__version__}",
        "opencv": f"OpenCV {cv2.__version__}",
        "python": f"Python {platform.python_version()}",
    }


def processor_flags() -> str:
    """Those of the processor's instruction sets that decide how fast networks are; "" if the system does not say."""
    known = set(_cpuinfo("flags").split())
    return " ".join(flag for flag in _FLAGS if flag in known)


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(field: str) -> str:
    """A line about the first processor, "" if there is none."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            return next((line.partition(":")[2].strip() for line in stream if line.startswith(field)), "")
    except OSError:
        return ""
