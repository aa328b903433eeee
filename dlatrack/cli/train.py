"""The command `dlatrack train`."""

from __future__ import annotations

import io
import signal
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlatrack.cli.printing import print_line, print_table
from dlatrack.errors import InputError
from dlatrack.progress import Progress

if TYPE_CHECKING:
    from dlatrack.recipes import Recipe, Schedule
    from dlatrack.training.compute import Compute


def train(
    recipe: Annotated[
        str, typer.Argument(help="E.g. dla_siamcar; an unknown name lists them all. Not with --replay.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run: checkpoint, history, weights; needed, but with --replay."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FOLDER, a pack or the root of a training set, once for each set to mix; or a folder of "
            "sequences in the OTB layout; or footage=FOLDER, clips with masks and photographs; default: synthetic "
            "sequences."
        ),
    ] = None,
    sequences: Annotated[int, typer.Option(help="Number of synthetic training sequences.")] = 60,
    epochs: Annotated[int, typer.Option(help="0: the recipe's.")] = 0,
    pairs_per_epoch: Annotated[int, typer.Option(help="0: the recipe's.")] = 0,
    batch: Annotated[int, typer.Option(help="Of all processes together; 0: the recipe's.")] = 0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...; under torchrun cpu or cuda.")] = "cpu",
    backbone_weights: Annotated[
        str,
        typer.Option(
            help="What the backbone starts from: imagenet (torchvision's weights, fetched once), random, or a file; "
            "empty: the recipe's."
        ),
    ] = "",
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that prepare pairs, for each training process; 0: it does so itself.", min=0
        ),
    ] = 0,
    accumulate: Annotated[
        int, typer.Option(help="Parts of a batch computed one after the other, to save memory.", min=1)
    ] = 1,
    precision: Annotated[
        str,
        typer.Option(help="float32, bfloat16, or float16 with a scaled loss (GPUs before Ampere)."),
    ] = "float32",
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile the network; needs a C++ compiler, on GPUs triton too.")
    ] = False,
    gradients: Annotated[
        str, typer.Option(help="mean or sum of a batch's parts (pysot: sum); the learning rate is for that.")
    ] = "mean",
    keep: Annotated[int, typer.Option(help="Last epochs whose weights stay, with the best one.", min=0)] = 3,
    save_minutes: Annotated[float, typer.Option(help="Minutes between checkpoints within an epoch.")] = 10.0,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write event files for TensorBoard to OUT/tensorboard.")
    ] = False,
    replay: Annotated[
        Path | None, typer.Option(help="Repeat a failed step from its file, and train nothing.")
    ] = None,
) -> None:
    """Train a recipe, or go on where a run in the same folder stopped.

    On several GPUs: torchrun --nproc-per-node 4 -m dlatrack train RECIPE --device cuda ...
    Ctrl-C and SIGTERM save and stop, with exit status 130 and 143. The same command resumes;
    Ctrl-C again stops at once.
    """
    from dlatrack.devices import check_device
    from dlatrack.models.backbones import starting_weights
    from dlatrack.sampling.pairs import check_seed
    from dlatrack.training.compute import PRECISIONS, Compute

    if replay is not None:
        _replay(replay)
        return
    if not recipe or out is None:
        raise InputError("train needs a recipe and a folder: dlatrack train RECIPE --out FOLDER")
    if precision not in PRECISIONS:
        raise InputError(f"there is no precision {precision!r}; choose from {', '.join(PRECISIONS)}")
    if gradients not in ("mean", "sum"):
        raise InputError(f"gradients are taken as mean or sum, got {gradients!r}")
    if not save_minutes > 0:
        raise InputError(f"save_minutes must be more than 0, got {save_minutes}")
    chosen = _recipe(recipe, {"epochs": epochs, "pairs_per_epoch": pairs_per_epoch, "batch": batch})
    check_device(device)
    check_seed(seed)
    if not data and sequences < 1:
        raise InputError(f"sequences must be 1 or more, got {sequences}")
    # Before the long work.
    starting_weights(chosen.net.backbone, backbone_weights or chosen.schedule.backbone_start)
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
    if status := _train(chosen, out, data or [], sequences, seed, backbone_weights, compute, tensorboard):
        raise typer.Exit(status)


