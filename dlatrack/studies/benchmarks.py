"""Trackers on a benchmark: ours on the data set or a miniature of it, published ones from their result files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dlatrack import __version__, paths
from dlatrack.datasets.content import content_of
from dlatrack.devices import check_device
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.scoring import each_tracker, protocols_of, score_tracker
from dlatrack.evaluation.truth import BenchmarkTruth, benchmark
from dlatrack.evaluation.truth_source import read_truth
from dlatrack.evaluation.vot.scores import VOTResult, evaluate_vot
from dlatrack.files import file_digest
from dlatrack.models.weights import read_weights_info
from dlatrack.provenance import sha256_of
from dlatrack.studies import twins
from dlatrack.studies.benchmark_sources import SMOKE_TRACKERS, find_benchmark, miniature_length, our_weights
from dlatrack.tracking.benchmark import DataSetSource, run_benchmark
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.static import StaticTracker

#: Frames that VOT leaves out after a reset; a miniature's videos may have fewer.
_BURN_IN = 10


@dataclass(frozen=True, eq=False)
class BenchmarkStudy:
    """Scores of trackers on one benchmark under one protocol.

    Args:
        title: what was measured on, e.g. "OTB100" or "OTB100 miniature, synthetic".
        synthetic: whether it was a miniature.
        protocol: that the scores follow.
        truth: of the benchmark.
        results: by tracker, as `scoring.score_tracker` takes them.
        scores: by tracker.
        pairs: labels of a tracker with its fixed rule and of the same with DLA, for each pair among the trackers.
        origin: JSON values for records: what the scores were computed from.
    """

    title: str
    synthetic: bool
    protocol: str
    truth: BenchmarkTruth
    results: Mapping[str, dict[str, Any]]
    scores: Mapping[str, OPEResult | VOTResult]
    pairs: tuple[tuple[str, str], ...]
    origin: Mapping[str, Any]

    @property
    def one_pass(self) -> dict[str, OPEResult]:
        """Scores of one-pass evaluation by tracker; none in VOT."""
        return {name: result for name, result in self.scores.items() if isinstance(result, OPEResult)}

    @property
    def reset_based(self) -> dict[str, VOTResult]:
        """Scores of VOT by tracker; none elsewhere."""
        return {name: result for name, result in self.scores.items() if isinstance(result, VOTResult)}


def study_ours(
    name: str,
    preset: str,
    *,
    weights: str = "",
    data: str = "",
    protocol: str = "pysot",
    seed: int = 0,
    device: str = "cpu",
    workers: int = 1,
) -> BenchmarkStudy:
    """Run our trackers and the static box over a benchmark, and score them.

    Result files are kept in the cache folder under the hash of all that decides them; a run that was stopped goes on.

    Args:
        name: of the benchmark, e.g. "OTB100".
        preset: "smoke", "demo" or "paper".
        weights: as in `our_weights`.
        data: as in `find_benchmark`.
        protocol: one of `protocols_of` the benchmark.
        seed: of the miniature.
        device: a torch device.
        workers: processes, each of which uses one core.

    Raises:
        InputError: as `find_benchmark`, `our_weights`, `run_benchmark` and `score`; for two weight files of one
            recipe.
    """
    entry = benchmark(name)
    _check_protocol(entry.name, protocol)
    check_device(device)
    files = our_weights(weights, preset)
    place = find_benchmark(name, preset, data=data, seed=seed)
    source = DataSetSource(entry.manifest, place.root)
    where: dict[str, Any] = {"data_set": str(place.root)}
    if place.manifest.miniature:
        where = {"miniature_seed": seed, "miniature_longer": miniature_length(preset)}
    digests: dict[str, str] = {}
    labels = {"static": twins.STATIC}
    makers: dict[str, Any] = {"static": StaticTracker}
    for file in files:
        recipe = read_weights_info(file).recipe
        if recipe.name in makers:
            raise InputError(f"{file} holds a second tracker of recipe {recipe.name}; name one of each")
        labels[recipe.name] = twins.label(recipe)
        digests[recipe.name] = file_digest(file)
        hyper = entry.name if entry.name in recipe.online else "OTB100"
        makers[recipe.name] = partial(OnlineTracker.from_weights, file, benchmark=hyper, device=device)
    order = [*digests, "static"]
    truth = read_truth(entry.name, place.root)
    results = {}
    decides = {
        "data": where,
        "content": content_of(source.open()),
        "benchmark": entry.name,
        "is": __version__,
    }
    for tracker in order:
        key = {**decides, "weights": digests.get(tracker)}
        folder = run_benchmark(
            makers[tracker],
            source,
            paths.cache_dir() / "results" / f"{entry.name}-{sha256_of(key)[:16]}",
            tracker=tracker,
            weights_sha256=digests.get(tracker),
            protocol="reset" if entry.resets else "one_pass",
            workers=workers,
        )
        results[labels[tracker]] = _read(truth, folder)[tracker]
    miniature = place.manifest.miniature
    return BenchmarkStudy(
        title=f"{entry.name} miniature, synthetic" if miniature else entry.name,
        synthetic=miniature,
        protocol=protocol,
        truth=truth,
        results=results,
        scores={tracker: _score(found, truth, protocol, miniature) for tracker, found in results.items()},
        pairs=tuple((labels[n], labels[f"dla_{n}"]) for n in order if f"dla_{n}" in labels),
        origin={"benchmark": entry.name, "weights_sha256": digests, **where},
    )


def study_published(name: str, preset: str, *, protocol: str = "pysot") -> BenchmarkStudy | None:
    """Score published trackers from their raw result files, on the real truth of a benchmark.

    Both lie in the optional folder that `DLATRACK_SHARED_DATA` names, by default `../shared/data` beside the clone.

    Args:
        name: of the benchmark.
        preset: "smoke" scores two trackers, the others all.
        protocol: one of `protocols_of` the benchmark.

    Returns:
        None where the folder has no result files for the benchmark.

    Raises:
        InputError: for an unknown protocol, or files that cannot be read.
    """
    entry = benchmark(name)
    _check_protocol(entry.name, protocol)
    shared = paths.shared_data()
    if shared is None:
        return None
    folder = shared / "benchmarks"
    boxes = folder / "gt" / f"{entry.manifest}_gt.json.gz"
    archives = sorted((folder / "results").glob(f"{entry.name}*_results.tar.xz"))
    if not boxes.is_file() or not archives:
        return None
    truth = read_truth(entry.name, boxes)
    results = _read(truth, *archives)
    if preset == "smoke":
        results = dict(list(results.items())[:SMOKE_TRACKERS])
    return BenchmarkStudy(
        title=f"{entry.name}, published result files",
        synthetic=False,
        protocol=protocol,
        truth=truth,
        results=results,
        scores={tracker: _score(found, truth, protocol, False) for tracker, found in results.items()},
        pairs=(),
        origin={
            "benchmark": entry.name,
            "truth_sha256": file_digest(boxes),
            "results_sha256": {archive.name: file_digest(archive) for archive in archives},
        },
    )


def missing_published(name: str) -> str:
    """One sentence on what `study_published` would need."""
    entry = benchmark(name)
    return (
        f"Published trackers are left out: they need benchmarks/gt/{entry.manifest}_gt.json.gz and "
        f"benchmarks/results/{entry.name}_results.tar.xz in the folder that DLATRACK_SHARED_DATA names."
    )


def _check_protocol(name: str, protocol: str) -> None:
    if protocol not in protocols_of(name):
        raise InputError(f"{name} has no protocol {protocol!r}; choose from {', '.join(protocols_of(name))}")


def _read(truth: BenchmarkTruth, *places: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    failures = each_tracker(truth, places, found.__setitem__)
    if failures:
        raise InputError(failures[0])
    return found


def _score(
    results: dict[str, Any], truth: BenchmarkTruth, protocol: str, miniature: bool
) -> OPEResult | VOTResult:
    if miniature and benchmark(truth.name).resets:
        frames = min(map(len, truth.boxes.values()))  # VOT averages over 46 to 291: more than there are
        short: Any = {"interval": (frames // 2, frames), "burn_in": min(_BURN_IN, frames // 3)}
        return evaluate_vot(results, truth, protocol=protocol, **short)  # type: ignore[arg-type]
    return score_tracker("", results, truth, protocol).result
