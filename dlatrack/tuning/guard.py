"""Validation data by name, and the guard of test sets: settings tuned on one make every score on it worthless."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from dlatrack.datasets.manifests import manifest, names
from dlatrack.errors import InputError
from dlatrack.evaluation.truth import BENCHMARKS, sequence_names
from dlatrack.tracking.benchmark import DataSetSource
from dlatrack.tracking.job import SequenceSource

#: Benchmarks that are test sets. Trackers may be tuned on the validation set of GOT-10k.
_TEST_SETS = tuple(entry for entry in BENCHMARKS.values() if entry.split == "test")

#: Sequences are taken for those of a test set if so many names are in its list, and these are so large a share of the
#: names given, or of the list.
_FEWEST, _SHARE_GIVEN, _SHARE_OF_LIST = 5, 0.75, 0.5

#: Splits taken when none is named: the first that a data set has.
_USUAL = ("val", "validation", "train", "test")

#: Names shown in a message.
_SHOWN = 3

_ADVICE = (
    "settings tuned on it make its scores worthless: tune on a validation set, e.g. GOT10K or a folder of your own, "
    "or allow it with --on-test-set, which marks the result"
)


class Overlap(NamedTuple):
    """Sequences that carry names of a test set."""

    test_set: str  #: e.g. "OTB100"
    shared: tuple[str, ...]  #: their names, as given


def validation_source(name: str, root: Path, split: str = "") -> DataSetSource:
    """A split of a data set of videos.

    Args:
        name: "folder", sequences in the OTB layout; a name of `dlatrack data list`, e.g. "got10k", or the usual one,
            e.g. "GOT10K"; or a benchmark, e.g. "OTB100". "lasot" is the training set, "LaSOT" the benchmark.
        root: its root folder.
        split: one of the manifest's; empty: "val" where there is one, else "validation", "train" or "test".

    Raises:
        InputError: naming what there is, for an unknown name or split, or a benchmark that has no reader.
    """
    if name == "folder":
        if split:
            raise InputError(f"a folder has no splits, got {split!r}")
        return DataSetSource("folder", root)
    known = manifest(_manifest_name(name))
    return DataSetSource(
        known.name, root, known.split(split or next(s for s in _USUAL if s in known.splits)).name
    )


def declared_test_set(source: SequenceSource) -> str | None:
    """Name of the test set that a source says it is, e.g. "OTB100" or "GOT-10k test"; None if it does not."""
    if not isinstance(source, DataSetSource) or source.name == "folder":
        return None
    for entry in _TEST_SETS:
        if entry.manifest == source.name:
            return entry.name
    return f"{manifest(source.name).title} test" if source.split == "test" else None


def listed_test_set(given: Collection[str]) -> Overlap | None:
    """The test set whose sequences these are, by their names; None if they belong to none.

    Upper and lower case do not matter. A few common names that a folder shares with a benchmark by chance do not make
    it one: five names or more must be in the benchmark's list, and be three quarters of the names given, or half of
    the list. Of VOT2018, which has no list here, 48 of 60 names are in VOT2019's. TrackingNet's test set has no list.

    Args:
        given: names of sequences.
    """
    found = []
    for test_set, listed in _lists().items():
        shared = tuple(name for name in given if name.casefold() in listed)
        large = len(shared) >= min(_SHARE_GIVEN * len(given), _SHARE_OF_LIST * len(listed))
        if len(shared) >= _FEWEST and large:
            found.append(Overlap(test_set, shared))
    return max(found, key=lambda overlap: len(overlap.shared), default=None)


def check_declared(source: SequenceSource, *, allowed: bool) -> str | None:
    """Refuse a source that says it is a test set, or a folder of folders with its names, before anything is read.

    Args:
        source: source of the sequences.
        allowed: whether a test set is accepted.

    Returns:
        Name of the test set; None if it is none.

    Raises:
        InputError: naming it.
    """
    test_set = declared_test_set(source)
    if test_set is not None and not allowed:
        raise InputError(f"{test_set} is a test set; {_ADVICE}")
    if isinstance(source, DataSetSource) and source.name == "folder" and source.root.is_dir():
        folders = sorted(path.name for path in source.root.iterdir() if path.is_dir())
        return check_listed(folders, allowed=allowed)
    return test_set


def check_listed(given: Collection[str], *, allowed: bool) -> str | None:
    """As `check_declared`, by the names of the sequences."""
    overlap = listed_test_set(given)
    if overlap is None:
        return None
    if not allowed:
        rest = len(overlap.shared) - _SHOWN
        listed = f"{', '.join(overlap.shared[:_SHOWN])} and {rest} more of the {len(given)}"
        raise InputError(f"{listed} sequences belong to {overlap.test_set}, a test set; {_ADVICE}")
    return overlap.test_set


def _manifest_name(name: str) -> str:
    videos = [stem for stem in names() if manifest(stem).kind == "video"]
    if name in videos:
        return name
    for entry in _TEST_SETS:
        if name.casefold() == entry.name.casefold():
            if not entry.manifest:
                raise InputError(
                    f"{entry.name} is a test set, and has no reader; tune on a validation set, e.g. GOT10K"
                )
            return entry.manifest
    for stem in videos:
        if name.casefold().replace("-", "") == stem:
            return stem
    tests = [entry.name for entry in _TEST_SETS if entry.manifest]
    raise InputError(
        f"there is no data set {name!r} of videos; choose from folder, {', '.join(videos)} or, with --on-test-set, "
        f"{', '.join(tests)}"
    )


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    """Names of sequences, in lower case, by test set."""
    lists = {
        entry.name: sequence_names(manifest(entry.manifest), entry.split)
        for entry in _TEST_SETS
        if entry.manifest
    }
    lists["GOT-10k test"] = sequence_names(manifest("got10k"), "test")
    return {test_set: frozenset(map(str.casefold, listed)) for test_set, listed in lists.items()}
