"""A training step in stages that can be timed, for a tracker and its DLA twin on one network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from dlatrack.assign import Assignment, build_assigner
from dlatrack.bench.measure import Stages
from dlatrack.losses import LOSSES, LossTerms
from dlatrack.models.heads import HeadOutput
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.siamese import build_model
from dlatrack.recipes import Recipe
from dlatrack.sampling.pairs import PairBatch, PairSource
from dlatrack.sampling.sources import CropSource
from dlatrack.training.schedule import build_optimizer

_Made = TypeVar("_Made")

STAGES = ("data", "forward", "assignment", "loss", "backward and step")


class TwinStep:
    """The training step of a tracker under its fixed rule, and the same step under DLA.

    Twins are the same network with the same pairs, loss and schedule. Both sides therefore share one network and one
    optimiser here: what differs between them is labels, and not where their weights happen to lie in memory.

    Args:
        fixed: recipe with a fixed rule.
        dla: its DLA twin.
        crops: training crops.
        pairs: of a step.
        backbone_trains: whether the backbone is past its unfreezing.
        device: a torch device; the end of every stage waits for it.
    """

    def __init__(
        self,
        fixed: Recipe,
        dla: Recipe,
        crops: CropSource,
        pairs: int,
        backbone_trains: bool,
        device: torch.device,
    ) -> None:
        self.pairs, self.device, self.recipe = pairs, device, fixed
        self.source = PairSource(crops, fixed.sampling, fixed.net, 0)
        self.assigners = {
            recipe.name: build_assigner(recipe.assign.name, recipe.grid, **recipe.assign.options)
            for recipe in (fixed, dla)
        }
        self.anchors = {
            name: rule.grid.anchors(rule.anchor_shapes).to(device, torch.float32)
            for name, rule in self.assigners.items()
        }
        self.net = build_model(fixed).to(device).train_mode(backbone_trains)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = build_optimizer(self.net, fixed.schedule)
        self.batch: PairBatch | None = None
        self.output: HeadOutput | None = None
        self.assignment: Assignment | None = None
        self.terms: LossTerms | None = None

    def stages(self, name: str) -> Stages:
        """In the order of `STAGES`, under the rule of recipe `name`."""
        operations: tuple[Callable[[int], None], ...] = (
            self._data,
            self._forward,
            partial(self._assign, name),
            partial(self._loss, name),
            self._backward,
        )
        return {
            stage: partial(self._waited, operation)
            for stage, operation in zip(STAGES, operations, strict=True)
        }

    def _waited(self, operation: Callable[[int], None], turn: int) -> None:
        operation(turn)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def _data(self, turn: int) -> None:
        self.batch = self.source.batch(0, turn * self.pairs, self.pairs)

    def _forward(self, _turn: int) -> None:
        batch = _required(self.batch)
        self.output = self.net(self._images(batch.template), self._images(batch.search))

    def _images(self, images: Tensor) -> Tensor:
        return to_network_input(images.to(self.device), self.recipe.net.input_format)

    def _assign(self, name: str, _turn: int) -> None:
        target, positive, key = (column.to(self.device) for column in _required(self.batch)[2:])
        self.assignment = self.assigners[name].assign(target, positive, key)

    def _loss(self, name: str, _turn: int) -> None:
        loss = LOSSES[self.recipe.net.head]
        target = _required(self.batch).target_xyxy.to(self.device, torch.float32)
        labels = _required(self.assignment).labels
        self.terms = loss(_required(self.output), labels, target, self.anchors[name], self.recipe.loss)

    def _backward(self, _turn: int) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        _required(self.terms).total.backward()
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, self.recipe.schedule.clip_norm or float("inf"))
        self.optimizer.step()


def _required(value: _Made | None) -> _Made:
    """What the stage before has left."""
    if value is None:
        raise RuntimeError("the stages of a step are called in their order")
    return value
