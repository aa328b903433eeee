"""The claims ledger: each result of the paper once, and below it what was measured or published on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dlatrack.ledger import evidence_counts, evidence_ranks, evidence_scores, evidence_training
from dlatrack.ledger.evidence import STRENGTHS, Evidence, Finder, Records
from dlatrack.ledger.records import read_records
from dlatrack.paper.numbers import PaperNumber, paper_numbers

#: States of a claim.
STATES = (
    "measured",
    "agrees with published scores",
    "bounded by published scores",
    "undecided",
    "differs from published scores",
    "contradicted",
    "reduced",
    "not attempted",
)

#: What finds evidence; each knows the claims that it is for.
_FINDERS: tuple[Finder, ...] = (
    evidence_counts.count_evidence,
    evidence_counts.parameter_evidence,
    evidence_counts.positive_evidence,
    evidence_counts.flatness_evidence,
    evidence_counts.any_tracker_evidence,
    evidence_counts.purity_evidence,
    evidence_scores.score_evidence,
    evidence_scores.gain_evidence,
    evidence_ranks.rank_evidence,
    evidence_ranks.failure_evidence,
    evidence_ranks.attribute_evidence,
    evidence_ranks.picture_evidence,
    evidence_training.cost_evidence,
    evidence_training.loss_evidence,
    evidence_training.speed_evidence,
    evidence_training.insensitivity_evidence,
    evidence_training.threshold_evidence,
    evidence_training.study_evidence,
)

#: Notebooks that would measure the claims of a table or figure.
_NOTEBOOKS = {
    **{"Table 1": "02", "Table 2": "05", "Table 3": "06", "Fig. 4": "05", "Fig. 5": "05", "Fig. 6": "11"},
    **{"Fig. 7a": "07", "Fig. 7b": "07", "Fig. 8": "08", "Fig. 9a": "09", "Fig. 9b": "09", "Fig. 9": "09"},
    **{"Fig. 10": "10", "Fig. 11": "10", "Text": "13"},
}

#: Columns of the evidence, all of them fields of `Evidence`.
_EVIDENCE = (*("kind", "what", "value", "unit", "low", "high", "direction", "protocol", "data", "record"),)


@dataclass(frozen=True, eq=False)
class Ledger:
    """Claims and evidence."""

    #: A row per claim, in the paper's order, with the index `id`. Text: `where`, `tracker`, `data set`, `metric`,
    #: `unit`, `paper` (as printed), `state` (one of `STATES`), `record` (file of `ours`, or "") and `remark`.
    #: float64, NaN without: `ours`, which is the same quantity as the paper's and may be subtracted from it, and
    #: `low` and `high`, the ends of its 95 % interval. int64: `evidence`, `for` and `against`, numbers of rows of
    #: evidence.
    claims: pd.DataFrame
    #: A row per piece of evidence, that of a claim together and the strongest first, with the index `claim`, an `id`.
    #: Columns as the fields of `Evidence`. Its values are in units of their own and of smaller things.
    evidence: pd.DataFrame


def ledger(folder: Path | None = None) -> Ledger:
    """Every result of the paper, with the evidence on it.

    Args:
        folder: folder of figures and their records; None: as in `records.read_records`.

    Raises:
        InputError: for a record that cannot be read, or whose numbers were changed after it was written.
    """
    records = read_records(folder)
    claims, pieces = [], []
    for number in paper_numbers():
        found = evidence_on(number, records)
        claims.append(_row(number, found))
        pieces += [{"claim": number.id} | {name: getattr(one, name) for name in _EVIDENCE} for one in found]
    numeric = dict.fromkeys(("ours", "low", "high"), "float64")
    evidence = pd.DataFrame(pieces, columns=["claim", *_EVIDENCE]).set_index("claim")
    return Ledger(
        pd.DataFrame(claims).set_index("id").astype(numeric),
        evidence.astype(dict.fromkeys(("value", "low", "high"), "float64")),
    )


def evidence_on(number: PaperNumber, records: Records) -> list[Evidence]:
    """All evidence on a result of the paper, the strongest first."""
    found = [one for find in _FINDERS for one in find(number, records)]
    return sorted(found, key=lambda one: STRENGTHS.index(one.kind))


def state_of(evidence: Sequence[Evidence]) -> str:
    """State that evidence, the strongest first, gives a claim: see notebook 00 for the meaning of each."""
    verdicts = [one.verdict for one in evidence if one.verdict is not None]
    for verdict in verdicts:
        if verdict in ("measured", "contradicted"):
            return verdict
    for state in STATES[1:-1]:
        if state in verdicts:
            return state
    if any(one.kind in STRENGTHS[:2] and one.direction == "open" for one in evidence):
        return "undecided"
    return "reduced" if evidence else "not attempted"


def summary(claims: pd.DataFrame) -> pd.DataFrame:
    """Counts of the claims of each table and figure by state.

    Args:
        claims: `Ledger.claims`.

    Returns:
        A row per table and figure and one of all, a column per state.
    """
    counts = pd.crosstab(claims["where"], claims["state"])
    counts = counts.reindex(index=claims["where"].unique(), columns=list(STATES), fill_value=0)
    counts.loc["all"] = counts.sum()
    return counts.rename_axis(columns=None)


def sources(book: Ledger, folder: Path | None = None) -> dict[str, str]:
    """The records of all evidence by name, with the SHA-256 of the numbers in each.

    Args:
        book: the ledger.
        folder: as in `ledger`.
    """
    used = set(book.evidence["record"])
    return {one.name: one.data_sha256 for one in read_records(folder).values() if one.path.name in used}


def _row(number: PaperNumber, found: Sequence[Evidence]) -> dict[str, Any]:
    """The row of a claim, with the columns in their order."""
    state = state_of(found)
    same = (one for one in found if one.protocol and one.verdict == state)
    ours = None if number.unit == "in words" else next(same, None)
    return {
        "id": number.id,
        "where": number.where,
        "tracker": number.tracker,
        "data set": number.data_set,
        "metric": f"{number.metric}, against {number.over}" if number.over else number.metric,
        "unit": number.unit,
        "paper": number.printed,
        **{"ours": ours and ours.value, "low": ours and ours.low, "high": ours and ours.high},
        "state": state,
        "evidence": len(found),
        **{way: sum(one.direction == way for one in found) for way in ("for", "against")},
        "record": ours.record if ours else "",
        "remark": ours.what if ours else "" if found else f"notebook {_NOTEBOOKS[number.where]}",
    }
