"""Time of a training step, stage by stage, under a fixed rule and under DLA or any other rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from dlatrack.assign import assigner_of, with_rule
from dlatrack.bench.measure import BenchReport, Timing, machine, measure_twins, timing
from dlatrack.bench.step import STAGES, TwinStep
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.devices import check_device
from dlatrack.errors import InputError, shortened
from dlatrack.evaluation.statistics.resampling import bootstrap_statistic
from dlatrack.progress import Progress
from dlatrack.recipes import Recipe, Twins, recipe
from dlatrack.recipes.config import SMALL_SIZES
from dlatrack.recipes.twins import all_twins, rule_name
from dlatrack.sampling.store import CropStore

#: Recipes with a fixed rule that have a DLA twin, small ones first.
TWINS = tuple(
    sorted((twins.fixed.name for twins in all_twins()), key=lambda name: not name.endswith(SMALL_SIZES))
)

TRUNK_STATES = ("frozen", "unfrozen")
SIDES = ("fixed", "DLA")

#: The compared part of a step; both sides draw the same data.
STEP = "step without data"

_RESAMPLES = 2000


@dataclass(frozen=True)
class StepCost:
    """A training step of a tracker under its fixed rule and under another one, timed in turn."""

    tracker: str  #: recipe with the fixed rule
    backbone: str  #: "frozen" or "unfrozen"
    batch: int  #: number of pairs in a batch
    #: times of every stage and of the step without data, e.g. "DLA: assignment"; a repetition is the mean of the two
    #: steps of a turn.
    timings: tuple[Timing, ...]
    ratio: float  #: DLA step over fixed step, both without data, median over the turns
    low: float  #: lower end of the ratio's 95 % interval, by a bootstrap over the turns
    high: float  #: upper end of this interval
    #: share of label assignment in the DLA step without data, %, median over the turns
    assignment_percent: float
    rule: str = "DLA"  #: name of the other rule, which stands for "DLA" in all of these

    def milliseconds(self, side: str, stage: str = STEP) -> float:
        """Median of a stage, or of the step without data.

        Args:
            side: "fixed", or the name of the other rule.
            stage: one of `bench.step.STAGES`, or `STEP`.
        """
        return next(row.median for row in self.timings if row.name == f"{side}: {stage}")

    @property
    def steps(self) -> dict[str, float]:
        """Median ms of the step without data, by "fixed" and the name of the other rule."""
        return {side: self.milliseconds(side) for side in ("fixed", self.rule)}


def usual_batch(tracker: str) -> int:
    """Default number of pairs in a batch: the recipe's for small trackers, 2 for others, which are slow on a CPU."""
    return recipe(tracker).schedule.batch if tracker.endswith(SMALL_SIZES) else 2


def bench_train(
    repeats: int,
    *,
    tracker: str = "siamcar_small",
    batch: str = "",
    device: str = "cpu",
    assigner: str = "",
) -> BenchReport:
    """Time the stages of a training step under a fixed rule and under another, with frozen and unfrozen backbone.

    For "all" trackers only whole steps are reported.

    Args:
        repeats: number of turns; each has two steps of either twin.
        tracker: recipe with a fixed rule that has a DLA twin, or "all" for every such recipe.
        batch: number of pairs in a batch; "": `usual_batch`.
        device: torch device.
        assigner: the other rule, NAME:option=value,...; "": that of the DLA twin.

    Raises:
        InputError: for another recipe, rule or device, or a batch that is no positive number.

    Source: SiamDLA Sec. 4.7, Figs. 10 and 11 (seconds per iteration).
    """
    if batch and (not re.fullmatch(r"[0-9]{1,6}", batch) or int(batch) < 1):
        raise InputError(f"batch must be a positive number below 10^6, got {shortened(repr(batch))}")
    every = tracker == "all"
    costs = step_costs(
        TWINS if every else (tracker,), repeats, batch=int(batch or 0), device=device, assigner=assigner
    )
    timings: list[Timing] = []
    figures: dict[str, float] = {}
    for cost in costs:
        name = f"{cost.tracker}, {cost.backbone}" if every else cost.backbone
        timings += [
            replace(row, name=f"{name}, {row.name}")
            for row in cost.timings
            if row.name.endswith(STEP) or not every
        ]
        figures |= {
            f"{name}: {cost.rule} step over fixed step": cost.ratio,
            f"{name}: lower end of its 95 % interval": cost.low,
            f"{name}: upper end of its 95 % interval": cost.high,
            f"{name}: assignment's share of the {cost.rule} step, %": cost.assignment_percent,
        }
    batches = ", ".join(dict.fromkeys(f"{cost.batch} pairs of {cost.tracker}" for cost in costs))
    return BenchReport(timings, figures, {"batches": batches, "device": device, **machine()})


