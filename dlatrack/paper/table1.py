"""Table 1 of the paper: sizes of the data sets as printed, as their publishers count them, and as found on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from dlatrack import paths
from dlatrack.datasets.check import CheckReport, check
from dlatrack.datasets.manifests import Manifest, Split, locate, manifest, names
from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError

_PRINTED = Path(__file__).with_name("table1.json")

#: Counts that answer a question; the first known one is taken.
_COUNTS = {"train": ("videos", "tracks"), "test": ("tracks", "videos"), "instances": ("rows", "boxes")}
_QUESTIONS = (*_COUNTS, "classes", "frames_per_second")


def data_or_miniatures(folder: str = "", *, user_data: bool = True) -> Path:
    """A folder of data sets: the given one, else `DLATRACK_DATA`, else miniatures of all sets in the cache folder.

    Args:
        folder: folder of data sets; "": none.
        user_data: whether `DLATRACK_DATA` is considered.
    """
    if folder:
        return Path(folder)
    if user_data and (own := paths.data_dir()) is not None:
        return own
    miniatures = paths.cache_dir() / "miniatures"
    for name in names():
        if not _holds(name, miniatures / name):
            write_mini(name, miniatures / name)
    return miniatures


def check_below(folder: Path) -> list[CheckReport]:
    """Check every data set of a folder: in `folder/NAME`, else in the folder itself or under its usual name in it."""
    places = {name: own if (own := folder / name).is_dir() else folder for name in names()}
    return [check(name, place) for name, place in places.items() if _holds(name, place)]


def _holds(name: str, folder: Path) -> bool:
    try:
        locate(name, folder)
    except InputError:
        return False
    return True


def table1(checks: Iterable[CheckReport] = ()) -> pd.DataFrame:
    """Compare Table 1 with the manifests and with checked folders.

    Args:
        checks: reports of `datasets.check.check`, at most one per manifest.

    Returns:
        A row per data set and question: "train" and "test" (images or videos), "instances" (annotated frames or
        boxes), "classes" and "frames_per_second". Columns `paper` (text as printed), `published` (the manifests'
        number), `published_is` ("published", "measured" or "recalled"), `listed` (counted in the lists that come with
        the manifests), `found` (on disk) and `found_in` ("data set" or "miniature"). Unknown counts are <NA>; a sum
        is unknown when one of its parts is.

    Source: SiamDLA Table 1.
    """
    found = {report.name: report for report in checks}
    rows = []
    for printed in json.loads(_PRINTED.read_text(encoding="utf-8"))["rows"]:
        for question in _QUESTIONS:
            rows.append(_row(printed, question, found))
    index = ["dataset", "question"]
    table = pd.DataFrame(rows).set_index(index).dropna(how="all")
    for column in ("published", "listed", "found"):
        table[column] = table[column].astype("Int64")
    return table.astype(dict.fromkeys(("paper", "published_is", "found_in"), "string"))


def _row(printed: dict[str, Any], question: str, found: Mapping[str, CheckReport]) -> dict[str, Any]:
    row = {"dataset": printed["dataset"], "question": question, "paper": printed[question]}
    row |= dict.fromkeys(("published", "published_is", "listed", "found", "found_in"), None)
    parts = [(manifest(name), split) for name, split in printed["parts"] if name in names()]
    if printed[question] is not None:
        row["listed"] = _listed(parts, question)
    if question not in _COUNTS:
        if parts and printed[question] is not None and (fact := _fact(parts[0][0], question)):
            row |= {"published": fact, "published_is": "published"}
        return row
    if question != "instances":
        parts = [(known, split) for known, split in parts if (split == "test") == (question == "test")]
    if not parts:
        return row
    splits = [known.splits.get(split) for known, split in parts]
    row["published"] = _total((split.counts if split else {} for split in splits), _COUNTS[question])
    if row["published"] is not None:
        row["published_is"] = _weakest(splits)
    reports = [(found.get(known.name), split) for known, split in parts]
    counts = (_found(report, split) if report else {} for report, split in reports)
    row["found"] = _total(counts, _COUNTS[question])
    if row["found"] is not None:
        row["found_in"] = "miniature" if any(r and r.miniature for r, _ in reports) else "data set"
    return row


def _found(report: CheckReport, split: str) -> dict[str, int]:
    """Counts of a split that was checked, or of one that consists of checked splits."""
    known = manifest(report.name).splits.get(split)
    whole = known is not None and known.of and not known.only and not known.without
    parts = known.of.split() if known is not None and whole else [split]
    if any(part not in report.counts for part in parts):
        return {}
    total: Counter[str] = Counter()
    for part in parts:
        total.update(asdict(report.counts[part]))
    return dict(total)


def _listed(parts: Iterable[tuple[Manifest, str]], question: str) -> int | None:
    """Videos or classes in the lists that come with the manifests; None where there is none."""
    found: list[Collection[Any]] = []
    for known, split in parts:
        if question == "classes":
            found.append(known.classes or {entry.object_class for entry in known.sequences} - {""})
        elif question in ("train", "test") and (split == "test") == (question == "test"):
            found.append(known.sequences or known.lists.get(question, ()))
    return next((len(one) for one in found if one), None)


def _fact(known: Manifest, question: str) -> int:
    """Classes or frames per second; 0 where the manifest does not say."""
    return known.class_count if question == "classes" else round(known.fps)


def _total(parts: Iterable[Mapping[str, int]], keys: tuple[str, ...]) -> int | None:
    """Sum over the parts of the first count that is known; None if a part has none of them."""
    numbers = [next((part[key] for key in keys if key in part), None) for part in parts]
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _weakest(splits: Iterable[Split | None]) -> str:
    sources = {split.source for split in splits if split is not None}
    return next(source for source in ("recalled", "measured", "published", "declared") if source in sources)
