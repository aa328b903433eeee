"""Evidence for scores on benchmarks and for the gains of DLA in them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dlatrack.evaluation.statistics.twins import compare_twins
from dlatrack.ledger.evidence import (
    KIND_OF_DATA,
    Evidence,
    Records,
    direction_of,
    full_label,
    our_labels,
    reduced_label,
    twin_row,
)
from dlatrack.ledger.records import Record
from dlatrack.paper.elsewhere import ELSEWHERE, elsewhere
from dlatrack.paper.numbers import METRICS, PaperNumber
from dlatrack.recipes.twins import dla_label, fixed_label, title_of
from dlatrack.studies.shipped import TARGETS

#: Tables of our trackers and of public result files, by table of the paper.
_SCORES = {"Table 2": ("fig04_scores", "table02_paper"), "Table 3": ("table03", "table03_paper")}

#: Tables of twins on the miniature of each benchmark.
_TWINS = {"OTB100": "table02", "UAV123": "06_twins", "LaSOT": "08_twins", "VOT2019": "07_twins"}

#: Bound on the difference between the scores of one result file in different toolkits.
_TOOLKITS_DIFFER = {"OTB100": 0.005, "UAV123": 0.02}

#: Difference of two printed scores that rounding, to three decimals here and there, can make.
_ROUNDING = 0.0011

#: Tracker of the declared study that stands for a tracker of the paper.
_IN_STUDY = {
    "SiamCAR": "siamcar_nano",
    "SiamRPN++": "siamrpnpp_nano",
    "SiamFC++": "siamfcpp_nano",
    "CoSiamRPN": "cosiamrpn_nano",
}

#: Tables of one training of the small twins in the notebooks, and of several with other seeds.
_TRAINED = {"SiamCAR": "03_scores", "SiamRPN++": "04_scores"}
_SEEDS = "13_seeds_table"


def score_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """AUC or precision of our trackers, of public result files, and as others print it."""
    if number.where not in _SCORES or number.unit != "0 to 1":
        return
    ours, theirs = (records.get(name) for name in _SCORES[number.where])
    yield from _published(number, theirs)
    for label in (full_label(number.tracker), reduced_label(number.tracker, "small")):
        row = ours.row(tracker=label) if ours else None
        if ours is None or row is None:
            continue
        value, on = (ours.column(row, name) for name in (number.metric, "measured on"))
        whole = ours.kind == "real" and label == full_label(number.tracker)
        yield Evidence(
            "same quantity" if whole else KIND_OF_DATA[ours.kind],
            float(value),
            number.unit,
            f"{label}, {on}",
            ours.path.name,
            ours.protocol,
            verdict="measured" if whole else None,
            data=ours.kind,
        )


def _published(number: PaperNumber, theirs: Record | None) -> Iterator[Evidence]:
    """Public result files, scored here, and scores that others print."""
    row = theirs.row(tracker=number.tracker) if theirs else None
    name = f"{number.metric}, result files"
    if theirs is not None and row is not None and not pd.isna(row.get(name)):
        value = float(row[name])
        alike = abs(value - (number.value or 0.0)) <= _TOOLKITS_DIFFER[number.data_set]
        what = "public result files, scored here"
        if not alike:
            what += "; no toolkit's rules make up for the difference, another run of the tracker may"
        yield _judged(value, what, theirs.path.name, alike=alike, protocol=theirs.protocol)
    metric = next(key for key, name in METRICS.items() if name == number.metric)
    for score in elsewhere(number.tracker, number.data_set, metric):
        alike = abs(score.value - (number.value or 0.0)) <= _ROUNDING
        yield _judged(score.value, f"{score.what}; {score.source}", ELSEWHERE.name, alike=alike)


def _judged(value: float, what: str, record: str, *, alike: bool, protocol: str = "") -> Evidence:
    return Evidence(
        "published scores",
        value,
        "0 to 1",
        what,
        record,
        protocol,
        direction="for" if alike else "against",
        verdict="agrees with published scores" if alike else "differs from published scores",
        data="real",
    )


def gain_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Gains of DLA over the fixed rule: points of 100 of AUC or precision, per cent of EAO."""
    if not number.metric.endswith("gain"):
        return
    metric = number.metric.removesuffix(" gain")
    if metric == "AUC":
        yield from _gain_in_study(number, records)
        yield from _gain_on_clips(number, records)
        yield from _gain_over_seeds(number, records)
    if metric != "EAO":
        yield from _gain_in_training(number, metric, records)
    if record := records.get(_TWINS[number.data_set]):
        yield from _gain_of_twins(number, metric, record)


