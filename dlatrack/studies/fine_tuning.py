"""A tracker that works, trained further under both rules, and its scores with the noise of the first box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.statistics.difference import sentence
from dlatrack.evaluation.statistics.runs import compare_runs
from dlatrack.models.initial import load_initial_weights
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import save_weights
from dlatrack.paths import with_home
from dlatrack.recipes import recipe
from dlatrack.recipes.fine_tuning import fine_tuning
from dlatrack.recipes.twins import label
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.sources import CropSource
from dlatrack.studies.first_box import score_runs
from dlatrack.studies.label_assignment import recipe_rules
from dlatrack.studies.presets import Plan, sizes
from dlatrack.studies.qualitative_sources import ClipSource, PhotographicSource
from dlatrack.studies.twins import weights_path
from dlatrack.tracking.job import SequenceSource
from dlatrack.tracking.perturbation import Perturbation

#: The tracker that is trained further, and what it is called before.
TRACKER, START = "nanotrack_v3", "NanoTrack V3, start"

#: Seed of the first photographic video that is tracked; no training uses it.
_SEED, _SEED_STRIDE = 9_000_000, 1000


@dataclass(frozen=True)
class TuningStudy:
    """Twins that start from the same trained weights."""

    plan: Plan  #: schedule, training videos and recipes
    start: Path  #: weight file that both start from
    videos: SequenceSource  #: sequences that are tracked
    perturbation: Perturbation  #: runs from perturbed first boxes


def tuning_study(
    preset: str,
    *,
    weights: str = TRACKER,
    test_data: str = "",
    epochs: int = 0,
    pairs_per_epoch: int = 0,
    runs: int = 0,
    seed: int = 0,
) -> TuningStudy:
    """The fine-tuning of a preset.

    Args:
        preset: "smoke", "demo" or "paper".
        weights: what both twins start from: a tracker that comes with the package, a weight file, or NanoTrack's
            public checkpoint.
        test_data: folder of held-out sequences in the OTB layout; "": photographic ones.
        epochs: 0 keeps the preset's.
        pairs_per_epoch: 0 keeps the preset's.
        runs: runs from perturbed first boxes, at least 2; 0 keeps the preset's.
        seed: seed of the shifts of first boxes and of photographic sequences.

    Raises:
        InputError: for an unknown preset, a number out of range, or weights of another network.
    """
    size = sizes(preset)
    if runs < 0 or runs == 1:
        raise InputError(f"runs must be 0 (the preset's number) or at least 2, got {runs}")
    numbers = (epochs or size.tuned[0], pairs_per_epoch or size.tuned[1])
    schedule = fine_tuning(recipe(TRACKER).schedule, epochs=numbers[0], pairs_per_epoch=numbers[1])
    plan = Plan(TRACKER, schedule, size.train, size.test)
    videos: SequenceSource = PhotographicSource(_SEED + _SEED_STRIDE * seed, *size.tuned_test)
    if test_data:
        videos = ClipSource(with_home(test_data).absolute())
    perturbation = Perturbation.parse(f"half-pixel:{runs or size.first_box[0]}", seed)
    return TuningStudy(plan, _weight_file(weights), videos, perturbation)


def _weight_file(weights: str) -> Path:
    """The start as a weight file of this package, below `runs/weights`; a public checkpoint is imported."""
    chosen = recipe(TRACKER)
    net = build_model(chosen)
    source = load_initial_weights(net, chosen, weights)
    file = paths.runs_dir() / "weights" / f"{TRACKER}_start.safetensors"
    save_weights(file, net, chosen, {"start": source.name})
    return file


def positives_on_pairs(
    study: TuningStudy, crops: CropSource | Mixture, *, pairs: int = 512, seed: int = 0
) -> pd.DataFrame:
    """What each rule calls positive in the first pairs of the training.

    Args:
        study: the twins.
        crops: training crops.
        pairs: number of pairs, at most those of an epoch.
        seed: seed of the training.

    Returns:
        By tracker: mean, least and most positives of a pair that shows its target, and the share of such pairs in
        which no point satisfied the rule.
    """
    twins = study.plan.twins
    source = PairSource(crops, twins.fixed.sampling, twins.fixed.net, seed)
    batch = source.batch(0, 0, min(pairs, study.plan.schedule.pairs_per_epoch))
    rows = {}
    for title, rule in recipe_rules(twins).items():
        found = rule.assign(batch.target_xyxy, batch.positive, batch.key)
        counts = found.positive.sum(1)[batch.positive].double()
        empty = found.empty[batch.positive].double()
        rows[title] = [float(value) for value in (counts.mean(), counts.min(), counts.max(), empty.mean())]
    columns = ["mean positives", "least", "most", "share in which no point met the rule"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("tracker")


def score_tuning(study: TuningStudy, *, device: str = "cpu", workers: int = 1) -> dict[str, OPEResult]:
    """Scores of the start and of both twins in runs from perturbed first boxes, by label, the start first.

    The twins are read from where `twins.save_trained` leaves them.
    """
    chosen = recipe(TRACKER)
    score = partial(
        score_runs, source=study.videos, perturbation=study.perturbation, device=device, workers=workers
    )
    trained = {weights_path(each): each for each in study.plan.recipes.values()}
    return {START: score({study.start: chosen})[label(chosen)], **score(trained)}


def tuning_verdict(scores: Mapping[str, OPEResult], *, seed: int = 0) -> list[str]:
    """A sentence on each pair of trackers: the twins with each other, and each of them with the start.

    The bootstrap resamples sequences and, within each, the runs from perturbed first boxes.
    """
    start, fixed, dynamic = scores
    return [
        sentence(
            compare_runs(scores[a].run_auc, scores[b].run_auc, paired=True, seed=seed),
            a,
            b,
        )
        for a, b in ((dynamic, fixed), (fixed, start), (dynamic, start))
    ]
