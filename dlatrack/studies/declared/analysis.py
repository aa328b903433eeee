"""What follows from the scores of a declared study, by the rule that was declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist

import numpy as np
import pandas as pd

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.difference import holm_corrected
from dlatrack.evaluation.statistics.hierarchical import (
    HierarchicalDifference,
    VarianceParts,
    compare_hierarchical,
    mean_of,
)
from dlatrack.paper.published import auc_gains
from dlatrack.recipes import recipe
from dlatrack.studies.declared.declaration import DLA_RULE, OWN_RULE, Cell, Question, StudyDeclaration
from dlatrack.studies.declared.materials import clip_name
from dlatrack.studies.declared.tables import StudyTables

#: Sets of real targets, which decide, and the one that is shown beside them.
REAL_SETS, PHOTOGRAPHIC_SETS = ("video", "footage"), ("photographic",)

#: Differences of AUC that count as none.
MARGIN = 0.01

_LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class RuleComparison:
    """A rule beside another one in the same cells."""

    question: str
    tracker: str  #: title of the tracker
    regime: str
    rule: str  #: name of the rule
    base: str  #: name of the rule that it is compared with
    seeds: tuple[int, ...]  #: seeds that both have
    auc: float  #: mean AUC of the rule
    base_auc: float
    difference: HierarchicalDifference  #: rule less base, on real targets
    photographic: float  #: difference on photographic videos


def compare(
    tables: StudyTables, question: Question, tracker: str, rule: str, base: str, *, resamples: int = 10_000
) -> RuleComparison | None:
    """Compare two rules of a question on all seeds that both have; None if these are fewer than two.

    Args:
        tables: scores.
        question: question of the declaration.
        tracker: recipe of the tracker.
        rule: rule as in the declaration.
        base: rule that it is compared with.
        resamples: number of resamples.
    """
    pairs = [
        (Cell(question.regime, tracker, rule, seed), Cell(question.regime, tracker, base, seed))
        for seed in range(question.seeds)
    ]
    pairs = [pair for pair in pairs if all(map(tables.finished, pair))]
    if len(pairs) < 2:
        return None
    clips = [clip_name(target) for target in tables.targets(REAL_SETS)]
    first, second = (np.stack([tables.auc(pair[side], REAL_SETS) for pair in pairs]) for side in (0, 1))
    photographic = np.mean(
        [tables.auc(a, PHOTOGRAPHIC_SETS) - tables.auc(b, PHOTOGRAPHIC_SETS) for a, b in pairs]
    )
    return RuleComparison(
        question.name,
        recipe(tracker).title,
        question.regime,
        pairs[0][0].label,
        pairs[0][1].label,
        tuple(pair[0].seed for pair in pairs),
        float(first.mean()),
        float(second.mean()),
        compare_hierarchical(first - second, clips, resamples=resamples),
        float(photographic),
    )


def main_comparisons(declaration: StudyDeclaration, tables: StudyTables) -> list[RuleComparison]:
    """DLA beside the own rule of every tracker, of all questions that have both; the declared main comparisons."""
    found = [
        compare(tables, question, tracker, DLA_RULE, OWN_RULE)
        for question in declaration.questions
        if {DLA_RULE, OWN_RULE} <= set(question.rules)
        for tracker in question.trackers
    ]
    return [each for each in found if each is not None]


def all_comparisons(
    declaration: StudyDeclaration, tables: StudyTables, question: Question
) -> list[RuleComparison]:
    """Every rule of a question beside what it is a variant of, where both have run.

    Options of DLA stand beside DLA, all other rules, and DLA itself, beside the tracker's own rule.
    """
    found = [
        compare(tables, question, tracker, rule, DLA_RULE if rule.startswith(f"{DLA_RULE}_") else OWN_RULE)
        for tracker in question.trackers
        for rule in question.rules
        if rule != OWN_RULE
    ]
    return [each for each in found if each is not None]


def verdict_on(value: float, adjusted_p: float, equivalent: bool) -> str:
    """The declared conclusion on one comparison."""
    words = []
    if adjusted_p <= _LEVEL:
        words.append("better" if value > 0 else "worse")
    if equivalent:
        words.append(f"equivalent within {MARGIN}")
    return ", ".join(words) or "undecided"


def main_table(comparisons: Sequence[RuleComparison]) -> pd.DataFrame:
    """The main comparisons with interval, adjusted p-value, equivalence, parts of the variance and verdict.

    Raises:
        InputError: if there is none.
    """
    if not comparisons:
        raise InputError("no pair of DLA and own rule has two seeds yet; run `dlatrack study run`")
    adjusted = holm_corrected([each.difference.p for each in comparisons])
    rows = []
    for each, p in zip(comparisons, adjusted, strict=True):
        low, high = each.difference.interval()
        equivalent = each.difference.equivalent(MARGIN)
        shares = {
            f"variance: {part.name.replace('_', ' ')}": getattr(each.difference.parts, part.name)
            for part in fields(VarianceParts)
        }
        rows.append(
            {
                "tracker": each.tracker,
                "regime": each.regime.replace("_", " "),
                "seeds": len(each.seeds),
                "AUC, own rule": each.base_auc,
                "AUC, DLA": each.auc,
                "difference": each.difference.value,
                "low": low,
                "high": high,
                "p, adjusted": p,
                "verdict": verdict_on(each.difference.value, p, equivalent),
                "difference, photographic": each.photographic,
                **shares,
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class Conclusion:
    """The declared conclusion on the claim as a whole."""

    difference: HierarchicalDifference  #: mean over the families
    families: int  #: families with two seeds or more
    words: str  #: "improves", "does not improve", "harms" or "does not settle"


def conclude(comparisons: Sequence[RuleComparison], families: str = "families") -> Conclusion:
    """The mean difference over the families from nothing, and what follows from it.

    Args:
        comparisons: main comparisons.
        families: name of the question whose trackers are averaged.

    Raises:
        InputError: if none of them belongs to that question.
    """
    chosen = [each for each in comparisons if each.question == families]
    if not chosen:
        raise InputError(f"no comparison of the question {families!r} has two seeds yet")
    adjusted = zip(comparisons, holm_corrected([each.difference.p for each in comparisons]), strict=True)
    worse = any(p <= _LEVEL and each.difference.value < 0 for each, p in adjusted if each in chosen)
    mean = mean_of([each.difference for each in chosen])
    low, high = mean.interval()
    if high < 0:
        words = "harms"
    elif low > 0 and not worse:
        words = "improves"
    elif high < MARGIN:
        words = "does not improve"
    else:
        words = "does not settle"
    return Conclusion(mean, len(chosen), words)


def power(difference: HierarchicalDifference, gain: float) -> float:
    """Chance that an interval of this width would have excluded zero, had the true difference been `gain`."""
    low, high = difference.interval()
    half = (high - low) / 2
    deviation = half / NormalDist().inv_cdf(1 - _LEVEL / 2)
    if deviation == 0:
        return 1.0
    return NormalDist().cdf((gain - half) / deviation) + NormalDist().cdf((-gain - half) / deviation)


def power_table(comparisons: Sequence[RuleComparison], conclusion: Conclusion) -> pd.DataFrame:
    """Chance to have found each gain that the paper prints, by comparison and for the mean over the families."""
    found = {f"{each.tracker}, {each.regime.replace('_', ' ')}": each.difference for each in comparisons}
    found[f"mean of {conclusion.families} families"] = conclusion.difference
    gains = sorted(set(auc_gains().values()))
    return pd.DataFrame(
        {f"{gain:.3f}": [power(difference, gain) for difference in found.values()] for gain in gains},
        index=pd.Index(found, name="comparison"),
    )


def ranking(
    tables: StudyTables, question: Question, tracker: str, *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Rules by mean AUC on real targets, with the uncertainty of their ranks.

    Seeds, clips and runs are drawn for all rules at once, so that the ranks of a resample are those of one study.

    Args:
        tables: scores.
        question: question of the declaration.
        tracker: recipe of the tracker.
        resamples: number of resamples.
        seed: seed of the resamples.

    Returns:
        By rule, the best first: `AUC`, `rank low` and `rank high`, the ends of a 95 % interval, and `best`, the share
        of resamples in which it is the first.
    """
    rules = [
        rule
        for rule in question.rules
        if all(tables.finished(Cell(question.regime, tracker, rule, s)) for s in range(question.seeds))
    ]
    labels = [Cell(question.regime, tracker, rule, 0).label for rule in rules]
    if len(rules) < 2:
        return pd.DataFrame(columns=["AUC", "rank low", "rank high", "best"])
    cells = np.stack(
        [
            np.stack(
                [
                    tables.auc(Cell(question.regime, tracker, rule, s), REAL_SETS)
                    for s in range(question.seeds)
                ]
            )
            for rule in rules
        ]
    )  # (rules, seeds, targets, runs)
    clips = [clip_name(target) for target in tables.targets(REAL_SETS)]
    centred = cells - cells.mean(0)
    means = np.stack(
        [compare_hierarchical(each, clips, resamples=resamples, seed=seed).means for each in centred]
    )
    ranks = 1 + np.argsort(np.argsort(-means, axis=0, kind="stable"), axis=0, kind="stable")
    low, high = np.quantile(ranks, (0.025, 0.975), axis=1, method="nearest")
    table = pd.DataFrame(
        {
            "AUC": cells.mean((1, 2, 3)),
            "rank low": low.astype(int),
            "rank high": high.astype(int),
            "best": (ranks == 1).mean(1),
        },
        index=pd.Index(labels, name="rule"),
    )
    return table.sort_values("AUC", ascending=False)
