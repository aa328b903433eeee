"""Measured speed: medians and spreads of repeated runs, beside a plain reference timed in the same run."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from dlatrack import boxes
from dlatrack.assign import build_assigner
from dlatrack.assign.reference import ReferenceDLA
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.grid import RPN_ANCHORS, ScoreGrid
from dlatrack.memory import reuse_freed_memory
from dlatrack.recipes import recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore

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


def bench_assign(repeats: int, targets: int = 256) -> BenchReport:
    """Dynamic label assignment of a batch on the 25 x 25 x 5 anchors, against the plain per-target reference."""
    rng = np.random.default_rng(0)
    size = 64 * np.exp(rng.uniform(-0.5, 0.5, (targets, 2)))
    centre = rng.uniform(63, 191, (targets, 2))
    target = boxes.cxcywh_to_xyxy(np.concatenate([centre, size], 1))
    tensor, keys = torch.from_numpy(target), torch.arange(targets)
    grid = ScoreGrid()
    anchors, points = build_assigner("dla_anchors", grid), build_assigner("dla_points", grid)
    fixed = build_assigner("iou", grid)
    referee = ReferenceDLA(anchor_shapes=RPN_ANCHORS)
    few = range(min(targets, 16))  # the reference is slow; a few targets of it are enough
    timings = measure(
        {
            f"DLA, {targets} targets, 3125 anchors": lambda _: anchors.assign(tensor, generator=keys),
            f"DLA, {targets} targets, 625 points": lambda _: points.assign(tensor, generator=keys),
            f"IoU thresholds, {targets} targets, 3125 anchors": lambda _: fixed.assign(
                tensor, generator=keys
            ),
            f"plain reference of DLA, {len(few)} targets": lambda _: [
                referee.assign(target[i], i) for i in few
            ],
        },
        repeats,
    )
    per_target, reference = timings[0].median / targets, timings[3].median / len(few)
    figures = {
        "DLA, ms per target": per_target,
        "plain reference, ms per target": reference,
        "times as fast as the plain reference": reference / per_target,
    }
    return BenchReport(timings, figures, machine())


def bench_pairs(repeats: int) -> BenchReport:
    """One training pair from two stored 511-pixel crops, against decoding the two JPEG files alone."""
    chosen = recipe("dla_siamcar")
    store = CropStore.build(synthetic_sequences(8, seed=0, length=10))
    source = PairSource(store, chosen.sampling, chosen.net, seed=0)
    draws = [
        source.draw_frames(True, np.random.Generator(np.random.Philox(key=[0, index])))
        for index in range(repeats)
    ]
    timings = measure(
        {
            "training pair": lambda turn: source.pair(0, turn),
            "two JPEG decodes": lambda turn: [store.image(crop) for crop in draws[turn]],
        },
        repeats,
    )
    figures = {
        "pair over two decodes": timings[0].median / timings[1].median,
        "mean size of a stored crop, KiB": store.data.nbytes / len(store) / 1024,
    }
    return BenchReport(timings, figures, machine())


BENCHES: dict[str, Callable[[int], BenchReport]] = {"assign": bench_assign, "pairs": bench_pairs}


def print_bench(what: str, *, repeats: int, threads: int, as_json: bool) -> None:
    """Run one benchmark on so many CPU threads and print it.

    Raises:
        InputError: for an unknown benchmark.
    """
    if what not in BENCHES:
        raise InputError(f"there is no benchmark {what!r}; choose from {', '.join(BENCHES)}")
    reuse_freed_memory()  # as training does
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    report = BENCHES[what](repeats)
    if as_json:
        print(json.dumps(asdict(report), indent=2))
        return
    table = Table("ms", "median", "5 %", "95 %", "runs", title=f"bench {what}, {threads} threads")
    for row in report.timings:
        table.add_row(row.name, f"{row.median:.2f}", f"{row.low:.2f}", f"{row.high:.2f}", str(row.repeats))
    console = Console()
    console.print(table)
    for name, value in report.figures.items():
        console.print(f"{name}: {value:.3g}", highlight=False)
    console.print(", ".join(report.machine.values()), highlight=False, style="dim")


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
