"""The command `dlatrack benchmark`: result files in the official form of a benchmark, and their scores."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlatrack.cli.options import MOST_PROCESSES, AllowMissing, Device, Fast, Runtime, Weights
from dlatrack.cli.printing import print_line
from dlatrack.errors import InputError, shortened

if TYPE_CHECKING:
    import numpy as np

    from dlatrack.evaluation.truth import BenchmarkTruth
    from dlatrack.tracking.perturbation import Perturbation
    from dlatrack.tuning.record import Tuned


BenchmarkName = Annotated[
    str,
    typer.Argument(
        help="OTB100, UAV123, LaSOT, GOT10K (val), VOT2019, or folder: sequences in the OTB layout."
    ),
]
Perturb = Annotated[
    str,
    typer.Option(
        help="Several runs from perturbed first boxes: half-pixel:N, N runs with shifts of at most half a pixel, or "
        "sre, the twelve of OTB; empty: one run."
    ),
]
Hyper = Annotated[
    str,
    typer.Option(
        help="Benchmark whose online hyper-parameters are used, or a JSON file of `dlatrack tune`; empty: this "
        "one's, or OTB100's."
    ),
]


def benchmark(
    name: BenchmarkName,
    root: Annotated[Path, typer.Option(help="The data set's folder, or the one of the sequences.")],
    weights: Weights,
    out: Annotated[Path, typer.Option(help="Result files go here; an interrupted run resumes.")],
    recipe: Annotated[str, typer.Option(help="Refuse weights of another recipe; empty: take them all.")] = "",
    hyper: Hyper = "",
    device: Device = "cpu",
    fast: Fast = False,
    runtime: Runtime = "torch",
    workers: Annotated[
        int,
        typer.Option(help="Processes that track, each on one core; 1: this one.", min=1, max=MOST_PROCESSES),
    ] = 1,
    shard: Annotated[str, typer.Option(help="k/n: the k-th of n parts, for several machines.")] = "1/1",
    perturb: Perturb = "",
    seed: Annotated[int, typer.Option(help="Seed of the shifts of half-pixel:N.", min=0)] = 0,
    allow_missing: AllowMissing = False,
) -> None:
    """Run a tracker over a benchmark, in one pass or with resets (VOT), and print its scores."""
    from dlatrack.cli.score_output import print_note
    from dlatrack.devices import check_device
    from dlatrack.evaluation.truth import benchmark
    from dlatrack.evaluation.truth_source import read_truth
    from dlatrack.models.runtimes import check_runtime
    from dlatrack.tracking.benchmark import DataSetSource, run_benchmark
    from dlatrack.tracking.static import StaticTracker

    entry = benchmark(name)
    if not entry.manifest and entry.name != "folder":
        raise InputError(f"{entry.name} has no reader; results of other programs can be scored with evaluate")
    check_device(device)
    check_runtime(runtime, device)
    part = _read_shard(shard)
    perturbation = _read_perturbation(perturb, seed)
    source = DataSetSource(entry.manifest or "folder", root, entry.split, allow_missing=allow_missing)
    run = partial(
        run_benchmark,
        sequences_source=source,
        out=out,
        protocol="reset" if entry.resets else "one_pass",
        workers=workers,
        shard=part,
        perturbation=perturbation,
    )
    noted = partial(run, note=print_note)  # the static box would repeat the note
    folders = _run_network(noted, weights, recipe, entry.name, hyper, device, fast, runtime)
    if entry.name == "folder":
        folders["static"] = run(StaticTracker, tracker="static")
    if part != (1, 1):
        more = " --allow-missing" if allow_missing else ""
        print_line(
            f"part {shard} is done; when all parts are: dlatrack evaluate {entry.name} --results {out}{more}"
        )
        return
    truth = read_truth(entry.name, root, allow_missing=allow_missing)
    score_results(truth, folders, out / "scores.csv", allow_missing=allow_missing)


def _run_network(
    run: Callable[..., Path],
    weights: Path,
    recipe: str,
    benchmark: str,
    hyper: str,
    device: str,
    fast: bool,
    runtime: str,
) -> dict[str, Path]:
    """Run the tracker of a weight file, and print the notes on a tuned setting.

    Args:
        run: `run_benchmark` with everything but the tracker.
        weights: weight file, shipped tracker, or folder of an exported tracker.
        recipe: recipe that it must hold; "": any.
        benchmark: benchmark whose online hyper-parameters are the default.
        hyper: as in `dlatrack benchmark`.
        device: as in `dlatrack benchmark`.
        fast: as in `dlatrack benchmark`.
        runtime: as in `dlatrack benchmark`.

    Returns:
        The folder of result files, by the recipe's name.
    """
    from dlatrack.memory import reuse_freed_memory
    from dlatrack.models.runtimes import identify, load_for
    from dlatrack.recipes import recipe as recipe_of
    from dlatrack.tracking.online import OnlineTracker
    from dlatrack.tuning.record import read_tuned

    source, trained, digest = identify(weights, recipe_of(recipe) if recipe else None)
    hyper = hyper or trained.tuned_for(benchmark)
    tuned = read_tuned(hyper, trained.name) if hyper.endswith(".json") or Path(hyper).is_file() else None
    make = partial(
        OnlineTracker.from_weights,
        source,
        benchmark=hyper,
        setting=tuned.setting if tuned else None,
        device=device,
        fast=fast,
        runtime=runtime,
    )
    reuse_freed_memory()
    settings = {"hyper": tuned.as_settings() if tuned else hyper, "fast": fast}
    if runtime != "torch":  # records of earlier versions have no entry for torch
        settings["runtime"] = runtime
        load_for(source, runtime, device)  # so that its graphs are made once, before processes ask for them
    folder = run(make, tracker=trained.name, weights_sha256=digest, settings=settings)
    if tuned is not None:
        _print_marks(tuned, digest)
    return {trained.name: folder}


def score_results(
    truth: BenchmarkTruth, folders: Mapping[str, Path], table: Path, *, allow_missing: bool = False
) -> None:
    """Score fresh results, print the scores and write those of each sequence.

    Args:
        truth: truth of the benchmark.
        folders: folder of result files, by tracker.
        table: CSV file to write: AUC of every sequence by tracker and their mean, or in VOT accuracy and failures.
            On GOT-10k AO, and in the last row that of all frames. Of runs from perturbed first boxes the mean, and
            the standard deviation over runs.
        allow_missing: whether every score says how many sequences of the benchmark are missing, also if none is.

    Raises:
        InputError: as `each_tracker`.
    """
    import pandas as pd

    from dlatrack.cli.score_output import print_scores, print_truth_notes, refuse_all
    from dlatrack.cli.tracker_scores import TrackerScores
    from dlatrack.evaluation.got10k import AOResult
    from dlatrack.evaluation.ope import OPEResult
    from dlatrack.evaluation.scoring import absent_rule, each_tracker, protocols_of
    from dlatrack.files import write_text

    run = TrackerScores(
        truth, protocols_of(truth.name)[0], absent_rule(truth.name), allow_missing=allow_missing
    )
    refuse_all(each_tracker(truth, list(folders.values()), run.add))
    columns: dict[str, np.ndarray] = {}
    of_mean: dict[str, float] = {}  # of the scores whose benchmark value is no mean over sequences
    for entry in run.scored:
        result = entry.result
        if isinstance(result, OPEResult):
            columns[entry.tracker] = result.sequence_auc
            if len(result.runs) > 1:
                spread = f"{entry.tracker} std over {len(result.runs)} runs"
                columns[spread] = result.run_auc.std(0, ddof=1)
                of_mean[spread] = result.auc_std
        elif isinstance(result, AOResult):
            columns[entry.tracker] = result.sequence_ao
            of_mean[entry.tracker] = result.ao
        else:
            columns |= {
                f"{entry.tracker} accuracy": result.sequence_accuracy,
                f"{entry.tracker} failures": result.sequence_failures,
            }
    frame = pd.DataFrame(columns, index=pd.Index(truth.sequences, name="sequence"))
    missing = f", {len(truth.missing)} sequences missing" if truth.missing else ""
    frame.loc[f"mean{missing}"] = pd.Series(frame.mean().to_dict() | of_mean)
    write_text(table, frame.to_csv(lineterminator="\n"))
    print_scores(truth, run.rows, run.absent)
    print_truth_notes(truth, run.absent)
    print_line(f"scores of each sequence: {table}")


def _print_marks(tuned: Tuned, weights_sha256: str) -> None:
    """Print the notes on a tuned setting, and a warning if it was tuned on a test set."""
    for note in tuned.notes(weights_sha256):
        print_line(f"note: {note}")
    if (mark := tuned.mark()) is not None:
        print_line(mark, style="bold red")


def _read_perturbation(text: str, seed: int) -> Perturbation | None:
    """The perturbation that `--perturb` and `--seed` name; None for one run from the true first box."""
    from dlatrack.tracking.perturbation import Perturbation

    if not text:
        if seed:
            raise InputError(
                f"--seed is for the shifts of --perturb half-pixel:N; got {seed} without --perturb"
            )
        return None
    return Perturbation.parse(text, seed)


def _read_shard(shard: str) -> tuple[int, int]:
    """The k and n of the text "k/n"."""
    k, _, n = shard.partition("/")
    if not re.fullmatch(r"[0-9]{1,9}/[0-9]{1,9}", shard) or not 1 <= int(k) <= int(n):
        raise InputError(f"a shard is k/n with k from 1 to n, e.g. 3/8, got {shortened(repr(shard))}")
    return int(k), int(n)
