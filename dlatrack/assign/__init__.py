"""Which samples are positive? Dynamic label assignment and the fixed rules it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from dlatrack.assign.atss import AtssAssigner
from dlatrack.assign.autoassign import AutoAssigner
from dlatrack.assign.base import IGNORE, NEGATIVE, POSITIVE, Assignment, LabelAssigner, Prediction
from dlatrack.assign.circle import CircleAssigner
from dlatrack.assign.dla import DynamicLabelAssigner
from dlatrack.assign.ellipse import EllipseAssigner
from dlatrack.assign.inside import InsideAssigner
from dlatrack.assign.iou import IoUAssigner
from dlatrack.assign.ota import OtaAssigner
from dlatrack.assign.paa import PaaAssigner
from dlatrack.assign.rectangle import RectangleAssigner
from dlatrack.assign.simota import SimOtaAssigner
from dlatrack.assign.tal import TalAssigner
from dlatrack.devices import warm_up_vector_math
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid

#: Every rule by name; "dla" takes `anchor_shapes`, the other two DLA names have them set.
ASSIGNERS: dict[str, Callable[..., LabelAssigner]] = {
    "dla": DynamicLabelAssigner,
    "dla_anchors": partial(DynamicLabelAssigner, anchor_shapes=RPN_ANCHORS),
    "dla_points": partial(DynamicLabelAssigner, anchor_shapes=POINT_ANCHOR),
    "circle": CircleAssigner,
    "iou": IoUAssigner,
    "rectangle": RectangleAssigner,
    "ellipse": EllipseAssigner,
    "inside": InsideAssigner,
    "atss": AtssAssigner,
    "simota": SimOtaAssigner,
    "ota": OtaAssigner,
    "paa": PaaAssigner,
    "tal": TalAssigner,
    "autoassign": AutoAssigner,
}

_OURS = frozenset(ASSIGNERS)


def register_assigner(name: str, make: Callable[..., LabelAssigner]) -> None:
    """Register a rule by name for `build_assigner`, recipes and the explorer of notebook 01.

    Args:
        name: name of the rule in recipes; one registered before may be replaced, as when a notebook cell runs again.
        make: function of a `ScoreGrid` and the options as keywords; usually a frozen dataclass, whose fields are the
            options.

    Raises:
        ValueError: if a rule of dlatrack has this name.
    """
    if name in _OURS:
        raise ValueError(f"{name!r} is a label assigner of dlatrack; give yours another name")
    ASSIGNERS[name] = make


def build_assigner(name: str, grid: ScoreGrid, **options: Any) -> LabelAssigner:
    """Make a label assigner by name.

    Args:
        name: a key of `ASSIGNERS`.
        grid: points of the score map.
        options: options of the rule, the fields of its class.

    Raises:
        ValueError: if the name or an option is unknown, or a value is out of range.
    """
    if name not in ASSIGNERS:
        raise ValueError(f"there is no label assigner {name!r}; choose from {', '.join(ASSIGNERS)}")
    warm_up_vector_math()
    try:
        return ASSIGNERS[name](grid, **options)
    except TypeError as error:
        raise ValueError(f"label assigner {name}: {error}") from error


__all__ = [
    "ASSIGNERS",
    "IGNORE",
    "NEGATIVE",
    "POSITIVE",
    "Assignment",
    "AtssAssigner",
    "AutoAssigner",
    "CircleAssigner",
    "DynamicLabelAssigner",
    "EllipseAssigner",
    "InsideAssigner",
    "IoUAssigner",
    "LabelAssigner",
    "OtaAssigner",
    "PaaAssigner",
    "Prediction",
    "RectangleAssigner",
    "SimOtaAssigner",
    "TalAssigner",
    "build_assigner",
    "register_assigner",
]
