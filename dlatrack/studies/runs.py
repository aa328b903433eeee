"""Trackers from weight files and the static box, run over sequences; results are kept in the cache folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from dlatrack import __version__, paths
from dlatrack.datasets.content import content_of
from dlatrack.errors import InputError
from dlatrack.files import file_digest
from dlatrack.models.weights import find_weights, read_weights_info
from dlatrack.provenance import sha256_of
from dlatrack.recipes import Recipe
from dlatrack.recipes.twins import label
from dlatrack.tracking.benchmark import run_benchmark
from dlatrack.tracking.job import SequenceSource
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.perturbation import Perturbation
from dlatrack.tracking.run import Tracker
from dlatrack.tracking.static import StaticTracker

#: Label of the tracker that never moves its box.
STATIC = "static box"


def read_weight_files(names: Sequence[str]) -> dict[Path, Recipe]:
    """Recipes of trackers by weight file.

    Args:
        names: weight files, or names of trackers that come with the package.

    Raises:
        InputError: for a file that is missing or no weight file, or two files of one recipe.
    """
    found: dict[Path, Recipe] = {}
    for name in names:
        file = find_weights(name)
        recipe = read_weights_info(file).recipe
        if recipe.name in {"static", *(other.name for other in found.values())}:
            raise InputError(f"{file} holds a second tracker of recipe {recipe.name}; name one of each")
        found[file] = recipe
    return found


def split_names(text: str) -> list[str]:
    """Split names that semicolons separate."""
    return [name.strip() for name in text.split(";") if name.strip()]


def weights_sha256(files: Mapping[Path, Recipe]) -> dict[str, str]:
    """SHA-256 of weight files by recipe name, for records."""
    return {recipe.name: file_digest(file) for file, recipe in files.items()}


def run_cached(
    files: Mapping[Path, Recipe],
    source: SequenceSource,
    cache: str,
    decides: Mapping[str, Any],
    *,
    benchmark: str = "OTB100",
    protocol: Literal["one_pass", "reset"] = "one_pass",
    perturbation: Perturbation | None = None,
    device: str = "cpu",
    workers: int = 1,
) -> dict[str, Path]:
    """Run trackers and the static box over sequences; an interrupted run resumes, a finished one is found again.

    Args:
        files: recipes by weight file, of `read_weight_files`.
        source: the sequences.
        cache: beginning of the results' path below the cache folder; a hash of all that decides them follows.
        decides: JSON values that identify the sequences; their content and the weights are added.
        benchmark: benchmark whose online hyper-parameters are taken, see `Recipe.tuned_for`.
        protocol: "one_pass" or "reset" (VOT).
        perturbation: perturbation of the first boxes, as in `run_benchmark`.
        device: a torch device.
        workers: processes, each of which uses one core.

    Returns:
        Folder of results by label of the tracker, the static box last.

    Raises:
        InputError: as `run_benchmark`.
    """
    content = content_of(source.open())
    makers: dict[str, tuple[str, Callable[[], Tracker], str | None]] = {}
    for file, recipe in files.items():
        make = partial(OnlineTracker.from_weights, file, benchmark=recipe.tuned_for(benchmark), device=device)
        makers[label(recipe)] = recipe.name, make, file_digest(file)
    makers[STATIC] = "static", StaticTracker, None
    if perturbation is not None:
        decides = {**decides, "perturbation": perturbation.as_json()}
    folders = {}
    for title, (name, make_tracker, digest) in makers.items():
        key = sha256_of({**decides, "content": content, "is": __version__, "weights": digest})[:16]
        folders[title] = run_benchmark(
            make_tracker,
            source,
            paths.cache_dir() / f"{cache}{key}",
            tracker=name,
            weights_sha256=digest,
            protocol=protocol,
            perturbation=perturbation,
            workers=workers,
        )
    return folders
