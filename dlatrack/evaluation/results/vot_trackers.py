"""Trackers in a folder of VOT results."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from dlatrack.errors import InputError
from dlatrack.evaluation.vot.results import VOTRun, find_vot_runs, read_vot_run
from dlatrack.files import is_companion


@dataclass(frozen=True)
class VOTTrackerFiles:
    """Result files of one tracker.

    Args:
        name: of its folder.
        folder: which holds a folder for each sequence, usually called `baseline`.
    """

    name: str
    folder: Path

    def read(self, frames: Mapping[str, int]) -> dict[str, list[VOTRun]]:
        """Repetitions by sequence.

        Args:
            frames: number of frames of each sequence.

        Raises:
            InputError: naming sequences without a result, or as `read_vot_run`.
        """
        runs = find_vot_runs(self.folder, frames)
        return {name: [read_vot_run(path, frames[name]) for path in paths] for name, paths in runs.items()}


def find_vot_trackers(folder: Path, names: Collection[str], *, label: str = "") -> list[VOTTrackerFiles]:
    """Find trackers in a folder, or the one whose folder it is.

    A tracker is a folder, or a folder with a folder `baseline`, with a file `<sequence>/<sequence>_001.txt` for at
    least one sequence.

    Args:
        folder: to look in.
        names: sequences of the benchmark.
        label: name of a tracker whose files lie in `folder` itself; default: that of the folder.

    Returns:
        Trackers, sorted by name; one that lacks sequences is among them. Trackers of one name are named by their
        path.

    Raises:
        InputError: if there is none.
    """
    known = set(names)
    places = {
        path.parent.parent
        for path in folder.rglob("*_*.txt")
        if path.parent.name in known
        and re.fullmatch(rf"{re.escape(path.parent.name)}_[0-9]+", path.stem)
        and not is_companion(path.relative_to(folder))
    }
    owners = {
        place: place.parent if place.name == "baseline" and place != folder else place for place in places
    }
    names_of = [label or own.name if own == folder else own.name for own in owners.values()]
    found = []
    for (place, own), name in zip(owners.items(), names_of, strict=True):
        repeated = names_of.count(name) > 1 and own != folder
        found.append(VOTTrackerFiles(own.relative_to(folder).as_posix() if repeated else name, place))
    if not found:
        some = next(iter(names), "NAME")
        raise InputError(
            f"{folder} has no VOT result for any sequence, such as baseline/{some}/{some}_001.txt"
        )
    return sorted(found, key=lambda tracker: (tracker.name, tracker.folder))
