"""The command `dlatrack bench`."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlatrack.cli.options import MOST_PROCESSES, MOST_TURNS, Json
from dlatrack.cli.printing import print_line, print_table

if TYPE_CHECKING:
    from dlatrack.bench.measure import BenchReport

Repeats = Annotated[
    int | None,
    typer.Option(help="Timed repetitions; default 50, runtimes, track and train 15.", min=3, max=MOST_TURNS),
]
Threads = Annotated[
    int | None,
    typer.Option(help="CPU threads; default 1, runtimes, track and train all.", min=1, max=MOST_PROCESSES),
]


def bench(
    what: Annotated[
        str,
        typer.Argument(help="assign, cpu, evaluate, pairs, runtimes, track, train; all: not cpu, runtimes."),
    ],
    repeats: Repeats = None,
    threads: Threads = None,
    json: Json = False,
    tracker: Annotated[
        str,
        typer.Option(
            help="track: recipe with random weights; train: one with a DLA twin, or all of them; runtimes: several, "
            "and shipped ones; default: siamrpnpp, siamcar_small, five."
        ),
    ] = "",
    batch: Annotated[
        str,
        typer.Option(help="train: pairs of a step; default: the recipe's for small trackers, 2 for others."),
    ] = "",
    assigner: Annotated[
        str,
        typer.Option(help="train: rule to compare, NAME:option=value,...; default: that of the DLA twin."),
    ] = "",
    device: Annotated[str, typer.Option(help="train: cpu, cuda ...; default cpu.")] = "",
    weights: Annotated[str, typer.Option(help="track: weight file or shipped tracker to take instead.")] = "",
    clips: Annotated[
        str,
        typer.Option(help="track, runtimes: sequences in the OTB layout; default: synthetic, photographic."),
    ] = "",
    beside: Annotated[
        str, typer.Option(help="track: recipes, separated by commas, to time in the same turns.")
    ] = "",
    opencv: Annotated[bool, typer.Option("--opencv", help="track: time OpenCV's CSRT and KCF too.")] = False,
    opencv_nano: Annotated[
        str, typer.Option(help="track: BACKBONE.onnx,HEAD.onnx of OpenCV's TrackerNano, to time it too.")
    ] = "",
    out: Annotated[str, typer.Option(help="runtimes: folder for the table and its record.")] = "",
    pack: Annotated[str, typer.Option(help="pairs: folder of a pack; default: one of synthetic video.")] = "",
) -> None:
    """Measure speed: median and spread over repetitions, against a plain reference in the same run."""
    from dlatrack.adapters.opencv import opencv_trackers
    from dlatrack.bench.run import run_benches

    options = {"tracker": tracker, "batch": batch, "device": device, "assigner": assigner, "beside": beside}
    options |= {"weights": weights, "clips": clips, "pack": pack, "out": out}
    given: dict[str, Any] = {name: value for name, value in options.items() if value}
    if opencv or opencv_nano:
        given["opencv"] = opencv_trackers(correlation=opencv, nano=opencv_nano)
    reports = {}
    for title, report in run_benches(what, repeats=repeats, threads=threads, options=given):
        reports[title] = asdict(report)
        if not json:
            print_report(title, report)
    if json:
        print(json_text.dumps(reports if what == "all" else reports[what], indent=2))


def print_report(title: str, report: BenchReport) -> None:
    """Print what a benchmark measured: a table of times, its other figures, and the machine."""
    rows = [
        (row.name, f"{row.median:.2f}", f"{row.low:.2f}", f"{row.high:.2f}", str(row.repeats))
        for row in report.timings
    ]
    title = f"bench {title}, {report.machine['threads']}"
    print_table(("ms", "median", "5 %", "95 %", "runs"), rows, title=title)
    for name, value in report.figures.items():
        print_line(f"{name}: {value:.3g}")
    print_line(", ".join(report.machine.values()), style="dim")
