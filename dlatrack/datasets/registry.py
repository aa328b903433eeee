"""Data sets by name. A manifest, a reader module and a module in `mini` add one; no list needs to be changed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from dlatrack.datasets.faults import Fault, Report, stop_at_first
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.manifests import manifest
from dlatrack.errors import InputError


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


def read_benchmark(
    name: str, root: str | Path, split: str = "test", *, allow_missing: bool = False
) -> TrackTable:
    """Index a split that trackers are scored on.

    Args:
        name: as in `read`.
        root: as in `read`.
        split: as in `read`.
        allow_missing: whether to index the other sequences, if some are missing as a whole.

    Raises:
        InputError: as `read`; with the number of sequences found, if some are missing.
    """
    missing: dict[str, Fault] = {}

    def report(fault: Fault) -> None:
        if not fault.sequence:
            stop_at_first(fault)
        missing.setdefault(fault.sequence, fault)

    table = read(name, root, split, report=report)
    found = len(table.names)
    if missing and not (allow_missing and found):
        first = next(iter(missing.values()))
        advice = ": --allow-missing of evaluate and benchmark takes those" if found else ""
        raise InputError(f"{first}; {root} holds {found} of {found + len(missing)} sequences{advice}")
    return table
