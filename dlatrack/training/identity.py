"""Identity of a training run: the inputs that decide its outcome, as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlatrack
from dlatrack.assign import source_digest
from dlatrack.errors import InputError
from dlatrack.files import file_digest
from dlatrack.models.backbones import starting_weights
from dlatrack.models.weights import find_weights
from dlatrack.recipes import Recipe
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.sources import CropSource
from dlatrack.training.compute import Compute


def describe_run(
    recipe: Recipe,
    crops: CropSource | Mixture,
    seed: int,
    backbone_weights: str | Path | None,
    compute: Compute | None = None,
    init: str | Path | None = None,
    teacher: str | Path | None = None,
) -> dict[str, Any]:
    """Describe the inputs that decide the outcome of a run, as plain JSON; arguments as `engine.train`."""
    start = backbone_start(recipe, backbone_weights, init)
    compute = compute or Compute()
    described = {
        "recipe": recipe.as_dict(),
        "seed": seed,
        "crops": crops.digest(),
        "data": dict(crops.origin),
        "backbone_weights": None if start is None else file_digest(start),
        "parts": compute.parts,
        "precision": compute.precision,
        "gradients": compute.gradients,
        "dlatrack": dlatrack.__version__,
    }
    if rule := source_digest(recipe.assign.name):
        described["source of the label assigner"] = rule
    if init is not None:
        described["init"] = file_digest(find_weights(init))
    if teacher is not None:
        described["teacher"] = file_digest(find_weights(teacher))
    return described | {"compile": True} if compute.compile else described


def backbone_start(
    recipe: Recipe, backbone_weights: str | Path | None, init: str | Path | None = None
) -> Path | None:
    """File of the initial weights of the backbone; None if they are random or come with `init`.

    Raises:
        InputError: if both `backbone_weights` and `init` are given, or as `starting_weights`.
    """
    if init is None:
        return starting_weights(recipe.net.backbone, backbone_weights or recipe.schedule.backbone_start)
    if backbone_weights:
        raise InputError(
            f"init {init} has weights of the whole network; backbone weights ({backbone_weights}) are for a network "
            f"that starts without"
        )
    return None
