"""Train a tracker with its fixed rule and with dynamic label assignment, and compare the two on held-out video."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from dlatrack import __version__, paths
from dlatrack.datasets.folder import read_folders
from dlatrack.datasets.photographic import photographic_sequences
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult, evaluate
from dlatrack.evaluation.statistics.compare import paired_bootstrap, sentence
from dlatrack.imagery import Imagery
from dlatrack.models.weights import save_weights
from dlatrack.progress import Progress
from dlatrack.provenance import sha256_of, versions
from dlatrack.recipes import Recipe
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.sources import CropSource
from dlatrack.sampling.store import cached_crops, crop_sequences
from dlatrack.sampling.training_data import open_training_data
from dlatrack.studies.presets import Plan
from dlatrack.studies.runs import STATIC, split_names
from dlatrack.studies.shipped import clips_without_masks
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import Tracker, run_one_pass
from dlatrack.tracking.static import StaticTracker
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.history import StepRow
from dlatrack.training.identity import describe_run
from dlatrack.training.run import Training

#: Challenges that are not drawn for held-out videos: copies of the target, tiny targets, and things in front of the
#: target, after which a tracker that was trained for a minute is lost.
_TOO_HARD = ("BC", "LR", "OCC")

#: Seeds of photographic sequences: training and held-out videos share neither seeds nor photographs.
_TRAIN_SEED, _TEST_SEED, _SEED_STRIDE = 1_000_000, 2_000_000, 1000


def training_crops(plan: Plan, *, data: str = "", seed: int = 0) -> CropSource | Mixture:
    """Training crops of a plan; those of photographic sequences are kept in the cache folder.

    Args:
        plan: number of photographic sequences.
        data: other training data: places as `open_training_data` takes them, separated by semicolons, e.g. a folder
            of clips in the OTB layout.
        seed: seed of the photographic sequences.

    Raises:
        InputError: if the plan needs `data` and has none, or the data cannot be used.
    """
    if data:
        return open_training_data(split_names(data))
    count, length = plan.train
    if not count:
        raise InputError(
            "this preset trains on real video: set data to NAME=FOLDER for each training set, separated by "
            "semicolons, or to a folder of sequences in the OTB layout"
        )
    key = sha256_of({"photographic": count, "length": length, "seed": seed, "dlatrack": __version__})
    path = paths.cache_dir() / f"crops-{key[:16]}.safetensors"
    first = _TRAIN_SEED + _SEED_STRIDE * seed
    return cached_crops(path, lambda: crop_sequences(photographic_sequences(count, first, length)))


def held_out_sequences(plan: Plan, *, data: str | Path = "", seed: int = 0) -> list[Sequence]:
    """Sequences to test on: those below `data` (OTB layout), else photographic ones.

    The latter are of moderate difficulty: copies of the target, things in front of it and tiny targets are not drawn
    for them. A target may still shrink.
    """
    if data:
        return read_folders(data)
    count, length = plan.test
    first = _TEST_SEED + _SEED_STRIDE * seed
    return photographic_sequences(count, first, length, split="test", without=_TOO_HARD)


def real_clips() -> list[Sequence]:
    """Targets of the real clips below `DLATRACK_SHARED_DATA` that have no masks; none where there is no such folder.

    Raises:
        InputError: if a clip cannot be read.
    """
    shared = paths.shared_data()
    return clips_without_masks(shared / "video") if shared and (shared / "video").is_dir() else []


def imagery_of(data: str | Path) -> Imagery:
    """Imagery of training or held-out sequences: that of `data`, a place on disk, is real; "" stands for our own."""
    return "real" if data else "photographic"


def train_all(
    recipes: Mapping[str, Recipe],
    crops: CropSource | Mixture,
    *,
    seed: int = 0,
    device: str = "cpu",
    backbone_weights: str | Path | None = None,
    init: str | Path | None = None,
    workers: int = 0,
    on_step: Callable[[str, StepRow, int], None] | None = None,
) -> dict[str, Training]:
    """Train recipes in the cache folder, each under the hash of all that decides its run.

    A finished run is read, an interrupted one resumes.

    Args:
        recipes: network, assigner and schedule by label of the tracker.
        crops: training crops of one set, or a mixture of sets.
        seed: seed of weights, pairs and label draws, the same for every recipe.
        device: a torch device.
        backbone_weights: "shipped", "imagenet", "random", or a file the backbone starts from; None: as the recipe
            says.
        init: weights of the whole network that every recipe starts from; None: random ones.
        workers: processes that prepare pairs; 0: this one.
        on_step: called with the tracker's label, the step and the number of steps of its run.

    Returns:
        The trained trackers by label.
    """
    trained = {}
    for name, recipe in recipes.items():
        run = describe_run(recipe, crops, seed, backbone_weights, init=init)
        pairs = recipe.schedule.pairs_per_epoch * recipe.schedule.epochs
        with Progress(pairs, f"training {name}", unit="pairs") as progress:
            trained[name] = train(
                recipe,
                crops,
                paths.cache_dir() / f"{recipe.name}-{sha256_of(run)[:16]}",
                seed=seed,
                backbone_weights=backbone_weights,
                init=init,
                compute=Compute(device=device, workers=workers),
                on_step=reporter(name, progress, on_step),
            )
            progress.skip(pairs - progress.done)
    return trained


def save_trained(
    recipes: Mapping[str, Recipe],
    trained: Mapping[str, Training],
    crops: CropSource | Mixture,
    *,
    seed: int,
    backbone_weights: str | Path | None = None,
    init: str | Path | None = None,
) -> None:
    """Write trained weights to `weights_path`; arguments as `train_all` takes and returns them."""
    for name, recipe in recipes.items():
        run = describe_run(recipe, crops, seed, backbone_weights, init=init)
        card = {"run": run, "last_loss": trained[name].steps[-1].loss, "versions": versions()}
        save_weights(weights_path(recipe), trained[name].net, recipe, card)


def weights_path(recipe: Recipe) -> Path:
    """Where `save_trained` leaves the trained weights of a recipe: `runs/weights/<recipe>.safetensors`."""
    return paths.runs_dir() / "weights" / f"{recipe.name}.safetensors"


def track_all(trackers: Mapping[str, Tracker], sequences: list[Sequence]) -> dict[str, dict[str, np.ndarray]]:
    """Run trackers over sequences in one pass.

    Returns:
        (T, 4) xywh boxes by tracker and sequence.
    """
    frames = len(trackers) * sum(map(len, sequences))
    results: dict[str, dict[str, np.ndarray]] = {}
    with Progress(frames, "tracking", unit="frames") as progress:
        for name, tracker in trackers.items():
            results[name] = {}
            for sequence in sequences:
                results[name][sequence.name] = run_one_pass(tracker, sequence).boxes_xywh
                progress.step(len(sequence), tracker=name)
    return results


def trackers_of(
    recipes: Mapping[str, Recipe], trained: Mapping[str, Training], *, device: str = "cpu"
) -> dict[str, Tracker]:
    """Online trackers of trained networks by label, and the static box as a baseline."""
    trackers: dict[str, Tracker] = {
        name: OnlineTracker(training.net, recipes[name], device=device) for name, training in trained.items()
    }
    return {**trackers, STATIC: StaticTracker()}


def score_all(
    results: Mapping[str, Mapping[str, np.ndarray]], sequences: list[Sequence]
) -> dict[str, OPEResult]:
    """Evaluate the boxes of every tracker in one pass (pysot protocol)."""
    truth = {sequence.name: sequence.boxes_xywh for sequence in sequences}
    return {name: evaluate(boxes, truth) for name, boxes in results.items()}


def score_table(scores: Mapping[str, OPEResult]) -> pd.DataFrame:
    """AUC, precision at 20 px and normalised precision at 0.2 by tracker, all in 0..1."""
    rows = [(s.auc, s.precision_score, s.normalised_precision_score) for s in scores.values()]
    columns = ["AUC", "precision at 20 px", "normalised precision at 0.2"]
    return pd.DataFrame(rows, index=pd.Index(scores, name="tracker"), columns=columns)


def sequence_table(scores: Mapping[str, OPEResult]) -> pd.DataFrame:
    """AUC of every sequence by tracker, and their mean in the last row."""
    first = next(iter(scores.values()))
    table = pd.DataFrame({name: s.sequence_auc for name, s in scores.items()}, index=list(first.names))
    table.loc["mean"] = table.mean()
    return table.rename_axis("sequence")


def median_sequence(sequences: list[Sequence], scores: Mapping[str, OPEResult]) -> Sequence:
    """The sequence on which the best tracker is at its median: typical, and chosen by a rule."""
    best = max(scores.values(), key=lambda result: result.auc)
    order = np.argsort(best.sequence_auc, kind="stable")
    return sequences[int(order[len(order) // 2])]


def training_verdict(scores: Mapping[str, OPEResult], *, imagery: Imagery) -> str:
    """What the scores say, with a comparison over the sequences, and how little one training run can say."""
    names = list(scores)
    lines = [f"AUC over {len(scores[names[0]].names)} {imagery} sequences:"]
    lines += [f"  {name:32s} {result.auc:.3f}" for name, result in scores.items()]
    fixed, dynamic, *_ = scores.values()
    if len(fixed.names) > 1:
        difference = paired_bootstrap(dynamic.sequence_auc, fixed.sequence_auc)
        lines.append(sentence(difference, names[1], names[0]))
    lines.append("One training run with one seed: too little to say which of the two rules is better.")
    return "\n".join(lines)


def reporter(
    name: str, progress: Progress, on_step: Callable[[str, StepRow, int], None] | None = None
) -> Callable[[StepRow, int], None]:
    """A listener of `training.engine.train` that moves `progress` to the step's place in the whole run.

    Steps from before an interruption count as done, and not towards the speed. Centre-ness and
    skipped steps are shown where they are not zero.
    """
    begun, skipped = False, 0

    def report(step: StepRow, total: int) -> None:
        nonlocal begun, skipped
        if not begun:
            progress.skip(progress.total * step.step // total - progress.done)
        begun, skipped = True, skipped + step.skipped
        figures = {
            "loss": step.loss,
            "classification": step.loss_classification,
            "regression": step.loss_regression,
            "centre-ness": step.loss_centerness,
            "rate": step.lr,
            "positives": step.positives,
            "skipped": skipped,
        }
        shown = {
            key: value for key, value in figures.items() if value or key not in ("centre-ness", "skipped")
        }
        progress.step(progress.total * (step.step + 1) // total - progress.done, **shown)
        if on_step is not None:
            on_step(name, step, total)

    return report
