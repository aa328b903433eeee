"""Every figure and table with the command that makes it again, the minutes that takes, and what it is made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from dlatrack import paths
from dlatrack.bench.measure import machine
from dlatrack.files import write_text
from dlatrack.ledger.makers import made_by_notebooks
from dlatrack.ledger.records import Record, read_records
from dlatrack.structured.json_files import read_json_as

#: File beside the figures with the minutes that notebooks took.
MINUTES = "notebooks.report.json"

_INTRODUCTION = """\
# How each figure is made again

Written by `dlatrack figures`; do not edit. Each command runs a whole notebook, whose minutes are given once they
were measured ({machines}), or draws from scores that are committed. **Needs** says what an outsider must have that
does not come with the clone. The hash is the beginning of the SHA-256 of the numbers: on the same kind of processor,
with the same versions (`constraints.txt`), the same command gives the same numbers, but for timings.

| figure or table | command | minutes | made from | needs | SHA-256 of its numbers |
| --- | --- | ---: | --- | --- | --- |"""

#: What a figure or table is made from, by kind of its record.
_FROM = {
    "real": "no images, real ones, or what is published",
    "photographic": "photographs that come with the package, simulated camera",
    "synthetic": "rendered or simulated here",
    "miniature": "a miniature of the data set, rendered here",
    "mixed": "videos of several kinds",
}


class Took(Struct, frozen=True):
    """How long a notebook took."""

    minutes: float
    preset: str
    processor: str


@dataclass(frozen=True)
class Listed:
    """A figure or table and how it is made."""

    name: str  #: name of its files, without suffix
    heading: str  #: heading under which it is made
    command: str  #: what makes it again, with all others of the same notebook
    took: Took | None  #: time of that notebook; None: nobody has measured it
    data: str  #: what it is made from
    needs: str  #: what one must have that does not come with the clone; "": nothing
    sha256: str  #: hash of its numbers


def listed_figures(folder: Path | None = None) -> list[Listed]:
    """Every figure and table that has a record, in the order of the notebooks.

    Args:
        folder: folder of figures and of the times of notebooks; None: all `paths.figure_sources()`.

    Raises:
        InputError: for a record, or a file of times, that cannot be read.
    """
    records, took = read_records(folder), read_minutes(folder)
    made = made_by_notebooks()
    order = {name: place for place, name in enumerate(made)}
    found = sorted(records.values(), key=lambda record: (order.get(record.name, len(order)), record.made_by))
    return [
        _listed(record, made[record.name].heading if record.name in made else "", took) for record in found
    ]


def _listed(record: Record, heading: str, took: Mapping[str, Took]) -> Listed:
    path = Path(record.made_by)
    by_notebook = record.made_by.startswith("notebooks/")
    return Listed(
        record.name,
        heading or record.name.replace("_", " ").capitalize(),
        f"dlatrack figures --only {record.name}" if by_notebook else record.made_by,
        took.get(path.stem) if by_notebook else None,
        _FROM[record.kind],
        _needs(record),
        record.data_sha256,
    )


def _needs(record: Record) -> str:
    if "results_sha256" in record.parameters:
        return "public result files: `dlatrack results fetch`"
    if {"clips", "clips_sha256"} & record.parameters.keys() and record.imagery != "photographic":
        return "a folder of real clips"
    return ""


def read_minutes(folder: Path | None = None) -> dict[str, Took]:
    """Times of notebooks by stem.

    Args:
        folder: folder of figures; None: all `paths.figure_sources()`, those of the runs first.

    Raises:
        InputError: for a file that holds none.
    """
    found: dict[str, Took] = {}
    for source in reversed(paths.figure_sources() if folder is None else (folder,)):
        if (source / MINUTES).exists():
            found |= read_json_as(source / MINUTES, dict[str, Took])
    return found


def checklist(folder: Path) -> str:
    """A page on how each figure and table of a folder is made again, by whom, in which time, and what it must be.

    Raises:
        InputError: as `listed_figures`.
    """
    listed = listed_figures(folder)
    machines = sorted({one.took.processor for one in listed if one.took is not None})
    rows = [
        f"| `{one.name}` | `{one.command}` | {'' if one.took is None else f'{one.took.minutes:g}'} | {one.data} | "
        f"{one.needs or 'nothing'} | `{one.sha256[:12]}` |"
        for one in listed
    ]
    return "\n".join([_INTRODUCTION.format(machines="; ".join(machines) or "not measured yet"), *rows]) + "\n"


def keep_minutes(folder: Path, seconds: Mapping[str, float], preset: str) -> None:
    """Write the times of notebooks beside their figures; those of others stay.

    Args:
        folder: folder of the figures.
        seconds: seconds by stem of the notebook.
        preset: preset of all.

    Raises:
        InputError: if the file there holds no times, or cannot be written.
    """
    path = folder / MINUTES
    known = read_json_as(path, dict[str, Took]) if path.exists() else {}
    processor = machine()["processor"]
    known |= {stem: Took(round(took / 60, 1), preset, processor) for stem, took in seconds.items()}
    plain = {
        stem: {"minutes": took.minutes, "preset": took.preset, "processor": took.processor}
        for stem, took in sorted(known.items())
    }
    write_text(path, json.dumps(plain, indent=1) + "\n")
