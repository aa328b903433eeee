"""Trackers in a folder of VOT results."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from dlatrack.errors import InputError
from dlatrack.evaluation.vot_results import VOTRun, find_vot_runs, read_vot_run
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
        Trackers, sorted by name; one that lacks sequences is among them.

    Raises:
        InputError: if there is none, or two have the same name, with the folders to choose from.
    """
    known = set(names)
    places = {
        path.parent.parent
        for path in folder.rglob("*_*.txt")
        if path.parent.name in known
        and re.fullmatch(rf"{re.escape(path.parent.name)}_[0-9]+", path.stem)
        and not is_companion(path.relative_to(folder))
    }
    found: dict[str, VOTTrackerFiles] = {}
    for place in sorted(places):
        own = place.parent if place.name == "baseline" and place != folder else place
        name = label or own.name if own == folder else own.name
        if name in found:
            raise InputError(
                f"{folder} holds tracker {name} twice; {_way_on(folder, found[name].folder, place)}"
            )
        found[name] = VOTTrackerFiles(name, place)
    if not found:
        some = next(iter(names), "NAME")
        raise InputError(
            f"{folder} has no VOT result for any sequence, such as baseline/{some}/{some}_001.txt"
        )
    return sorted(found.values(), key=lambda tracker: tracker.name)


def _way_on(folder: Path, first: Path, second: Path) -> str:
    """What to do about two places below `folder` that hold a tracker of the same name."""
    if second.is_relative_to(first):
        return f"move {second} out of {first}"
    parts = [place.relative_to(folder).parts for place in (first, second)]
    common = next(index for index, pair in enumerate(zip(*parts, strict=False)) if pair[0] != pair[1])
    choice = " and ".join(str(folder.joinpath(*part[: common + 1])) for part in parts)
    return f"name one of {choice} as the folder of results"
