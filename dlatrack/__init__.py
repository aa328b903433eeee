"""SiamDLA: dynamic label assignment for Siamese visual tracking, as a library and a paper companion.

The names below are stable. They load on first use, so that `import dlatrack` is quick.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "ScoreGrid": "dlatrack.grid",
    "InputError": "dlatrack.errors",
    "Sequence": "dlatrack.datasets.sequence",
    "OnlineTracker": "dlatrack.tracking.online",
    "build_assigner": "dlatrack.assign",
    "build_model": "dlatrack.models.siamese",
    "evaluate": "dlatrack.evaluation.ope",
    "load_official": "dlatrack.models.official",
    "load_weights": "dlatrack.models.weights",
    "recipe": "dlatrack.recipes",
    "save_weights": "dlatrack.models.weights",
}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'dlatrack' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
