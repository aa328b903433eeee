"""A training that `dlatrack train` has read from its options: its run, what is printed, and the saved weights."""

from __future__ import annotations

import io
import signal
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dlatrack.cli.printing import print_line
from dlatrack.errors import counted
from dlatrack.progress import Progress

if TYPE_CHECKING:
    from dlatrack.recipes import Recipe, Schedule
    from dlatrack.sampling.mixture import Mixture
    from dlatrack.sampling.sources import CropSource
    from dlatrack.training.compute import Compute
    from dlatrack.training.run import Training


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
    teacher: str  #: weights of the tracker that teaches; "": none
    tensorboard: bool  #: whether event files are written
    epochs: int  #: number of epochs in all, which may be more than those of the schedule; 0: as many

    @property
    def weights(self) -> dict[str, str | None]:
        """Weights that it starts from or learns from, as `engine.train` and `describe_run` take them."""
        return {
            "backbone_weights": self.backbone_weights,
            "init": self.init or None,
            "teacher": self.teacher or None,
        }


def train_and_save(run: Run, compute: Compute, start: str) -> int:
    """Train, print the progress, and save the weights. Under `torchrun` every process calls this.

    SIGTERM and Ctrl-C let the step end, save, and stop.

    Args:
        run: training as the command line describes it.
        compute: device, precision and checkpoints.
        start: one line on what the network starts from; "": nothing is printed.

    Returns:
        The exit status: 0 for a finished training, 128 and the signal's number for an interrupted one.
    """
    from dlatrack.sampling.training_data import describe_training_data
    from dlatrack.studies.twins import reporter
    from dlatrack.training import engine
    from dlatrack.training.checkpoints import epochs_done
    from dlatrack.training.interrupt import stop_signal
    from dlatrack.training.ranks import ranks
    from dlatrack.training.run import CHECKPOINT
    from dlatrack.training.tensorboard import EVENTS, EventFiles

    recipe, folder, epochs = run.recipe, run.folder, run.epochs or run.recipe.schedule.epochs
    pairs = epochs * recipe.schedule.pairs_per_epoch
    events = EventFiles(folder / EVENTS) if run.tensorboard else nullcontext()
    with ranks(compute.device) as (processes, device), processes.owned_folder(folder), events as listener:
        compute = replace(compute, device=device, ranks=processes)
        crops = _crops(run)
        say = print_line if processes.first else lambda text: None
        for line in describe_training_data(crops) if run.data else ():
            say(line)
        say(_describe_steps(recipe.schedule, compute))
        if start:
            say(start)
        if (folder / CHECKPOINT).exists():
            say(f"resuming from {folder / CHECKPOINT}")
        if epochs > max(recipe.schedule.epochs, epochs_done(folder / CHECKPOINT)):
            say(_describe_continuation(recipe.schedule, epochs))
        stream = None if processes.first else io.StringIO()
        progress = Progress(pairs, f"training {recipe.name}", unit="pairs", stream=stream)
        with stop_signal(signal.SIGTERM, signal.SIGINT) as asked_to_stop, progress:
            training = engine.train(
                recipe,
                crops,
                folder,
                seed=run.seed,
                **run.weights,
                until_epoch=epochs,
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
    from dlatrack.training.schedule import continuation

    described = describe_run(run.recipe, crops, run.seed, compute=compute, **run.weights)
    card = {"run": described, "versions": versions()} | continuation(run.recipe.schedule, training.epochs)
    file = run.folder / f"{run.recipe.name}.safetensors"
    save_weights(file, training.net, run.recipe, card)
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


def describe_fine_tuning(init: str, schedule: Schedule) -> str:
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


def _describe_continuation(schedule: Schedule, epochs: int) -> str:
    """One line on the epochs of a run beyond its schedule."""
    trunk = "training" if schedule.backbone_trains(epochs) else "frozen"
    return (
        f"continuing beyond the schedule of {counted(schedule.epochs, 'epoch')} to {epochs} in all: learning rate "
        f"{schedule.final_rate:g}, the final one of the schedule, momentum kept, backbone {trunk}"
    )
