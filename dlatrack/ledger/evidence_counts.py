"""Evidence for counts: data sets, parameters, positives."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from dlatrack.ledger.evidence import KIND_OF_DATA, Evidence, Records
from dlatrack.ledger.records import Record
from dlatrack.paper.numbers import QUESTIONS, PaperNumber, printed_value
from dlatrack.paper.published import FIGURE9_POSITIVES
from dlatrack.recipes.twins import title_of
from dlatrack.studies.hyperparameter_k import MIXES, READINGS

_NORMAL_95 = 1.96  # standard errors to each side

#: Number of positives, over K, from which a claim on Fig. 9a is judged: columns K, mean and standard error.
_COLUMNS = ["K", "positives", "error"]

#: What is known of counts that differ from the printed ones, by data set and question of `table1`.
_KNOWN: Mapping[tuple[str, str], str] = {
    (
        "LaSOT",
        "instances",
    ): "all annotated frames, absent targets included; what the paper leaves out is not known",
    ("COCO", "instances"): "all boxes of COCO 2017; what the paper leaves out is not known",
    (
        "ImageNet VID",
        "train",
    ): "train and val; with its 937 test videos, which have no public boxes, it has 5,354",
    (
        "GOT-10k",
        "instances",
    ): "frames of its training videos; 1.5 million is what its authors tell for all videos",
    (
        "OTB100",
        "classes",
    ): "the list groups targets more coarsely; neither grouping is official",
    (
        "UAV123",
        "classes",
    ): "names of the sequences, in which its authors' nine classes are not all told apart",
}


def count_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """A count of Table 1: in the data set on this disk, in the annotation behind its manifest, or its publisher's."""
    record = records.get("table01")
    if number.where != "Table 1" or record is None:
        return
    question = next(name for name, metric in QUESTIONS.items() if metric == number.metric)
    row = record.row(dataset=number.data_set, question=question)
    if row is None:
        return
    known = _KNOWN.get((number.data_set, question), "")
    if record.column(row, "found_in") == "data set":
        yield _counted(number, row["found"], "on disk", record, known)
    source, published = (record.column(row, name) for name in ("published_is", "published"))
    if source == "measured":
        yield _counted(number, published, "in the annotation, see data_manifests/", record, known)
    elif not pd.isna(record.column(row, "listed")):
        yield _counted(number, row["listed"], "in the list that comes with its manifest", record, known)
    if source in ("published", "recalled"):
        by = "its publisher" if source == "published" else "others"
        yield _told(number, float(published), f"told by {by}", record, known)


def _counted(number: PaperNumber, value: float, where: str, record: Record, known: str) -> Evidence:
    """A count of ours; where the reason of a difference is known it does not contradict."""
    alike = counts_as(value, number.printed)
    return Evidence(
        "same quantity",
        float(value),
        number.unit,
        f"counted {where}" + _reason(alike, known),
        record.path.name,
        "count",
        direction="for" if alike else "open" if known else "against",
        verdict="measured" if alike else None if known else "contradicted",
        data="real",
    )


def _told(number: PaperNumber, value: float, what: str, record: Record, known: str) -> Evidence:
    """A count of others."""
    alike = counts_as(value, number.printed)
    return Evidence(
        "published scores",
        value,
        number.unit,
        what + _reason(alike, known),
        record.path.name,
        direction="for" if alike else "open" if known else "against",
        verdict="agrees with published scores"
        if alike
        else None
        if known
        else "differs from published scores",
        data="real",
    )


def _reason(alike: bool, known: str) -> str:
    return f"; {known}" if known and not alike else ""


def counts_as(count: float, printed: str) -> bool:
    """Whether a count agrees with a printed one, rounded or cut off: 59,035 with "59K", and 478,807 with "0.47M"."""
    digits = printed.rstrip("KM")
    step = printed_value("1" + printed[len(digits) :]) * 10.0 ** -len(digits.partition(".")[2])
    beyond = count - printed_value(printed)
    return -step / 2 <= beyond < step if step > 1 else beyond == 0


def parameter_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Number of parameters, in the unit that gives the paper's number, else in millions without the backbone."""
    record = records.get("02_parameters")
    if number.metric != "parameters" or record is None or number.value is None:
        return
    row = record.row(tracker=title_of(number.tracker))
    if row is None:
        return
    without, total = (int(record.column(row, name)) for name in ("without backbone", "total"))
    for count, which in ((without, "without the backbone"), (total, "with the backbone")):
        for unit, text in ((1e6, "millions"), (2**20, "units of 2^20")):
            if number.value in (round(count / unit, 2), math.floor(100 * count / unit) / 100):
                what = f"{count:,} {which}, in {text}"
                yield _parameters(count / unit, what, record, alike=True)
                return
    what = f"{without:,} without and {total:,} with the backbone; in no unit is it the paper's number"
    yield _parameters(without / 1e6, what, record, alike=False)


