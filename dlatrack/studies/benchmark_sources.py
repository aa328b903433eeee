"""What a benchmark study starts from: the data set or a miniature of it, and the weights of our trackers."""

from __future__ import annotations

import tempfile
from pathlib import Path

from dlatrack import paths
from dlatrack.datasets.manifests import Place, locate
from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.evaluation.truth import benchmark
from dlatrack.models.weights import find_weights, shipped
from dlatrack.studies.presets import PRESETS

#: Trackers that the preset smoke takes: of ours one pair, of the published ones the first.
SMOKE_TRACKERS = 2

#: Videos of a miniature are so many times as long outside of the preset smoke, so that trackers have time to fail.
_LONGER = 5


def find_benchmark(name: str, preset: str, *, data: str = "", seed: int = 0) -> Place:
    """Find a benchmark: in `data`, or below `DLATRACK_DATA`, or else as a miniature that is made in the cache folder.

    The preset "smoke" takes the miniature unless `data` is given.

    Args:
        name: of the benchmark, e.g. "OTB100".
        preset: "smoke", "demo" or "paper".
        data: folder that holds data sets: in a folder of their manifest's name, of their usual name, or itself.
        seed: of the miniature.

    Raises:
        InputError: for an unknown benchmark or preset, a folder `data` without it, or a negative seed.
    """
    if preset not in PRESETS:
        raise InputError(f"there is no preset {preset!r}; choose from {', '.join(PRESETS)}")
    known = benchmark(name).manifest
    if data:
        return _below(known, Path(data))
    own = paths.data_dir()
    if own is not None and preset != "smoke":
        try:
            return _below(known, own)
        except InputError:
            pass  # this set is not among the user's
    longer = miniature_length(preset)
    home = paths.cache_dir() / "miniatures" / f"{known}-seed{seed}-longer{longer}"
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=f".{home.name}-") as folder:
            written = write_mini(known, Path(folder) / "whole", seed, longer=longer).parent
            if not home.exists():
                written.rename(home)  # whole or not at all: a part would pass for the data set
    return locate(known, home)


def our_weights(weights: str, preset: str) -> list[Path]:
    """Weight files of our trackers, those of a pair side by side, the fixed one first.

    Args:
        weights: files or names of shipped trackers, separated by semicolons; "": all shipped ones, in the preset
            "smoke" one pair.
        preset: "smoke", "demo" or "paper".

    Raises:
        InputError: if there are none, or one cannot be found.
    """
    if weights:
        return [find_weights(place.strip()) for place in weights.split(";") if place.strip()]
    names = sorted(shipped(), key=lambda name: (name.removeprefix("dla_"), name.startswith("dla_")))
    if not names:
        raise InputError(
            "no trained weights come with this copy of dlatrack; set weights to files, separated by semicolons, e.g. "
            "those that notebook 03 leaves in runs/weights"
        )
    return [find_weights(name) for name in (names[:SMOKE_TRACKERS] if preset == "smoke" else names)]


def miniature_length(preset: str) -> int:
    """How many times as long as the shortest ones the videos of a miniature are."""
    return 1 if preset == "smoke" else _LONGER


def _below(manifest: str, folder: Path) -> Place:
    """A data set in a folder of its manifest's name, or else in the folder or in one of its usual name there."""
    own = folder / manifest
    return locate(manifest, own if own.is_dir() else folder)
