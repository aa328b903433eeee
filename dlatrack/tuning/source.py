"""Validation data by name: the usual names of data sets, and the split that settings are tuned on."""

from __future__ import annotations

from pathlib import Path

from dlatrack.datasets.manifests import manifest, names
from dlatrack.errors import InputError
from dlatrack.evaluation.truth import BENCHMARKS
from dlatrack.tracking.benchmark import DataSetSource

#: Splits taken when none is named: the first that a data set has.
_USUAL = ("val", "validation", "train", "test")


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


def _manifest_name(name: str) -> str:
    videos = [stem for stem in names() if manifest(stem).kind == "video"]
    if name in videos:
        return name
    for entry in BENCHMARKS.values():
        if name.casefold() == entry.name.casefold():
            if not entry.manifest:
                raise InputError(
                    f"{entry.name} is a test set, and has no reader; tune on a validation set, e.g. GOT10K"
                )
            return entry.manifest
    for stem in videos:
        if name.casefold().replace("-", "") == stem:
            return stem
    tests = [entry.name for entry in BENCHMARKS.values() if entry.manifest]
    raise InputError(
        f"there is no data set {name!r} of videos; choose from folder, {', '.join(videos)} or, with --on-test-set, "
        f"{', '.join(tests)}"
    )
