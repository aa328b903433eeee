"""What the paper prints: scores, claims, settings. Never drawn or tabled as if it had been measured here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from dlatrack.errors import InputError

_PRINTED = Path(__file__).with_name("published.json")

#: Metrics of "training" that the paper chose; it measured the others.
SCHEDULE = ("batch", "iterations_per_epoch", "epochs", "inflection_iteration")


@dataclass(frozen=True)
class PublishedScore:
    """One number that the paper prints.

    Args:
        tracker: as the paper spells it, e.g. "DLA-SiamRPN++".
        benchmark: "OTB100", "UAV123", or "training" for the costs of Figs. 10 and 11.
        metric: "auc" (the paper's success) or "precision" at 20 px, in 0..1. Of training:
            "seconds_per_iteration_frozen" or "seconds_per_iteration_unfrozen" (the backbone), "parameters_million",
            "batch", "iterations_per_epoch", "epochs", "inflection_iteration".
        value: as printed.
        source: where, e.g. "SiamDLA Table 2".
        backbone: e.g. "ResNet-50"; None: not printed there.
        group: "anchor-based" or "anchor-free"; None: not printed there.
    """

    tracker: str
    benchmark: str
    metric: str
    value: float
    source: str
    backbone: str | None
    group: str | None


@dataclass(frozen=True)
class PublishedClaim:
    """What the paper's text says of a figure or table, in our words.

    Args:
        source: the figure or table, e.g. "SiamDLA Fig. 7a".
        benchmark: "OTB100", "VOT2019" or "LaSOT"; "training" for the loss of Fig. 10.
        tracker: whom it is about.
        metric: "auc", "precision", "eao", "accuracy", "robustness" or "loss"; None: not said.
        rank: 1 for the best; None: the claim is no rank.
        gain_percent: the number printed before the per cent sign; `text` says how to read it. None: no gain given.
        over: tracker it is compared with; None: with all of the figure.
        text: the claim.
    """

    source: str
    benchmark: str
    tracker: str
    metric: str | None
    rank: int | None
    gain_percent: float | None
    over: str | None
    text: str


@dataclass(frozen=True)
class PublishedSetting:
    """A number of the method or of its training that the paper prints, and that it did not measure.

    Args:
        name: of the setting, e.g. "candidates"; several trackers or figures can share it.
        value: a number, or a tuple of numbers or texts.
        of: tracker, "DLA" for every tracker with dynamic label assignment, or "all".
        source: where, e.g. "SiamDLA Eq. 1".
    """

    name: str
    value: float | tuple[float | str, ...]
    of: str
    source: str


def published(benchmark: str, metric: str | None = None) -> list[PublishedScore]:
    """The paper's scores on a benchmark, in the order of its tables.

    Args:
        benchmark: as in `PublishedScore`.
        metric: one of that benchmark; None: all.

    Raises:
        InputError: for a benchmark or metric without printed scores, with those that have some.
    """
    scores = [PublishedScore(**row) for row in _printed()["scores"]]
    found = _chosen(scores, "benchmark", benchmark, "the paper")
    return found if metric is None else _chosen(found, "metric", metric, f"the paper on {benchmark}")


def scores_of(benchmark: str, metric: str) -> dict[str, float]:
    """`published` as value by tracker, the form in which plots take it.

    Raises:
        InputError: as in `published`.
    """
    return {score.tracker: score.value for score in published(benchmark, metric)}


def claims(source: str | None = None) -> list[PublishedClaim]:
    """What the paper's text says of its tables and figures.

    Args:
        source: one table or figure, e.g. "SiamDLA Fig. 7a"; None: all.

    Raises:
        InputError: for a source without claims, with those that have some.
    """
    found = [PublishedClaim(**row) for row in _printed()["claims"]]
    return found if source is None else _chosen(found, "source", source, "the paper's text")


def settings() -> list[PublishedSetting]:
    """What the paper says of its method and training, and the iterations and batches of Figs. 10 and 11."""
    rows = (row | {"value": _frozen(row["value"])} for row in _printed()["settings"])
    found = [PublishedSetting(**row) for row in rows]
    of_training = (score for score in published("training") if score.metric in SCHEDULE)
    return found + [PublishedSetting(row.metric, row.value, row.tracker, row.source) for row in of_training]


def trackers_of(figure: str) -> tuple[str, ...]:
    """The trackers that a figure of the paper shows, in its order.

    Args:
        figure: e.g. "Fig. 4".

    Raises:
        InputError: for a figure whose trackers are not printed, with those whose are.
    """
    trackers = _printed()["trackers"]
    if figure not in trackers:
        raise InputError(
            f"the paper's text lists no trackers for {figure!r}; it does for {', '.join(trackers)}"
        )
    return tuple(trackers[figure])


def ours_beside_paper(ours: Mapping[str, float], benchmark: str, metric: str) -> pd.DataFrame:
    """Measured and printed scores side by side, each in its own column.

    Args:
        ours: measured score by tracker, spelt as in the paper where it has the same tracker.
        benchmark: as in `published`.
        metric: as in `published`.

    Returns:
        A row per tracker, ours first and then those that only the paper has. Columns `ours` and `paper` (float64, NaN
        where there is none) and `source` (where the paper prints it, or <NA>).

    Raises:
        InputError: as in `published`.
    """
    printed = {score.tracker: score for score in published(benchmark, metric)}
    trackers = list(dict.fromkeys([*ours, *printed]))
    return pd.DataFrame(
        {
            "ours": pd.Series(dict(ours), dtype="float64").reindex(trackers),
            "paper": pd.Series({name: score.value for name, score in printed.items()}).reindex(trackers),
            "source": pd.Series(
                {name: score.source for name, score in printed.items()}, dtype="string"
            ).reindex(trackers),
        },
        index=pd.Index(trackers, name="tracker"),
    )


def _chosen(rows: list[Any], field: str, wanted: str, whose: str) -> list[Any]:
    found = [row for row in rows if getattr(row, field) == wanted]
    if not found:
        known = ", ".join(dict.fromkeys(getattr(row, field) for row in rows))
        raise InputError(f"{whose} prints nothing for {field} {wanted!r}; it does for {known}")
    return found


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@cache
def _printed() -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(_PRINTED.read_text(encoding="utf-8"))
    return printed
