"""Every rule once more, for one target, in plain NumPy and in the order in which its source states it.

They are slow and independent of the batched assigners: the tests compare the two, and `dlatrack bench assign` times
both.
"""

from __future__ import annotations

from collections.abc import Callable

from dlatrack.assign.reference.base import ReferenceAssignment, ReferenceRule
from dlatrack.assign.reference.dla import ReferenceDLA

#: The plain rule behind each name of `ASSIGNERS`; fields as those of its class.
REFERENCES: dict[str, Callable[..., ReferenceRule]] = {"dla": ReferenceDLA}

__all__ = ["REFERENCES", "ReferenceAssignment", "ReferenceDLA", "ReferenceRule"]
