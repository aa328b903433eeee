"""SiamDLA: dynamic label assignment for Siamese visual tracking, as a library and a paper companion.

The names below are stable. They load on first use, so that `import dlatrack` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers and editors see of the names below
    from dlatrack.assign import build_assigner as build_assigner
    from dlatrack.assign import register_assigner as register_assigner
    from dlatrack.datasets.sequence import Sequence as Sequence
    from dlatrack.errors import InputError as InputError
    from dlatrack.evaluation.ope import evaluate as evaluate
    from dlatrack.grid import ScoreGrid as ScoreGrid
    from dlatrack.models.official import load_official as load_official
    from dlatrack.models.siamese import build_model as build_model
    from dlatrack.models.weights import load_weights as load_weights
    from dlatrack.models.weights import save_weights as save_weights
    from dlatrack.recipes import recipe as recipe
    from dlatrack.tracking.online import OnlineTracker as OnlineTracker
    from dlatrack.version import __version__ as __version__

_HOME = {
    "__version__": "dlatrack.version",
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
    "register_assigner": "dlatrack.assign",
    "save_weights": "dlatrack.models.weights",
}

__all__ = [*sorted(_HOME)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'dlatrack' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
