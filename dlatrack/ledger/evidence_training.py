"""Evidence for claims on training and on the method: costs, losses, speed, and the choices of a rule."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from dlatrack.ledger.evidence import (
    KIND_OF_DATA,
    Direction,
    Evidence,
    Records,
    our_labels,
    twin_row,
)
from dlatrack.paper.numbers import PaperNumber
from dlatrack.paper.published import FIGURE9_INSENSITIVE
from dlatrack.recipes.twins import is_dla, label_pairs

#: Factor by which the rounding of printed times can change their ratio.
_ROUNDED = 1.01

#: Figures of the declared study that bear on a claim: name of the record, and words on it.
_STUDIES = {
    "AUC over K": (("study_k_at_stride_16", "stride 16"), ("study_k_at_stride_8", "stride 8")),
    "sensitivity to the IoU threshold": (("study_iou_threshold", ""),),
    "effect of the centre prior": (("study_centre_of_positives", ""),),
}


def cost_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Seconds of an iteration, or those of DLA over those of the fixed rule, on our hardware."""
    record = records.get("10_training_cost_table")
    if not number.metric.startswith("time of an iteration") or record is None:
        return
    backbone = "frozen" if "backbone frozen" in number.metric else "unfrozen"
    if (found := twin_row(record, number.tracker, backbone=backbone)) is None:
        return
    label, row = found
    batch = int(record.column(row, "batch"))
    processor = record.parameters.get("machine", {}).get("processor", "an unknown processor")
    what, protocol = f"{label}, batches of {batch} on {processor}", "median of interleaved steps"
    low = high = None
    direction: Direction = ""
    if number.unit == "times":
        value, low, high = (float(record.column(row, name)) for name in ("DLA / fixed", "low", "high"))
        printed = number.value or 0.0
        direction = "for" if low / _ROUNDED <= printed <= high * _ROUNDED else "against"
    else:
        rule = "DLA" if is_dla(number.tracker) else "fixed"
        value = float(record.column(row, f"{rule}, ms per pair")) * batch / 1000
    yield Evidence(
        "other hardware",
        value,
        number.unit,
        what,
        record.path.name,
        protocol,
        low,
        high,
        direction,
        data=record.kind,
    )


def loss_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """The mean loss of the last epoch under DLA over that under the fixed rule, each on its own labels."""
    if number.metric != "training loss":
        return
    for name in ("03_training", "04_training"):
        if (record := records.get(name)) is None:
            continue
        histories = record.numbers()
        if (found := our_labels((number.tracker, number.over), histories)) is None:
            continue
        sides, full = found
        losses = []
        for side in sides:
            history = pd.DataFrame({column: histories[side][column] for column in ("epoch", "loss")})
            last = history["epoch"] == history["epoch"].max()
            losses.append(float(np.mean(history.loc[last, "loss"])))
        whole = record.kind == "real" and full and record.parameters["preset"] == "paper"
        yield Evidence(
            "same quantity" if whole else KIND_OF_DATA[record.kind],
            losses[0] / losses[1],
            "times",
            f"loss of {sides[0]} over that of {sides[1]}, each on its own labels, one training each",
            record.path.name,
            "mean of the last epoch",
            direction="open",
            data=record.kind,
        )


def insensitivity_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """The largest difference of AUC between the default K and another to which the paper calls DLA insensitive."""
    record = records.get("09_scores")
    if number.metric != "AUC over K" or record is None:
        return
    table = record.table()
    first, last = FIGURE9_INSENSITIVE
    named = "less that of K = "
    difference = next((name for name in map(str, table) if name.startswith(named)), f"{named}9")
    alike = table[record.column(table, "K").between(first, last) & record.column(table, difference).notna()]
    if alike.empty:
        return
    row = alike.loc[alike[difference].abs().idxmax()]
    value, low, high = (100 * float(record.column(row, name)) for name in (difference, "low", "high"))
    yield Evidence(
        KIND_OF_DATA[record.kind],
        value,
        "points of 100",
        f"largest difference of AUC: K = {row['K']:g}, {difference}",
        record.path.name,
        "interval over sequences",
        low,
        high,
        "open" if low <= 0 <= high else "against",
        data=record.kind,
    )


def study_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Differences of AUC in the declared study between a choice and the tracker's own."""
    for name, words in _STUDIES.get(number.metric, ()):
        if (record := records.get(name)) is None:
            continue
        for label, row in record.numbers()["rows"].items():
            low, high = (100 * float(end) for end in row["interval 95 %"])
            excluded = low > 0 or high < 0
            yield Evidence(
                "declared study",
                100 * float(row["difference"]),
                "points of 100",
                f"AUC, {label}" + (f", {words}" if words else ""),
                record.path.name,
                "seeds, clips and runs resampled",
                low,
                high,
                "open" if not excluded else "against" if number.metric == "AUC over K" else "for",
                data="real",
            )


def speed_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Frames per second of each DLA tracker over those of its twin, which has the same network."""
    record = records.get("10_speed")
    if number.metric != "speed of tracking" or record is None:
        return
    table = record.table().set_index("tracker")
    for fixed, dla in label_pairs(table.index):
        row, other = table.loc[dla], table.loc[fixed]
        speed, base = (float(record.column(one, "frames per second")) for one in (row, other))
        overlap = row["low"] <= other["high"] and other["low"] <= row["high"]
        yield Evidence(
            "same quantity" if "small" not in dla else "other hardware",
            speed / base,
            "times",
            f"frames per second of {dla} over those of {fixed}, networks of the same shape run in turn",
            record.path.name,
            "medians of frames",
            direction="for" if overlap else "open",
            verdict="measured" if "small" not in dla and overlap else None,
            data=record.kind,
        )


def threshold_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Positives under fixed IoU thresholds of 0.4 and 0.7."""
    record = records.get("14_fixed_thresholds_table")
    if number.metric != "sensitivity to the IoU threshold" or record is None:
        return
    rows = [record.row(head="anchors", rule="fixed", threshold=value) for value in (0.4, 0.7)]
    if any(row is None for row in rows):
        return
    many, few = (float(record.column(row, "positives")) for row in rows if row is not None)
    yield Evidence(
        KIND_OF_DATA[record.kind],
        many / few,
        "times",
        f"positives of anchors above 0.4 ({many:.1f}) over those above 0.7 ({few:.1f}); AUC is another matter",
        record.path.name,
        "count on simulated targets",
        direction="for",
        data=record.kind,
    )