def _gain_in_study(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    record = records.get("study_families")
    name = _IN_STUDY.get(title_of(number.tracker))
    row = record.row(tracker=name, regime="from nothing") if record and name else None
    if record is None or row is None:
        return
    value, low, high = (100 * float(record.column(row, column)) for column in ("difference", "low", "high"))
    seeds, verdict = int(record.column(row, "seeds")), record.column(row, "verdict")
    what = f"{name} from nothing, {seeds} seeds, real targets: {verdict}"
    yield Evidence(
        "declared study",
        value,
        number.unit,
        what,
        record.path.name,
        "seeds, clips and runs resampled",
        low,
        high,
        direction_of(low, high),
        data="real",
    )


def _gain_on_clips(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """The shipped twins on the real clips that they were not trained on."""
    record = records.get(TARGETS)
    table = record.table().set_index("target") if record else pd.DataFrame()
    base = f"{title_of(number.tracker)} small"
    pair = fixed_label(base), dla_label(base)
    if record is None or len(table) < 2 or not {*pair} <= {*table.columns}:
        return
    (found,) = compare_twins(table, [pair])
    whole = found.summary
    value, low, high = (100 * each for each in (whole.value, whole.low, whole.high))
    yield Evidence(
        "real clips",
        value,
        number.unit,
        f"{dla_label(base)}, {len(table)} targets, one training of each",
        record.path.name,
        "by target and by clip, the wider interval",
        low,
        high,
        direction_of(low, high),
        data="real",
    )


def _gain_over_seeds(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    record = records.get(_SEEDS)
    labels = reduced_label(number.over, "nano"), reduced_label(number.tracker, "nano")
    if record is None or not {*labels} <= {*record.table().columns}:
        return
    row = record.row(training="mean")
    if row is not None:
        seeds = len(record.parameters.get("seeds", ()))
        yield Evidence(
            KIND_OF_DATA[record.kind],
            100 * float(record.column(row, "difference")),
            number.unit,
            f"{labels[1]}, mean of {seeds} trainings of minutes",
            record.path.name,
            data=record.kind,
        )


def _gain_in_training(number: PaperNumber, metric: str, records: Records) -> Iterator[Evidence]:
    """The twins that notebooks 03 and 04 train, once each."""
    record = records.get(_TRAINED.get(title_of(number.tracker), ""))
    if record is None:
        return
    labels = our_labels((number.over, number.tracker), set(record.table()["tracker"]))
    if labels is None:
        return
    rows = [record.row(tracker=label) for label in labels[0]]
    fixed, dla = (float(record.column(row, metric)) for row in rows if row is not None)
    yield Evidence(
        KIND_OF_DATA[record.kind],
        100 * (dla - fixed),
        number.unit,
        f"{labels[0][1]}, one training of minutes",
        record.path.name,
        data=record.kind,
    )


def _gain_of_twins(number: PaperNumber, metric: str, record: Record) -> Iterator[Evidence]:
    """The shipped twins on the benchmark of the claim, or on its miniature."""
    if (found := twin_row(record, number.tracker)) is None:
        return
    label, row = found
    fixed, dla = (float(record.column(row, f"{metric}, {rule}")) for rule in ("fixed rule", "DLA"))
    value = 100 * (dla - fixed)
    low = high = None
    if metric == "AUC":
        low, high = (100 * float(record.column(row, name)) for name in ("low", "high"))
    elif metric == "EAO":
        if fixed <= 0:
            return
        value = 100 * (dla / fixed - 1)
    whole = record.kind == "real" and label == title_of(number.tracker)
    yield Evidence(
        "same quantity" if whole else KIND_OF_DATA[record.kind],
        value,
        number.unit,
        f"{dla_label(label)}, {record.column(row, 'measured on')}",
        record.path.name,
        record.protocol + (", interval over sequences" if low is not None else ""),
        low,
        high,
        direction_of(low, high),
        verdict="measured" if whole else None,
        data=record.kind,
    )
