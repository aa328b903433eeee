"""Timings in turn, and the record of the machine they were taken on."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

_WARMUP = 3

#: Operations by stage, each called with the number of the repetition.
Stages = Mapping[str, Callable[[int], object]]


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
    return [timing(name, np.array(taken)) for name, taken in times.items()]


def timing(name: str, milliseconds: np.ndarray) -> Timing:
    """Median and spread of repetitions, (repeats,) ms."""
    low, median, high = np.percentile(milliseconds, [5, 50, 95])
    return Timing(name, float(median), float(low), float(high), len(milliseconds))


def measure_twins(
    first: Stages, second: Stages, turns: int, *, on_turn: Callable[[], None] = lambda: None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Time two versions of a job, stage by stage, in the order first, second, second, first of every turn.

    A steady drift of the machine, and what it costs or saves to come second, then meet both alike in every turn.

    Args:
        first: operations by stage, called one after the other with the number of the turn.
        second: the same stages of the other version.
        turns: counted turns, after one that is not.
        on_turn: called after every turn, the uncounted one too.

    Returns:
        By stage (turns,) ms, the mean of the two calls of each turn, of `first` and of `second`.
    """
    taken = [{stage: np.zeros(turns) for stage in version} for version in (first, second)]
    for turn in range(-1, turns):
        for version in (0, 1, 1, 0):
            for stage, operation in (first, second)[version].items():
                started = time.perf_counter()
                operation(max(turn, 0))
                if turn >= 0:
                    taken[version][stage][turn] += 1000 * (time.perf_counter() - started) / 2
        on_turn()
    return taken[0], taken[1]


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
