"""What we have measured for a number of the paper. No value is typed in here: each comes from a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dlatrack.errors import InputError
from dlatrack.ledger.records import Record
from dlatrack.paper.numbers import PaperNumber
from dlatrack.recipes.twins import dla_label, fixed_label, is_dla, title_of

Records = Mapping[str, Record]


@dataclass(frozen=True)
class Evidence:
    """Our value of what the paper prints.

    Args:
        value: in the unit of the paper's number, or as `remark` says.
        record: that it was read from.
        state: "measured", the same quantity; "reduced", on a smaller thing; "contradicted", the same quantity, and
            the paper's number is excluded.
        protocol: how it was measured or counted.
        low: lower end of its 95 % interval; None: not known.
        high: upper end.
        data: "real", "miniature", "synthetic", or "none" where no data are involved.
        remark: what the value is.
    """

    value: float
    record: Record
    state: str
    protocol: str
    low: float | None = None
    high: float | None = None
    data: str = ""
    remark: str = ""


#: Tables of our trackers and of public result files, and of our twins, by where the paper prints.
_SCORES = {"Table 2": ("fig04_scores", "table02_paper"), "Table 3": ("table03", "table03_paper")}
_TWINS = {"Table 2": "table02", "Fig. 4": "table02", "Fig. 7a": "07_twins"}

#: Toolkits give one and the same result file scores that differ by less than this.
_TOOLKITS_DIFFER = {"OTB100": 0.005, "UAV123": 0.02}


def row_where(record: Record, table: pd.DataFrame, **wanted: Any) -> pd.Series[Any] | None:
    """The first row of a table that has the wanted values; None if there is none.

    Raises:
        InputError: if a column is not there.
    """
    chosen = table
    for name, value in wanted.items():
        chosen = chosen[column(record, chosen, name) == value]
    return None if chosen.empty else chosen.iloc[0]


def column(record: Record, table: pd.DataFrame | pd.Series[Any], name: str) -> Any:
    """A column of a table, or the cell of a row.

    Raises:
        InputError: if the table, written by another version, lacks it.
    """
    if name not in (table.columns if isinstance(table, pd.DataFrame) else table.index):
        raise InputError(
            f"{record.path.with_name(record.data)} has no column {name!r}; run {record.made_by} anew"
        )
    return table[name]


def named(tracker: str) -> str:
    """What our tables call a tracker of the paper."""
    return tracker if is_dla(tracker) else fixed_label(tracker)


def small(tracker: str) -> str:
    """What our tables call its small version."""
    return (dla_label if is_dla(tracker) else fixed_label)(f"{title_of(tracker)} small")


def score_evidence(number: PaperNumber, records: Records) -> Evidence | None:
    """AUC or precision on OTB100 or UAV123: of our full tracker, of public result files, or of our small tracker."""
    ours, theirs = (records.get(name) for name in _SCORES[number.where])
    found = _own_score(number, ours, named(number.tracker)) if ours else None
    if found is not None and found.state == "measured":
        return found
    if theirs and (public := _public_score(number, theirs)):
        return public
    return found or (_own_score(number, ours, small(number.tracker)) if ours else None)


def _own_score(number: PaperNumber, record: Record, label: str) -> Evidence | None:
    row = row_where(record, record.table(), tracker=label)
    if row is None:
        return None
    whole = record.kind == "real" and label == named(number.tracker)
    return Evidence(
        float(column(record, row, number.metric)),
        record,
        "measured" if whole else "reduced",
        _protocol(record),
        data=record.kind,
        remark=f"{label}, {column(record, row, 'measured on')}",
    )


def _public_score(number: PaperNumber, record: Record) -> Evidence | None:
    table, name = record.table(), f"{number.metric}, result files"
    if name not in table:
        return None  # made where no result files were
    row = row_where(record, table, tracker=number.tracker)
    if row is None or pd.isna(row[name]):
        return None
    value = float(row[name])
    apart = abs(value - (number.value or 0.0)) > _TOOLKITS_DIFFER[number.data_set]
    remark = "scored from public result files"
    if apart:
        remark += "; no toolkit's rules make up for the difference, another run of the tracker may"
    state = "contradicted" if apart else "measured"
    return Evidence(value, record, state, _protocol(record), data=record.kind, remark=remark)


def gain_evidence(number: PaperNumber, records: Records) -> Evidence | None:
    """What DLA adds to the fixed rule: points of 100 of AUC or precision, per cent of EAO."""
    record = records.get(_TWINS[number.where])
    if record is None or (table := record.table()).empty:
        return None
    base = title_of(number.tracker)
    for label in (base, f"{base} small"):
        row = row_where(record, table, tracker=label)
        if row is not None:
            break
    else:
        return None
    whole = record.kind == "real" and label == base
    value, low, high = _gain(number, record, row)
    if value is None:
        return None
    return Evidence(
        value,
        record,
        "measured" if whole else "reduced",
        f"{_protocol(record)}, paired bootstrap over sequences" if low is not None else _protocol(record),
        low,
        high,
        record.kind,
        f"{dla_label(label)}, {column(record, row, 'measured on')}",
    )


def _gain(
    number: PaperNumber, record: Record, row: pd.Series[Any]
) -> tuple[float | None, float | None, float | None]:
    if number.metric == "AUC gain":
        value, low, high = (100 * float(column(record, row, name)) for name in ("difference", "low", "high"))
        return value, low, high
    metric = number.metric.removesuffix(" gain")
    fixed, dla = (float(column(record, row, f"{metric}, {rule}")) for rule in ("fixed rule", "DLA"))
    if metric == "EAO":
        return (100 * (dla / fixed - 1) if fixed > 0 else None), None, None
    return 100 * (dla - fixed), None, None


def attribute_evidence(number: PaperNumber, records: Records) -> Evidence | None:
    """Number of attributes of OTB100 on which one tracker, or one pair of twins, is above the other."""
    record = records.get("fig05")
    if record is None:
        return None
    scores: dict[str, dict[str, float | None]] = record.numbers()["auc"]
    over_pair = is_dla(number.over)
    trackers = [[number.tracker], [number.over]]
    if over_pair:
        trackers = [[name, title_of(name)] for (name,) in trackers]
    for label in (named, small):
        upper, lower = ([label(name) for name in side] for side in trackers)
        if all(name in scores for name in (*upper, *lower)):
            break
    else:
        return None
    above = [_above(scores, attribute, upper, lower) for attribute in scores[upper[0]]]
    judged = [one for one in above if one is not None]
    state = "measured" if record.kind == "real" and label is named else "reduced"
    remark = f"attributes, of {len(judged)}, with {' and '.join(upper)} above {' and '.join(lower)}"
    return Evidence(sum(judged), record, state, _protocol(record), data=record.kind, remark=remark)


def _above(
    scores: Mapping[str, Mapping[str, float | None]], attribute: str, upper: list[str], lower: list[str]
) -> bool | None:
    high, low = (
        [score for name in side if (score := scores[name][attribute]) is not None] for side in (upper, lower)
    )
    if len(high) < len(upper) or len(low) < len(lower):
        return None
    return min(high) > max(low)


def _protocol(record: Record) -> str:
    return str(record.parameters.get("protocol", ""))
