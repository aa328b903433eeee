"""What a training step costs, stage by stage, under a fixed rule and under DLA."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from dlatrack.assign import Assignment, build_assigner
from dlatrack.bench.measure import BenchReport, Timing, machine, measure
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.losses import LOSSES, LossTerms
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.siamese import HeadOutput, build_model
from dlatrack.recipes import RECIPES, Recipe, recipe
from dlatrack.sampling.pairs import PairBatch, PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.training.schedule import build_optimizer

Made = TypeVar("Made")

STAGES = ("data", "forward", "assignment", "loss", "backward and step")


def bench_train(repeats: int, *, tracker: str = "siamcar_small", batch: str = "8") -> BenchReport:
    """The stages of a step of a tracker and of its DLA twin, in turn, before and after the backbone joins.

    Args:
        repeats: timed steps of each.
        tracker: recipe with a fixed rule that has a DLA twin.
        batch: pairs.

    Raises:
        InputError: for another recipe, or a batch that is no positive number.

    Source: SiamDLA Sec. 4.7, Figs. 10 and 11 (seconds per iteration).
    """
    twins = sorted(name for name in RECIPES if f"dla_{name}" in RECIPES)
    if tracker not in twins:
        raise InputError(f"{tracker} has no DLA twin to compare with; choose from {', '.join(twins)}")
    if not batch.isdecimal() or int(batch) < 1:
        raise InputError(f"batch must be a positive number, got {batch!r}")
    crops = CropStore.build(synthetic_sequences(4, seed=0, length=6, challenges=()))
    timings: list[Timing] = []
    figures: dict[str, float] = {}
    for state, trains in (("frozen", False), ("unfrozen", True)):
        stages: dict[str, Callable[[int], object]] = {}
        for label, name in (("fixed", tracker), ("DLA", f"dla_{tracker}")):
            made = _Step(recipe(name), crops, int(batch), trains)
            stages |= {
                f"{state}, {label}: {stage}": run for stage, run in zip(STAGES, made.stages, strict=True)
            }
        rows = measure(stages, repeats)
        timings += rows
        fixed, dla = (rows[place : place + len(STAGES)] for place in (0, len(STAGES)))
        # Data is the same for both, and drawn for each: only what differs is compared.
        steps = [sum(row.median for row in part[1:]) for part in (fixed, dla)]
        figures[f"DLA step over fixed step, {state}"] = steps[1] / steps[0]
        figures[f"assignment's share of the DLA step, {state}, %"] = 100 * dla[2].median / steps[1]
    return BenchReport(timings, figures, {"tracker": tracker, "batch": batch, **machine()})


class _Step:
    """A training step whose stages are called one after the other."""

    def __init__(self, chosen: Recipe, crops: CropStore, pairs: int, backbone_trains: bool) -> None:
        self.recipe, self.pairs = chosen, pairs
        self.source = PairSource(crops, chosen.sampling, chosen.net, 0)
        self.assigner = build_assigner(chosen.assign.name, chosen.grid, **chosen.assign.options)
        self.net = build_model(chosen).train_mode(backbone_trains)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = build_optimizer(self.net, chosen.schedule)
        self.anchors = self.assigner.grid.anchors(self.assigner.anchor_shapes).float()
        self.batch: PairBatch | None = None
        self.output: HeadOutput | None = None
        self.assignment: Assignment | None = None
        self.terms: LossTerms | None = None

    @property
    def stages(self) -> tuple[Callable[[int], None], ...]:
        """In the order of `STAGES`; each is called with the number of the repetition."""
        return self._data, self._forward, self._assign, self._loss, self._backward

    def _data(self, turn: int) -> None:
        self.batch = self.source.batch(0, turn * self.pairs, self.pairs)

    def _forward(self, _turn: int) -> None:
        batch, form = _there(self.batch), self.recipe.net.input_format
        self.output = self.net(to_network_input(batch.template, form), to_network_input(batch.search, form))

    def _assign(self, _turn: int) -> None:
        batch = _there(self.batch)
        self.assignment = self.assigner.assign(batch.target_xyxy, batch.positive, batch.key)

    def _loss(self, _turn: int) -> None:
        loss, target = LOSSES[self.recipe.net.head], _there(self.batch).target_xyxy.float()
        labels = _there(self.assignment).labels
        self.terms = loss(_there(self.output), labels, target, self.anchors, self.recipe.loss)

    def _backward(self, _turn: int) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        _there(self.terms).total.backward()
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, self.recipe.schedule.clip_norm or float("inf"))
        self.optimizer.step()


def _there(value: Made | None) -> Made:
    """What the stage before has left."""
    if value is None:
        raise RuntimeError("the stages of a step are called in their order")
    return value
