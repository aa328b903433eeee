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

#: What a figure or table is made from, by kind of its record.
_FROM = {
    "real": "real images, or what is printed and published",
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


def listed_figures() -> list[Listed]:
    """Every figure and table that has a record, in the order of the notebooks.

    Raises:
        InputError: for a record, or a file of times, that cannot be read.
    """
    records, took = read_records(), read_minutes()
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
    )


def read_minutes() -> dict[str, Took]:
    """Times of notebooks by stem, from the folders of figures; those of the runs come first.

    Raises:
        InputError: for a file that holds none.
    """
    found: dict[str, Took] = {}
    for folder in reversed(paths.figure_sources()):
        if (folder / MINUTES).exists():
            found |= read_json_as(folder / MINUTES, dict[str, Took])
    return found


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
