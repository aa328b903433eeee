"""The training loop: draw pairs, assign labels, step."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import dlatrack
from dlatrack.assign import Assignment, LabelAssigner, build_assigner
from dlatrack.errors import InputError
from dlatrack.losses import LOSSES, LossTerms
from dlatrack.memory import reuse_freed_memory
from dlatrack.models.backbones import load_backbone_weights, starting_weights
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.recipes import Recipe, Schedule
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.pairs import PairBatch, PairSource
from dlatrack.sampling.sources import CropSource
from dlatrack.training.checkpoints import Position, load_checkpoint, restore_momentum, save_checkpoint
from dlatrack.training.history import Step, read_history, write_history
from dlatrack.training.schedule import build_optimizer, learning_rate, set_rate

CHECKPOINT, HISTORY = "checkpoint.safetensors", "history.csv"


@dataclass(frozen=True, eq=False)
class Training:
    """A finished or paused run.

    Args:
        net: the network, in evaluation mode.
        steps: history of all steps.
        epochs: epochs done.
    """

    net: SiameseNet
    steps: list[Step]
    epochs: int


def train(
    recipe: Recipe,
    crops: CropSource | Mixture,
    folder: str | Path,
    *,
    seed: int = 0,
    device: str = "cpu",
    backbone_weights: str | Path | None = None,
    until_epoch: int | None = None,
    save_every: int | None = None,
    workers: int = 0,
    on_step: Callable[[Step, int], None] | None = None,
) -> Training:
    """Train a recipe, or go on where a run in the same folder stopped.

    After every epoch, and in it after every `save_every` steps, the folder holds `checkpoint.safetensors` and
    `history.csv`. A second call with the same arguments continues from them, across the unfreezing of the backbone
    too, and ends with the same bits as a run that was never stopped; a finished run is only read. How many workers
    there are, and when the run is saved, changes nothing either.

    Args:
        recipe: network, assigner, loss, sampling and schedule.
        crops: training crops of one set, or a mixture of sets.
        folder: where the run lives; created when absent.
        seed: of initial weights, pairs and label draws.
        device: a torch device.
        backbone_weights: what the backbone starts from: "imagenet" (torchvision's weights, fetched once), "random",
            or a file; None: as the recipe says (`Schedule.backbone_start`).
        until_epoch: stop after this many epochs in all; None: train to the end of the schedule.
        save_every: steps between two checkpoints within an epoch; None: save after epochs only.
        workers: processes that prepare pairs; 0: this one.
        on_step: called with each step and the number of steps of the whole run.

    Returns:
        The trained network and its history.

    Raises:
        InputError: if the folder belongs to another run or cannot be written, if the weights cannot be read, or if
            the loss stops being finite; the last checkpoint stays usable.
        ValueError: if `save_every` is less than 1.

    Source: SiamDLA Sec. 4.1; optimiser, groups and freezing as in pysot.
    """
    if save_every is not None and save_every < 1:
        raise ValueError(f"save_every must be 1 or more, got {save_every}")
    reuse_freed_memory()
    folder, schedule = Path(folder), recipe.schedule
    steps_per_epoch = -(-schedule.pairs_per_epoch // schedule.batch)
    start = starting_weights(recipe.net.backbone, backbone_weights or schedule.backbone_start)
    run = describe_run(recipe, crops, seed, backbone_weights)
    net = build_model(recipe, torch.Generator().manual_seed(seed))
    if start is not None:
        load_backbone_weights(net.backbone, start, recipe.net.input_format)
    done = Position(0, 0)
    momentum: dict[str, torch.Tensor] = {}
    steps: list[Step] = []
    if (folder / CHECKPOINT).exists():
        done, momentum = load_checkpoint(folder / CHECKPOINT, net, run)
        steps = read_history(folder / HISTORY, done.epoch * steps_per_epoch + done.step)
    # Channels last is more than twice as fast on CPUs.
    net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    source = PairSource(crops, recipe.sampling, recipe.net, seed)
    assigner = build_assigner(recipe.assign.name, recipe.grid, **recipe.assign.options)
    last = schedule.epochs if until_epoch is None else min(until_epoch, schedule.epochs)
    optimizer = None
    for epoch in range(done.epoch, last):
        first = done.step if epoch == done.epoch else 0
        net.train_mode(epoch >= schedule.unfreeze_epoch)
        if optimizer is None or epoch == schedule.unfreeze_epoch:
            optimizer = build_optimizer(net, schedule)
            if epoch != schedule.unfreeze_epoch or first:
                restore_momentum(net, optimizer, momentum)
        batches = source.batches(
            epoch, schedule.pairs_per_epoch, schedule.batch, first=first, workers=workers
        )
        started = time.perf_counter()
        for number, batch in enumerate(batches, first):
            rate = learning_rate(schedule, epoch, number / steps_per_epoch)
            set_rate(optimizer, rate)
            terms, assignment = forward_loss(net, batch, assigner, recipe)
            norm = _backward(optimizer, terms, schedule)
            seconds = time.perf_counter() - started
            steps.append(_describe(terms, assignment, norm, epoch, len(steps), rate, seconds))
            optimizer.step()
            started = time.perf_counter()
            if on_step is not None:
                on_step(steps[-1], schedule.epochs * steps_per_epoch)
            if save_every and (number + 1) % save_every == 0 and number + 1 < steps_per_epoch:
                _save(folder, net, optimizer, Position(epoch, number + 1), steps, run)
        _save(folder, net, optimizer, Position(epoch + 1, 0), steps, run)
    return Training(net.eval(), steps, max(done.epoch, last))


def describe_run(
    recipe: Recipe, crops: CropSource | Mixture, seed: int, backbone_weights: str | Path | None
) -> dict[str, Any]:
    """What decides the outcome of a run, as plain JSON; arguments as `train`."""
    start = starting_weights(recipe.net.backbone, backbone_weights or recipe.schedule.backbone_start)
    return {
        "recipe": recipe.as_dict(),
        "seed": seed,
        "crops": crops.digest(),
        "data": dict(crops.origin),
        "backbone_weights": None if start is None else file_digest(start),
        "dlatrack": dlatrack.__version__,
    }


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _backward(optimizer: torch.optim.Optimizer, terms: LossTerms, schedule: Schedule) -> torch.Tensor:
    """Gradients of a loss, clipped as the schedule says; their L2 norm before."""
    optimizer.zero_grad(set_to_none=True)
    terms.total.backward()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return torch.nn.utils.clip_grad_norm_(parameters, schedule.clip_norm or math.inf)


def _save(
    folder: Path,
    net: SiameseNet,
    optimizer: torch.optim.Optimizer,
    done: Position,
    steps: list[Step],
    run: dict[str, Any],
) -> None:
    """History first: rows that the checkpoint does not know are left out when the run goes on."""
    write_history(folder / HISTORY, steps)
    save_checkpoint(folder / CHECKPOINT, net, optimizer, done, run)


def forward_loss(
    net: SiameseNet, batch: PairBatch, assigner: LabelAssigner, recipe: Recipe
) -> tuple[LossTerms, Assignment]:
    """Network, label assignment and loss of one batch, on the device of the network."""
    device = next(net.parameters()).device
    template, search = (
        to_network_input(images.to(device), recipe.net.input_format)
        for images in (batch.template, batch.search)
    )
    target = batch.target_xyxy.to(device)
    assignment = assigner.assign(target, batch.positive.to(device), batch.key.to(device))
    anchors = assigner.grid.anchors(assigner.anchor_shapes).to(device, torch.float32)
    loss = LOSSES[recipe.net.head]
    return loss(net(template, search), assignment.labels, target.float(), anchors, recipe.loss), assignment


def _describe(
    terms: LossTerms,
    assignment: Assignment,
    norm: torch.Tensor,
    epoch: int,
    step: int,
    rate: float,
    seconds: float,
) -> Step:
    """The history row of a step; one transfer from the device.

    Raises:
        InputError: if the loss or the gradient is not finite.
    """
    figures = [terms.total, terms.classification, terms.regression, terms.centerness, norm]
    counts = [assignment.positive, assignment.negative, assignment.empty, assignment.tied, assignment.rescued]
    values = torch.stack(
        [*(f.detach().double() for f in figures), *(c.sum().double() for c in counts)]
    ).tolist()
    loss, classification, regression, centerness, gradient, positives, negatives, *flags = values
    if not all(map(torch.isfinite, torch.tensor([loss, gradient]))):
        raise InputError(
            f"training stopped in epoch {epoch}, step {step}: loss {loss} (classification {classification}, "
            f"regression {regression}, centre-ness {centerness}), gradient norm {gradient}; lower the learning rate "
            f"or check the data"
        )
    pairs = len(assignment.labels)
    empty, tied, rescued = (int(flag) for flag in flags)
    return Step(
        epoch,
        step,
        rate,
        loss,
        classification,
        regression,
        centerness,
        gradient,
        positives / pairs,
        negatives / pairs,
        empty,
        tied,
        rescued,
        pairs / seconds,
    )
