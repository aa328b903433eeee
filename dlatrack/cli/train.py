"""The command `dlatrack train`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlatrack.cli.options import Seed
from dlatrack.cli.printing import print_table
from dlatrack.cli.train_options import (
    Accumulate,
    Assigner,
    Backbone,
    Batch,
    BatchNorm,
    Compile,
    Data,
    Epochs,
    Gradients,
    Import,
    Init,
    InitBackbone,
    Keep,
    PairWorkers,
    Precision,
    Rate,
    RecipeName,
    Replay,
    RunFolder,
    ScheduleNumber,
    Shares,
    Teacher,
    Tensorboard,
    TrainingDevice,
    Trunk,
    import_file,
    read_shares,
)
from dlatrack.cli.train_run import Run, describe_fine_tuning, train_and_save
from dlatrack.errors import InputError

if TYPE_CHECKING:
    from dlatrack.recipes import Recipe
    from dlatrack.training.compute import Compute

#: Limit of the photographic training sequences; the crops of so many, all in memory, take 8 GB.
_MOST_SEQUENCES = 10_000


def train(
    recipe: RecipeName = "",
    out: RunFolder = None,
    assigner: Assigner = "",
    import_: Import = None,
    data: Data = None,
    shares: Shares = "",
    sequences: Annotated[int, typer.Option(help="Number of photographic training sequences.")] = 60,
    epochs: Epochs = 0,
    pairs_per_epoch: ScheduleNumber = 0,
    batch: Batch = 0,
    seed: Seed = 0,
    device: TrainingDevice = "cpu",
    backbone_weights: Backbone = "",
    init: Init = "",
    init_backbone: InitBackbone = "",
    trunk: Trunk = "",
    batch_norm: BatchNorm = "",
    rate: Rate = 0.0,
    teacher: Teacher = "",
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
    """Train a recipe, or resume an interrupted run in the same folder, or give a finished one more epochs.

    On several GPUs: torchrun --nproc-per-node 4 -m dlatrack train RECIPE --device cuda ...
    Ctrl-C and SIGTERM save and stop, with exit status 130 and 143. The same command resumes;
    Ctrl-C again stops at once.
    """
    if import_ is not None:
        import_file(import_)
    if replay is not None:
        _replay(replay)
        return
    if not recipe or out is None:
        raise InputError("train needs a recipe and a folder: dlatrack train RECIPE --out FOLDER")
    compute = _compute(device, accumulate, precision, compile, workers, save_minutes, keep, gradients)
    chosen = _recipe(recipe, assigner)
    chosen = _scheduled(chosen, out, epochs, pairs_per_epoch, batch, init, trunk, batch_norm, rate)
    parts, backbone = read_shares(shares, data), _backbone_file(backbone_weights, init, init_backbone)
    run = Run(chosen, out, data or (), parts, sequences, seed, backbone, init, teacher, tensorboard, epochs)
    start = _check_run(run, device)
    if status := train_and_save(run, compute, start):
        raise typer.Exit(status)


def _recipe(name: str, assigner: str) -> Recipe:
    """A recipe by name, with the label assigner of the command line if there is one."""
    from dlatrack.assign import with_rule
    from dlatrack.recipes import recipe

    return with_rule(recipe(name), assigner) if assigner else recipe(name)


def _scheduled(
    recipe: Recipe,
    folder: Path,
    epochs: int,
    pairs_per_epoch: int,
    batch: int,
    init: str,
    trunk: str,
    batch_norm: str,
    rate: float,
) -> Recipe:
    """A recipe with its own schedule, or with `init` that of fine-tuning, in the numbers of the command line.

    A finished run in the folder that is given more epochs keeps the schedule that it began with.
    """
    from dlatrack.recipes.fine_tuning import BATCH_NORM, RATE, TRUNKS, fine_tuning
    from dlatrack.training.checkpoints import scheduled_epochs
    from dlatrack.training.run import CHECKPOINT

    given = {"--trunk": trunk, "--batch-norm": batch_norm, "--rate": rate}
    if not init and (unused := [name for name, value in given.items() if value]):
        raise InputError(f"only a run with --init takes {' and '.join(unused)}")
    scheduled = scheduled_epochs(folder / CHECKPOINT, recipe.name, epochs)
    schedule = recipe.schedule.resized(epochs=scheduled, pairs_per_epoch=pairs_per_epoch, batch=batch)
    if init:
        schedule = fine_tuning(
            recipe.schedule,
            epochs=scheduled,
            pairs_per_epoch=pairs_per_epoch,
            batch=batch,
            trunk=trunk or TRUNKS[0],
            batch_norm=batch_norm or BATCH_NORM[0],
            rate=rate or RATE,
        )
    if not epochs:
        scheduled_epochs(folder / CHECKPOINT, recipe.name, schedule.epochs)  # refuses too few of them as well
    return replace(recipe, schedule=schedule)


def _backbone_file(backbone_weights: str, init: str, init_backbone: str) -> str:
    """What the backbone starts from: the file of `init_backbone` if there is one, else `backbone_weights`."""
    from dlatrack.models.initial import check_backbone_place
    from dlatrack.models.weights import find_weights

    if not init_backbone:
        return backbone_weights
    others = {"--init": init, "--backbone-weights": backbone_weights}
    if given := [name for name, value in others.items() if value]:
        raise InputError(f"the backbone starts from one place: give --init-backbone or {given[0]}, not both")
    check_backbone_place(init_backbone)
    return str(find_weights(init_backbone))


def _compute(
    device: str,
    accumulate: int,
    precision: str,
    compile: bool,
    workers: int,
    save_minutes: float,
    keep: int,
    gradients: str,
) -> Compute:
    from dlatrack.training.compute import PRECISIONS, Compute

    if precision not in PRECISIONS:
        raise InputError(f"there is no precision {precision!r}; choose from {', '.join(PRECISIONS)}")
    if gradients not in ("mean", "sum"):
        raise InputError(f"gradients are taken as mean or sum, got {gradients!r}")
    if not save_minutes > 0:
        raise InputError(f"save_minutes must be more than 0, got {save_minutes}")
    return Compute(
        device=device,
        accumulate=accumulate,
        precision=precision,
        compile=compile,
        workers=workers,
        save_minutes=save_minutes,
        keep=keep,
        gradients="sum" if gradients == "sum" else "mean",
    )


def _check_run(run: Run, device: str) -> str:
    """Raise on what would otherwise fail only after the data have been read.

    Returns:
        One line on what the network starts from and is taught by; "" for random weights and no teacher.
    """
    from dlatrack.assign import assigner_of
    from dlatrack.devices import check_device
    from dlatrack.losses import loss_of
    from dlatrack.models.initial import load_initial_backbone, load_initial_weights
    from dlatrack.models.siamese import build_model
    from dlatrack.sampling.pairs import check_seed
    from dlatrack.training.identity import backbone_start
    from dlatrack.training.teacher import Teacher as TaughtBy

    assigner_of(run.recipe)
    loss_of(run.recipe)
    check_device(device)
    check_seed(run.seed)
    if not run.data and run.sequences < 1:
        raise InputError(f"sequences must be 1 or more, got {run.sequences}")
    if not run.data and run.sequences > _MOST_SEQUENCES:
        raise InputError(f"sequences must be at most {_MOST_SEQUENCES:,}, got {run.sequences}")
    start = backbone_start(run.recipe, run.backbone_weights, run.init or None)
    if run.init:
        load_initial_weights(build_model(run.recipe), run.recipe, run.init)
    lines = [describe_fine_tuning(run.init, run.recipe.schedule)] if run.init else []
    if start is not None:
        lines.append(f"starting from {load_initial_backbone(build_model(run.recipe), run.recipe, start)}")
    if run.teacher:
        TaughtBy.of(run.teacher, run.recipe)
        lines.append(f"taught by {run.teacher}")
    return ", ".join(lines)


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
