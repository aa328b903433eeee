"""Evidence for ranks among trackers, and for claims in words on attributes, failures and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dlatrack.ledger.evidence import KIND_OF_DATA, Direction, Evidence, Records, our_labels
from dlatrack.paper.elsewhere import ELSEWHERE, elsewhere
from dlatrack.paper.numbers import PaperNumber
from dlatrack.paper.published import claims, published, trackers_in_figure
from dlatrack.recipes.twins import is_dla, title_of

#: Metric by which a figure's trackers are ranked.
_RANKED_BY = {"Fig. 4": "auc", "Fig. 7a": "eao"}


def rank_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """The ranks that printed scores of the figure's trackers leave open, and the scores of public result files."""
    if not number.metric.endswith("rank"):
        return
    if number.where in _RANKED_BY:
        yield _bounded(number, _RANKED_BY[number.where])
    name = {"Fig. 7a": "fig07_scores_published", "Fig. 8": "fig08_scores_published"}.get(number.where, "")
    metric = number.metric.removesuffix(" rank")
    if (record := records.get(name)) is not None:
        table = record.table()
        scores = zip(table["tracker"], record.column(table, metric), strict=True)
        best = sorted(scores, key=lambda score: -score[1])
        told = ", ".join(f"{tracker} {value:.3f}" for tracker, value in best)
        what = f"{metric} of public result files, scored here: {told}"
        yield Evidence(
            "published scores",
            None,
            "",
            what,
            record.path.name,
            record.protocol,
            direction="open",
            data="real",
        )


def _bounded(number: PaperNumber, metric: str) -> Evidence:
    """The least and the largest rank that the printed scores allow."""
    others = [one for one in trackers_in_figure(number.where) if not is_dla(one)]
    own = _own(number, metric)
    known = {tracker: value for tracker in others if (value := _best(tracker, number.data_set, metric))}
    above = {tracker: value for tracker, value in known.items() if value > own}
    below = {tracker: value for tracker, value in known.items() if value <= own}
    unknown = [tracker for tracker in others if tracker not in known]
    least, most = 1 + len(above), 1 + len(above) + len(unknown)
    fits = least <= (number.value or 0) <= most
    what = (
        f"with its {own:.3f} it can have any rank from {least} to {most}: above it {_told(above)}; below it "
        f"{_told(below)}; no printed score of {', '.join(unknown)}"
    )
    return Evidence(
        "published scores",
        float(least),
        "least rank",
        what,
        ELSEWHERE.name,
        direction="for" if fits else "against",
        verdict="bounded by published scores" if fits else "differs from published scores",
        data="real",
    )


def _own(number: PaperNumber, metric: str) -> float:
    """The printed score of the DLA tracker; its EAO follows from the printed gain and that of its twin."""
    scores = {score.tracker: score.value for score in published("OTB100", "auc")}
    if metric == "auc":
        return scores[number.tracker]
    gain = next(
        claim.gain_percent
        for claim in claims(f"SiamDLA {number.where}")
        if claim.tracker == number.tracker and claim.gain_percent is not None
    )
    twin = elsewhere(title_of(number.tracker), number.data_set, metric)[0].value
    return twin * (1 + gain / 100)


def _best(tracker: str, data_set: str, metric: str) -> float | None:
    """The largest score of a tracker that the paper or others print; None without one."""
    values = [score.value for score in elsewhere(tracker, data_set, metric)]
    if metric == "auc":
        values += [score.value for score in published(data_set, metric) if score.tracker == tracker]
    return max(values, default=None)


def _told(scores: Mapping[str, float]) -> str:
    ordered = sorted(scores.items(), key=lambda score: -score[1])
    return ", ".join(f"{tracker} {value:.3f}" for tracker, value in ordered) or "none"


def failure_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Accuracy and failures of the twins on VOT2019 or its miniature."""
    record = records.get("fig07_scores")
    metric = {"accuracy": "accuracy", "robustness": "failures"}.get(number.metric)
    if metric is None or not number.over or record is None:
        return
    found = our_labels((number.tracker, number.over), set(record.table()["tracker"]))
    if found is None:
        return
    labels, full = found
    rows = [record.row(tracker=label) for label in labels]
    dla, fixed = (float(record.column(row, metric)) for row in rows if row is not None)
    whole = full and record.kind == "real"
    yield Evidence(
        "same quantity" if whole else KIND_OF_DATA[record.kind],
        dla - fixed,
        "accuracy" if metric == "accuracy" else "failures",
        f"{labels[0]} less {labels[1]}: {dla:.4g} and {fixed:.4g}",
        record.path.name,
        record.protocol,
        direction=_sign((dla - fixed) * (1 if metric == "accuracy" else -1)) if whole else "open",
        verdict=None,
        data=record.kind,
    )


def attribute_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Number of attributes of OTB100 on which one tracker, or one pair of twins, is above the other."""
    record = records.get("fig05")
    if number.where != "Fig. 5" or record is None:
        return
    scores: dict[str, dict[str, float | None]] = record.numbers()["auc"]
    over_pair = is_dla(number.over)
    sides = [[name, title_of(name)] if over_pair else [name] for name in (number.tracker, number.over)]
    if (found := our_labels([*sides[0], *sides[1]], scores)) is None:
        return
    labels, full = found
    upper, lower = labels[: len(sides[0])], labels[len(sides[0]) :]
    above = [_above(scores, attribute, upper, lower) for attribute in scores[upper[0]]]
    judged = [one for one in above if one is not None]
    whole = record.kind == "real" and full
    yield Evidence(
        "same quantity" if whole else KIND_OF_DATA[record.kind],
        sum(judged),
        f"of {len(judged)} attributes",
        f"{' and '.join(upper)} above {' and '.join(lower)}",
        record.path.name,
        record.protocol,
        verdict="measured" if whole else None,
        data=record.kind,
    )


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


def picture_evidence(number: PaperNumber, records: Records) -> Iterator[Evidence]:
    """Number of the videos that Fig. 6 is chosen from on which DLA scores higher than its twin."""
    record = records.get("fig06_scores")
    if number.metric != "picture" or record is None:
        return
    table = record.table()
    found = our_labels((number.tracker, number.over), set(map(str, table)))
    if found is None:
        return
    (dla, fixed), _ = found
    above = int((table[dla] > table[fixed]).sum())
    yield Evidence(
        KIND_OF_DATA[record.kind],
        above,
        f"of {len(table)} videos",
        f"{dla} has a higher AUC than {fixed}",
        record.path.name,
        direction="open",
        data=record.kind,
    )


def _sign(value: float) -> Direction:
    return "for" if value > 0 else "against" if value < 0 else "open"
