"""The command `dlatrack train`."""

from __future__ import annotations

import io
import signal
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlatrack.cli.options import Seed
from dlatrack.cli.printing import print_line, print_table
from dlatrack.cli.train_options import (
    Accumulate,
    Backbone,
    Batch,
    BatchNorm,
    Compile,
    Data,
    Gradients,
    Init,
    Keep,
    PairWorkers,
    Precision,
    Rate,
    RecipeName,
    Replay,
    RunFolder,
    ScheduleNumber,
    Shares,
    Tensorboard,
    TrainingDevice,
    Trunk,
    read_shares,
)
from dlatrack.errors import InputError, counted
from dlatrack.progress import Progress

if TYPE_CHECKING:
    from dlatrack.recipes import Recipe, Schedule
    from dlatrack.sampling.mixture import Mixture
    from dlatrack.sampling.sources import CropSource
    from dlatrack.training.compute import Compute
    from dlatrack.training.engine import Training


@dataclass(frozen=True)
class Run:
    """A training as the command line describes it."""

    recipe: Recipe  #: network, assigner and schedule
    folder: Path  #: folder of checkpoint, history and weights
    data: Sequence[str]  #: training data as `open_training_data` takes them; empty: photographic sequences
    shares: Sequence[float] | None  #: relative number of pairs from each of `data`; None: the usual ones
    sequences: int  #: number of photographic training sequences
    seed: int  #: seed of weights, pairs and label draws
    backbone_weights: str  #: what the backbone starts from; "": as the recipe says
    init: str  #: weights of the whole network to start from; "": none
    tensorboard: bool  #: whether event files are written


def train(
    recipe: RecipeName = "",
    out: RunFolder = None,
    data: Data = None,
    shares: Shares = "",
    sequences: Annotated[int, typer.Option(help="Number of photographic training sequences.")] = 60,
    epochs: ScheduleNumber = 0,
    pairs_per_epoch: ScheduleNumber = 0,
    batch: Batch = 0,
    seed: Seed = 0,
    device: TrainingDevice = "cpu",
    backbone_weights: Backbone = "",
    init: Init = "",
    trunk: Trunk = "",
    batch_norm: BatchNorm = "",
    rate: Rate = 0.0,
    workers: PairWorkers = 0,
    accumulate: Accumulate = 1,
    precision: Precision = "float32",
    compile: Compile = False,
    gradients: Gradients = "mean",
    keep: Keep = 3,
    save_minutes: Annotated[float, typer.Option(help="Minutes between checkpoints within an epoch.")] = 10.0,
    tensorboard: Tensorboard = False,
    replay: Replay = None,
) -> None:
    """Train a recipe, or resume an interrupted run in the same folder.

    On several GPUs: torchrun --nproc-per-node 4 -m dlatrack train RECIPE --device cuda ...
    Ctrl-C and SIGTERM save and stop, with exit status 130 and 143. The same command resumes;
    Ctrl-C again stops at once.
    """
    if replay is not None:
        _replay(replay)
        return
    if not recipe or out is None:
        raise InputError("train needs a recipe and a folder: dlatrack train RECIPE --out FOLDER")
    from dlatrack.recipes import recipe as recipe_of
    from dlatrack.training.compute import PRECISIONS, Compute

    if precision not in PRECISIONS:
        raise InputError(f"there is no precision {precision!r}; choose from {', '.join(PRECISIONS)}")
    chosen = _scheduled(recipe_of(recipe), epochs, pairs_per_epoch, batch, init, trunk, batch_norm, rate)
    parts = read_shares(shares, data)
    run = Run(chosen, out, data or (), parts, sequences, seed, backbone_weights, init, tensorboard)
    _check_run(run, device)
    _check_numbers(gradients, save_minutes)
    compute = Compute(
        device=device,
        accumulate=accumulate,
        precision=precision,
        compile=compile,
        workers=workers,
        save_minutes=save_minutes,
        keep=keep,
        gradients="sum" if gradients == "sum" else "mean",
    )
    if status := _train(run, compute):
        raise typer.Exit(status)


def _scheduled(
    recipe: Recipe,
    epochs: int,
    pairs_per_epoch: int,
    batch: int,
    init: str,
    trunk: str,
    batch_norm: str,
    rate: float,
) -> Recipe:
    """A recipe with its own schedule, or with `init` that of fine-tuning, in the numbers of the command line."""
    from dlatrack.recipes.fine_tuning import BATCH_NORM, RATE, TRUNKS, fine_tuning

    if init:
        schedule = fine_tuning(
            recipe.schedule,
            epochs=epochs,
            pairs_per_epoch=pairs_per_epoch,
            batch=batch,
            trunk=trunk or TRUNKS[0],
            batch_norm=batch_norm or BATCH_NORM[0],
            rate=rate or RATE,
        )
        return replace(recipe, schedule=schedule)
    given = {"--trunk": trunk, "--batch-norm": batch_norm, "--rate": rate}
    if unused := [name for name, value in given.items() if value]:
        raise InputError(f"only a run with --init takes {' and '.join(unused)}")
    schedule = recipe.schedule.resized(epochs=epochs, pairs_per_epoch=pairs_per_epoch, batch=batch)
    return replace(recipe, schedule=schedule)


def _check_numbers(gradients: str, save_minutes: float) -> None:
    if gradients not in ("mean", "sum"):
        raise InputError(f"gradients are taken as mean or sum, got {gradients!r}")
    if not save_minutes > 0:
        raise InputError(f"save_minutes must be more than 0, got {save_minutes}")


