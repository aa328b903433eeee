"""Other trackers beside the one that `dlatrack bench track` measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
import torch
from torch import nn

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.models.inference.deploy import deploy
from dlatrack.models.siamese import build_model
from dlatrack.recipes import RECIPES, Recipe, recipe
from dlatrack.tracking.online import Network, OnlineTracker
from dlatrack.tracking.run import Tracker


def updates_beside(
    names: str, others: Mapping[str, Tracker], video: Sequence
) -> dict[str, Callable[[int], object]]:
    """Operations to be timed: whole updates of other trackers, and the network steps of those that are recipes.

    Args:
        names: comma-separated recipes, which get random weights; "": none.
        others: trackers of other libraries by name.
        video: frames and the first box; operation i updates on frame i + 1.

    Raises:
        InputError: for an unknown recipe.
    """
    operations: dict[str, Callable[[int], object]] = {}
    trackers = dict(others)
    for name in filter(None, map(str.strip, names.split(","))):
        if name not in RECIPES:
            raise InputError(f"beside: there is no recipe {name!r}; choose from {', '.join(sorted(RECIPES))}")
        chosen = recipe(name)
        net = build_model(chosen)
        trackers[name] = OnlineTracker(net, chosen)
        operations[f"{name}: network step"] = network_step(net, chosen)
    for name, tracker in trackers.items():
        tracker.init(video.frames[0], video.boxes_xywh[0])
        operations[f"{name}: update"] = _update(tracker, video)
    return operations


def network_step(net: nn.Module, chosen: Recipe, *, fast: bool = False) -> Callable[[int], object]:
    """The search of one region of noise, as in tracking on a CPU.

    Args:
        net: network, left as it is; or exported graphs.
        chosen: recipe of `net`.
        fast: as in `OnlineTracker`.
    """
    ready = cast("Network", deploy(net, "cpu", fast=fast))
    generator = torch.Generator().manual_seed(0)
    z, x = (
        255
        * torch.rand(1, size, size, 3, generator=generator).permute(0, 3, 1, 2)  # channels last, as crops are
        for size in (chosen.net.template_size, chosen.net.online_search_size)
    )
    with torch.inference_mode():
        features = ready.template(z)
    return torch.inference_mode()(lambda _: ready.search(x, features))


def _update(tracker: Tracker, video: Sequence) -> Callable[[int], object]:
    frames: list[np.ndarray] = [video.frames[index] for index in range(1, len(video))]
    return lambda turn: tracker.update(frames[turn])
