"""Evidence for counts and costs: data sets, positives, parameters, the time and loss of training."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from dlatrack.ledger.evidence import Evidence, our_labels, twin_row
from dlatrack.ledger.records import Record
from dlatrack.paper.numbers import QUESTIONS, PaperNumber, printed_value
from dlatrack.paper.published import FIGURE9_INSENSITIVE
from dlatrack.recipes.twins import is_dla, title_of
from dlatrack.studies.hyperparameter_k import MIXES, READINGS

_NORMAL_95 = 1.96  # standard errors to each side


def count_evidence(number: PaperNumber, record: Record) -> Evidence | None:
    """A count of Table 1: in the data set on this disk, or in the annotation behind its manifest."""
    question = next(name for name, metric in QUESTIONS.items() if metric == number.metric)
    row = record.row(dataset=number.data_set, question=question)
    if row is None:
        return None
    if record.column(row, "found_in") == "data set":
        value, remark = float(row["found"]), "counted on disk"
    elif record.column(row, "published_is") == "measured":
        value, remark = float(row["published"]), "counted in the annotation, see data_manifests/"
    else:
        return None
    state = "measured" if counts_as(value, number.printed) else "contradicted"
    if question == "instances":  # the paper does not define them
        state, remark = "measured", f"{remark}; annotated frames, absent targets included"
    return Evidence(value, record, state, "count", data="real", remark=remark)


def counts_as(count: float, printed: str) -> bool:
    """Whether a count agrees with a printed one, rounded or cut off: 59,035 with "59K"."""
    digits = printed.rstrip("KM")
    step = printed_value("1" + printed[len(digits) :]) * 10.0 ** -len(digits.partition(".")[2])
    return abs(count - printed_value(printed)) < step if step > 1 else count == printed_value(printed)


def parameter_evidence(number: PaperNumber, record: Record) -> Evidence | None:
    """Number of parameters, in the unit that gives the paper's number, else in millions without the backbone."""
    row = record.row(tracker=title_of(number.tracker))
    if row is None or number.value is None:
        return None
    without, total = (int(record.column(row, name)) for name in ("without backbone", "total"))
    for count, what in ((without, "without the backbone"), (total, "with the backbone")):
        for unit, text in ((1e6, "millions"), (2**20, "units of 2^20")):
            if number.value in (round(count / unit, 2), math.floor(100 * count / unit) / 100):
                remark = f"{count:,} {what}, in {text}"
                return Evidence(count / unit, record, "measured", "count", data="none", remark=remark)
    remark = f"{without:,} without and {total:,} with the backbone; in no unit is it the paper's number"
    return Evidence(without / 1e6, record, "contradicted", "count", data="none", remark=remark)


def positive_evidence(number: PaperNumber, record: Record) -> Evidence | None:
    """Mean of positives of simulated targets, over K or at the paper's K."""
    table = record.table()
    default = table[record.column(table, "reading") == next(iter(READINGS))]
    (mix, other), places = tuple(MIXES)[:2], {}
    for name in (mix, other):
        curve = default[record.column(default, "mix") == name].set_index("K")
        means = record.column(curve, "positives")
        place = means.idxmin() if "least" in number.metric else means.idxmax()
        place = 9 if "K = 9" in number.metric else int(place)
        places[name] = (place, float(means[place]), float(record.column(curve, "standard error")[place]))
    place, value, error = places[mix]
    remark = f"at K = {place}, shapes: {mix}; {places[other][1]:.2f} with shapes {other}, at K = {places[other][0]}"
    protocol = f"count on {record.parameters['targets']:,} simulated targets"
    low, high = value - _NORMAL_95 * error, value + _NORMAL_95 * error
    return Evidence(value, record, "reduced", protocol, low, high, remark)


def insensitivity_evidence(number: PaperNumber, record: Record) -> Evidence | None:
    """The largest difference of AUC between the default K and another to which the paper calls DLA insensitive."""
    table = record.table()
    first, last = FIGURE9_INSENSITIVE
    named = "less that of K = "
    difference = next((name for name in map(str, table) if name.startswith(named)), f"{named}9")
    alike = table[record.column(table, "K").between(first, last) & record.column(table, difference).notna()]
    if alike.empty:
        return None
    row = alike.loc[alike[difference].abs().idxmax()]
    value, low, high = (100 * float(record.column(row, name)) for name in (difference, "low", "high"))
    whole = record.kind == "real" and record.parameters["preset"] == "paper"
    remark = f"largest difference of AUC, points of 100: K = {row['K']:g}, {difference}"
    state = "measured" if whole else "reduced"
    return Evidence(value, record, state, "paired bootstrap over sequences", low, high, remark)


def cost_evidence(number: PaperNumber, record: Record) -> Evidence | None:
    """Seconds of an iteration, or those of DLA over those of the fixed rule; always on other hardware: reduced."""
    backbone = "frozen" if "backbone frozen" in number.metric else "unfrozen"
    if (found := twin_row(record, number.tracker, backbone=backbone)) is None:
        return None
    label, row = found
    batch = int(record.column(row, "batch"))
    processor = record.parameters.get("machine", {}).get("processor", "an unknown processor")
    remark = f"{label}, batches of {batch} on {processor}"
    protocol = "median of interleaved steps"
    if number.unit == "times":
        value, low, high = (float(record.column(row, name)) for name in ("DLA / fixed", "low", "high"))
        return Evidence(value, record, "reduced", protocol, low, high, remark)
    rule = "DLA" if is_dla(number.tracker) else "fixed"
    seconds = float(record.column(row, f"{rule}, ms per pair")) * batch / 1000
    return Evidence(seconds, record, "reduced", protocol, remark=remark)


def loss_evidence(number: PaperNumber, record: Record) -> Evidence | None:
    """The mean loss of the last epoch under DLA over that under the fixed rule."""
    histories = record.numbers()
    if (found := our_labels((number.tracker, number.over), histories)) is None:
        return None
    sides, full = found
    losses = []
    for side in sides:
        history = pd.DataFrame({name: histories[side][name] for name in ("epoch", "loss")})
        losses.append(float(np.mean(history.loc[history["epoch"] == history["epoch"].max(), "loss"])))
    whole = record.kind == "real" and full and record.parameters["preset"] == "paper"
    state = "measured" if whole else "reduced"
    remark = f"loss of {sides[0]} over that of {sides[1]}, each on its own labels, one training each"
    return Evidence(losses[0] / losses[1], record, state, "mean of the last epoch", remark=remark)
