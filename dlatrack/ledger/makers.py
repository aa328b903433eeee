"""Which notebook makes which figure and table, and under which heading: cells have their names as tags."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dlatrack import paths
from dlatrack.errors import InputError

_HEADING = re.compile(r"^#{1,3} (.+)$", re.MULTILINE)

#: Tag of the parameters cell, as papermill wants it.
_PARAMETERS = "parameters"

#: Names that are offered in place of one that is not known.
_NEAREST = 5


@dataclass(frozen=True)
class MadeBy:
    """A figure or table that a notebook saves."""

    name: str  #: name of its files, without suffix
    notebook: str  #: stem, e.g. "05_evaluate_otb100"
    heading: str  #: heading under which it is made


def made_by_notebooks() -> dict[str, MadeBy]:
    """Every figure and table that a cell has as a tag, by name, in the order of the notebooks."""
    found: dict[str, MadeBy] = {}
    for path in paths.notebook_files():
        heading = path.stem
        for cell in _cells(path):
            heading = [heading, *_headings(cell)][-1]
            names = [tag for tag in cell["metadata"].get("tags", ()) if tag != _PARAMETERS]
            found |= {name: MadeBy(name, path.stem, heading) for name in names}
    return found


def notebook_title(notebook: str) -> str:
    """The first heading of the notebook of a stem, or the stem if it has none or is missing."""
    path = paths.notebooks_dir() / f"{notebook}.ipynb"
    cells = _cells(path) if path.is_file() else []
    return next((heading for cell in cells for heading in _headings(cell)), notebook)


def _cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")).get("cells", [])
    return found


def _headings(cell: dict[str, Any]) -> list[str]:
    text = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
    return [heading.strip() for heading in _HEADING.findall(text)]


def notebooks_for(wanted: str, known: Iterable[tuple[str, str]]) -> list[str]:
    """The notebooks that make a figure or table, or all those that a paper's figure is split into.

    Args:
        wanted: a name in upper or lower case, e.g. "fig09a", or its beginning up to a number, e.g. "fig09" or "fig9".
        known: name and notebook of each figure and table.

    Returns:
        Stems, in order.

    Raises:
        InputError: for a name that nothing begins with, with those that are most like it.
    """
    pairs = list(known)
    if not wanted.strip():
        raise InputError("the name of a figure or table is empty; figures/README.md shows all")
    two_digits = re.sub(r"^(fig|table)(?=\d(?!\d))", r"\g<1>0", wanted.lower())
    begins = re.compile(rf"{re.escape(two_digits)}(?!\d)", re.IGNORECASE)
    whole = re.search(r"\d", wanted)  # the beginning of several figures has their number, e.g. "fig09"
    found = sorted({made for name, made in pairs if (begins.match if whole else begins.fullmatch)(name)})
    if not found:
        names = sorted(dict(pairs))
        nearest = get_close_matches(two_digits, names, n=_NEAREST)
        like = f"the nearest of {len(names)} names are {', '.join(nearest)}" if nearest else "none is near it"
        raise InputError(
            f"no notebook makes a figure or table {wanted!r}; {like}; figures/README.md shows all"
        )
    return found
