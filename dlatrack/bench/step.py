"""A training step in stages, to be timed, for a tracker and its DLA twin on one network."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from dlatrack.assign import build_assigner
from dlatrack.losses import LOSSES
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.siamese import build_model
from dlatrack.recipes import Recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.sources import CropSource
from dlatrack.training.schedule import build_optimizer

#: Stages of a step, in order.
STAGES = ("data", "forward", "assignment", "loss", "backward and step")


class TwinStep:
    """The training step of a tracker under its fixed rule, and the same step under DLA.

    Twins have the same network, pairs, loss and schedule. Both sides share one network and one optimiser, so that
    they differ in their labels only, and not in the place of their weights in memory.

    Args:
        fixed: recipe with a fixed rule.
        dla: its DLA twin.
        crops: training crops.
        pairs: number of pairs in a batch.
        backbone_trains: whether the backbone is unfrozen.
        device: torch device; every stage ends when it has finished.
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

    def run(self, name: str, turn: int) -> Iterator[str]:
        """Make one training step, and yield the name of each stage of `STAGES` at its end.

        Args:
            name: recipe whose rule assigns the labels.
            turn: number of the batch.
        """
        template, search, *columns = self.source.batch(0, turn * self.pairs, self.pairs)
        yield self._finished("data")
        output = self.net(self._input(template), self._input(search))
        yield self._finished("forward")
        target, positive, key = (column.to(self.device) for column in columns)
        labels = self.assigners[name].assign(target, positive, key).labels
        yield self._finished("assignment")
        loss = LOSSES[self.recipe.net.head]
        terms = loss(output, labels, target.to(torch.float32), self.anchors[name], self.recipe.loss)
        yield self._finished("loss")
        self.optimizer.zero_grad(set_to_none=True)
        terms.total.backward()
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, self.recipe.schedule.clip_norm or float("inf"))
        self.optimizer.step()
        yield self._finished("backward and step")

    def _input(self, images: Tensor) -> Tensor:
        return to_network_input(images.to(self.device), self.recipe.net.input_format)

    def _finished(self, stage: str) -> str:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return stage
