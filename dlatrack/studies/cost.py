"""What training and tracking cost under a fixed rule and under DLA, read from files beside the figures.

A figure that is drawn again must not change a byte, and no timing comes out twice. So measurements are kept in files,
and figures are drawn from these until another measurement is asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pandas as pd
import torch

from dlatrack import paths
from dlatrack.bench.measure import Timing, machine
from dlatrack.bench.step import STAGES
from dlatrack.bench.track import bench_track
from dlatrack.bench.train import TRUNK_STATES, StepCost, step_costs
from dlatrack.errors import InputError
from dlatrack.files import check_writable, write_text
from dlatrack.memory import reuse_freed_memory
from dlatrack.paper.published import published
from dlatrack.recipes import Twins, recipe
from dlatrack.recipes.twins import dla_label, is_dla, label, side_by_side
from dlatrack.structured.json_files import read_json_object
from dlatrack.studies.presets import CostSizes, sizes

REPORT = "10_training_cost.report.json"

#: What `dlatrack bench all` measured, made by `dlatrack bench all --json > figures/bench.json`.
BENCH = "bench.json"

BENCH_COLUMNS = ("benchmark", "what", "median, ms", "5 %, ms", "95 %, ms", "runs")

_Built = TypeVar("_Built")


@dataclass(frozen=True)
class CostReport:
    """One measurement of what training and tracking cost."""

    costs: tuple[StepCost, ...]  #: costs of training steps, on `device`
    #: ms of tracking steps by recipe, on the CPU, as `bench.track.bench_track` names them
    speeds: dict[str, tuple[Timing, ...]]
    device: str  #: device of the training steps
    threads: int  #: number of threads of torch on the CPU
    #: load average of the machine before the measurement; above 0, other processes took their part. The highest of
    #: several measurements.
    load: float
    machine: dict[str, str]  #: processor and versions


class BenchRuns(NamedTuple):
    """All benchmarks of one machine."""

    #: a row per timing, with the `BENCH_COLUMNS`. The stages of a training step are left out: notebook 10 has them
    #: from more repetitions.
    table: pd.DataFrame
    machine: dict[str, str]  #: processor and versions


def training_costs(preset: str, *, measure: bool = False, device: str = "cpu") -> CostReport:
    """The first report of `paths.figure_sources()`; measured, and put beside the figures, if there is none.

    What a report of the same machine and device has about other recipes is kept when some are measured again.

    Args:
        preset: "smoke", "demo" or "paper": which recipes, and how often.
        measure: whether the recipes of this preset are measured again.
        device: device of the training steps.

    Raises:
        InputError: for an unknown preset or device, a file that is no report, or a report that lacks a recipe of this
            preset or is of another device.
    """
    size = sizes(preset).cost
    path = found = _first(REPORT)
    if path is None or measure:
        path = paths.figures_dir() / REPORT
        check_writable(path)
        report = _measured(size, device)
        if found is not None:
            report = _joined(read_report(found), report)
        write_text(path, json.dumps(asdict(report), indent=1, sort_keys=True) + "\n")
    return _suitable(read_report(path), path, size, device)


def read_report(path: Path) -> CostReport:
    """Read a report.

    Raises:
        InputError: if the file cannot be read or is none.
    """

    def report(found: dict[str, Any]) -> CostReport:
        costs = tuple(
            StepCost(**cost | {"timings": tuple(Timing(**row) for row in cost["timings"])})
            for cost in found.pop("costs")
        )
        speeds = {name: tuple(Timing(**row) for row in rows) for name, rows in found.pop("speeds").items()}
        return CostReport(costs=costs, speeds=speeds, **found)

    return _read_json(path, report, "no report of training costs")


def read_bench() -> BenchRuns | None:
    """Read the first `BENCH` of `paths.figure_sources()`; None if there is none.

    Raises:
        InputError: if the file cannot be read, or is not what `dlatrack bench all --json` prints.
    """

    def runs(reports: dict[str, Any]) -> BenchRuns:
        rows = [
            (name, row["name"], row["median"], row["low"], row["high"], row["repeats"])
            for name, report in reports.items()
            for row in report["timings"]
            if not row["name"].endswith(tuple(f": {stage}" for stage in STAGES))
        ]
        first = next(iter(reports.values()))["machine"]
        measured_on = {key: str(first[key]) for key in ("processor", "torch") if key in first}
        return BenchRuns(pd.DataFrame(rows, columns=list(BENCH_COLUMNS)), measured_on)

    path = _first(BENCH)
    return None if path is None else _read_json(path, runs, "not what dlatrack bench all --json prints")


def _first(name: str) -> Path | None:
    """A file of the first folder of figures that has it."""
    return next((path for folder in paths.figure_sources() if (path := folder / name).exists()), None)


def _read_json(path: Path, build: Callable[[dict[str, Any]], _Built], fault: str) -> _Built:
    """What `build` makes of the content of a file; of one that it cannot read, a message says what it is."""
    try:
        return build(read_json_object(path))
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
        raise InputError(f"{path} is {fault}: {error}") from error


def cost_verdict(cost: StepCost) -> str:
    """Whether a step costs more under DLA: a sentence that is as sure as the interval of the ratio."""
    found = "dearer" if cost.low > 1 else "cheaper" if cost.high < 1 else "not distinguishable"
    name = f"{recipe(cost.tracker).title}, backbone {cost.backbone}"
    ratio = f"{cost.ratio:.3f} times the fixed step (95 % interval {cost.low:.3f} to {cost.high:.3f})"
    return f"{name}: DLA is {found}, {ratio}; assignment is {cost.assignment_percent:.2g} % of it."


def cost_table(report: CostReport) -> pd.DataFrame:
    """A row per recipe and state of its backbone: ms per pair of both twins, without data, and their ratio."""
    rows = [
        (
            recipe(cost.tracker).title,
            cost.backbone,
            cost.batch,
            cost.milliseconds("fixed") / cost.batch,
            cost.milliseconds("DLA") / cost.batch,
            cost.ratio,
            cost.low,
            cost.high,
            cost.assignment_percent,
        )
        for cost in report.costs
    ]
    columns = ["tracker", "backbone", "batch", "fixed, ms per pair", "DLA, ms per pair"]
    return pd.DataFrame(rows, columns=[*columns, "DLA / fixed", "low", "high", "assignment, %"])


def stage_table(report: CostReport) -> pd.DataFrame:
    """Median ms of every stage, a row per recipe, state of its backbone and side."""
    rows = {
        (recipe(cost.tracker).title, cost.backbone, side): [
            cost.milliseconds(side, stage) for stage in STAGES
        ]
        for cost in report.costs
        for side in ("fixed", "DLA")
    }
    index = pd.MultiIndex.from_tuples(list(rows), names=["tracker", "backbone", "rule"])
    return pd.DataFrame(list(rows.values()), index=index, columns=list(STAGES))


def speed_table(report: CostReport) -> pd.DataFrame:
    """Frames per second of tracking by tracker: median of the step, and from its 95 % to its 5 % percentile."""
    rows = {}
    for name in side_by_side(report.speeds):
        timings = {row.name: row for row in report.speeds[name]}
        step, plain = timings["step"], timings["step, plain network"]
        rows[label(recipe(name))] = [1000 / ms for ms in (step.median, step.high, step.low, plain.median)]
    columns = ["frames per second", "low", "high", "network run plainly"]
    return pd.DataFrame(list(rows.values()), index=pd.Index(rows, name="tracker"), columns=columns)


def paper_costs() -> pd.DataFrame:
    """Seconds per iteration that the paper prints in Figs. 10 and 11; the ratio is computed from them."""
    printed = {(score.tracker, score.metric): score for score in published("training")}
    rows = []
    for tracker in dict.fromkeys(name for name, _ in printed if not is_dla(name)):
        for state in TRUNK_STATES:
            metric = f"seconds_per_iteration_{state}"
            fixed, dla = printed[tracker, metric], printed[dla_label(tracker), metric]
            batch, source = int(printed[tracker, "batch"].value), f"{fixed.source} (paper)"
            rows.append((tracker, state, batch, fixed.value, dla.value, dla.value / fixed.value, source))
    columns = ["tracker", "backbone", "batch", "fixed, s", "DLA, s", "DLA / fixed", "source"]
    return pd.DataFrame(rows, columns=columns)


def paper_iterations(tracker: str) -> int:
    """Iterations of a whole training as the paper prints them, e.g. 100,000 of SiamRPN++."""
    printed = {score.metric: score.value for score in published("training") if score.tracker == tracker}
    return int(printed["iterations_per_epoch"] * printed["epochs"])


def _measured(size: CostSizes, device: str) -> CostReport:
    reuse_freed_memory()  # as training does
    load = os.getloadavg()[0]
    costs = step_costs(size.trackers, size.turns, batch=size.batch, device=device)
    speeds = {
        chosen.name: tuple(bench_track(size.frames, tracker=chosen.name).timings)
        for tracker in size.trackers
        for chosen in Twins.of(tracker)
    }
    return CostReport(tuple(costs), speeds, device, torch.get_num_threads(), load, machine())


def _joined(old: CostReport, new: CostReport) -> CostReport:
    """The new report and, if both are of one machine, what the old one has of other recipes."""
    if (old.machine, old.device, old.threads) != (new.machine, new.device, new.threads):
        return new
    fresh = {cost.tracker for cost in new.costs}
    others = tuple(cost for cost in old.costs if cost.tracker not in fresh)
    return replace(
        new, costs=new.costs + others, speeds=old.speeds | new.speeds, load=max(old.load, new.load)
    )


def _suitable(report: CostReport, path: Path, size: CostSizes, device: str) -> CostReport:
    """Refuse a report that does not answer the question."""
    timed = {cost.tracker for cost in report.costs if cost.backbone == "frozen"}
    absent = [tracker for tracker in size.trackers if tracker not in timed]
    if absent or report.device != device:
        lacks = f"has no {absent[0]}" if absent else f"was measured on {report.device}, not on {device}"
        raise InputError(f"{path} {lacks}; set measure to True to measure again and replace it")
    return report
