"""What the commands `train`, `data pack` and `benchmark` do, and print."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from dlatrack import comparison
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.evaluation.commands import score_command
from dlatrack.evaluation.truth import benchmark
from dlatrack.evaluation.truth_source import read_truth
from dlatrack.memory import reuse_freed_memory
from dlatrack.models.backbones import starting_weights
from dlatrack.models.shipped import find_weights
from dlatrack.models.weights import load_weights, save_weights
from dlatrack.printing import print_line, print_table
from dlatrack.progress import Progress
from dlatrack.provenance import versions
from dlatrack.recipes import OnlineConfig, Schedule, recipe
from dlatrack.sampling.opening import open_training_data, pack_set
from dlatrack.sampling.pairs import check_seed
from dlatrack.sampling.store import crop_sequences
from dlatrack.tracking.benchmark import DataSetSource, run_benchmark
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import Tracker
from dlatrack.tracking.static import StaticTracker
from dlatrack.training.compute import Compute
from dlatrack.training.description import describe_run, file_digest
from dlatrack.training.engine import CHECKPOINT, train
from dlatrack.training.event_files import FOLDER, EventFiles
from dlatrack.training.ranks import ranks
from dlatrack.training.replay import replay
from dlatrack.training.stopping import stop_signal
from dlatrack.tuning.network import network_trackers
from dlatrack.tuning.tuned import Tuned, read_tuned


def train_command(
    name: str,
    out: Path,
    *,
    data: Sequence[str],
    sequences: int,
    changes: Mapping[str, int],
    seed: int,
    backbone_weights: str,
    compute: Compute,
    tensorboard: bool,
) -> int:
    """Train recipe `name` in folder `out`, with fields of its schedule changed, and save its weights there.

    Without `data` it trains on synthetic sequences. Under `torchrun` every process calls this. SIGTERM and
    Ctrl-C let the step end, save, and stop. With `tensorboard` the history is also written to event files in
    `out/tensorboard`.

    Returns:
        The exit status: 0 for a training that is done, 128 and the signal's number for one that was stopped.

    Raises:
        InputError: as `training.engine.train`, or for a device that is not there, a schedule that cannot be, or
            event files without TensorBoard.
    """
    chosen = recipe(name)
    chosen = replace(chosen, schedule=_changed(chosen.schedule, changes))
    check_device(compute.device)
    check_seed(seed)
    if not data and sequences < 1:
        raise InputError(f"sequences must be 1 or more, got {sequences}")
    starting_weights(
        chosen.net.backbone, backbone_weights or chosen.schedule.backbone_start
    )  # before the long work
    events = EventFiles(out / FOLDER) if tensorboard else nullcontext()
    with ranks(compute.device) as (processes, device), processes.owned_folder(out), events as listener:
        compute = replace(compute, device=device, ranks=processes)
        crops = open_training_data(data) if data else crop_sequences(synthetic_sequences(sequences, 0, 20))
        say = print_line if processes.first else _say_nothing
        say(_effective(chosen.schedule, compute))
        if (out / CHECKPOINT).exists():
            say(f"going on from {out / CHECKPOINT}")
        pairs = chosen.schedule.epochs * chosen.schedule.pairs_per_epoch
        stream = None if processes.first else io.StringIO()
        progress = Progress(pairs, f"training {name}", unit="pairs", stream=stream)
        with stop_signal(signal.SIGTERM, signal.SIGINT) as asked_to_stop, progress:
            training = train(
                chosen,
                crops,
                out,
                seed=seed,
                backbone_weights=backbone_weights,
                compute=compute,
                on_step=comparison.reporter(name, progress, listener),
                should_stop=lambda: bool(asked_to_stop()),
            )
            if training.stopped:
                say(f"stopped in epoch {training.epochs}; the same command goes on from here")
                return 128 + (asked_to_stop() or signal.SIGTERM)  # another process may have been asked
            progress.skip(pairs - progress.done)
        if processes.first:
            run = describe_run(chosen, crops, seed, backbone_weights, compute)
            save_weights(
                out / f"{name}.safetensors", training.net, chosen, {"run": run, "versions": versions()}
            )
        say(f"weights: {out / f'{name}.safetensors'}")
    return 0


def replay_command(file: Path) -> None:
    """Repeat a kept training step and print what it does.

    Raises:
        InputError: if the file is no kept step.
    """
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


def pack_command(name: str, root: Path, out: Path, split: str, workers: int | None) -> None:
    """Check a split of a data set, pack it in folder `out`, and say what the pack holds.

    Raises:
        InputError: as `sampling.opening.pack_set`.
    """
    packed = pack_set(name, root, out, split, workers=workers)
    made = packed.description
    gigabytes = sum(shard.bytes for shard in made.shards) / 1e9
    print_line(
        f"{out}: {made.crops:,} crops of {made.tracks:,} tracks in {len(made.shards):,} shards, {gigabytes:.3g} GB"
    )
    print_line(f"train on it with --data {name}={out}")


def benchmark_command(
    name: str,
    root: Path,
    weights: Path,
    out: Path,
    *,
    expect: str,
    hyper: str,
    device: str,
    fast: bool,
    workers: int,
    shard: str,
    allow_missing: bool = False,
) -> None:
    """Run a tracker over a benchmark, write result files in its official form, and print scores.

    Files go to `out/<tracker>/`, scores of each sequence to `out/scores.csv`, where those of the call that ends last
    stay. On a user's own folder a box that never moves runs beside the tracker. With `allow_missing` a data set may
    lack sequences, which every score says. One part of several (`shard`) is run and not scored. `hyper` is a
    benchmark or a file of `dlatrack tune`; a setting that was tuned on a test set is warned of, and marked in
    `run.json`.

    Raises:
        InputError: for an unknown benchmark, recipe, device or part, unreadable weights or data, or a used folder.
    """
    entry = benchmark(name)
    if not entry.manifest and entry.name != "folder":
        raise InputError(f"{entry.name} has no reader; results of other programs can be scored with evaluate")
    check_device(device)
    part = _part(shard)
    weights = find_weights(weights)
    _, trained = load_weights(weights, recipe(expect) if expect else None)
    hyper = hyper or (entry.name if entry.name in trained.online else "OTB100")
    is_file = hyper.endswith(".json") or Path(hyper).is_file()
    tuned = read_tuned(hyper, trained.name) if is_file else None
    settings = {"hyper": tuned.as_settings() if tuned else hyper, "fast": fast}
    make = partial(_online_tracker, weights, tuned.setting if tuned else hyper, device, fast)
    source = DataSetSource(entry.manifest or "folder", root, allow_missing=allow_missing)
    digest_of_weights = file_digest(weights)
    runs: list[tuple[str, Callable[[], Tracker], str | None, dict[str, Any]]] = [
        (trained.name, make, digest_of_weights, settings)
    ]
    if entry.name == "folder":
        runs.append(("static", StaticTracker, None, {}))
    folders = {
        tracker: run_benchmark(
            maker,
            source,
            out,
            tracker=tracker,
            weights_sha256=digest,
            settings=chosen,
            protocol="reset" if entry.resets else "one_pass",
            workers=workers,
            shard=part,
        )
        for tracker, maker, digest, chosen in runs
    }
    if tuned is not None:
        _tell(tuned, digest_of_weights)
    if part != (1, 1):
        more = " --allow-missing" if allow_missing else ""
        print_line(
            f"part {shard} is done; when all parts are: dlatrack evaluate {entry.name} --results {out}{more}"
        )
        return
    truth = read_truth(entry.name, root, allow_missing=allow_missing)
    score_command(truth, folders, out / "scores.csv", allow_missing=allow_missing)


def _tell(tuned: Tuned, weights_sha256: str) -> None:
    """Say what whoever reads the scores must know of the setting."""
    for note in tuned.notes(weights_sha256):
        print_line(f"note: {note}")
    if (mark := tuned.mark()) is not None:
        print_line(mark, style="bold red")


def _part(shard: str) -> tuple[int, int]:
    """The numbers of "k/n"."""
    k, _, n = shard.partition("/")
    if not (k.isdecimal() and n.isdecimal() and 1 <= int(k) <= int(n)):
        raise InputError(f"a shard is k/n with k from 1 to n, e.g. 3/8, got {shard!r}")
    return int(k), int(n)


def _online_tracker(weights: Path, hyper: str | OnlineConfig, device: str, fast: bool) -> OnlineTracker:
    """Made anew in each process; `hyper` is a key of `Recipe.online`, or a setting itself."""
    if isinstance(hyper, OnlineConfig):
        return network_trackers(weights, device, fast)(hyper)
    reuse_freed_memory()
    net, trained = load_weights(weights)
    return OnlineTracker(net, trained, benchmark=hyper, device=device, fast=fast)


def check_device(device: str) -> None:
    """Refuse a device that this machine lacks.

    Raises:
        InputError: naming the device and what there is.
    """
    there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if device not in (*there, "cuda" if len(there) > 1 else "cpu"):
        raise InputError(f"there is no device {device!r} here; choose from {', '.join(there)}")


def _changed(schedule: Schedule, changes: Mapping[str, int]) -> Schedule:
    """A schedule with fields changed; a warm-up longer than the run is cut."""
    epochs = changes.get("epochs", schedule.epochs)
    try:
        return replace(
            schedule, **dict[str, Any](changes), warmup_epochs=min(schedule.warmup_epochs, max(epochs - 1, 0))
        )
    except ValueError as error:
        raise InputError(str(error)) from error
