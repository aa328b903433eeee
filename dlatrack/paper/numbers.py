"""Every number and claim that the paper prints as a result, as a list."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dlatrack.paper.published import (
    FIGURE9_CONCLUDED,
    FIGURE9_INSENSITIVE,
    FIGURE9_POSITIVES,
    SCHEDULE,
    PublishedClaim,
    PublishedScore,
    claims,
    published,
    trackers_in_figure,
)
from dlatrack.paper.table1 import table1
from dlatrack.recipes.twins import dla_label, is_dla, title_of

#: Tables and figures with results, in the order of the paper.
PLACES = (
    *("Table 1", "Table 2", "Table 3", "Fig. 4", "Fig. 5", "Fig. 6", "Fig. 7a", "Fig. 7b", "Fig. 8"),
    *("Fig. 9a", "Fig. 9b", "Fig. 9", "Fig. 10", "Fig. 11", "Text"),
)

#: Names in tables of the metrics of `published`.
METRICS = {
    "auc": "AUC",
    "precision": "precision at 20 px",
    "eao": "EAO",
    "accuracy": "accuracy",
    "robustness": "robustness",
    "loss": "training loss",
    "speed": "speed of tracking",
    "threshold": "sensitivity to the IoU threshold",
    "centre": "effect of the centre prior",
    "positives": "positives of any tracker",
    "purity": "positives on the target",
}

#: Figures whose trackers the text lists.
_LISTED = ("Fig. 4", "Fig. 7a")

#: Names in tables of the questions of `table1`.
QUESTIONS = {
    "train": "training images or videos",
    "test": "test videos",
    "instances": "object instances",
    "classes": "classes",
    "frames_per_second": "frame rate",
}

#: Metrics of training, and their units.
_COSTS = {
    "seconds_per_iteration_frozen": ("time of an iteration, backbone frozen", "s"),
    "seconds_per_iteration_unfrozen": ("time of an iteration, backbone training", "s"),
    "parameters_million": ("parameters", "M"),
}


@dataclass(frozen=True)
class PaperNumber:
    """One result as the paper prints it."""

    id: str  #: unique and stable, e.g. "table2/dla-siamcar/auc"
    where: str  #: table, figure or section, e.g. "Table 2"
    tracker: str  #: name of the tracker as the paper spells it; "" for a data set
    data_set: str  #: data set of the measurement, e.g. "OTB100"; "training" for costs.
    metric: str  #: measured quantity, e.g. "AUC gain"
    unit: str  #: unit of the number
    printed: str  #: text as printed, e.g. "59K" or "2.5"
    value: float | None  #: value of the text, K and M multiplied out; None for a claim in words
    over: str = ""  #: tracker that it is compared with; "" for none


def paper_numbers() -> list[PaperNumber]:
    """All results of the paper, in its order. Its settings are in `settings.settings_table`.

    Two numbers of each of Figs. 10 and 11 are computed from printed ones, as their text says: the ratio of the times
    of an iteration with DLA and with the fixed rule.

    A gain that a table and a figure repeat, and a number that is printed once for both twins, is listed once.

    Source: SiamDLA Tables 1-3, Figs. 4-11, Sec. 4.7, its text and the conclusion.
    """
    training = published("training")
    scores = [*published("OTB100"), *published("UAV123")]
    scores += [score for score in training if score.metric not in SCHEDULE]
    # the parameters are those of both twins, and Fig. 4 repeats gains of Table 2
    scores = [score for score in scores if score.metric != "parameters_million" or not is_dla(score.tracker)]
    told = {
        (each.tracker, each.benchmark, each.metric, each.gain_percent): each for each in reversed(claims())
    }
    once = [each for each in claims() if each.gain_percent is None or each in told.values()]
    found = [*_table1(), *map(_score, scores), *map(_claim, once), *_figure9(), *_ratios(training)]
    return sorted(
        found, key=lambda number: PLACES.index(number.where)
    )  # stable: the order within a place stays


def printed_value(text: str) -> float:
    """The value of a printed count: "0.5M" is 500,000.

    Raises:
        ValueError: for text that is no number.
    """
    factor = {"K": 1e3, "M": 1e6}.get(text[-1:], 1.0)
    return round(float(text.rstrip("KM")) * factor, 6)


def _table1() -> list[PaperNumber]:
    printed = table1()["paper"].dropna().reset_index()
    return [
        PaperNumber(
            id=_id("Table 1", dataset, question),
            where="Table 1",
            tracker="",
            data_set=dataset,
            metric=QUESTIONS[question],
            unit="per second" if question == "frames_per_second" else "count",
            printed=text,
            value=printed_value(text),
        )
        for dataset, question, text in printed.itertuples(index=False)
    ]


def _score(score: PublishedScore) -> PaperNumber:
    where = score.source.removeprefix("SiamDLA ")
    metric, unit = _COSTS.get(score.metric) or (METRICS[score.metric], "0 to 1")
    digits = ".3f" if unit == "0 to 1" else "g"
    name, data_set = _id(where, score.tracker, score.metric), score.benchmark
    return PaperNumber(
        name, where, score.tracker, data_set, metric, unit, format(score.value, digits), score.value
    )


def _claim(claim: PublishedClaim) -> PaperNumber:
    where = claim.source.removeprefix("SiamDLA ")
    what = METRICS.get(claim.metric or "", "")
    if claim.rank is not None:
        kind, printed, value = "rank", str(claim.rank), float(claim.rank)
        unit = f"of {len(trackers_in_figure(where))}" if where in _LISTED else "1 is best"
    elif claim.gain_percent is not None:
        kind, printed, value = "gain", f"{claim.gain_percent:g}", claim.gain_percent
        unit = "%" if claim.metric == "eao" else "points of 100"
    else:
        kind, printed, value, unit = "", claim.text, None, "in words"
    metric = f"{what} {kind}".strip() or "picture"
    parts = (claim.tracker, metric, f"over {claim.over}" if claim.over and not kind else "")
    return PaperNumber(
        _id(where, *filter(None, parts)),
        where,
        claim.tracker,
        claim.benchmark,
        metric,
        unit,
        printed,
        value,
        claim.over or "",
    )


def _figure9() -> list[PaperNumber]:
    tracker, unit = dla_label("SiamCAR"), "per target"
    least, most = FIGURE9_POSITIVES
    first, last = FIGURE9_INSENSITIVE
    rows = [
        ("Fig. 9a", "least mean of positives over K", unit, f"{least:g}", least),
        ("Fig. 9a", "largest mean of positives over K", unit, f"{most:g}", most),
        ("Fig. 9b", "positives over the epochs", "in words", "hardly change", None),
        ("Fig. 9", "mean of positives, K = 9", unit, f"about {FIGURE9_CONCLUDED:g}", FIGURE9_CONCLUDED),
        ("Fig. 9", "AUC over K", "in words", f"insensitive to K from {first} to {last}", None),
    ]
    return [
        PaperNumber(_id(where, metric), where, tracker, "training", metric, unit, printed, value)
        for where, metric, unit, printed, value in rows
    ]


def _ratios(training: list[PublishedScore]) -> list[PaperNumber]:
    """Ratios of the seconds with DLA and with the fixed rule."""
    seconds = {(score.tracker, score.metric): score for score in training if "seconds" in score.metric}
    rows = []
    for (tracker, metric), score in seconds.items():
        fixed = seconds.get((title_of(tracker), metric))
        if fixed is None or fixed is score:
            continue
        what, value = f"{_COSTS[metric][0]}, DLA / fixed", score.value / fixed.value
        where = score.source.removeprefix("SiamDLA ")
        name = _id(where, tracker, metric, "ratio")
        printed = f"{value:.2f} ({score.value:g} / {fixed.value:g})"
        rows.append(PaperNumber(name, where, tracker, "training", what, "times", printed, value))
    return rows


def _id(*parts: str) -> str:
    words = (part.lower().replace("++", "pp").replace(". ", "").replace("table ", "table") for part in parts)
    return "/".join(re.sub(r"[^a-z0-9]+", "-", word).strip("-") for word in words)
