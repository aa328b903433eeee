"""How much K matters: positives per target and along training (SiamDLA Fig. 9), and scores of trained trackers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign import LabelAssigner, build_assigner
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.statistics.compare import Difference, paired_bootstrap
from dlatrack.evaluation.statistics.difference import holm_corrected
from dlatrack.grid import ScoreGrid
from dlatrack.progress import Progress
from dlatrack.recipes import Recipe, SamplingConfig, trackers
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.sources import CropSource
from dlatrack.studies.presets import PRESETS, Plan, plan, sizes

#: The K of Fig. 9a.
CANDIDATES = PRESETS["paper"].k_trained

#: Readings of Algorithm 1 that the paper leaves open, as options of the assigner; the first is our default.
READINGS: dict[str, dict[str, Any]] = {
    "DLA, default: best one rescued": {},
    "nobody rescued": {"on_empty": "strict"},
    "nobody rescued, std over n": {"on_empty": "strict", "std": "biased"},
    "positives from all samples": {"on_empty": "strict", "positive_scope": "all"},
}

#: Shapes of targets: mean and standard deviation of ln(w / h). Those of LaSOT were counted in its 1,400 files; the
#: mix that the paper trained on is not known.
MIXES: dict[str, tuple[float, float]] = {
    "wide mix": (0.0, 0.7),
    "as in LaSOT": (0.151, 0.572),
    "all square": (0.0, 0.0),
}

_PAIRS_PER_EPOCH = 5000  # more say nothing new about a mean

#: Fewest epochs that are followed, so that a line shows whether it is level.
_EPOCHS = 12

#: Trackers of the paper whose grids the pairs are labelled on, by what a sample is; both have search regions of
#: 255 px.
_SAMPLES = {"points": "dla_siamcar", "anchors": "dla_siamrpnpp"}
_AT_ONCE = 1000  # targets
_DEFAULT = 9  # the paper's K


@dataclass(frozen=True)
class KStudy:
    """A DLA tracker that is trained once for every K, on the same pairs and from the same initial weights."""

    plan: Plan  #: tracker, schedule and sequences
    candidates: tuple[int, ...]  #: every K, ascending
    targets: int  #: number of simulated targets for the counts of Fig. 9a

    @property
    def recipes(self) -> dict[str, Recipe]:
        """The plan's DLA recipe for every K, by `k_label`."""
        dla = self.plan.twins.dla
        options = dict(dla.assign.options)
        return {
            k_label(count): replace(dla, assign=replace(dla.assign, options=options | {"candidates": count}))
            for count in self.candidates
        }

    @property
    def reference(self) -> int:
        """The K that the others are compared with: 9, or the nearest to it."""
        return min(self.candidates, key=lambda count: abs(count - _DEFAULT))


def k_label(count: int) -> str:
    """Name of the tracker that is trained with a K."""
    return f"K = {count}"


def study_k(preset: str, candidates: Iterable[int] = ()) -> KStudy:
    """The study of a preset. That of `demo` is reduced: fewer K, a shorter schedule and fewer videos.

    Args:
        preset: "smoke", "demo" or "paper".
        candidates: every K to train with; none: the preset's.

    Raises:
        InputError: for an unknown preset, or a K that is no grid point count or given twice.
    """
    size = sizes(preset)
    epochs, pairs = size.k_schedule
    chosen = replace(plan(preset, epochs=epochs, pairs_per_epoch=pairs), test=size.k_test)
    counts = tuple(sorted(candidates)) or size.k_trained
    most = chosen.twins.dla.grid.size**2
    for count in counts:
        if not 1 <= count <= most or counts.count(count) > 1:
            raise InputError(f"candidates must be different numbers in 1..{most}, got {list(counts)}")
    return KStudy(chosen, counts, size.k_targets)


