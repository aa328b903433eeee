"""Which samples are positive? Dynamic label assignment and the fixed rules it is compared with."""

from __future__ import annotations

from dlatrack.assign.atss import AtssAssigner
from dlatrack.assign.autoassign import AutoAssigner
from dlatrack.assign.base import IGNORE, NEGATIVE, POSITIVE, Assignment, LabelAssigner, Prediction
from dlatrack.assign.circle import CircleAssigner
from dlatrack.assign.dla import DynamicLabelAssigner
from dlatrack.assign.ellipse import EllipseAssigner
from dlatrack.assign.inside import InsideAssigner
from dlatrack.assign.iou import IoUAssigner
from dlatrack.assign.options import Option
from dlatrack.assign.ota import OtaAssigner
from dlatrack.assign.paa import PaaAssigner
from dlatrack.assign.rectangle import RectangleAssigner
from dlatrack.assign.registry import (
    ASSIGNERS,
    assigner_of,
    build_assigner,
    looks_at_predictions,
    options_in_text,
    options_of,
    register_assigner,
    source_digest,
    summary_of,
    with_rule,
)
from dlatrack.assign.simota import SimOtaAssigner
from dlatrack.assign.tal import TalAssigner

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
    "Option",
    "OtaAssigner",
    "PaaAssigner",
    "Prediction",
    "RectangleAssigner",
    "SimOtaAssigner",
    "TalAssigner",
    "assigner_of",
    "build_assigner",
    "looks_at_predictions",
    "options_in_text",
    "options_of",
    "register_assigner",
    "source_digest",
    "summary_of",
    "with_rule",
]
