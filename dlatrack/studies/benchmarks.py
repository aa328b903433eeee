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
from dlatrack.evaluation.result_sets.check import shared_truth
from dlatrack.evaluation.result_sets.sets import fetched_dir, sets_of
from dlatrack.evaluation.scoring import check_protocol, each_tracker, score_tracker
from dlatrack.evaluation.truth import BenchmarkTruth, benchmark
from dlatrack.evaluation.truth_source import read_truth
from dlatrack.evaluation.vot.scores import VOTResult, evaluate_vot
from dlatrack.files import file_digest
from dlatrack.imagery import Imagery
from dlatrack.provenance import sha256_of
from dlatrack.recipes.twins import label_pairs
from dlatrack.studies.benchmark_sources import find_benchmark, our_weights, users_place
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

    Both are looked for in the optional folder that `DLATRACK_SHARED_DATA` names, by default `../shared/data` beside
    the clone. Without it, results are those that `dlatrack results fetch` has put into the cache folder, and the
    truth is that of the data set below `DLATRACK_DATA`.

    Args:
        name: name of the benchmark.
        preset: "smoke" scores two trackers, the others all.
        protocol: one of `protocols_of` the benchmark.

    Returns:
        None where there are no result files for the benchmark, or no truth.

    Raises:
        InputError: for an unknown protocol, or files that cannot be read.
    """
    entry = benchmark(name)
    check_protocol(entry.name, protocol)
    sets = sets_of(entry.name)
    places = _shared_archives(entry.name) or [
        fetched for each in sets if (fetched := fetched_dir(each.name)).is_dir()
    ]
    boxes = shared_truth(entry.name) or _users_root(entry.manifest)
    if not places or boxes is None:
        return None
    truth = read_truth(entry.name, boxes)
    results = _read(truth, *places)
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
            **({"truth_sha256": file_digest(boxes)} if boxes.is_file() else {"data_set": str(boxes)}),
            "results_sha256": {place.name: _digest(place) for place in places},
            "results_source": {
                tracker: each.origin(tracker)
                for tracker in results
                for each in sets
                if tracker in each.trackers
            },
        },
    )


def missing_published(name: str) -> str:
    """One sentence on what `study_published` would need."""
    entry = benchmark(name)
    sets = " or ".join(each.name for each in sets_of(entry.name) if each.scored)
    return (
        f"Published trackers are left out: they need benchmarks/gt/{entry.manifest}_gt.json.gz and "
        f"benchmarks/results/{entry.name}_results.tar.xz in the folder that DLATRACK_SHARED_DATA names, or the data "
        f"set below DLATRACK_DATA and what `dlatrack results fetch {sets}` gets."
    )


def _users_root(manifest: str) -> Path | None:
    """Root of a data set below `DLATRACK_DATA`; None if it is not there, or only as a miniature."""
    place = users_place(manifest) if manifest else None
    return None if place is None or place.manifest.miniature else place.root


def _shared_archives(benchmark_name: str) -> list[Path]:
    shared = paths.shared_data()
    found = (
        ()
        if shared is None
        else (shared / "benchmarks" / "results").glob(f"{benchmark_name}*_results.tar.xz")
    )
    return sorted(found)


def _digest(place: Path) -> str:
    """SHA-256 of an archive; of a folder that of the names and hashes of its files."""
    if place.is_file():
        return file_digest(place)
    files = sorted(path for path in place.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sha256_of({path.relative_to(place).as_posix(): file_digest(path) for path in files})


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
