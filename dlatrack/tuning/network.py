"""A trained network as a tracker with settings of any kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dlatrack.memory import reuse_freed_memory
from dlatrack.recipes import OnlineConfig
from dlatrack.tracking.online import OnlineTracker


def network_trackers(weights: Path, device: str, fast: bool) -> Callable[[OnlineConfig], OnlineTracker]:
    """Read weights once, and return a factory of trackers that share the network, by setting.

    Args:
        weights: weight file, as in `OnlineTracker.from_weights`.
        device: the torch device of the network.
        fast: as in `OnlineTracker`.

    Raises:
        InputError: as `OnlineTracker.from_weights`.
    """
    reuse_freed_memory()
    return OnlineTracker.from_weights(weights, device=device, fast=fast).with_setting
