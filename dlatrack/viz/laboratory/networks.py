"""Networks whose answers the rules with predictions look at: shipped, untrained, or the snapshots of a training."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from dlatrack.assign import Prediction
from dlatrack.errors import InputError
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid
from dlatrack.models.predictions import predict
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.models.weights import load_weights, read_weights_info, shipped
from dlatrack.recipes import Recipe
from dlatrack.recipes.twins import label
from dlatrack.sampling.crops import CROP_SIZE, TEMPLATE_SIZE, crop_511
from dlatrack.training.snapshots import EPOCHS
from dlatrack.viz.laboratory.contents import Contents
from dlatrack.viz.laboratory.region import REGION_SIZE, cut_region, place_region

_FRESH = "untrained "
_KEPT_ANSWERS, _KEPT_NETWORKS = 64, 8


class Answer(NamedTuple):
    """What a network answers for one search region."""

    prediction: Prediction  #: of a batch of one
    grid: ScoreGrid  #: points of its score map
    anchor_shapes: tuple[tuple[float, float], ...]  #: its anchors at each point, (w, h) px


class Networks:
    """The networks that the laboratory offers, each by a name.

    Args:
        contents: the open sequence.
        run: folder of a training; its snapshots are offered, too.

    Raises:
        InputError: if the folder has no snapshots.
    """

    def __init__(self, contents: Contents, run: str | Path | None = None) -> None:
        self.contents, self.run = contents, run
        self.snapshots = {} if run is None else _snapshots(Path(run))
        self.answer = lru_cache(_KEPT_ANSWERS)(self._answer)
        self._network = lru_cache(_KEPT_NETWORKS)(self._load)

    def entries(self) -> list[tuple[str, str]]:
        """Name and title of every network but the snapshots."""
        recipes = {name: read_weights_info(name).recipe for name in shipped()}
        fitting = {name: recipe for name, recipe in recipes.items() if recipe.net.search_size == REGION_SIZE}
        trained = [(name, label(recipe)) for name, recipe in fitting.items()]
        fresh = [
            (f"{_FRESH}{name}", f"{recipe.title}, untrained")
            for name, recipe in fitting.items()
            if not name.startswith("dla_")  # the twin has the same network
        ]
        return trained + fresh

    def data(self) -> dict[str, Any]:
        """The networks and the epochs for the menus, and the folder of the training, which opens them again."""
        return {
            "trackers": self.entries(),
            "snapshots": [[name, name] for name in self.snapshots],
            "run": None if self.run is None else str(self.run),
        }

    def _load(self, name: str) -> tuple[SiameseNet, Recipe]:
        if name in self.snapshots:
            return load_weights(self.snapshots[name])
        if name.startswith(_FRESH):
            recipe = read_weights_info(name.removeprefix(_FRESH)).recipe
            return build_model(recipe), recipe
        if name not in shipped():
            raise InputError(f"there is no network {name!r}; choose from {', '.join(shipped())}")
        return load_weights(name)

    @torch.no_grad()
    def _answer(self, name: str, frame: int) -> Answer:
        """What a network answers for the search region of a frame, with the template of the first visible target.

        Raises:
            InputError: for an unknown network, or a frame that shows no target.
        """
        net, recipe = self._network(name)
        sequence = self.contents.sequence
        if not sequence.visible[frame]:
            raise InputError(f"frame {frame} shows no target, so that no network looks at it")
        place = place_region(sequence.boxes_xywh[frame], frame, seed=self.contents.shift)
        region = cut_region(sequence.frames[frame], place)
        first = int(np.flatnonzero(sequence.visible)[0])
        low = (CROP_SIZE - TEMPLATE_SIZE) // 2
        middle = slice(low, low + TEMPLATE_SIZE)
        template = crop_511(sequence.frames[first], sequence.boxes_xywh[first])[middle, middle]
        z, x = (
            to_network_input(
                torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float(), recipe.net.input_format
            )
            for image in (template, region)
        )
        shapes = RPN_ANCHORS if recipe.net.head == "rpn" else POINT_ANCHOR
        answered = predict(recipe.net.head, net(z, x), recipe.grid.anchors(shapes))
        return Answer(answered, recipe.grid, shapes)


def _snapshots(run: Path) -> dict[str, Path]:
    """Weight files of a run by "epoch 7"."""
    found = {
        f"epoch {int(number[1])}": file
        for file in sorted((run / EPOCHS).glob("epoch_*.safetensors"))
        if (number := re.fullmatch(r"epoch_(\d+)", file.stem))
    }
    if not found:
        raise InputError(
            f"{run} has no snapshots {EPOCHS}/epoch_*.safetensors; train with --keep to have some"
        )
    return found
