"""Timings in turn, and the record of the machine they were taken on."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

_WARMUP = 3


@dataclass(frozen=True)
class Timing:
    """Time of one operation over repetitions, milliseconds.

    Args:
        name: what was timed.
        median: of all repetitions.
        low: their 5th percentile.
        high: their 95th percentile.
        repeats: how many.
    """

    name: str
    median: float
    low: float
    high: float
    repeats: int


@dataclass(frozen=True)
class BenchReport:
    """Timings, and what they say: named figures such as factors, and the machine they were taken on."""

    timings: list[Timing]
    figures: dict[str, float]
    machine: dict[str, str]


def measure(operations: dict[str, Callable[[int], object]], repeats: int) -> list[Timing]:
    """Time operations in turn, A B A B ..., so that a drift of the machine's speed meets them alike.

    Args:
        operations: each is called with the number of the repetition.
        repeats: counted repetitions, after three that are not.
    """
    times: dict[str, list[float]] = {name: [] for name in operations}
    for turn in range(-_WARMUP, repeats):
        for name, operation in operations.items():
            started = time.perf_counter()
            operation(max(turn, 0))
            if turn >= 0:
                times[name].append(1000 * (time.perf_counter() - started))
    rows = []
    for name, taken in times.items():
        low, median, high = np.percentile(taken, [5, 50, 95])
        rows.append(Timing(name, float(median), float(low), float(high), repeats))
    return rows


def resident_mib() -> float:
    """Memory of this process, MiB; NaN where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def machine() -> dict[str, str]:
    """Processor, cores and versions, for the record beside every timing."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "torch": f"torch {torch.__version__}",
        "opencv": f"OpenCV {cv2.__version__}",
        "python": f"Python {platform.python_version()}",
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            names = [line.partition(":")[2].strip() for line in stream if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
