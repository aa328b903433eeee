"""A training step in stages, to be timed, for a tracker and its DLA twin on one network."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dlatrack.assign import assigner_of
from dlatrack.losses import loss_of
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.siamese import build_model
from dlatrack.recipes import Recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.sources import CropSource
from dlatrack.training.schedule import build_optimizer
from dlatrack.training.step import assign_labels

#: Stages of a step, in order.
STAGES = ("data", "forward", "assignment", "loss", "backward and step")


class TwinStep:
    """The training step of a tracker under its fixed rule, and the same step under another rule.

    Twins have the same network, pairs and schedule. Both sides share one network and one optimiser, so that they
    differ in their labels only, and not in the place of their weights in memory.

    Args:
        fixed: recipe with a fixed rule.
        other: its DLA twin, or the same recipe with any other label assigner.
        crops: training crops.
        pairs: number of pairs in a batch.
        backbone_trains: whether the backbone is unfrozen.
        device: torch device; every stage ends when it has finished.
    """

    def __init__(
        self,
        fixed: Recipe,
        other: Recipe,
        crops: CropSource,
        pairs: int,
        backbone_trains: bool,
        device: torch.device,
    ) -> None:
        self.pairs, self.device = pairs, device
        self.recipes = {recipe.name: recipe for recipe in (fixed, other)}
        self.source = PairSource(crops, fixed.sampling, fixed.net, 0)
        self.assigners = {name: assigner_of(recipe) for name, recipe in self.recipes.items()}
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
        recipe, batch = self.recipes[name], self.source.batch(0, turn * self.pairs, self.pairs)
        yield self._finished("data")
        inputs = (
            to_network_input(images.to(self.device), recipe.net.input_format)
            for images in (batch.template, batch.search)
        )
        output = self.net(*inputs)
        yield self._finished("forward")
        labels = assign_labels(self.assigners[name], batch, output, recipe, self.anchors[name])
        yield self._finished("assignment")
        soft = labels.quality, labels.weight
        target = batch.target_xyxy.to(self.device, torch.float32)
        terms = loss_of(recipe)(output, labels.labels, target, self.anchors[name], recipe.loss, *soft)
        yield self._finished("loss")
        self.optimizer.zero_grad(set_to_none=True)
        terms.total.backward()
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, recipe.schedule.clip_norm or float("inf"))
        self.optimizer.step()
        yield self._finished("backward and step")

    def _finished(self, stage: str) -> str:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return stage
