"""Running benchmarks by name."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import cv2
import torch

from dlatrack.bench.assign import bench_assign
from dlatrack.bench.cpu import bench_cpu
from dlatrack.bench.evaluate import bench_evaluate
from dlatrack.bench.measure import BenchReport
from dlatrack.bench.pairs import bench_pairs
from dlatrack.bench.runtimes import bench_runtimes
from dlatrack.bench.track import bench_track
from dlatrack.bench.train import bench_train
from dlatrack.errors import InputError
from dlatrack.memory import reuse_freed_memory

#: Benchmarks by name: functions of the number of repetitions and of their own options.
BENCHES: dict[str, Callable[..., BenchReport]] = {
    "assign": bench_assign,
    "cpu": bench_cpu,
    "evaluate": bench_evaluate,
    "pairs": bench_pairs,
    "runtimes": bench_runtimes,
    "track": bench_track,
    "train": bench_train,
}

#: Benchmarks of long operations, which use all cores and are repeated less often.
_LONG = ("runtimes", "track", "train")

#: The benchmarks of "all", which are all but "cpu" and "runtimes", with their options.
_ALL: tuple[tuple[str, dict[str, str]], ...] = (
    ("assign", {}),
    ("pairs", {}),
    ("evaluate", {}),
    ("train", {}),
    ("track", {"tracker": "siamrpnpp"}),
    ("track", {"tracker": "nanotrack_v3", "beside": "siamcar_small"}),
    ("track", {"weights": "siamcar_small"}),
    ("track", {"weights": "siamrpnpp_small"}),
)


def run_benches(
    what: str, *, repeats: int | None = None, threads: int | None = None, options: Mapping[str, Any]
) -> Iterator[tuple[str, BenchReport]]:
    """Run one benchmark, or all of them.

    Args:
        what: a key of `BENCHES`, or "all".
        repeats: number of timed repetitions; None: 50, or 15 for `runtimes`, `track` and `train`.
        threads: number of CPU threads of torch and OpenCV; None: 1, or one per core for those three.
        options: options of the benchmark.

    Yields:
        Title and report of each benchmark, as soon as it is finished.

    Raises:
        InputError: for an unknown benchmark or option.
    """
    if what != "all":
        yield what, _run(what, repeats, threads, options)
        return
    if options:
        raise InputError(f"bench all takes no {', '.join(options)}; it measures every benchmark as it is")
    for name, own in _ALL:
        yield " ".join([name, *own.values()]), _run(name, repeats, threads, own)


def _run(what: str, repeats: int | None, threads: int | None, options: Mapping[str, Any]) -> BenchReport:
    if what not in BENCHES:
        raise InputError(f"there is no benchmark {what!r}; choose from {', '.join(BENCHES)}, all")
    parameters = inspect.signature(BENCHES[what]).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    if strange := [name for name in options if name not in known]:
        raise InputError(
            f"bench {what} takes no {', '.join(strange)}; its options: {', '.join(known) or 'none'}"
        )
    threads = threads or (os.cpu_count() or 1 if what in _LONG else 1)
    reuse_freed_memory()  # as training does
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    report = BENCHES[what](repeats or (15 if what in _LONG else 50), **options)
    return replace(report, machine=report.machine | {"threads": f"{threads} thread{'s' * (threads != 1)}"})