def simulated_targets(count: int, seed: int, *, mean: float, std: float) -> Tensor:
    """Targets as the search regions of the SiamRPN++ family hold them.

    ln(w / h) of the object is normal; the crop gives it the scale of a 127-pixel template; the augmentation stretches
    width and height independently and shifts the window.

    Args:
        count: number of targets.
        seed: same seed, same targets.
        mean: mean of ln(w / h).
        std: standard deviation of ln(w / h).

    Returns:
        (count, 4) xyxy float64, search-region px.
    """
    config = SamplingConfig().search
    rng = np.random.default_rng(seed)
    aspect = np.exp(mean + std * rng.standard_normal(count))
    width, height = aspect**0.5, aspect**-0.5
    scale = 127 / boxes.context_side(width, height)
    stretch = 1 + config.scale * rng.uniform(-1, 1, (count, 2))
    shift = config.shift * rng.uniform(-1, 1, (count, 2))
    size = np.stack([width * scale, height * scale], 1) / stretch
    return torch.from_numpy(boxes.cxcywh_to_xyxy(np.concatenate([127 - shift / stretch, size], 1)))


def positives_over_candidates(
    study: KStudy, *, candidates: Sequence[int] = CANDIDATES, seed: int = 0
) -> pd.DataFrame:
    """Positives of simulated targets for every K, reading and mix of shapes. Labels need no network and no training.

    Args:
        study: number of targets.
        candidates: every K.
        seed: seed of the targets.

    Returns:
        A row per mix, reading and K: `mix`, `reading`, `K`, `positives` (mean per target), `error` (its standard
        error) and `empty` (share of targets that no sample satisfies, before any rescue).

    Source: SiamDLA Fig. 9a.
    """
    rows = []
    with Progress(len(MIXES) * len(READINGS) * len(candidates), "counting", unit="curve points") as progress:
        for mix, (mean, std) in MIXES.items():
            targets = simulated_targets(study.targets, seed, mean=mean, std=std)
            for reading, options in READINGS.items():
                for count in candidates:
                    rule = _counting(ScoreGrid(), count, options)
                    positives, empty = _count(rule, targets)
                    error = float(positives.std(ddof=1)) / len(positives) ** 0.5
                    rows.append((mix, reading, count, float(positives.mean()), error, float(empty.mean())))
                    progress.step()
    return pd.DataFrame(rows, columns=["mix", "reading", "K", "positives", "error", "empty"])


def positives_on_training_pairs(
    study: KStudy, crops: CropSource | Mixture, *, candidates: Sequence[int] = CANDIDATES, seed: int = 0
) -> pd.DataFrame:
    """Positives of the pairs that training draws, for every K, on the grids of the paper's trackers.

    The first epochs' pairs are taken, at most 5,000. Points are DLA-SiamCAR's, anchors DLA-SiamRPN++'s, five at each
    of 25 x 25 points 8 px apart.

    Args:
        study: schedule and sampling.
        crops: training crops.
        candidates: every K.
        seed: seed of the training.

    Returns:
        A row per kind of sample, reading and K: `samples`, `reading`, `K`, `positives` (mean per pair), `error` (its
        standard error) and `empty` (share of pairs that no sample satisfies, before any rescue).

    Source: SiamDLA Fig. 9a.
    """
    recipe = study.plan.twins.dla
    source, schedule = PairSource(crops, recipe.sampling, recipe.net, seed), recipe.schedule
    wanted = min(schedule.pairs_per_epoch * schedule.epochs, study.targets, _PAIRS_PER_EPOCH)
    targets = _drawn_targets(source, [divmod(index, schedule.pairs_per_epoch) for index in range(wanted)])
    rows = []
    for samples, name in _SAMPLES.items():
        tracker = trackers.recipe(name)
        for reading, options in list(READINGS.items())[:2]:
            for count in candidates:
                own = dict(tracker.assign.options) | options
                rule = _counting(tracker.grid, count, own, tracker.assign.name)
                positives, empty = _count(rule, targets)
                error = float(positives.std(ddof=1)) / len(positives) ** 0.5
                rows.append((samples, reading, count, float(positives.mean()), error, float(empty.mean())))
    return pd.DataFrame(rows, columns=["samples", "reading", "K", "positives", "error", "empty"])