def step_costs(
    trackers: Sequence[str], turns: int, *, batch: int = 0, device: str = "cpu", assigner: str = ""
) -> list[StepCost]:
    """Time the steps of several trackers, one network at a time, frozen and then unfrozen.

    Args:
        trackers: recipes with a fixed rule that have a DLA twin.
        turns: number of turns for each network, at least 2.
        batch: number of pairs in a batch; 0: `usual_batch`.
        device: torch device.
        assigner: the other rule, NAME:option=value,...; "": that of the DLA twin.

    Raises:
        InputError: for another recipe, rule or device.
    """
    for tracker in trackers:
        if tracker not in TWINS:
            choice = ", ".join(sorted(TWINS))
            raise InputError(f"{tracker} has no DLA twin to compare with; choose from {choice}, or all")
    check_device(device)
    pairs = [_compared(tracker, assigner) for tracker in trackers]
    crops = CropStore.build(synthetic_sequences(4, seed=0, length=6, challenges=()))
    with Progress(len(TRUNK_STATES) * len(trackers) * (turns + 1), "timing", unit="turns") as progress:
        return [
            _step_cost(crops, *pair, state, turns, batch or usual_batch(pair[0].name), device, progress)
            for pair in pairs
            for state in TRUNK_STATES
        ]


def _compared(tracker: str, assigner: str) -> tuple[Recipe, Recipe]:
    """The recipe with the fixed rule, and the one that it is compared with."""
    twins = Twins.of(tracker)
    if not assigner:
        return twins.fixed, twins.dla
    other = with_rule(twins.fixed, assigner)
    if other is twins.fixed:
        raise InputError(f"{tracker} has the label assigner {assigner} itself; compare it with another one")
    assigner_of(other)
    return twins.fixed, other


def _step_cost(
    crops: CropStore,
    fixed: Recipe,
    other: Recipe,
    state: str,
    turns: int,
    pairs: int,
    device: str,
    progress: Progress,
) -> StepCost:
    """Time one network, which is freed before the next is built."""
    step = TwinStep(fixed, other, crops, pairs, state == "unfrozen", torch.device(device))
    first, second = (partial(step.run, chosen.name) for chosen in (fixed, other))
    times = measure_twins(
        first, second, turns, on_turn=lambda: progress.step(tracker=f"{fixed.name}, {state}")
    )
    rule = rule_name(other)
    taken = dict(zip(("fixed", rule), times, strict=True))
    steps = {side: np.sum([stages[stage] for stage in STAGES[1:]], axis=0) for side, stages in taken.items()}
    ratios = steps[rule] / steps["fixed"]
    found = bootstrap_statistic(
        lambda drawn: float(np.median(ratios[drawn])), len(ratios), resamples=_RESAMPLES
    )
    share = 100 * taken[rule]["assignment"] / steps[rule]
    rows = {
        f"{side}: {stage}": values
        for side, stages in taken.items()
        for stage, values in [*stages.items(), (STEP, steps[side])]
    }
    return StepCost(
        tracker=fixed.name,
        backbone=state,
        batch=pairs,
        timings=tuple(timing(name, values) for name, values in rows.items()),
        ratio=found.value,
        low=found.low,
        high=found.high,
        assignment_percent=float(np.median(share)),
        rule=rule,
    )
