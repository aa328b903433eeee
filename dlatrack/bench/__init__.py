"""Measured speed: medians and spreads of repeated runs, beside a plain reference timed in the same run."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace

import cv2
import torch

from dlatrack.bench.assign import bench_assign
from dlatrack.bench.evaluate import bench_evaluate
from dlatrack.bench.measure import BenchReport, Timing, machine, measure
from dlatrack.bench.pairs import bench_pairs
from dlatrack.bench.track import bench_track
from dlatrack.bench.train import bench_train
from dlatrack.errors import InputError
from dlatrack.memory import reuse_freed_memory
from dlatrack.printing import print_line, print_table

__all__ = ["BENCHES", "BenchReport", "Timing", "machine", "measure", "print_bench"]

#: Benchmarks by name: repetitions, and options of their own, to a report.
BENCHES: dict[str, Callable[..., BenchReport]] = {
    "assign": bench_assign,
    "evaluate": bench_evaluate,
    "pairs": bench_pairs,
    "track": bench_track,
    "train": bench_train,
}

#: Repetitions and CPU threads unless asked otherwise: a frame or a step is long work, and takes all cores.
_CORES = os.cpu_count() or 1
_USUAL = {
    "assign": (50, 1),
    "evaluate": (50, 1),
    "pairs": (50, 1),
    "track": (15, _CORES),
    "train": (15, _CORES),
}


#: What "all" measures: benchmarks with options of their own; the small trackers are those that come with the package.
_ALL: tuple[tuple[str, dict[str, str]], ...] = (
    ("assign", {}),
    ("pairs", {}),
    ("evaluate", {}),
    ("train", {}),
    ("track", {"tracker": "siamrpnpp"}),
    ("track", {"weights": "siamcar_small"}),
    ("track", {"weights": "siamrpnpp_small"}),
)


def print_bench(
    what: str,
    *,
    repeats: int | None = None,
    threads: int | None = None,
    as_json: bool = False,
    **options: str,
) -> None:
    """Run one benchmark, or all of them, on so many CPU threads, and print what was measured.

    Args:
        what: a key of `BENCHES`, or "all".
        repeats: timed repetitions; None: 50, or 15 for `track` and `train`.
        threads: of torch and OpenCV; None: 1, or one per core for `track` and `train`.
        as_json: print JSON instead of tables: a report or, for "all", reports by name.
        options: of the benchmark; empty ones are left out.

    Raises:
        InputError: for an unknown benchmark, or an option that it does not have.
    """
    given = {name: value for name, value in options.items() if value}
    if what != "all":
        report = _run(what, repeats, threads, given)
        if as_json:
            print(json.dumps(asdict(report), indent=2))
        else:
            _print(what, report)
        return
    if given:
        raise InputError(f"bench all takes no {', '.join(given)}; it measures every benchmark as it is")
    reports = {}
    for name, own in _ALL:
        title = " ".join([name, *own.values()])
        reports[title] = asdict(report := _run(name, repeats, threads, own))
        if not as_json:
            _print(title, report)
    if as_json:
        print(json.dumps(reports, indent=2))


def _run(what: str, repeats: int | None, threads: int | None, options: dict[str, str]) -> BenchReport:
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


def _print(title: str, report: BenchReport) -> None:
    rows = [
        (row.name, f"{row.median:.2f}", f"{row.low:.2f}", f"{row.high:.2f}", str(row.repeats))
        for row in report.timings
    ]
    title = f"bench {title}, {report.machine['threads']}"
    print_table(("ms", "median", "5 %", "95 %", "runs"), rows, title=title)
    for name, value in report.figures.items():
        print_line(f"{name}: {value:.3g}")
    print_line(", ".join(report.machine.values()), style="dim")
