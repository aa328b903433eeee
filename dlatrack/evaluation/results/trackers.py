"""Trackers in a folder of results of one-pass evaluation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.datasets.box_text import MOST_OF_RESULT
from dlatrack.errors import InputError, listed, shortened
from dlatrack.evaluation.results.matlab import read_mat
from dlatrack.evaluation.results.names import match_files, require_all, spells_one
from dlatrack.evaluation.results.text import read_result_rows
from dlatrack.files import is_companion
from dlatrack.structured.json_files import read_json_object

#: Ends of the names of text files beside results: times of pytracking, GOT-10k and VOT, confidences of trackers.
_BESIDE = re.compile(r"_(time|times|confidence|object_presence_scores)$")

_REPETITION = re.compile(r"_[0-9]{3}$")

#: The largest number of runs that three digits can count.
_MOST_RUNS = 999


@dataclass(frozen=True)
class TrackerFiles:
    """Result files of one tracker."""

    name: str  #: name of the folder that holds them, or of the tracker in the names of .mat files
    folder: Path  #: folder of the files
    files: dict[str, Path]  #: file of each sequence; of several runs, that of the first
    #: files `<sequence>_001.txt` of runs, by sequence and number; empty: one plain run
    runs: Mapping[str, Mapping[int, Path]] = field(default_factory=dict)
    uneven: bool = False  #: whether sequences may have different runs, as in got10k's toolkit
    recorded_runs: int = 0  #: number of runs of every sequence that `run.json` records; 0: no such record

    def read(self, names: Collection[str]) -> dict[str, Any]:
        """(R, 4) rows of each sequence, or a list with those of each run; coordinates as in the files.

        Raises:
            InputError: naming sequences without a file, one that lacks runs that `run.json` records, or one with
                other runs than the first one; or as `read_result_rows` and `read_mat`.
        """
        require_all(self.folder, self.files, names)
        if not self.runs:
            return {name: _read(self.files[name]) for name in names}
        runs = {name: self.runs[name] for name in names}
        first, numbers = next((name, sorted(files)) for name, files in runs.items())
        for name, files in runs.items():
            if missing := set(range(1, self.recorded_runs + 1)) - files.keys():
                raise InputError(
                    f"{self.folder}: sequence {name} lacks {_listed_runs(missing)}, but run.json records runs 001 to "
                    f"{self.recorded_runs:03d}; run the benchmark to its end"
                )
            if sorted(files) != numbers and not self.uneven:
                raise InputError(
                    f"{self.folder}: sequence {name} has {_listed_runs(files)}, but {first} has "
                    f"{_listed_runs(numbers)}; every sequence needs the same runs"
                )
        return {name: [_read(files[number]) for number in sorted(files)] for name, files in runs.items()}


def _listed_runs(numbers: Iterable[int]) -> str:
    found = [f"{number:03d}" for number in sorted(numbers)]
    return f"run{'s' if len(found) > 1 else ''} {listed(found, 12)}"


def _read(path: Path) -> np.ndarray:
    return read_mat(path) if path.suffix.lower() == ".mat" else read_result_rows(path, most=MOST_OF_RESULT)


def find_trackers(
    folder: Path, names: Collection[str], *, label: str = "", repetitions: bool = False
) -> list[TrackerFiles]:
    """Find trackers in a folder, or the one whose folder it is.

    A tracker is a folder with a text file for at least one sequence: that of pysot, pytracking, LaSOT and got10k, at
    any depth; GOT-10k's folders `<sequence>/<sequence>_001.txt`, of which the first repetition counts; or files
    `<sequence>_<tracker>.mat` of the OTB benchmark. Files `<sequence>_001.txt`, `<sequence>_002.txt` and so on beside
    each other are runs of one tracker from perturbed first boxes, all of which count. A sequence may itself be called
    `x_001`: whether `x_001.txt` is its result or a run of `x` is what `run.json` of `dlatrack benchmark` says, or
    without one the reading by which more files of the folder have a meaning; if both fit as many, its own result.

    A file like `half_time.txt` holds boxes if the benchmark has a sequence `half_time`, and times if it has `half`
    alone. Hidden companions (`__MACOSX/`, `._half.txt`) are left out.

    Args:
        folder: folder to search.
        names: sequences of the benchmark.
        label: name of a tracker whose files lie in `folder` itself; default: that of the folder.
        repetitions: whether all repetitions in GOT-10k's folders count as runs.

    Returns:
        Trackers, sorted by name, also those that lack sequences.

    Raises:
        InputError: if there is none, several files fit a sequence equally well, a folder has both a plain result
            and runs of a sequence, or its `run.json` has a perturbation without a number of runs.
    """
    groups: dict[Path, list[Path]] = {}
    mats: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        kind = {".txt": groups, ".mat": mats}.get(path.suffix.lower())
        if kind is not None and not is_companion(path.relative_to(folder)):
            kind.setdefault(path.parent, []).append(path)
    found = []
    for place, paths in groups.items():
        files, runs = _box_files(paths, names), _run_files(paths, names)
        if place != folder and _own_repetitions(place, paths):
            runs = {}  # the folder of a sequence in GOT-10k's form, see `_repeated`
        recorded = _recorded_runs(place)
        if _are_runs(place, files, runs, recorded):
            files = {name: numbered[min(numbered)] for name, numbered in runs.items()}
        else:
            runs = {}
        if files:
            name = _name(place, folder, label)
            found.append(TrackerFiles(name, place, files, runs, recorded_runs=recorded or 0))
    found += _repeated(groups, names, folder, label, repetitions)
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


def _run_files(paths: list[Path], names: Collection[str]) -> dict[str, dict[int, Path]]:
    """Files `<sequence>_001.txt`, `<sequence>_002.txt` and so on, by sequence and number."""
    by_number: dict[int, list[Path]] = {}
    for path in paths:
        if _REPETITION.search(path.stem):
            by_number.setdefault(int(path.stem[-3:]), []).append(path)
    runs: dict[str, dict[int, Path]] = {}
    for number, own in by_number.items():
        for name, path in match_files(own, names, lambda path: _REPETITION.sub("", path.stem)).items():
            runs.setdefault(name, {})[number] = path
    return runs


def _are_runs(
    place: Path, files: Mapping[str, Path], runs: Mapping[str, Mapping[int, Path]], recorded: int | None
) -> bool:
    """Whether the files of a folder are results of runs, and not of one plain run.

    Args:
        place: the folder.
        files: files by sequence if they are plain results.
        runs: files by sequence and number if they are runs.
        recorded: number of runs, as `_recorded_runs` returns it.

    Raises:
        InputError: if a sequence has both, unless the record says how they are meant.
    """
    if recorded == 0:
        return False
    run_files = {path for numbered in runs.values() for path in numbered.values()}
    if recorded:  # `x_001.txt` is then a run of `x`, also where `x` is not among the sequences
        run_files |= {path for path in files.values() if _REPETITION.search(path.stem)}
    are_runs = bool(recorded) or len(run_files) > len(files)
    for name in sorted(files.keys() & runs.keys()):
        plain, run = files[name], next(iter(runs[name].values()))
        if plain not in run_files if are_runs else run not in files.values():
            raise InputError(
                f"{place} has both {plain.name} and {run.name} for sequence {name}; one plain run and runs from "
                "perturbed first boxes must be in folders of their own"
            )
    return are_runs


def _recorded_runs(place: Path) -> int | None:
    """The number of runs from perturbed first boxes that `run.json` of `dlatrack benchmark` records for a folder.

    Returns:
        The number, 0 for one plain run, or None if the folder has no such record.

    Raises:
        InputError: if there is a perturbation without a number of runs.
    """
    path = place / "run.json"
    try:
        record = read_json_object(path)
    except InputError:
        return None
    if not {"benchmark", "tracker", "protocol"} <= record.keys():
        return None
    if "perturbation" not in record:
        return 0
    perturbation = record["perturbation"]
    runs = perturbation.get("runs") if isinstance(perturbation, dict) else None
    if type(runs) is not int or not 1 <= runs <= _MOST_RUNS:
        raise InputError(
            f"{path}: the runs of the perturbation must be a whole number from 1 to {_MOST_RUNS}, got "
            f"{shortened(repr(runs))}"
        )
    return runs


def _holds_boxes(path: Path) -> bool:
    try:
        return len(read_result_rows(path)) > 0
    except InputError:
        return False


def _name(place: Path, folder: Path, label: str) -> str:
    name = label or place.name if place == folder else place.name
    return name.removesuffix("_tracking_result")  # as LaSOT's toolkit calls its folders


def _own_repetitions(place: Path, paths: Iterable[Path]) -> dict[int, Path]:
    """Files `<folder>_001.txt`, `<folder>_002.txt` and so on in a folder, by number."""
    own = re.compile(re.escape(place.name) + _REPETITION.pattern)
    return {int(path.stem[-3:]): path for path in paths if own.fullmatch(path.stem)}


def _repeated(
    groups: dict[Path, list[Path]], names: Collection[str], folder: Path, label: str, every: bool
) -> list[TrackerFiles]:
    """Trackers in the form of GOT-10k: a folder per sequence, of which the first repetition counts or every one."""
    per_tracker: dict[Path, dict[Path, dict[int, Path]]] = {}
    for place, paths in groups.items():
        if place != folder and (own := _own_repetitions(place, paths)):
            per_tracker.setdefault(place.parent, {})[own[min(own)]] = own
    found = []
    for place, repeated in per_tracker.items():
        files = match_files(repeated, names, lambda path: _REPETITION.sub("", path.stem))
        several = every and any(len(repeated[path]) > 1 for path in files.values())
        runs = {name: repeated[path] for name, path in files.items()} if several else {}
        if files:
            found.append(TrackerFiles(_name(place, folder, label), place, files, runs, uneven=True))
    return found


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