def _drawn_targets(source: PairSource, places: Sequence[tuple[int, int]]) -> Tensor:
    """(N, 4) targets of the pairs at places (epoch, index)."""
    with Progress(len(places), "counting", unit="pairs") as progress:
        targets = []
        for epoch, index in places:
            targets.append(source.pair(epoch, index).target_xyxy)
            progress.step()
    return torch.from_numpy(np.stack(targets))


def positives_over_epochs(
    study: KStudy, crops: CropSource | Mixture, candidates: Sequence[int], *, seed: int = 0
) -> pd.DataFrame:
    """Mean positives per pair in every epoch, of the very pairs that training draws, at most 5,000 of an epoch.

    At least 12 epochs are followed; those beyond the schedule are the ones that a longer training would draw.

    Args:
        study: schedule and sampling.
        crops: training crops.
        candidates: every K.
        seed: seed of the training.

    Returns:
        A row per epoch, from 1, and a column per K. For a K that is trained with, the history says the same.

    Source: SiamDLA Fig. 9b.
    """
    recipe = study.plan.twins.dla
    schedule, source = recipe.schedule, PairSource(crops, recipe.sampling, recipe.net, seed)
    pairs = min(schedule.pairs_per_epoch, _PAIRS_PER_EPOCH)
    rules = {count: _counting(recipe.grid, count, recipe.assign.options) for count in candidates}
    epochs = max(schedule.epochs, _EPOCHS)
    drawn = _drawn_targets(source, [(epoch, index) for epoch in range(epochs) for index in range(pairs)])
    rows = [
        {count: float(_count(rule, part)[0].mean()) for count, rule in rules.items()}
        for part in drawn.split(pairs)
    ]
    return pd.DataFrame(rows, index=pd.Index(range(1, epochs + 1), name="epoch"))


def against_reference(study: KStudy, scores: Mapping[str, OPEResult]) -> dict[int, Difference]:
    """AUC of every other K less that of the reference, by a paired bootstrap over the sequences.

    The p-values are corrected for all these comparisons (Holm). One training each, so that another seed can turn
    any of them round.
    """
    others = [count for count in study.candidates if count != study.reference]
    reference = scores[k_label(study.reference)].sequence_auc
    found = [paired_bootstrap(scores[k_label(count)].sequence_auc, reference) for count in others]
    corrected = holm_corrected([difference.p for difference in found])
    return {
        count: replace(difference, p_holm=p)
        for count, difference, p in zip(others, found, corrected, strict=True)
    }


def k_table(
    study: KStudy, scores: Mapping[str, OPEResult], differences: Mapping[int, Difference]
) -> pd.DataFrame:
    """AUC by K, the difference from the reference, the ends of its 95 % interval, and p corrected for all K."""
    rows = []
    for count in study.candidates:
        auc = scores[k_label(count)].auc
        found = differences.get(count)
        rows.append(
            (auc, found.value, found.low, found.high, found.p_holm) if found else (auc, *[np.nan] * 4)
        )
    columns = ["AUC", f"less that of K = {study.reference}", "low", "high", "corrected p"]
    return pd.DataFrame(rows, index=pd.Index(study.candidates, name="K"), columns=columns)


def _counting(
    grid: ScoreGrid, candidates: int, options: Mapping[str, Any], name: str = "dla_points"
) -> LabelAssigner:
    """A rule that draws no negatives, as only positives are counted."""
    given = dict(options) | {"candidates": candidates, "negatives_per_positive": 0}
    return build_assigner(name, grid, **given)


def _count(rule: LabelAssigner, targets: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Positives of each target, and whether no sample satisfied the rule."""
    positives, empty = [], []
    for part in targets.split(_AT_ONCE):
        answer = rule.assign(part, generator=torch.Generator())
        positives.append(answer.positive.sum(1).numpy())
        empty.append(answer.empty.numpy())
    return np.concatenate(positives), np.concatenate(empty)
