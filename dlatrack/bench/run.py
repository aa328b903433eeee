"""Running benchmarks by name."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import cv2
import torch

from dlatrack.bench.assign import bench_assign
from dlatrack.bench.cpu import bench_cpu
from dlatrack.bench.evaluate import bench_evaluate
from dlatrack.bench.measure import BenchReport
from dlatrack.bench.pairs import bench_pairs
from dlatrack.bench.track import bench_track
from dlatrack.bench.train import bench_train
from dlatrack.errors import InputError
from dlatrack.memory import reuse_freed_memory

#: Benchmarks by name: repetitions, and options of their own, to a report.
BENCHES: dict[str, Callable[..., BenchReport]] = {
    "assign": bench_assign,
    "cpu": bench_cpu,
    "evaluate": bench_evaluate,
    "pairs": bench_pairs,
    "track": bench_track,
    "train": bench_train,
}

_CORES = os.cpu_count() or 1

#: Repetitions and CPU threads unless asked otherwise: a frame or a step is long work, and takes all cores.
_USUAL = {
    "assign": (50, 1),
    "cpu": (15, 1),
    "evaluate": (50, 1),
    "pairs": (50, 1),
    "track": (15, _CORES),
    "train": (15, _CORES),
}

#: What "all" measures, all but "cpu": benchmarks with options of their own; the small trackers are those that come
#: with the package.
_ALL: tuple[tuple[str, dict[str, str]], ...] = (
    ("assign", {}),
    ("pairs", {}),
    ("evaluate", {}),
    ("train", {}),
    ("track", {"tracker": "siamrpnpp"}),
    ("track", {"weights": "siamcar_small"}),
    ("track", {"weights": "siamrpnpp_small"}),
)


def run_benches(
    what: str, *, repeats: int | None = None, threads: int | None = None, options: Mapping[str, str]
) -> Iterator[tuple[str, BenchReport]]:
    """Run one benchmark, or all of them, on so many CPU threads.

    Args:
        what: a key of `BENCHES`, or "all".
        repeats: timed repetitions; None: 50, or 15 for `cpu`, `track` and `train`.
        threads: of torch and OpenCV; None: 1, or one per core for `track` and `train`.
        options: of the benchmark.

    Yields:
        A title and what was measured, as soon as it is known.

    Raises:
        InputError: for an unknown benchmark, or an option that it does not have.
    """
    if what != "all":
        yield what, _run(what, repeats, threads, options)
        return
    if options:
        raise InputError(f"bench all takes no {', '.join(options)}; it measures every benchmark as it is")
    for name, own in _ALL:
        yield " ".join([name, *own.values()]), _run(name, repeats, threads, own)


def _run(what: str, repeats: int | None, threads: int | None, options: Mapping[str, str]) -> BenchReport:
    if what not in BENCHES:
        raise InputError(f"there is no benchmark {what!r}; choose from {', '.join(BENCHES)}, all")
    parameters = inspect.signature(BENCHES[what]).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    if strange := [name for name in options if name not in known]:
        raise InputError(
            f"bench {what} takes no {', '.join(strange)}; its options: {', '.join(known) or 'none'}"
        )
    usual_repeats, usual_threads = _USUAL[what]
    threads = threads or usual_threads
    reuse_freed_memory()  # as training does
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    report = BENCHES[what](repeats or usual_repeats, **options)
    return replace(report, machine=report.machine | {"threads": f"{threads} thread{'s' * (threads != 1)}"})
