"""A trained network as a tracker with settings of any kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dlatrack.memory import reuse_freed_memory
from dlatrack.models.inference.deploy import deploy
from dlatrack.models.weights import load_weights
from dlatrack.recipes import OnlineConfig
from dlatrack.tracking.online import OnlineTracker


def network_trackers(weights: Path, device: str, fast: bool) -> Callable[[OnlineConfig], OnlineTracker]:
    """Read weights and make them ready once; gives what makes a tracker of a setting, all with the same network.

    Args:
        weights: a file of `models.weights.save_weights`.
        device: where the network runs.
        fast: as in `OnlineTracker`.

    Raises:
        InputError: as `load_weights`.
    """
    reuse_freed_memory()
    net, trained = load_weights(weights)
    ready = deploy(net, device, fast=fast)
    return lambda setting: OnlineTracker(
        ready, replace(trained, online={"tuned": setting}), benchmark="tuned", device=device
    )
