"""A piece of evidence on a claim of the paper; every value is read from a record, none is typed in."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pandas as pd

from dlatrack.ledger.records import Record
from dlatrack.paper.numbers import PaperNumber
from dlatrack.recipes.twins import dla_label, fixed_label, is_dla, title_of

Records = Mapping[str, Record]

Kind = Literal[
    "same quantity",
    "published scores",
    "declared study",
    "real clips",
    "other hardware",
    "photographic video",
    "miniature",
    "simulation",
]
#: Kinds of evidence, the strongest first.
STRENGTHS: tuple[Kind, ...] = get_args(Kind)

#: Kind of evidence by the kind of a record's data, for our own small trackers.
KIND_OF_DATA: Mapping[str, Kind] = {
    "real": "real clips",
    "photographic": "photographic video",
    "mixed": "photographic video",
    "miniature": "miniature",
    "synthetic": "simulation",
}

#: Which way evidence points: "" where it shows a value and no direction.
Direction = Literal["for", "against", "open", ""]

Verdict = Literal[
    "measured",
    "contradicted",
    "agrees with published scores",
    "differs from published scores",
    "bounded by published scores",
]


@dataclass(frozen=True)
class Evidence:
    """One value on a claim."""

    kind: Kind
    value: float | None  #: in `unit`; None: the evidence is in `what` alone
    unit: str  #: unit of the value
    what: str  #: what the value is of
    record: str  #: file with the value, beside the figures or in the package
    protocol: str = (
        ""  #: way of measuring or counting here; "": the value is told by others, or compares numbers
    )
    low: float | None = None  #: lower end of its 95 % interval; None: not known
    high: float | None = None  #: upper end
    direction: Direction = ""
    #: state that it gives the claim; None: none, as it is of something smaller than the claim
    verdict: Verdict | None = None
    #: "real", "miniature", "photographic", "synthetic", "mixed", or "none" for what needs no data
    data: str = "none"


#: Finds evidence on a claim; nothing for a claim that it knows nothing about.
Finder = Callable[[PaperNumber, Records], Iterator[Evidence]]


def direction_of(low: float | None, high: float | None) -> Direction:
    """Direction of a difference that the claim says is positive, by its interval."""
    if low is None or high is None:
        return ""
    return "for" if low > 0 else "against" if high < 0 else "open"


def full_label(tracker: str) -> str:
    """Label in our tables of a tracker of the paper."""
    return tracker if is_dla(tracker) else fixed_label(tracker)


def reduced_label(tracker: str, version: str) -> str:
    """Label in our tables of a reduced version, "small" or "nano", of a tracker of the paper."""
    return (dla_label if is_dla(tracker) else fixed_label)(f"{title_of(tracker)} {version}")


def our_labels(trackers: Sequence[str], known: Container[str]) -> tuple[list[str], bool] | None:
    """Labels of trackers of the paper in a figure of ours, and whether they are of full size; else reduced versions.

    None unless all of them are among the `known` labels, full or of one reduced version.
    """
    for version in ("", "small", "nano"):
        found = [reduced_label(tracker, version) if version else full_label(tracker) for tracker in trackers]
        if all(one in known for one in found):
            return found, not version
    return None


def twin_row(record: Record, tracker: str, **wanted: Any) -> tuple[str, pd.Series[Any]] | None:
    """Label and row of a tracker, or else of its small version, in a table of twins; None if it has neither."""
    base = title_of(tracker)
    for label in (base, f"{base} small"):
        row = record.row(tracker=label, **wanted)
        if row is not None:
            return label, row
    return None
