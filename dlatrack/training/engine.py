"""The training loop: draw pairs, assign labels, step, save."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from dlatrack.assign import assigner_of
from dlatrack.errors import InputError
from dlatrack.files import check_writable, remove_leftovers
from dlatrack.memory import reuse_freed_memory
from dlatrack.models.initial import load_initial_backbone, load_initial_weights
from dlatrack.models.memory import training_errors
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.processes import check_may_start
from dlatrack.recipes import Recipe
from dlatrack.sampling.content_list import write_content
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.pairs import PairBatch, PairSource, check_seed
from dlatrack.sampling.sources import CropSource
from dlatrack.training.checkpoints import (
    Position,
    check_same_position,
    epochs_done,
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

CHECKPOINT, HISTORY, FAILED_STEP = "checkpoint.safetensors", "history.csv", "failed_step.safetensors"


@dataclass(frozen=True, eq=False)
class Training:
    """A finished or interrupted run."""

    net: SiameseNet  #: network in evaluation mode
    steps: list[StepRow]  #: history of all steps
    epochs: int  #: number of finished epochs
    stopped: bool = False  #: whether `should_stop` interrupted it


def train(
    recipe: Recipe,
    crops: CropSource | Mixture,
    folder: str | Path,
    *,
    seed: int = 0,
    backbone_weights: str | Path | None = None,
    until_epoch: int | None = None,
    init: str | Path | None = None,
    compute: Compute | None = None,
    on_step: Callable[[StepRow, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Training:
    """Train a recipe, or resume an interrupted run in the same folder.

    After every epoch, and within it as `compute` says, the folder holds `checkpoint.safetensors` and `history.csv`. A
    second call with the same arguments resumes from them, across the unfreezing of the backbone too, and ends with
    the same bits as an uninterrupted run; a finished run is only read, unless `until_epoch` asks for further epochs.
    The number of workers and the times of saving do not change the result either.

    A step whose loss or gradient is not finite is not made but kept in `failed_step.safetensors`, which
    `replay.replay` repeats. In float16 a gradient that overflows first halves the scale of the loss, and the step is
    skipped and counted; the run stops once that has brought the scale to 1.

    Args:
        recipe: network, assigner, loss, sampling and schedule.
        crops: training crops of one set, or a mixture of sets.
        folder: folder of the run; created when absent.
        seed: seed of initial weights, pairs and label draws.
        backbone_weights: initial weights of the backbone: "shipped", "imagenet", "random", or a file
            (`models.initial.load_initial_backbone`); None: as the recipe says (`Schedule.backbone_start`).
        init: weights of the whole network to start from, instead of random ones and `backbone_weights`: see
            `models.initial.load_initial_weights`. The schedule is the recipe's: `recipes.fine_tuning` has one for it.
        until_epoch: number of epochs in all after which the call returns; None: those of the schedule. More of them
            continue a run beyond its schedule: at its final rate, with its momentum, and with the backbone frozen or
            training as in its last epoch. How often a run is continued does not change its bits.
        compute: device, processes, precision and checkpoints; None: this process on the CPU.
        on_step: called with each step and the number of steps of the whole run, in rank 0.
        should_stop: called after each step; when it returns True in any process, all save and return.

    Returns:
        The trained network and its history.

    Raises:
        InputError: if the folder belongs to another run, another process trains in it, or it cannot be written; for a
            seed that is not in 0..2^64 - 1, or one track where negative pairs need two; if weights or crops cannot be
            read, the loss stops being finite, memory is short, or nothing can be compiled. The last checkpoint stays
            usable.

    Source: SiamDLA Sec. 4.1; optimiser, groups and freezing as in pysot.
    """
    check_may_start()
    check_seed(seed)
    reuse_freed_memory()
    compute = compute or Compute()
    last = recipe.schedule.epochs if until_epoch is None else until_epoch
    with _owned(recipe, compute, Path(folder), last):
        run = _Run(recipe, crops, Path(folder), seed, backbone_weights, init, compute)
        return run.train_until(last, on_step, should_stop)


@contextmanager
def _owned(recipe: Recipe, compute: Compute, folder: Path, last: int) -> Iterator[None]:
    """Own the folder of a run inside the block, unless it is finished, and say what is needed if memory is short."""
    # A finished run is only read, and several processes may read it at the same time.
    only_read = compute.ranks.world == 1 and epochs_done(folder / CHECKPOINT) >= last
    pairs = -(-recipe.schedule.batch // compute.parts)
    with nullcontext() if only_read else compute.ranks.owned_folder(folder), training_errors(recipe, pairs):
        yield


class _Run:
    """State of a run: network, optimiser, history and position."""

    def __init__(
        self,
        recipe: Recipe,
        crops: CropSource | Mixture,
        folder: Path,
        seed: int,
        backbone_weights: str | Path | None,
        init: str | Path | None,
        compute: Compute,
    ) -> None:
        schedule = recipe.schedule
        self.recipe, self.folder, self.compute = recipe, folder, compute
        self.steps_per_epoch = -(-schedule.pairs_per_epoch // schedule.batch)
        compute.check_batches(schedule)
        if compute.compile:
            check_compiler(compute.device)
        start = backbone_start(recipe, backbone_weights, init)
        self.run = describe_run(recipe, crops, seed, backbone_weights, compute, init)
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
        self.source = PairSource(crops, recipe.sampling, recipe.net, seed)
        assigner = assigner_of(recipe)
        self.stepper = Stepper(recipe, assigner, scaler, compute)
        self.called: torch.nn.Module = self.net
        self.optimizer: torch.optim.SGD | None = None
        self.saved = time.monotonic()

    def train_until(
        self,
        last: int,
        on_step: Callable[[StepRow, int], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> Training:
        """Train until `last` epochs are finished."""
        began = self.done.epoch
        if began < last and self.compute.ranks.first:
            for name in (CHECKPOINT, HISTORY):
                remove_leftovers(self.folder / name)
            check_writable(self.folder / CHECKPOINT)
            write_content(self.folder, self.source.crops.content())
        done = max(began, last)
        in_all = max(last, self.recipe.schedule.epochs)
        stopped = any(self._epoch(epoch, in_all, on_step, should_stop) for epoch in range(began, last))
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
    ) -> bool:
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
            started = time.perf_counter()
            if on_step is not None and ranks.first:
                on_step(step, in_all * self.steps_per_epoch)
            stop = self._any_process_stops(should_stop)
            if number + 1 < self.steps_per_epoch and (stop or self._is_due(number + 1)):
                self._save(Position(epoch, number + 1), optimizer)
                if stop:
                    return True
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
        ranks = self.compute.ranks
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
