"""What a benchmark study starts from: the data set or a miniature of it, and the weights of our trackers."""

from __future__ import annotations

from pathlib import Path

from dlatrack import paths
from dlatrack.datasets.manifests import Place, locate
from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.evaluation.truth import benchmark
from dlatrack.models.weights import shipped
from dlatrack.paths import scratch_folder
from dlatrack.recipes import Recipe
from dlatrack.recipes.twins import side_by_side
from dlatrack.studies.presets import sizes
from dlatrack.studies.runs import read_weight_files, split_names


def find_benchmark(name: str, preset: str, *, data: str = "", seed: int = 0) -> Place:
    """Find a benchmark: in `data`, or below `DLATRACK_DATA`, or else as a miniature that is made in the cache folder.

    The preset "smoke" takes the miniature unless `data` is given.

    Args:
        name: name of the benchmark, e.g. "OTB100".
        preset: "smoke", "demo" or "paper".
        data: folder that holds data sets: in a folder of their manifest's name, of their usual name, or itself.
        seed: seed of the miniature.

    Raises:
        InputError: for an unknown benchmark, one that is no test set, an unknown preset, a folder `data` without
            it, or a negative seed.
    """
    size = sizes(preset)
    entry = benchmark(name)
    known = entry.manifest
    if entry.split != "test":
        raise InputError(f"{entry.name} is no test set; trackers on it are scored by dlatrack evaluate")
    if data:
        return place_below(known, Path(data))
    if size.user_data and (own := users_place(known)) is not None:
        return own
    longer = size.miniature_length
    home = paths.cache_dir() / "miniatures" / f"{known}-seed{seed}-longer{longer}"
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(home.parent, home.name) as folder:
            written = write_mini(known, folder / "whole", seed, longer=longer).parent
            if not home.exists():
                written.rename(home)  # whole or not at all: a part would pass for the data set
    return locate(known, home)


def our_weights(weights: str, preset: str) -> dict[Path, Recipe]:
    """Weight files of our trackers and their recipes, those of a pair side by side, the fixed one first.

    Args:
        weights: files or names of shipped trackers, separated by semicolons; "": all shipped ones, in the preset
            "smoke" one pair.
        preset: "smoke", "demo" or "paper".

    Raises:
        InputError: if there are none, or as `read_weight_files`.
    """
    names = split_names(weights) or side_by_side(shipped())[: sizes(preset).trackers]
    if not names:
        raise InputError(
            "no trained weights come with this copy of dlatrack; set weights to files, separated by semicolons, e.g. "
            "those that notebook 03 leaves in runs/weights"
        )
    return read_weight_files(names)


def users_place(manifest: str) -> Place | None:
    """Locate a data set below `DLATRACK_DATA`; None if it is not there."""
    home = paths.data_dir()
    try:
        return None if home is None else place_below(manifest, home)
    except InputError:
        return None


def place_below(manifest: str, folder: Path) -> Place:
    """Locate a data set in a folder of its manifest's name, or else in `folder` or in one of its usual name there.

    Raises:
        InputError: if it is missing.
    """
    own = folder / manifest
    return locate(manifest, own if own.is_dir() else folder)