def _check_run(run: Run, device: str) -> None:
    """Raise on what would otherwise fail only after the data have been read."""
    from dlatrack.devices import check_device
    from dlatrack.models.initial import load_initial_weights
    from dlatrack.models.siamese import build_model
    from dlatrack.sampling.pairs import check_seed
    from dlatrack.training.identity import backbone_start

    check_device(device)
    check_seed(run.seed)
    if not run.data and run.sequences < 1:
        raise InputError(f"sequences must be 1 or more, got {run.sequences}")
    backbone_start(run.recipe, run.backbone_weights, run.init or None)
    if run.init:
        load_initial_weights(build_model(run.recipe), run.recipe, run.init)


def _train(run: Run, compute: Compute) -> int:
    """Train, print the progress, and save the weights. Under `torchrun` every process calls this.

    SIGTERM and Ctrl-C let the step end, save, and stop.

    Returns:
        The exit status: 0 for a finished training, 128 and the signal's number for an interrupted one.
    """
    from dlatrack.sampling.training_data import describe_training_data
    from dlatrack.studies.twins import reporter
    from dlatrack.training import engine
    from dlatrack.training.interrupt import stop_signal
    from dlatrack.training.ranks import ranks
    from dlatrack.training.tensorboard import EVENTS, EventFiles

    recipe, folder = run.recipe, run.folder
    pairs = recipe.schedule.epochs * recipe.schedule.pairs_per_epoch
    events = EventFiles(folder / EVENTS) if run.tensorboard else nullcontext()
    with ranks(compute.device) as (processes, device), processes.owned_folder(folder), events as listener:
        compute = replace(compute, device=device, ranks=processes)
        crops = _crops(run)
        say = print_line if processes.first else lambda text: None
        for line in describe_training_data(crops) if run.data else ():
            say(line)
        say(_describe_steps(recipe.schedule, compute))
        if run.init:
            say(_describe_fine_tuning(run.init, recipe.schedule))
        if (folder / engine.CHECKPOINT).exists():
            say(f"resuming from {folder / engine.CHECKPOINT}")
        stream = None if processes.first else io.StringIO()
        progress = Progress(pairs, f"training {recipe.name}", unit="pairs", stream=stream)
        with stop_signal(signal.SIGTERM, signal.SIGINT) as asked_to_stop, progress:
            training = engine.train(
                recipe,
                crops,
                folder,
                seed=run.seed,
                backbone_weights=run.backbone_weights,
                init=run.init or None,
                compute=compute,
                on_step=reporter(recipe.name, progress, listener),
                should_stop=lambda: bool(asked_to_stop()),
            )
            if training.stopped:
                say(f"stopped in epoch {training.epochs}; the same command resumes from here")
                return 128 + (asked_to_stop() or signal.SIGTERM)  # another process may have been asked
            progress.skip(pairs - progress.done)
        if processes.first:
            say(f"weights: {_save(run, training, crops, compute)}")
    return 0


def _crops(run: Run) -> CropSource | Mixture:
    """The training crops of a run."""
    from dlatrack.datasets.photographic import photographic_sequences
    from dlatrack.sampling.store import crop_sequences
    from dlatrack.sampling.training_data import open_training_data

    if run.data:
        return open_training_data(run.data, run.shares)
    return crop_sequences(photographic_sequences(run.sequences, 0, 20))


def _save(run: Run, training: Training, crops: CropSource | Mixture, compute: Compute) -> Path:
    """Save the trained weights with their card beside the checkpoint.

    Returns:
        The path of the weight file.
    """
    from dlatrack.models.weights import save_weights
    from dlatrack.provenance import versions
    from dlatrack.training.identity import describe_run

    described = describe_run(run.recipe, crops, run.seed, run.backbone_weights, compute, run.init or None)
    file = run.folder / f"{run.recipe.name}.safetensors"
    save_weights(file, training.net, run.recipe, {"run": described, "versions": versions()})
    return file


def _describe_steps(schedule: Schedule, compute: Compute) -> str:
    """One line on the batch, the learning rate and the arithmetic of training steps."""
    parts = ""
    if compute.parts > 1:
        parts = f" in {compute.parts} parts ({compute.ranks.world} processes x {compute.accumulate})"
    return (
        f"batch of {schedule.batch} pairs{parts}, learning rate {schedule.rate:g} for the {compute.gradients} of the "
        f"parts' gradients, {compute.precision}{', compiled' if compute.compile else ''}, {compute.device}"
    )


def _describe_fine_tuning(init: str, schedule: Schedule) -> str:
    """One line on what a fine-tuning starts from, and on what stays as it is."""
    frozen = schedule.unfreeze_epoch >= schedule.epochs
    trunk = "backbone frozen" if frozen else f"backbone at {schedule.backbone_factor:g} times the rate"
    norm = "kept" if schedule.frozen_batch_norm else "gathered"
    warmup = f"{counted(schedule.warmup_epochs, 'epoch')} of warm-up from {schedule.warmup_from:g}, "
    return (
        f"starting from {init}; {counted(schedule.epochs, 'epoch')} of {counted(schedule.pairs_per_epoch, 'pair')}, "
        f"{warmup if schedule.warmup_epochs else ''}cosine to {schedule.final_rate:g}, {trunk}, statistics of batch "
        f"norm {norm}"
    )


def _replay(file: Path) -> None:
    """Repeat a kept training step and print what it does."""
    from dlatrack.training.replay import replay

    repeated = replay(file)
    rows = [
        ("then", repeated.message),
        *((f"loss, {name}", f"{value:g}") for name, value in repeated.losses.items()),
        *((f"gradient norm, {name}", f"{value:g}") for name, value in repeated.gradient_norms.items()),
        ("pairs", str(len(repeated.positives))),
        ("positives of each pair", " ".join(map(str, repeated.positives))),
        ("not finite", ", ".join(repeated.not_finite) or "nothing"),
    ]
    print_table(("what", "value"), rows, title=f"step {repeated.step}, epoch {repeated.epoch}")