def _parameters(value: float, what: str, record: Record, *, alike: bool) -> Evidence:
    return Evidence(
        "same quantity",
        value,
        "M",
        what,
        record.path.name,
        "count",
        direction="for" if alike else "against",
        verdict="measured" if alike else "contradicted",
    )


def positive_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Means of positives over K: of training pairs, and of simulated targets with shapes of two mixes."""
    if number.where not in ("Fig. 9", "Fig. 9a") or number.unit != "per target":
        return
    for what, curve, record in _curves(records):
        place = _place(number, curve["positives"])
        value, error = float(curve["positives"][place]), float(curve["error"][place])
        low, high = value - _NORMAL_95 * error, value + _NORMAL_95 * error
        least, most = FIGURE9_POSITIVES
        yield Evidence(
            KIND_OF_DATA[record.kind],
            value,
            number.unit,
            f"at K = {place}, {what}",
            record.path.name,
            "count",
            low,
            high,
            "for" if low <= most and high >= least else "against",
            data=record.kind,
        )


def _place(number: PaperNumber, means: pd.Series[float]) -> int:
    if "K = 9" in number.metric:
        return 9
    return int(str(means.idxmin() if "least" in number.metric else means.idxmax()))


def _curves(records: Records) -> Iterator[tuple[str, pd.DataFrame, Record]]:
    """Curves of points under the default reading, with K as index: what they are of, and their record."""
    reading = next(iter(READINGS))
    if (record := records.get("fig09a_pairs")) is not None:
        counts = pd.DataFrame(record.numbers()["counts"])
        own = counts[(counts["reading"] == reading) & (counts["samples"] == "points")]
        yield "training pairs", own[_COLUMNS].set_index("K"), record
    if (record := records.get("fig09a_counts")) is not None:
        table = record.table().rename(columns={"standard error": "error"})
        default = table[record.column(table, "reading") == reading]
        for mix in tuple(MIXES)[:2]:
            own = default[record.column(default, "mix") == mix]
            targets = f"{record.parameters['targets']:,} simulated targets, shapes: {mix}"
            yield targets, own[_COLUMNS].set_index("K"), record


def flatness_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Fig. 9b: largest change of the mean number of positives over the epochs."""
    record = records.get("fig09b")
    if number.where != "Fig. 9b" or record is None:
        return
    numbers = record.numbers()
    curves: Mapping[str, Sequence[float]] = {key: numbers[key] for key in numbers if key.startswith("K = ")}
    changes = {key: (max(curve) - min(curve)) / max(curve) for key, curve in curves.items()}
    key = max(changes, key=lambda name: changes[name])
    epochs = len(curves[key])
    what = f"largest change over {epochs} epochs of training pairs, at {key}"
    yield Evidence(
        KIND_OF_DATA[record.kind],
        100 * changes[key],
        "%",
        what,
        record.path.name,
        direction="for" if changes[key] < 0.1 else "against",
        data=record.kind,
    )


def any_tracker_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Positives at K = 9 of points and of anchors, beside "about three"."""
    record = records.get("14_positives_over_k_table")
    if number.metric != "positives of any tracker" or record is None:
        return
    for head in ("points", "anchors"):
        row = record.row(mix="as in LaSOT", head=head, K=9)
        if row is None:
            continue
        value, error = (float(record.column(row, name)) for name in ("positives", "error"))
        low, high = value - _NORMAL_95 * error, value + _NORMAL_95 * error
        yield Evidence(
            KIND_OF_DATA[record.kind],
            value,
            "per target",
            f"{head}, K = 9, simulated targets with shapes as in LaSOT",
            record.path.name,
            "count",
            low,
            high,
            "for" if round(low) <= 3 <= round(high) else "against",
            data=record.kind,
        )


def purity_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Share of DLA's positives that lie on the target's outline, beside that of the host's rule."""
    record = records.get("14_purity_table")
    if number.metric != "positives on the target" or record is None:
        return
    for head, host in (("points", "rectangle 0.6"), ("anchors", "IoU > 0.6")):
        rows = [record.row(video="photographic", head=head, rule=rule) for rule in ("DLA", host)]
        dla, fixed = rows
        if dla is None or fixed is None:
            continue
        value, low, high = (float(record.column(dla, name)) for name in ("purity", "low", "high"))
        yield Evidence(
            "photographic video",
            value,
            "0 to 1",
            f"{head}: share of DLA's positives on the target; {host}: {record.column(fixed, 'purity'):.3f}",
            record.path.name,
            "share of positives, videos resampled",
            low,
            high,
            "open",
            data="photographic",
        )
