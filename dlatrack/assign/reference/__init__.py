"""Every rule once more, for one target, in plain NumPy and in the order in which its source states it.

They are slow and independent of the batched assigners: the tests compare the two, and `dlatrack bench assign` times
both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from dlatrack.assign.reference.atss import ReferenceAtss
from dlatrack.assign.reference.autoassign import ReferenceAutoAssign
from dlatrack.assign.reference.base import ReferenceAssignment, ReferenceRule
from dlatrack.assign.reference.dla import ReferenceDLA
from dlatrack.assign.reference.fixed import (
    ReferenceCircle,
    ReferenceEllipse,
    ReferenceInside,
    ReferenceIoU,
    ReferenceRectangle,
)
from dlatrack.assign.reference.ota import ReferenceOta
from dlatrack.assign.reference.paa import ReferencePaa
from dlatrack.assign.reference.simota import ReferenceSimOta
from dlatrack.assign.reference.tal import ReferenceTal
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS

#: The plain rule behind each name of `ASSIGNERS`; fields as those of its class.
REFERENCES: dict[str, Callable[..., ReferenceRule]] = {
    "dla": ReferenceDLA,
    "dla_anchors": partial(ReferenceDLA, anchor_shapes=RPN_ANCHORS),
    "dla_points": partial(ReferenceDLA, anchor_shapes=POINT_ANCHOR),
    "circle": ReferenceCircle,
    "iou": ReferenceIoU,
    "rectangle": ReferenceRectangle,
    "ellipse": ReferenceEllipse,
    "inside": ReferenceInside,
    "atss": ReferenceAtss,
    "simota": ReferenceSimOta,
    "ota": ReferenceOta,
    "paa": ReferencePaa,
    "tal": ReferenceTal,
    "autoassign": ReferenceAutoAssign,
}

__all__ = [
    "REFERENCES",
    "ReferenceAssignment",
    "ReferenceAtss",
    "ReferenceAutoAssign",
    "ReferenceCircle",
    "ReferenceDLA",
    "ReferenceEllipse",
    "ReferenceInside",
    "ReferenceIoU",
    "ReferenceOta",
    "ReferencePaa",
    "ReferenceRectangle",
    "ReferenceRule",
    "ReferenceSimOta",
    "ReferenceTal",
]
