"""Scores that others publish of trackers in the paper: of their authors' models, of reruns and of new trainings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

from dlatrack.structured.json_files import read_json_as

#: File of the scores.
ELSEWHERE = Path(__file__).with_name("elsewhere.json")


@dataclass(frozen=True)
class ElsewhereScore:
    """A score of a tracker that is printed elsewhere than in the paper."""

    tracker: str  #: name of the tracker as the paper spells it
    benchmark: str  #: benchmark, e.g. "OTB100"
    metric: Literal["auc", "precision", "eao"]  #: metric, as in `published.PublishedScore`
    value: float  #: the number as printed
    what: str  #: what was scored, e.g. "its authors' model"
    source: str  #: what prints it: a repository, with a file or an issue, or a paper


class _Content(Struct):
    source: str
    scores: list[ElsewhereScore]


def elsewhere(tracker: str, benchmark: str, metric: str) -> list[ElsewhereScore]:
    """Scores of a tracker on a benchmark that others print, those of its authors first; none: an empty list.

    Args:
        tracker: name as the paper spells it.
        benchmark: benchmark, e.g. "OTB100".
        metric: "auc", "precision" or "eao".
    """
    return [
        score
        for score in _content().scores
        if (score.tracker, score.benchmark, score.metric) == (tracker, benchmark, metric)
    ]


@cache
def _content() -> _Content:
    return read_json_as(ELSEWHERE, _Content)
