"""Comparison of two trackers over seeds of their training, clips with several targets, and runs of the first box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.resampling import interval, unbiased_weights

#: Resamples that are computed at once.
_CHUNK = 1000


@dataclass(frozen=True)
class VarianceParts:
    """Parts of the variance of a mean difference, each as a share of their sum."""

    seeds: float  #: other trainings
    targets: float  #: other targets
    interaction: float  #: single trainings on single targets
    first_boxes: float  #: runs from other first boxes


@dataclass(frozen=True, eq=False)
class HierarchicalDifference:
    """A mean difference of scores, and its resamples."""

    value: float  #: mean over seeds, targets and runs
    means: np.ndarray  #: (B,) resampled means
    parts: VarianceParts

    @property
    def deviation(self) -> float:
        """Standard deviation of the resampled means."""
        return float(self.means.std(ddof=1))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Percentile interval, as `resampling.interval`."""
        low, high, _ = interval(self.means[None], confidence)
        return float(low[0]), float(high[0])

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference, never zero."""
        return float(interval(self.means[None], 0.95)[2][0])

    def equivalent(self, margin: float, level: float = 0.05) -> bool:
        """Whether two one-sided tests find the difference to be smaller than a margin in both directions.

        Source: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657.
        """
        low, high = self.interval(1 - 2 * level)
        return -margin < low and high < margin


def compare_hierarchical(
    differences: np.ndarray, clips: Sequence[str], *, resamples: int = 10_000, seed: int = 0
) -> HierarchicalDifference:
    """Resample seeds, clips and runs of paired differences.

    A resample draws seeds for all targets at once, clips with all their targets and for all seeds at once, and the
    runs of each target for all seeds at once. Weights are spread so that the variance of each level is unbiased; the
    variance that runs add to the means of clips is taken out of these, so that it is not counted twice. Deviations of
    seeds and of clips get the tails of Student's t, as in `seeds.compare_seeds`. What single trainings do on single
    targets is counted with both, which errs to the wide side.

    Args:
        differences: (S, T, R) of S >= 2 seeds, T targets and R >= 2 runs.
        clips: clip of each target, at least two different ones.
        resamples: number of resamples.
        seed: seed of the resamples; comparisons over the same clips see the same draws of clips.

    Raises:
        InputError: for other shapes, or differences that are not finite.

    Source: crossed bootstrap, Owen, Annals of Applied Statistics 1 (2007) 386; nested levels as in Davison and
        Hinkley 1997, section 3.8.
    """
    cells = np.asarray(differences, float)
    if cells.ndim != 3 or min(cells.shape[0], cells.shape[2]) < 2 or cells.shape[1] != len(clips):
        raise InputError(
            f"differences must have the shape (seeds, targets, runs), with 2 or more seeds and runs and one clip for "
            f"each target; got {cells.shape} and {len(clips)} clips"
        )
    names = sorted(set(clips))
    if len(names) < 2 or not np.isfinite(cells).all():
        raise InputError(f"differences must be finite and of two or more clips, got {len(names)}")
    member = np.array([names.index(clip) for clip in clips])
    of_clips = _deviations_of_clips(member, cells, np.random.default_rng((seed, 0)), resamples)
    of_seeds = _deviations_of_seeds(len(cells), np.random.default_rng((seed, 1)), resamples)
    by_target, value = cells.mean(2), float(cells.mean())
    weights = 1 / len(member) + of_clips
    means = np.einsum("bs,st,bt->b", 1 / len(cells) + of_seeds, by_target, weights, optimize=True)
    means += _deviations_of_runs(cells.mean(0), np.random.default_rng((seed, 2)), resamples)
    return HierarchicalDifference(value, means, variance_parts(cells))


def mean_of(found: Sequence[HierarchicalDifference]) -> HierarchicalDifference:
    """The mean of differences with equal weights; those over the same clips were resampled together."""
    parts = VarianceParts(
        *(
            float(np.mean([getattr(each.parts, name) for each in found]))
            for name in VarianceParts.__dataclass_fields__
        )
    )
    return HierarchicalDifference(
        float(np.mean([each.value for each in found])), np.mean([each.means for each in found], 0), parts
    )


def variance_parts(differences: np.ndarray) -> VarianceParts:
    """Split the variance of the mean difference into parts of seeds, targets, both together, and first boxes.

    Args:
        differences: (S, T, R), runs nested in targets and crossed with seeds.

    Source: analysis of variance with random effects by the method of moments; a negative estimate counts as 0.
    """
    cells = np.asarray(differences, float)
    seeds, targets, runs = cells.shape
    of_target, of_seed = cells.mean((0, 2)), cells.mean((1, 2))
    by_target, by_run = cells.mean(2), cells.mean(0)
    both = by_target - of_seed[:, None] - of_target + cells.mean()
    single = cells - by_target[..., None] - by_run + of_target[:, None]
    ms_rest = (single**2).sum() / ((seeds - 1) * targets * (runs - 1))
    ms_run = seeds * ((by_run - of_target[:, None]) ** 2).sum() / (targets * (runs - 1))
    ms_both = runs * (both**2).sum() / ((seeds - 1) * (targets - 1))
    ms_seed = targets * runs * of_seed.var(ddof=1)
    ms_target = seeds * runs * of_target.var(ddof=1)
    run = max(ms_run - ms_rest, 0) / seeds
    interaction = max(ms_both - ms_rest, 0) / runs
    seed = max(ms_seed - ms_both, 0) / (targets * runs)
    target = max(ms_target - ms_both - ms_run + ms_rest, 0) / (seeds * runs)
    parts = np.array(
        [
            seed / seeds,
            target / targets,
            interaction / (seeds * targets),
            run / (targets * runs) + ms_rest / (seeds * targets * runs),
        ]
    )
    return VarianceParts(*(parts / parts.sum() if parts.sum() else parts).tolist())


def _deviations_of_seeds(seeds: int, generator: np.random.Generator, resamples: int) -> np.ndarray:
    """(B, S) weights of seeds less 1 / S, with the tails of Student's t."""
    weights = unbiased_weights(generator.integers(0, seeds, (resamples, seeds))) - 1 / seeds
    return weights * np.sqrt((seeds - 1) / generator.chisquare(seeds - 1, resamples))[:, None]


