"""State of a training run between two steps, as one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
from msgspec import Meta, Struct
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.amp import GradScaler

from dlatrack.errors import InputError, counted, shortened
from dlatrack.models.checkpoint_files import read_safetensors, write_safetensors
from dlatrack.models.siamese import SiameseNet
from dlatrack.models.state_files import load_strict
from dlatrack.recipes.serialize import with_added_fields
from dlatrack.sampling.content_list import changed_parts
from dlatrack.structured.json_files import parse_json
from dlatrack.structured.typed import as_type
from dlatrack.training.ranks import Ranks

_ENTRY = "dlatrack-training"


class _Content(Struct):
    """The metadata entry of a checkpoint."""

    epoch: Annotated[int, Meta(ge=0, lt=2**31)]
    step: Annotated[int, Meta(ge=0, lt=2**53)]
    run: dict[str, Any]
    scaler: dict[str, Any] = {}


def _content(path: Path, text: str) -> _Content:
    where = f"{path} is not a training checkpoint"
    return as_type(parse_json(text, where, otherwise="whose entry is JSON"), _Content, where)


def _quoted(value: Any) -> str:
    """A value of the identity of a run, on one line and shortened."""
    return shortened(" ".join(str(value).split()))


class Position(NamedTuple):
    """Progress of a run: finished epochs, and finished steps of the epoch that follows."""

    epoch: int
    step: int


def save_checkpoint(
    path: Path,
    net: SiameseNet,
    optimizer: torch.optim.Optimizer,
    scaler: GradScaler,
    done: Position,
    run: Mapping[str, Any],
) -> None:
    """Write network, momentum, scale of the loss and position, whole or not at all.

    Args:
        path: file to write.
        net: network being trained.
        optimizer: its SGD optimiser.
        scaler: scaler of the loss; one that is not enabled leaves nothing in the file.
        done: finished epochs and steps.
        run: identity of the run (`identity.describe_run`), plain JSON; a resumed run must have the same.

    Raises:
        InputError: if the file cannot be written.
    """
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
    for name, parameter in net.named_parameters():
        buffer = optimizer.state[parameter].get("momentum_buffer") if parameter in optimizer.state else None
        if buffer is not None:
            tensors[f"momentum.{name}"] = buffer
    content: dict[str, Any] = {**done._asdict(), "run": dict(run)}
    if scaler.is_enabled():
        content["scaler"] = scaler.state_dict()
    write_safetensors(path, tensors, {_ENTRY: json.dumps(content, sort_keys=True)})


def epochs_done(path: Path) -> int:
    """Number of finished epochs of a checkpoint; 0 if the file is absent or unreadable."""
    return _epochs(path).done


def scheduled_epochs(path: Path, recipe: str, wanted: int) -> int:
    """Number of epochs of the schedule with which a folder's run is resumed or continued.

    A finished run that is given more epochs keeps the schedule that it began with, see `engine.train`.

    Args:
        path: checkpoint of the folder; it may be absent.
        recipe: name of the recipe that is to be trained.
        wanted: number of epochs that the run shall have in all; 0: as many as its schedule has.

    Returns:
        `wanted`, or for a finished run of this recipe with a shorter schedule the number of epochs of that.

    Raises:
        InputError: if the run has begun or declared more epochs than `wanted`, or has declared fewer and not finished
            them.
    """
    run = _epochs(path)
    if not wanted or run.recipe != recipe:
        return wanted
    if wanted < max(run.begun, run.declared):
        raise InputError(
            f"the run in {path.parent} has a schedule of {counted(run.declared, 'epoch')} and has begun {run.begun}; "
            f"{wanted} would be fewer; choose another folder"
        )
    if wanted > run.declared > run.done:
        raise InputError(
            f"the run in {path.parent} is not finished: {run.done} of {counted(run.declared, 'epoch')} are done; "
            f"finish it with --epochs {run.declared} before it is given {wanted}"
        )
    return run.declared


class _Epochs(NamedTuple):
    """Numbers of epochs of a run, as its checkpoint has them."""

    done: int = 0  #: finished
    begun: int = 0  #: finished, and the one that was interrupted
    declared: int = 0  #: of the schedule
    recipe: str = ""  #: name of the recipe


def _epochs(path: Path) -> _Epochs:
    """Epochs of a checkpoint; zeros if the file is absent or unreadable."""
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {})[_ENTRY]
        content = _content(path, text)
        recipe = content.run["recipe"]
        declared, name = int(recipe["schedule"]["epochs"]), str(recipe["name"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, OverflowError):
        return _Epochs()
    return _Epochs(content.epoch, content.epoch + bool(content.step), declared, name)


def load_checkpoint(
    path: Path,
    net: SiameseNet,
    scaler: GradScaler,
    run: Mapping[str, Any],
    data: Callable[[], Mapping[str, str]] = dict,
) -> tuple[Position, dict[str, torch.Tensor]]:
    """Fill a network and the scaler of its loss from a checkpoint.

    Args:
        path: file written by `save_checkpoint`.
        net: network to fill.
        scaler: scaler of the loss to fill.
        run: identity of this run (`identity.describe_run`).
        data: function that returns hashes of the parts of the data (`CropSource.content`); called if the data differ.

    Returns:
        Finished epochs and steps, and the momentum by parameter name.

    Raises:
        InputError: if the file is missing, truncated, no checkpoint, or of another run; the message names the first
            difference.
    """
    tensors, metadata = read_safetensors(path)
    if _ENTRY not in metadata:
        raise InputError(f"{path} is not a training checkpoint")
    content = _content(path, metadata[_ENTRY])
    done, saved = Position(content.epoch, content.step), content.run
    saved["recipe"] = with_added_fields(saved.get("recipe"))
    current = json.loads(json.dumps(dict(run)))
    current["recipe"] = with_added_fields(current.get("recipe"))
    difference = first_difference(saved, current)
    if difference is not None:
        name, theirs, ours = difference
        if name == "crops":
            changed = changed_parts(path.parent, data())
            raise InputError(
                f"{path} belongs to another run: the images, boxes or shares of the training data are others"
                f"{f', the first change: {changed[0]}' if changed else ''}; choose another folder"
            )
        raise InputError(
            f"{path} belongs to another run: {name} is {_quoted(theirs)} there and {_quoted(ours)} here; choose "
            f"another folder"
        )
    parts: dict[str, dict[str, torch.Tensor]] = {"net": {}, "momentum": {}}
    for name, value in tensors.items():
        part, _, key = name.partition(".")
        if part not in parts:
            raise InputError(f"{path} is not a training checkpoint: it holds {name}")
        parts[part][key] = value
    load_strict(net, parts["net"], str(path))
    try:
        scaler.load_state_dict(content.scaler)
    except (RuntimeError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a training checkpoint: it lacks the scale of the loss") from error
    return done, parts["momentum"]


def restore_momentum(
    net: nn.Module, optimizer: torch.optim.Optimizer, momentum: Mapping[str, torch.Tensor]
) -> None:
    """Fill an optimiser with the momentum of a checkpoint."""
    for name, parameter in net.named_parameters():
        if name in momentum:
            optimizer.state[parameter]["momentum_buffer"] = momentum[name].to(parameter.device).clone()


def first_difference(theirs: Any, ours: Any, name: str = "run") -> tuple[str, Any, Any] | None:
    """The first place in which two trees of plain JSON differ: its dotted name and both values."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            found = first_difference(theirs.get(key), ours.get(key), f"{name}.{key}")
            if found is not None:
                return found
        return None
    return None if theirs == ours else (name.removeprefix("run."), theirs, ours)


def check_same_position(done: Position, folder: Path, ranks: Ranks) -> None:
    """Raise if processes would resume from different checkpoints, as on machines without a shared disk.

    Args:
        done: progress of the checkpoint that this process reads.
        folder: folder of the run.
        ranks: processes of the run.

    Raises:
        InputError: in every process, naming the first one that differs.
    """
    places = ranks.gather((done.epoch, done.step))
    for rank, (epoch, step) in enumerate(places):
        if (epoch, step) != places[0]:
            raise InputError(
                f"{folder}: rank 0 resumes from epoch {places[0][0]}, step {places[0][1]}, but rank {rank} from "
                f"epoch {epoch}, step {step}; all processes must see the same folder"
            )
