"""Trackers in a folder of results of one-pass evaluation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlatrack.datasets.box_text import MOST_OF_RESULT
from dlatrack.errors import InputError
from dlatrack.evaluation.results.matlab import read_mat
from dlatrack.evaluation.results.names import match_files, require_all, spells_one
from dlatrack.evaluation.results.text import read_result_rows
from dlatrack.files import is_companion

#: Ends of the names of text files beside results: times of pytracking, GOT-10k and VOT, confidences of trackers.
_BESIDE = re.compile(r"_(time|times|confidence|object_presence_scores)$")

_REPETITION = re.compile(r"_[0-9]{3}$")


@dataclass(frozen=True)
class TrackerFiles:
    """Result files of one tracker."""

    name: str  #: name of the folder that holds them, or of the tracker in the names of .mat files
    folder: Path  #: folder of the files
    files: dict[str, Path]  #: file of each sequence

    def read(self, names: Collection[str]) -> dict[str, np.ndarray]:
        """(R, 4) rows of each sequence, coordinates as in the files.

        Raises:
            InputError: naming sequences without a file, or as `read_result_rows` and `read_mat`.
        """
        require_all(self.folder, self.files, names)
        return {name: _read(self.files[name]) for name in names}


def _read(path: Path) -> np.ndarray:
    return read_mat(path) if path.suffix.lower() == ".mat" else read_result_rows(path, most=MOST_OF_RESULT)


def find_trackers(folder: Path, names: Collection[str], *, label: str = "") -> list[TrackerFiles]:
    """Find trackers in a folder, or the one whose folder it is.

    A tracker is a folder with a text file for at least one sequence: that of pysot, pytracking, LaSOT and got10k, at
    any depth; GOT-10k's folders `<sequence>/<sequence>_001.txt`, of which the first repetition counts; or files
    `<sequence>_<tracker>.mat` of the OTB benchmark.

    A file like `half_time.txt` holds boxes if the benchmark has a sequence `half_time`, and times if it has `half`
    alone. Hidden companions (`__MACOSX/`, `._half.txt`) are left out.

    Args:
        folder: folder to search.
        names: sequences of the benchmark.
        label: name of a tracker whose files lie in `folder` itself; default: that of the folder.

    Returns:
        Trackers, sorted by name, also those that lack sequences.

    Raises:
        InputError: if there is none, or several files fit a sequence equally well.
    """
    groups: dict[Path, list[Path]] = {}
    mats: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        kind = {".txt": groups, ".mat": mats}.get(path.suffix.lower())
        if kind is not None and not is_companion(path.relative_to(folder)):
            kind.setdefault(path.parent, []).append(path)
    found = [
        TrackerFiles(_name(place, folder, label), place, files)
        for place, paths in groups.items()
        if (files := _box_files(paths, names))
    ]
    found += _repeated(groups, names, folder, label)
    for place, paths in mats.items():
        found += _of_mats(place, paths, names)
    if not found:
        some = next(iter(names), "NAME")
        raise InputError(f"{folder} has no result file for any sequence, such as {some}.txt")
    return _by_path(found, folder)


def _box_files(paths: list[Path], names: Collection[str]) -> dict[str, Path]:
    """The files of a folder that hold boxes, by sequence.

    `half_time.txt` is the side file of a sequence `half`, unless a sequence is called exactly `half_time`. If there
    are both, a folder in which only such files fit holds times, unless there are boxes in them.
    """
    beside = {path: _BESIDE.sub("", path.stem) for path in paths if _BESIDE.search(path.stem)}
    belongs = spells_one(names)
    doubtful = {path for path, stem in beside.items() if belongs(stem)}
    found = match_files([path for path in paths if path not in doubtful or path.stem in names], names)
    if doubtful.issuperset(found.values()):
        return {name: path for name, path in found.items() if _holds_boxes(path)}
    return found


def _holds_boxes(path: Path) -> bool:
    try:
        return len(read_result_rows(path)) > 0
    except InputError:
        return False


def _name(place: Path, folder: Path, label: str) -> str:
    name = label or place.name if place == folder else place.name
    return name.removesuffix("_tracking_result")  # as LaSOT's toolkit calls its folders


def _repeated(
    groups: dict[Path, list[Path]], names: Collection[str], folder: Path, label: str
) -> list[TrackerFiles]:
    """Trackers in the form of GOT-10k: a folder per sequence."""
    per_tracker: dict[Path, list[Path]] = {}
    for place, paths in groups.items():
        first = next((p for p in paths if p.stem == f"{place.name}_001"), None)
        if first is not None and place != folder:
            per_tracker.setdefault(place.parent, []).append(first)
    return [
        TrackerFiles(_name(place, folder, label), place, files)
        for place, paths in per_tracker.items()
        if (files := match_files(paths, names, lambda path: _REPETITION.sub("", path.stem)))
    ]


def _of_mats(place: Path, paths: list[Path], names: Collection[str]) -> list[TrackerFiles]:
    """Trackers of a folder of .mat files; a name without a tracker belongs to the folder's."""
    parts = {path: _split(path.stem, names) for path in paths}
    found = []
    for tracker in sorted({tracker for _, tracker in parts.values()}):
        own = [path for path in paths if parts[path][1] == tracker]
        files = match_files(own, names, lambda path: parts[path][0])
        if files:
            found.append(TrackerFiles(tracker or place.name, place, files))
    return found


def _split(stem: str, names: Collection[str]) -> tuple[str, str]:
    """Sequence and tracker in `<sequence>_<tracker>`; sequences may have a `_` in their names, too."""
    folded = {name.casefold() for name in names}
    cuts = [place for place, letter in enumerate(stem) if letter == "_"]
    for cut in reversed(cuts):
        if stem[:cut].casefold() in folded:
            return stem[:cut], stem[cut + 1 :]
    return stem, ""


def _by_path(found: list[TrackerFiles], folder: Path) -> list[TrackerFiles]:
    """Trackers of one name are named by their path."""
    count = Counter(tracker.name for tracker in found)
    named = [
        tracker if count[tracker.name] == 1 else replace(tracker, name=_path_name(tracker, folder))
        for tracker in found
    ]
    return sorted(named, key=lambda tracker: tracker.name)


def _path_name(tracker: TrackerFiles, folder: Path) -> str:
    """The name of a tracker with the folders in front that lead to it; .mat files of several share a folder."""
    own_folder = next(iter(tracker.files.values())).suffix.lower() == ".txt"
    home = tracker.folder.parent if own_folder else tracker.folder
    return (home.relative_to(folder) / tracker.name).as_posix() if tracker.folder != folder else tracker.name
