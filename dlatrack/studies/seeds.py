"""Is DLA better than the fixed rule, whatever the seed? Twins trained several times, on the same data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import Difference, sentence
from dlatrack.evaluation.statistics.seeds import Spread, compare_seeds, spread_of_seeds
from dlatrack.imagery import Imagery
from dlatrack.studies import twins
from dlatrack.studies.presets import Plan, plan, sizes
from dlatrack.training.run import Training


@dataclass(frozen=True)
class SeedStudy:
    """Twins that are trained once for every seed; training and held-out videos stay the same."""

    plan: Plan  #: the twins, their schedule and sequences
    seeds: tuple[int, ...]  #: seeds of weights, pairs and label draws

    @property
    def labels(self) -> tuple[str, str]:
        """Names of the fixed twin and of the DLA tracker."""
        return self.plan.twins.labels


@dataclass(frozen=True, eq=False)
class SeedScores:
    """Scores of twins that were trained once for every seed."""

    fixed: np.ndarray  #: (R, S) AUC of the fixed twin, by seed and sequence
    dynamic: np.ndarray  #: (R, S) of the DLA tracker
    difference: Difference  #: DLA less fixed, seeds and sequences resampled
    #: standard deviations due to seeds and to sequences; its `a` is DLA, its `b` the fixed twin
    spread: Spread


def seed_study(preset: str, *, tracker: str = "siamcar", seeds: int = 0, first: int = 0) -> SeedStudy:
    """The study of a preset. That of `demo` is reduced: a shorter schedule and shorter videos.

    Args:
        preset: "smoke", "demo" or "paper".
        tracker: tracker, as in `presets.plan`.
        seeds: number of seeds, at least 2; 0: the preset's.
        first: the first seed; the others follow it.

    Raises:
        InputError: for an unknown preset or tracker, one seed or fewer, or a negative one.
    """
    size = sizes(preset)
    epochs, pairs = size.seed_schedule
    chosen = plan(preset, tracker=tracker, epochs=epochs, pairs_per_epoch=pairs)
    chosen = replace(chosen, test=size.seed_test)
    count = seeds or size.seeds
    if count < 2 or first < 0:
        raise InputError(
            f"seeds must be 0 (the preset's number) or at least 2, and the first seed 0 or more; got seeds {seeds}, "
            f"first seed {first}"
        )
    return SeedStudy(chosen, tuple(range(first, first + count)))


def score_seeds(
    study: SeedStudy,
    trained: Mapping[int, Mapping[str, Training]],
    videos: list[Sequence],
    *,
    device: str = "cpu",
    resamples: int = 10_000,
) -> SeedScores:
    """Run every network over held-out sequences, and compare the twins.

    Args:
        study: twins and seeds.
        trained: trained twins by seed, each as `twins.train_all` returns them.
        videos: at least two.
        device: a torch device.
        resamples: number of resamples of seeds and sequences.

    Raises:
        InputError: for fewer than two sequences.
    """
    scores = []
    for seed in study.seeds:
        trackers = twins.trackers_of(study.plan.recipes, trained[seed], device=device)
        del trackers[twins.STATIC]  # depends on no seed
        scores.append(twins.score_all(twins.track_all(trackers, videos), videos))
    fixed, dynamic = (np.stack([found[name].sequence_auc for found in scores]) for name in study.labels)
    generator = np.random.default_rng(study.seeds[0])
    difference = compare_seeds(dynamic, fixed, generator, resamples=resamples)
    return SeedScores(fixed, dynamic, difference, spread_of_seeds(dynamic, fixed))


def seed_table(study: SeedStudy, scores: SeedScores) -> pd.DataFrame:
    """AUC of both twins and their difference by seed, then their mean and their standard deviation over the seeds."""
    fixed, dynamic = scores.fixed.mean(1), scores.dynamic.mean(1)
    columns = dict(zip(study.labels, (fixed, dynamic), strict=True)) | {"difference": dynamic - fixed}
    table = pd.DataFrame(columns, index=[f"seed {seed}" for seed in study.seeds])
    summary = pd.DataFrame({"mean": table.mean(), "standard deviation": table.std(ddof=1)}).T
    return pd.concat([table, summary]).rename_axis("training")


def seed_verdict(study: SeedStudy, scores: SeedScores, *, imagery: Imagery) -> str:
    """What several seeds say, and how the difference between rules compares with that between seeds."""
    fixed, dynamic = study.labels
    seeds, sequences = scores.fixed.shape
    spread = scores.spread
    parts = {
        "seeds": spread.seed**2 / seeds,
        "sequences": spread.sequence**2 / sequences,
        "both together": spread.rest**2 / (seeds * sequences),
    }
    total = sum(parts.values())
    shares = ", ".join(f"{name} {100 * part / total if total else 0:.0f} %" for name, part in parts.items())
    larger = max(spread.a, spread.b)
    return "\n".join(
        [
            f"On {sequences} {imagery} sequences: " + sentence(scores.difference, dynamic, fixed),
            f"The rules differ by {abs(scores.difference.value):.3f} AUC; from seed to seed the score of one rule "
            f"varies by {larger:.3f} (standard deviation, the larger of two, from {seeds} seeds).",
            f"Estimated shares in the variance of the mean difference: {shares}.",
        ]
    )
