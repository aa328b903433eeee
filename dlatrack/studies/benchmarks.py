"""Trackers on a benchmark: ours on the data set or a miniature of it, published ones from their result files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from dlatrack import paths
from dlatrack.devices import check_device
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.scoring import check_protocol, each_tracker, score_tracker
from dlatrack.evaluation.truth import BenchmarkTruth, benchmark
from dlatrack.evaluation.truth_source import read_truth
from dlatrack.evaluation.vot.scores import VOTResult, evaluate_vot
from dlatrack.files import file_digest
from dlatrack.imagery import Imagery
from dlatrack.recipes.twins import label_pairs
from dlatrack.studies.benchmark_sources import find_benchmark, our_weights
from dlatrack.studies.presets import sizes
from dlatrack.studies.runs import run_cached, weights_sha256
from dlatrack.tracking.benchmark import DataSetSource

#: Frames that VOT leaves out after a reset; a miniature's videos may have fewer.
_BURN_IN = 10


@dataclass(frozen=True, eq=False)
class BenchmarkStudy:
    """Scores of trackers on one benchmark under one protocol."""

    title: str  #: name of the data, e.g. "OTB100" or "OTB100 miniature, synthetic"
    imagery: Imagery  #: kind of the images
    protocol: str  #: protocol of the scores
    truth: BenchmarkTruth  #: annotation of the benchmark
    results: Mapping[str, dict[str, Any]]  #: results by tracker, as `scoring.score_tracker` takes them
    scores: Mapping[str, OPEResult | VOTResult]  #: scores by tracker
    origin: Mapping[str, Any]  #: JSON values for records: what the scores were computed from

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Labels of the fixed twin and of the DLA tracker, for each pair among the trackers."""
        return label_pairs(self.scores)

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

    Result files are kept in the cache folder, see `run_cached`.

    Args:
        name: name of the benchmark, e.g. "OTB100".
        preset: "smoke", "demo" or "paper".
        weights: weight files, as in `our_weights`.
        data: data folder, as in `find_benchmark`.
        protocol: one of `protocols_of` the benchmark.
        seed: seed of the miniature.
        device: a torch device.
        workers: processes, each of which uses one core.

    Raises:
        InputError: as `find_benchmark`, `our_weights`, `run_benchmark` and `score`; for two weight files of one
            recipe.
    """
    entry = benchmark(name)
    check_protocol(entry.name, protocol)
    check_device(device)
    files = our_weights(weights, preset)
    place = find_benchmark(name, preset, data=data, seed=seed)
    miniature = place.manifest.miniature
    where: dict[str, Any] = {"data_set": str(place.root)}
    if miniature:
        where = {"miniature_seed": seed, "miniature_longer": sizes(preset).miniature_length}
    truth = read_truth(entry.name, place.root)
    folders = run_cached(
        files,
        DataSetSource(entry.manifest, place.root),
        f"results/{entry.name}-",
        {"data": where, "benchmark": entry.name},
        benchmark=entry.name,
        protocol="reset" if entry.resets else "one_pass",
        device=device,
        workers=workers,
    )
    results = {title: _read(truth, folder)[folder.name] for title, folder in folders.items()}
    return BenchmarkStudy(
        title=f"{entry.name} miniature, synthetic" if miniature else entry.name,
        imagery="synthetic" if miniature else "real",
        protocol=protocol,
        truth=truth,
        results=results,
        scores={tracker: _score(found, truth, protocol, miniature) for tracker, found in results.items()},
        origin={"benchmark": entry.name, "weights_sha256": weights_sha256(files), **where},
    )


def study_published(name: str, preset: str, *, protocol: str = "pysot") -> BenchmarkStudy | None:
    """Score published trackers from their raw result files, on the real truth of a benchmark.

    Both lie in the optional folder that `DLATRACK_SHARED_DATA` names, by default `../shared/data` beside the clone.

    Args:
        name: name of the benchmark.
        preset: "smoke" scores two trackers, the others all.
        protocol: one of `protocols_of` the benchmark.

    Returns:
        None where the folder has no result files for the benchmark.

    Raises:
        InputError: for an unknown protocol, or files that cannot be read.
    """
    entry = benchmark(name)
    check_protocol(entry.name, protocol)
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
    results = dict(list(results.items())[: sizes(preset).trackers])
    return BenchmarkStudy(
        title=f"{entry.name}, published result files",
        imagery="real",
        protocol=protocol,
        truth=truth,
        results=results,
        scores={tracker: _score(found, truth, protocol, False) for tracker, found in results.items()},
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
    return cast(OPEResult | VOTResult, score_tracker("", results, truth, protocol).result)
