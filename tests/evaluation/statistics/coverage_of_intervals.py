"""How often 95 % intervals of a mean difference hold the truth: the table of `docs/evaluation.md`.

    python tests/evaluation/statistics/coverage_of_intervals.py

prints it, in a minute; the rows of public trackers need the shared data.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.stats import t

from dlatrack import paths
from dlatrack.evaluation.statistics.resampling import interval, unbiased_weights

COUNTS = (3, 4, 5, 6, 8, 11, 15, 20, 29)

#: Draws differences of single sequences, in the shape that is asked for.
Sampler = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def losses(rng: np.random.Generator, shape: tuple[int, int], both: bool) -> np.ndarray:
    """Small differences; one tracker loses the target on a tenth of the sequences, with `both` the other does too."""
    ours, theirs = rng.random((2, *shape)) < 0.1
    return rng.normal(0, 0.02, shape) + 0.5 * theirs - 0.5 * ours * both


#: Samplers of differences, and their true means.
KINDS: dict[str, tuple[Sampler, float]] = {
    "normal": (lambda rng, shape: rng.normal(0, 1, shape), 0.0),
    "heavy-tailed": (lambda rng, shape: rng.standard_t(3, shape), 0.0),
    "both lose some": (lambda rng, shape: losses(rng, shape, True), 0.0),
    "one loses some": (lambda rng, shape: losses(rng, shape, False), 0.05),
}


def coverage(kind: str | np.ndarray, count: int, *, samples: int, method: str) -> float:
    """Share of samples whose 95 % interval holds the true mean.

    Args:
        kind: a name of `KINDS`, or differences of real trackers, from which samples are drawn with replacement.
        count: number of sequences of a sample.
        samples: number of samples.
        method: "t", Student's, or "percentile", that of `resampling` with 999 resamples.
    """
    rng = np.random.default_rng((count, samples))
    if isinstance(kind, str):
        draw, truth = KINDS[kind]
        drawn = draw(rng, (samples, count))
    else:
        drawn, truth = rng.choice(kind, (samples, count)), float(kind.mean())
    if method == "t":
        means = drawn.mean(1)
        reach = t.ppf(0.975, count - 1) * drawn.std(1, ddof=1) / count**0.5
        return float((np.abs(means - truth) <= reach).mean())
    weights = unbiased_weights(rng.integers(0, count, (999, count)))
    low, high, _ = interval(drawn @ weights.T, 0.95)
    return float(((low <= truth) & (truth <= high)).mean())


def public_trackers(folder: Path) -> dict[str, np.ndarray]:
    """AUC differences of pairs of public trackers by sequence of OTB100 and LaSOT."""
    from dlatrack.evaluation.scoring import each_tracker, score_tracker
    from dlatrack.evaluation.truth_source import read_truth

    found = {}
    for benchmark, gt in (("OTB100", "otb100"), ("LaSOT", "lasot_test")):
        truth, auc = read_truth(benchmark, folder / "gt" / f"{gt}_gt.json.gz"), {}

        def add(name: str, rows: dict, truth=truth, auc=auc) -> None:  # type: ignore[no-untyped-def]
            auc[name] = score_tracker(name, rows, truth).result.sequence_auc

        each_tracker(truth, sorted((folder / "results").glob(f"{benchmark}*_results.tar.xz")), add)
        found |= {f"{benchmark}: {a} - {b}": auc[a] - auc[b] for a, b in combinations(sorted(auc), 2)}
    return found


def main() -> None:
    """Print the table, in Markdown."""
    shared = paths.shared_data()
    real = {} if shared is None else public_trackers(shared / "benchmarks")
    print(f"| differences | method | {' | '.join(map(str, COUNTS))} |")
    print("|---|---|" + "---|" * len(COUNTS))
    for name, kind in (dict.fromkeys(KINDS) | real).items():
        for method in ("t", "percentile"):
            cells = [
                f"{100 * coverage(name if kind is None else kind, count, samples=20_000, method=method):.1f}"
                for count in COUNTS
            ]
            print(f"| {name} | {method} | {' | '.join(cells)} |")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
