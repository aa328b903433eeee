"""Training steps that failed, saved whole so that they can be repeated and examined."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from msgspec import Meta, Struct
from torch import Tensor

from dlatrack.assign import Prediction, assigner_of
from dlatrack.errors import InputError
from dlatrack.models.checkpoint_files import read_safetensors, write_safetensors
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.recipes.serialize import recipe_from_dict
from dlatrack.sampling.pairs import PairBatch
from dlatrack.structured.json_files import parse_json
from dlatrack.structured.typed import as_type
from dlatrack.training.compute import Precision
from dlatrack.training.step import forward_loss, trunk_dtype
from dlatrack.training.teacher import KeptAnswers

_ENTRY = "dlatrack-failed-step"


class _Run(Struct):
    """What the repetition needs of the identity of a run."""

    recipe: dict[str, Any]
    precision: Precision = "float32"


class _Content(Struct):
    """The metadata entry of a kept step."""

    run: _Run
    backbone_trains: bool
    message: str
    epoch: Annotated[int, Meta(ge=0)]
    step: Annotated[int, Meta(ge=0)]
    scale: Annotated[float, Meta(gt=0, le=2**128)] = 1.0


@dataclass(frozen=True)
class Replay:
    """Losses and gradients of a failed step when it is repeated."""

    epoch: int  #: epoch of the step, from 0
    step: int  #: number of the step in the whole run, from 0
    message: str  #: why training stopped
    losses: dict[str, float]  #: the total and its terms
    gradient_norms: dict[str, float]  #: L2 norms by part of the network: backbone, neck and head
    #: names of weights, inputs, losses and gradients with a value that is not finite
    not_finite: tuple[str, ...]
    positives: tuple[int, ...]  #: number of positives of each pair
    keys: tuple[int, ...]  #: keys of the pairs, with which their labels were drawn


def save_step(
    path: str | Path,
    net: SiameseNet,
    batch: PairBatch,
    run: Mapping[str, Any],
    *,
    epoch: int,
    step: int,
    backbone_trains: bool,
    message: str,
    scale: float = 1.0,
    taught: Prediction | None = None,
) -> None:
    """Save a step: the weights before it, its batch, the scale of its loss, and the identity of the run.

    What a teacher answered for the batch is saved too, so that the step can be repeated without its weights.

    Raises:
        InputError: if the file cannot be written.
    """
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
    tensors |= {f"batch.{name}": value for name, value in batch._asdict().items()}
    if taught is not None:
        tensors |= {f"taught.{name}": value for name, value in vars(taught).items()}
    content = {
        "epoch": epoch,
        "step": step,
        "backbone_trains": backbone_trains,
        "message": message,
        "scale": scale,
        "run": run,
    }
    write_safetensors(path, tensors, {_ENTRY: json.dumps(content, sort_keys=True)})


def replay(path: str | Path) -> Replay:
    """Repeat a saved step on the CPU, in the precision of its run; the file is only read.

    The batch is computed in one part, and nothing is compiled. Gradients are those of the scaled loss, their norms
    are without the scale.

    Raises:
        InputError: if the file is missing, cut short or of another kind.
    """
    tensors, metadata = read_safetensors(path)
    where = f"{path} is not a kept training step"
    if _ENTRY not in metadata:
        raise InputError(where)
    content = as_type(parse_json(metadata[_ENTRY], where, otherwise="whose entry is JSON"), _Content, where)
    recipe = recipe_from_dict(content.run.recipe, str(path))
    try:
        batch = PairBatch(**_below(tensors, "batch."))
        answers = _below(tensors, "taught.")
        taught = KeptAnswers(Prediction(**answers)) if answers else None
        net = build_model(recipe)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {error}") from error
    precision, scale = content.run.precision, content.scale
    try:
        # Not `load_strict`, which refuses what is looked for here: weights that are not finite. The failed step has
        # also left such running means, which take no part in training.
        net.load_state_dict(_below(tensors, "net."))
    except RuntimeError as error:
        raise InputError(f"{path} does not hold the weights of {recipe.name}: {error}") from error
    net.train_mode(
        content.backbone_trains,
        trunk_dtype(precision),
        frozen_batch_norm=recipe.schedule.frozen_batch_norm,
    )
    assigner = assigner_of(recipe)
    terms, assignment = forward_loss(net, batch, assigner, recipe, precision=precision, teacher=taught)
    (terms.total * scale).backward()
    gradients = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
    watched = {f"input {name}": value for name, value in batch._asdict().items()}
    watched |= {f"weights {name}": value for name, value in net.named_parameters()}
    watched |= {f"loss {name}": value for name, value in vars(terms).items()}
    watched |= {f"gradient of {name}": value for name, value in gradients.items()}
    norms: dict[str, float] = {}
    for part, _ in net.named_children():
        own = [g.flatten() for name, g in gradients.items() if name.startswith(f"{part}.")]
        norms[part] = float(torch.cat(own).norm()) / scale if own else 0.0
    return Replay(
        epoch=content.epoch,
        step=content.step,
        message=content.message,
        losses={name: float(value.detach()) for name, value in vars(terms).items()},
        gradient_norms=norms,
        not_finite=tuple(name for name, value in watched.items() if not torch.isfinite(value).all()),
        positives=tuple(assignment.positive.sum(1).tolist()),
        keys=tuple(batch.key.tolist()),
    )


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Tensors whose names begin with a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
