"""Scores, claims and settings that the paper prints; they never share a column or a line style with measured ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dlatrack.errors import InputError

_PRINTED = Path(__file__).with_name("published.json")

#: Metrics of "training" that the paper chose; it measured the others.
SCHEDULE = ("batch", "iterations_per_epoch", "epochs", "inflection_iteration")

#: Fig. 9a, of DLA-SiamCAR: least and largest mean number of positives per target, after 20 epochs of 600,000 pairs.
#: The curves of Fig. 9 are not printed as numbers; these and the following are from the text around it.
FIGURE9_POSITIVES: tuple[float, float] = (3.0, 4.0)

#: Fig. 9b: the K whose positives are followed over the epochs.
FIGURE9_FOLLOWED: tuple[int, ...] = (5, 11, 17, 23)

#: Fig. 9: least and largest K of those that the text calls the method insensitive to.
FIGURE9_INSENSITIVE: tuple[int, int] = (7, 19)

#: Positives per target at the paper's K of 9, "about three" in its conclusion.
FIGURE9_CONCLUDED: float = 3.0


@dataclass(frozen=True)
class PublishedScore:
    """One number that the paper prints."""

    tracker: str  #: name of the tracker as the paper spells it, e.g. "DLA-SiamRPN++"
    benchmark: str  #: "OTB100", "UAV123", or "training" for the costs of Figs. 10 and 11.
    #: "auc" (the paper's success) or "precision" at 20 px, in 0..1. Of training: "seconds_per_iteration_frozen" or
    #: "seconds_per_iteration_unfrozen" (the backbone), "parameters_million", "batch", "iterations_per_epoch",
    #: "epochs", "inflection_iteration".
    metric: str
    value: float  #: the number as printed
    source: str  #: table or figure, e.g. "SiamDLA Table 2"
    backbone: str | None  #: backbone network, e.g. "ResNet-50"; None: not printed with the number.
    group: str | None  #: "anchor-based" or "anchor-free"; None: not printed with the number


@dataclass(frozen=True)
class PublishedClaim:
    """A claim of the paper's text on a figure or table, in our words."""

    source: str  #: figure or table, e.g. "SiamDLA Fig. 7a", or "SiamDLA Text"
    benchmark: str  #: "OTB100", "UAV123", "VOT2019" or "LaSOT"; "training" for what is no score
    tracker: str  #: tracker that the claim is about; "DLA" for all with dynamic label assignment
    metric: str | None  #: one of `numbers.METRICS`, e.g. "eao"; None: not said
    rank: int | None  #: rank of the tracker, 1 for the best; None: the claim is no rank
    #: number printed before the per cent sign; `text` says how to read it. None: no gain given.
    gain_percent: float | None
    over: str | None  #: tracker that it is compared with; None: all others of the figure
    text: str  #: the claim


@dataclass(frozen=True)
class PublishedSetting:
    """A number of the method or of its training that the paper prints, and that it did not measure."""

    name: str  #: name of the setting, e.g. "candidates"; several trackers or figures can share it.
    value: float | tuple[float | str, ...]  #: a number, or a tuple of numbers or texts
    of: str  #: tracker, "DLA" for every tracker with dynamic label assignment, or "all"
    source: str  #: equation, figure or section, e.g. "SiamDLA Eq. 1".


def published(benchmark: str, metric: str | None = None) -> list[PublishedScore]:
    """The paper's scores on a benchmark, in the order of its tables.

    Args:
        benchmark: as in `PublishedScore`.
        metric: one of that benchmark; None: all.

    Raises:
        InputError: for a benchmark or metric without printed scores, naming those that have some.
    """
    scores = [PublishedScore(**row) for row in _printed()["scores"]]
    found = _chosen(scores, "benchmark", benchmark, "the paper")
    return found if metric is None else _chosen(found, "metric", metric, f"the paper on {benchmark}")


def scores_of(benchmark: str, metric: str) -> dict[str, float]:
    """Printed values by tracker, as plots take them.

    Raises:
        InputError: as in `published`.
    """
    return {score.tracker: score.value for score in published(benchmark, metric)}


def auc_gains() -> dict[str, float]:
    """Gains in AUC of DLA trackers over the trackers that they are built on, by tracker and benchmark.

    They are the differences of the printed scores, e.g. 0.025 for "DLA-SiamCAR, OTB100".
    """
    gains = {}
    for benchmark in ("OTB100", "UAV123"):
        scores = scores_of(benchmark, "auc")
        for tracker, value in scores.items():
            if f"DLA-{tracker}" in scores:
                gains[f"DLA-{tracker}, {benchmark}"] = round(scores[f"DLA-{tracker}"] - value, 3)
    return gains


def claims(source: str | None = None) -> list[PublishedClaim]:
    """Claims of the paper's text on its tables and figures.

    Args:
        source: one table or figure, e.g. "SiamDLA Fig. 7a"; None: all.

    Raises:
        InputError: for a source without claims, naming those that have some.
    """
    found = [PublishedClaim(**row) for row in _printed()["claims"]]
    return found if source is None else _chosen(found, "source", source, "the paper's text")


def settings() -> list[PublishedSetting]:
    """Settings of the paper's method and training, with the iterations and batches of Figs. 10 and 11."""
    found = []
    for row in _printed()["settings"]:
        value = row["value"]
        found.append(PublishedSetting(**row | {"value": tuple(value) if isinstance(value, list) else value}))
    of_training = (score for score in published("training") if score.metric in SCHEDULE)
    return found + [PublishedSetting(row.metric, row.value, row.tracker, row.source) for row in of_training]


def trackers_in_figure(figure: str) -> tuple[str, ...]:
    """The trackers in a figure of the paper, in its order.

    Args:
        figure: name of the figure, e.g. "Fig. 4".

    Raises:
        InputError: for a figure whose trackers the text does not list, naming the figures whose trackers it does.
    """
    trackers = _printed()["trackers"]
    if figure not in trackers:
        raise InputError(
            f"the paper's text lists no trackers for {figure!r}; it does for {', '.join(trackers)}"
        )
    return tuple(trackers[figure])


def _chosen(rows: list[Any], field: str, wanted: str, whose: str) -> list[Any]:
    found = [row for row in rows if getattr(row, field) == wanted]
    if not found:
        known = ", ".join(dict.fromkeys(getattr(row, field) for row in rows))
        raise InputError(f"{whose} prints nothing for {field} {wanted!r}; it does for {known}")
    return found


@cache
def _printed() -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(_PRINTED.read_text(encoding="utf-8"))
    return printed
