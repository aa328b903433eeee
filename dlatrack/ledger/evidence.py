"""Our measurements of the numbers of the paper; every value is read from a record, none is typed in."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dlatrack.ledger.records import Record
from dlatrack.paper.numbers import PaperNumber
from dlatrack.recipes.twins import dla_label, fixed_label, is_dla, title_of

Records = Mapping[str, Record]


@dataclass(frozen=True)
class Evidence:
    """Our value of a number of the paper."""

    value: float  #: in the unit of the paper's number, or as `remark` says
    record: Record  #: record that it was read from
    #: "measured", the same quantity; "reduced", with smaller networks or data; "contradicted", the same quantity, and
    #: the paper's number is excluded.
    state: str
    protocol: str  #: way of measuring or counting
    low: float | None = None  #: lower end of its 95 % interval; None: not known
    high: float | None = None  #: upper end
    remark: str = ""  #: description of the value
    data: str = (
        ""  #: "real", "miniature", "photographic", "synthetic", "none" without any; "": that of the record
    )


#: Tables of our trackers and of public result files, by table of the paper.
_SCORES = {"Table 2": ("fig04_scores", "table02_paper"), "Table 3": ("table03", "table03_paper")}

#: Bound on the difference between the scores of one result file in different toolkits.
_TOOLKITS_DIFFER = {"OTB100": 0.005, "UAV123": 0.02}


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


def twin_row(record: Record, tracker: str, **wanted: Any) -> tuple[str, Any] | None:
    """Label and row of a tracker, or else of its small version, in a table of twins; None if it has neither."""
    base = title_of(tracker)
    for label in (base, f"{base} small"):
        row = record.row(tracker=label, **wanted)
        if row is not None:
            return label, row
    return None


def score_evidence(number: PaperNumber, records: Records) -> Evidence | None:
    """AUC or precision on OTB100 or UAV123 of our full tracker, of public result files, or of our small tracker."""
    ours, theirs = (records.get(name) for name in _SCORES[number.where])
    found = _own_score(number, ours, full_label(number.tracker)) if ours else None
    if found is not None and found.state == "measured":
        return found
    if theirs and (public := _public_score(number, theirs)):
        return public
    return found or (_own_score(number, ours, reduced_label(number.tracker, "small")) if ours else None)


def _own_score(number: PaperNumber, record: Record, label: str) -> Evidence | None:
    row = record.row(tracker=label)
    if row is None:
        return None
    whole = record.kind == "real" and label == full_label(number.tracker)
    value, measured_on = (record.column(row, name) for name in (number.metric, "measured on"))
    state = "measured" if whole else "reduced"
    return Evidence(float(value), record, state, record.protocol, remark=f"{label}, {measured_on}")


def _public_score(number: PaperNumber, record: Record) -> Evidence | None:
    row, name = record.row(tracker=number.tracker), f"{number.metric}, result files"
    if row is None or pd.isna(row.get(name)):
        return None  # also where the table was made without result files
    value = float(row[name])
    apart = abs(value - (number.value or 0.0)) > _TOOLKITS_DIFFER[number.data_set]
    remark = "scored from public result files"
    if apart:
        remark += "; no toolkit's rules make up for the difference, another run of the tracker may"
    return Evidence(value, record, "contradicted" if apart else "measured", record.protocol, remark=remark)


def gain_evidence(number: PaperNumber, record: Record) -> Evidence | None:
    """Gain of DLA over the fixed rule: points of 100 of AUC or precision, per cent of EAO."""
    if (found := twin_row(record, number.tracker)) is None:
        return None
    label, row = found
    whole = record.kind == "real" and label == title_of(number.tracker)
    value, low, high = _gain(number, record, row)
    if value is None:
        return None
    protocol = record.protocol + (", paired bootstrap over sequences" if low is not None else "")
    remark = f"{dla_label(label)}, {record.column(row, 'measured on')}"
    return Evidence(value, record, "measured" if whole else "reduced", protocol, low, high, remark)


def _gain(
    number: PaperNumber, record: Record, row: pd.Series[Any]
) -> tuple[float | None, float | None, float | None]:
    """The gain and the ends of its interval, as far as the table has them."""
    if number.metric == "AUC gain":
        value, low, high = (100 * float(record.column(row, name)) for name in ("difference", "low", "high"))
        return value, low, high
    metric = number.metric.removesuffix(" gain")
    fixed, dla = (float(record.column(row, f"{metric}, {rule}")) for rule in ("fixed rule", "DLA"))
    if metric == "EAO":
        return (100 * (dla / fixed - 1) if fixed > 0 else None), None, None
    return 100 * (dla - fixed), None, None


def attribute_evidence(number: PaperNumber, record: Record) -> Evidence | None:
    """Number of attributes of OTB100 on which one tracker, or one pair of twins, is above the other."""
    scores: dict[str, dict[str, float | None]] = record.numbers()["auc"]
    over_pair = is_dla(number.over)
    sides = [[name, title_of(name)] if over_pair else [name] for name in (number.tracker, number.over)]
    if (found := our_labels([*sides[0], *sides[1]], scores)) is None:
        return None
    labels, full = found
    upper, lower = labels[: len(sides[0])], labels[len(sides[0]) :]
    above = [_above(scores, attribute, upper, lower) for attribute in scores[upper[0]]]
    judged = [one for one in above if one is not None]
    state = "measured" if record.kind == "real" and full else "reduced"
    remark = f"attributes, of {len(judged)}, with {' and '.join(upper)} above {' and '.join(lower)}"
    return Evidence(sum(judged), record, state, record.protocol, remark=remark)


def _above(
    scores: Mapping[str, Mapping[str, float | None]], attribute: str, upper: list[str], lower: list[str]
) -> bool | None:
    """Whether all of `upper` score higher than all of `lower`; None where one of them has no score."""
    high, low = (
        [score for name in side if (score := scores[name][attribute]) is not None] for side in (upper, lower)
    )
    if len(high) < len(upper) or len(low) < len(lower):
        return None
    return min(high) > max(low)