def _deviations_of_clips(
    member: np.ndarray, cells: np.ndarray, generator: np.random.Generator, resamples: int
) -> np.ndarray:
    """(B, T) weights of targets less 1 / T for drawn clips, without the variance that runs have added to them."""
    targets, clips = len(member), int(member.max()) + 1
    drawn = unbiased_weights(generator.integers(0, clips, (resamples, clips)))  # (B, C), sums of 1
    tails = np.sqrt((clips - 1) / generator.chisquare(clips - 1, resamples))
    weights = drawn[:, member] / (drawn @ np.bincount(member))[:, None] - 1 / targets
    means = cells.mean((0, 2))
    of_clips = np.bincount(member, means - means.mean())
    by_clips = float((of_clips**2).sum()) * clips / (clips - 1) / targets**2
    by_runs = float(cells.mean(0).var(1, ddof=1).sum()) / cells.shape[2] / targets**2
    kept = max(by_clips - by_runs, 0.0) / by_clips if by_clips else 0.0
    return weights * (tails * np.sqrt(kept))[:, None]


def _deviations_of_runs(by_run: np.ndarray, generator: np.random.Generator, resamples: int) -> np.ndarray:
    """(B,) what other runs of the targets change in the mean, with unbiased variance."""
    targets, runs = by_run.shape
    deviations = by_run - by_run.mean(1, keepdims=True)
    total = np.empty(resamples)
    for first in range(0, resamples, _CHUNK):
        count = min(_CHUNK, resamples - first)
        drawn = generator.integers(0, runs, (count, targets, runs))
        total[first : first + count] = deviations[np.arange(targets)[:, None], drawn].mean((1, 2))
    return total * np.sqrt(runs / (runs - 1))
