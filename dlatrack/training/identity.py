"""Identity of a training run: the inputs that decide its outcome, as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlatrack
from dlatrack.files import file_digest
from dlatrack.models.backbones import starting_weights
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
) -> dict[str, Any]:
    """Describe the inputs that decide the outcome of a run, as plain JSON; arguments as `engine.train`."""
    start = starting_weights(recipe.net.backbone, backbone_weights or recipe.schedule.backbone_start)
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
    return described | {"compile": True} if compute.compile else described
