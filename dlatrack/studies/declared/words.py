"""The conclusion of a declared study in plain words; they follow from the numbers by the declared rule."""

from __future__ import annotations

from collections.abc import Sequence

from dlatrack.errors import counted
from dlatrack.evaluation.statistics.difference import holm_corrected
from dlatrack.studies.declared.analysis import MARGIN, Conclusion, RuleComparison, power, verdict_on
from dlatrack.studies.declared.declaration import StudyDeclaration
from dlatrack.studies.declared.tables import StudyTables

_ANSWERS = {
    "improves": "DLA improves these trackers: the interval lies above zero, and no family is worse.",
    "does not improve": f"DLA does not improve these trackers: a gain of {MARGIN} or more is excluded.",
    "harms": "DLA makes these trackers worse: the interval lies below zero.",
    "does not settle": "The study does not settle the question: the interval holds both zero and gains of the size "
    "that the paper prints.",
}


def state(declaration: StudyDeclaration, tables: StudyTables) -> str:
    """A sentence on how much of the study has run; no conclusion counts before all of it has."""
    cells = declaration.cells()
    done = sum(map(tables.finished, cells))
    if done == len(cells):
        return f"All {len(cells)} cells of the study have run."
    return (
        f"{done} of {len(cells)} cells have run. What follows is a view of an unfinished study, and no "
        f"conclusion: the declared rule applies to the whole."
    )


def in_words(comparisons: Sequence[RuleComparison], conclusion: Conclusion) -> str:
    """The paragraph that follows from the declared rule, whatever it says.

    Args:
        comparisons: main comparisons.
        conclusion: conclusion on the claim as a whole.
    """
    mean, (low, high) = conclusion.difference, conclusion.difference.interval()
    adjusted = holm_corrected([each.difference.p for each in comparisons])
    found: dict[str, list[str]] = {}
    for each, p in zip(comparisons, adjusted, strict=True):
        word = verdict_on(each.difference.value, p, each.difference.equivalent(MARGIN))
        place = f"{each.tracker} ({each.regime.replace('_', ' ')}, {each.difference.value:+.3f})"
        found.setdefault(word, []).append(place)
    single = "; ".join(f"{word}: {', '.join(places)}" for word, places in found.items())
    families = "1 family" if conclusion.families == 1 else f"{conclusion.families} families"
    chances = ", ".join(f"{100 * power(mean, gain):.0f} % for {gain}" for gain in (0.002, 0.01, 0.025))
    return (
        f"Over {families} trained from nothing, with {_seeds(comparisons)} each, DLA "
        f"changes the AUC on real targets by {mean.value:+.4f} in the mean (95 % interval {low:+.4f} to "
        f"{high:+.4f}). "
        f"{_ANSWERS[conclusion.words]} Each by itself: {single}. The chance to have found a true gain with this "
        f"precision is {chances} AUC; the gains that the paper prints are 0.002 to 0.025, of larger networks on "
        f"OTB100."
    )


def _seeds(comparisons: Sequence[RuleComparison]) -> str:
    """Number of seeds of the families, which differs while a study runs."""
    counts = [len(each.seeds) for each in comparisons if each.question == comparisons[0].question]
    return counted(max(counts), "seed") if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)} seeds"
