"""Data sets by name. A manifest, a reader module and a module in `mini` add one; there is no list to keep."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.manifests import manifest
from dlatrack.datasets.tracks import TrackTable


def read(name: str, root: str | Path, split: str, *, report: Report = stop_at_first) -> TrackTable:
    """Index a split of a data set.

    Args:
        name: e.g. "otb100"; `manifests.names()` lists them.
        root: its root folder, or the one above.
        split: one of the manifest's.
        report: called with each fault; by default the first one is raised.

    Raises:
        InputError: for an unknown name or split, or a root that does not hold the data set; and as `report`.
    """
    known = manifest(name)
    known.split(split)
    module = import_module(f"dlatrack.datasets.{known.reader}")
    table: TrackTable = module.read(root, split, report=report)
    return table
