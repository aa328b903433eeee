"""A training run: its network, optimiser, history and position, and the steps that move it on."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import torch

from dlatrack.assign import assigner_of
from dlatrack.errors import InputError
from dlatrack.files import check_writable, remove_leftovers
from dlatrack.models.initial import load_initial_backbone, load_initial_weights
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.recipes import Recipe
from dlatrack.sampling.content_list import write_content
from dlatrack.sampling.pairs import PairBatch, PairSource
from dlatrack.training.checkpoints import (
    Position,
    check_same_position,
    load_checkpoint,
    restore_momentum,
    save_checkpoint,
)
from dlatrack.training.compute import Compute, check_compiler, compile_network
from dlatrack.training.history import StepRow, read_history, write_history
from dlatrack.training.identity import backbone_start, describe_run
from dlatrack.training.replay import save_step
from dlatrack.training.schedule import build_optimizer, learning_rate, set_rate
from dlatrack.training.snapshots import keep_snapshot
from dlatrack.training.step import NotFiniteError, Stepper, history_row, loss_scaler, trunk_dtype
from dlatrack.training.teacher import Teacher

#: Files of a run.
CHECKPOINT, HISTORY, FAILED_STEP = "checkpoint.safetensors", "history.csv", "failed_step.safetensors"


@dataclass(frozen=True, eq=False)
class Training:
    """A finished or interrupted run."""

    net: SiameseNet  #: network in evaluation mode
    steps: list[StepRow]  #: history of all steps
    epochs: int  #: number of finished epochs
    stopped: bool = False  #: whether `should_stop` interrupted it


class Run:
    """State of a run: network, optimiser, history and position.

    Args:
        recipe: network, assigner, loss, sampling and schedule.
        source: pairs, with the seed of the run.
        folder: folder of the run, which this process owns.
        backbone_weights: as `engine.train`.
        init: as `engine.train`.
        compute: device, processes, precision and checkpoints.
        teacher: network whose answers are learned beside the labels, prepared; None: there is none.

    Raises:
        InputError: as `engine.train`.
    """

    def __init__(
        self,
        recipe: Recipe,
        source: PairSource,
        folder: Path,
        backbone_weights: str | Path | None,
        init: str | Path | None,
        compute: Compute,
        teacher: Teacher | None = None,
    ) -> None:
        schedule, crops, seed = recipe.schedule, source.crops, source.seed
        self.recipe, self.source, self.folder, self.compute = recipe, source, folder, compute
        self.steps_per_epoch = -(-schedule.pairs_per_epoch // schedule.batch)
        compute.check_batches(schedule)
        if compute.compile:
            check_compiler(compute.device)
        start = backbone_start(recipe, backbone_weights, init)
        place = None if teacher is None else teacher.weights
        self.run = describe_run(recipe, crops, seed, backbone_weights, compute, init, place)
        self.net = build_model(recipe, torch.Generator().manual_seed(seed))
        if start is not None:
            load_initial_backbone(self.net, recipe, start)
        if init is not None:
            load_initial_weights(self.net, recipe, init)
        scaler = loss_scaler(compute.precision, compute.device)
        self.done, self.momentum = Position(0, 0), dict[str, torch.Tensor]()
        self.steps: list[StepRow] = []
        if (folder / CHECKPOINT).exists():
            self.done, self.momentum = load_checkpoint(
                folder / CHECKPOINT, self.net, scaler, self.run, crops.content
            )
            self.steps = read_history(
                folder / HISTORY, self.done.epoch * self.steps_per_epoch + self.done.step
            )
        check_same_position(self.done, folder, compute.ranks)
        # Channels last is more than twice as fast on CPUs.
        self.net.to(compute.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.stepper = Stepper(recipe, assigner_of(recipe), scaler, compute, teacher)
        self.called: torch.nn.Module = self.net
        self.optimizer: torch.optim.SGD | None = None
        self.saved = time.monotonic()

    def train_until(
        self,
        last: int,
        on_step: Callable[[StepRow, int], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> Generator[None, None, Training]:
        """Train until `last` epochs are finished, and return the training; yields after each step."""
        began = self.done.epoch
        if began < last and self.compute.ranks.first:
            for name in (CHECKPOINT, HISTORY):
                remove_leftovers(self.folder / name)
            check_writable(self.folder / CHECKPOINT)
            write_content(self.folder, self.source.crops.content())
        done = max(began, last)
        in_all = max(last, self.recipe.schedule.epochs)
        stopped = False
        for epoch in range(began, last):
            stopped = yield from self._epoch(epoch, in_all, on_step, should_stop)
            if stopped:
                break
        if stopped:
            done = len(self.steps) // self.steps_per_epoch
        self.compute.ranks.wait()  # the next call of any process reads the files of rank 0
        return Training(self.net.eval(), self.steps, done, stopped)

    def _epoch(
        self,
        epoch: int,
        in_all: int,
        on_step: Callable[[StepRow, int], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> Generator[None, None, bool]:
        """Train the rest of an epoch of `in_all`; return whether it was interrupted."""
        schedule, ranks = self.recipe.schedule, self.compute.ranks
        first = self.done.step if epoch == self.done.epoch else 0
        optimizer = self._prepare(epoch, first)
        wrapped = ranks.wrap(self.called)
        batches = self.source.batches(
            epoch,
            schedule.pairs_per_epoch,
            schedule.batch,
            first=first,
            workers=self.compute.workers,
            rank=ranks.rank,
            world=ranks.world,
        )
        stop, started = False, time.perf_counter()
        for number, batch in enumerate(batches, first):
            rate = learning_rate(schedule, epoch, number / self.steps_per_epoch)
            set_rate(optimizer, rate)
            pairs = min(schedule.batch, schedule.pairs_per_epoch - number * schedule.batch)
            figures = self.stepper.gradients(wrapped, optimizer, batch, pairs)
            seconds = time.perf_counter() - started
            try:
                step = history_row(
                    figures,
                    self.recipe,
                    epoch=epoch,
                    step=len(self.steps),
                    rate=rate,
                    seconds=seconds,
                    scale=self.stepper.scale,
                )
            except NotFiniteError as error:
                raise self._failure(error, epoch, batch) from None
            self.steps.append(step)
            self.stepper.apply(optimizer, skip=bool(step.skipped))
            if on_step is not None and ranks.first:
                on_step(step, in_all * self.steps_per_epoch)
            stop = self._any_process_stops(should_stop)
            if number + 1 < self.steps_per_epoch and (stop or self._is_due(number + 1)):
                self._save(Position(epoch, number + 1), optimizer)
                if stop:
                    return True
            yield
            started = time.perf_counter()
        ranks.share_buffers(self.net)
        if ranks.first and self.compute.keep:
            keep_snapshot(self.folder, self.net, self.recipe, self.steps, self.run, keep=self.compute.keep)
        self._save(Position(epoch + 1, 0), optimizer)
        return stop and epoch + 1 < in_all

    def _prepare(self, epoch: int, first: int) -> torch.optim.SGD:
        """Freeze the parts that do not train; a new optimiser begins when the backbone joins."""
        schedule = self.recipe.schedule
        joins = epoch == schedule.unfreeze_epoch and schedule.backbone_trains(epoch)
        self.net.train_mode(
            schedule.backbone_trains(epoch),
            trunk_dtype(self.compute.precision),
            frozen_batch_norm=schedule.frozen_batch_norm,
        )
        if self.optimizer is None or joins:
            self.optimizer = build_optimizer(self.net, schedule)
            if self.compute.compile:
                self.called = compile_network(self.net)
            if not joins or first:
                restore_momentum(self.net, self.optimizer, self.momentum)
        return self.optimizer

    def _failure(self, error: NotFiniteError, epoch: int, batch: PairBatch) -> InputError:
        """Save the failed step, in each process its share of the batch, and name the file in the error."""
        ranks, teacher = self.compute.ranks, self.stepper.teacher
        kept = self.folder / (FAILED_STEP if ranks.first else f"{ranks.rank}_{FAILED_STEP}")
        save_step(
            kept,
            self.net,
            batch,
            self.run,
            epoch=epoch,
            step=len(self.steps),
            backbone_trains=self.recipe.schedule.backbone_trains(epoch),
            message=str(error),
            scale=self.stepper.scale or 1.0,
            taught=None if teacher is None else teacher.answer(batch, self.recipe.grid),
        )
        return InputError(f"{error}; lower the learning rate or check the data; the step is kept in {kept}")

    def _any_process_stops(self, should_stop: Callable[[], bool] | None) -> bool:
        """Whether `should_stop` is True in any process; all must stop after the same step."""
        asked = torch.tensor([float(should_stop is not None and should_stop())], device=self.compute.device)
        return bool(self.compute.ranks.total(asked).item())

    def _is_due(self, step: int) -> bool:
        every, minutes = self.compute.save_every, self.compute.save_minutes
        by_steps = every is not None and step % every == 0
        return by_steps or time.monotonic() - self.saved > 60 * minutes

    def _save(self, done: Position, optimizer: torch.optim.Optimizer) -> None:
        """Write the history first: rows beyond the checkpoint are left out when the run resumes."""
        if self.compute.ranks.first:
            write_history(self.folder / HISTORY, self.steps)
            scaler = self.stepper.scaler
            save_checkpoint(self.folder / CHECKPOINT, self.net, optimizer, scaler, done, self.run)
        self.saved = time.monotonic()