def _recipe(name: str, changes: Mapping[str, int]) -> Recipe:
    """A recipe with the fields of its schedule that are not 0 changed; a warm-up longer than the run is cut."""
    from dlatrack.recipes import recipe

    chosen = recipe(name)
    given = {field: value for field, value in changes.items() if value}
    epochs = given.get("epochs", chosen.schedule.epochs)
    warmup = min(chosen.schedule.warmup_epochs, max(epochs - 1, 0))
    try:
        return replace(
            chosen, schedule=replace(chosen.schedule, **dict[str, Any](given), warmup_epochs=warmup)
        )
    except ValueError as error:
        raise InputError(str(error)) from error


def _train(
    chosen: Recipe,
    out: Path,
    data: Sequence[str],
    sequences: int,
    seed: int,
    backbone_weights: str,
    compute: Compute,
    tensorboard: bool,
) -> int:
    """Train in folder `out`, print how it goes, and save the weights there.

    Without `data` it trains on synthetic sequences. Under `torchrun` every process calls this. SIGTERM and Ctrl-C let
    the step end, save, and stop.

    Returns:
        The exit status: 0 for a training that is done, 128 and the signal's number for one that was stopped.
    """
    from dlatrack.datasets.synthetic import synthetic_sequences
    from dlatrack.models.weights import save_weights
    from dlatrack.provenance import versions
    from dlatrack.sampling.store import crop_sequences
    from dlatrack.sampling.training_data import open_training_data
    from dlatrack.studies import twins
    from dlatrack.training import engine
    from dlatrack.training.identity import describe_run
    from dlatrack.training.interrupt import stop_signal
    from dlatrack.training.ranks import ranks
    from dlatrack.training.tensorboard import EVENTS, EventFiles

    weights = out / f"{chosen.name}.safetensors"
    events = EventFiles(out / EVENTS) if tensorboard else nullcontext()
    with ranks(compute.device) as (processes, device), processes.owned_folder(out), events as listener:
        compute = replace(compute, device=device, ranks=processes)
        crops = open_training_data(data) if data else crop_sequences(synthetic_sequences(sequences, 0, 20))
        say = print_line if processes.first else _say_nothing
        say(_effective(chosen.schedule, compute))
        if (out / engine.CHECKPOINT).exists():
            say(f"going on from {out / engine.CHECKPOINT}")
        pairs = chosen.schedule.epochs * chosen.schedule.pairs_per_epoch
        stream = None if processes.first else io.StringIO()
        progress = Progress(pairs, f"training {chosen.name}", unit="pairs", stream=stream)
        with stop_signal(signal.SIGTERM, signal.SIGINT) as asked_to_stop, progress:
            training = engine.train(
                chosen,
                crops,
                out,
                seed=seed,
                backbone_weights=backbone_weights,
                compute=compute,
                on_step=twins.reporter(chosen.name, progress, listener),
                should_stop=lambda: bool(asked_to_stop()),
            )
            if training.stopped:
                say(f"stopped in epoch {training.epochs}; the same command resumes from here")
                return 128 + (asked_to_stop() or signal.SIGTERM)  # another process may have been asked
            progress.skip(pairs - progress.done)
        if processes.first:
            run = describe_run(chosen, crops, seed, backbone_weights, compute)
            save_weights(weights, training.net, chosen, {"run": run, "versions": versions()})
        say(f"weights: {weights}")
    return 0


def _say_nothing(text: str) -> None:
    """What all processes of a training but the first print."""


def _effective(schedule: Schedule, compute: Compute) -> str:
    """One line on batch and rate."""
    parts = (
        ""
        if compute.parts == 1
        else (f" in {compute.parts} parts ({compute.ranks.world} processes x {compute.accumulate})")
    )
    return (
        f"batch of {schedule.batch} pairs{parts}, learning rate {schedule.rate:g} for the {compute.gradients} of the "
        f"parts' gradients, {compute.precision}{', compiled' if compute.compile else ''}, {compute.device}"
    )


def _replay(file: Path) -> None:
    """Repeat a kept training step and print what it does."""
    from dlatrack.training.replay import replay

    told = replay(file)
    rows = [
        ("then", told.message),
        *((f"loss, {name}", f"{value:g}") for name, value in told.losses.items()),
        *((f"gradient norm, {name}", f"{value:g}") for name, value in told.gradient_norms.items()),
        ("pairs", str(len(told.positives))),
        ("positives of each pair", " ".join(map(str, told.positives))),
        ("not finite", ", ".join(told.not_finite) or "nothing"),
    ]
    print_table(("what", "value"), rows, title=f"step {told.step}, epoch {told.epoch}")
