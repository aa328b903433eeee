"""The gallery of a folder of figures: every picture and table with its title, maker and parameters."""

from __future__ import annotations

import json
import os
from pathlib import Path

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.files import write_text
from dlatrack.imagery import MARKS
from dlatrack.ledger.listing import checklist
from dlatrack.ledger.makers import MadeBy, made_by_notebooks, notebook_title
from dlatrack.ledger.records import Record, read_records
from dlatrack.viz.save import PICTURE_SUFFIXES

GALLERY, CHECKLIST = "README.md", "REPRODUCE.md"

#: Number of rows up to which a table is shown and not only linked.
_SHOWN = 20

#: Number of characters below which a parameter is shown.
_SHORT = 60

_INTRODUCTION = """\
# Figures and tables

Written by `dlatrack figures`; do not edit. Every plot comes as PNG and SVG, every figure with photographs as WebP,
with the numbers that it shows and a record of what made it from what; every table as CSV, Markdown and record. The
CSV of a plot has its axes and units, and `dlatrack figures --redraw NAME` draws the plot from it alone. The same
record gives the same bytes. **Synthetic data** marks what was measured on rendered video, **Photographs, simulated
camera** what was measured on video of photographs whose motion is computed: both show the way, and are no result of
the paper. [REPRODUCE.md](REPRODUCE.md) lists for each the command, the minutes, and what one must have.
"""


def write_gallery(folder: Path) -> Path:
    """Write the gallery of all figures and tables that have a record, and the list of how they are made again.

    Notebooks come first; figures and tables are in the order in which the notebook makes them.

    Args:
        folder: folder of the figures.

    Returns:
        The path of the gallery, `README.md` in the folder; `REPRODUCE.md` lies beside it.

    Raises:
        InputError: for a record that cannot be read, or has neither picture nor table beside it.
    """
    clone = Path(os.path.relpath(paths.root(), folder)).as_posix()
    made = made_by_notebooks()
    order = {name: place for place, name in enumerate(made)}
    chosen = sorted(
        read_records(folder).values(),
        key=lambda one: (not _is_notebook(one.made_by), one.made_by, order.get(one.name, len(order))),
    )
    parts, maker = [_INTRODUCTION], ""
    for record in chosen:
        if record.made_by != maker:
            maker = record.made_by
            parts.append(_maker(maker, clone))
        parts.append(_entry(record, made.get(record.name)))
    if not chosen:
        parts.append("There is none yet: `dlatrack run 01` makes the first.\n")
    write_text(folder / CHECKLIST, checklist(folder))
    write_text(folder / GALLERY, "\n".join(parts))
    return folder / GALLERY


def _maker(made_by: str, clone: str) -> str:
    """A heading that links to the notebook, whose clone lies at the relative path `clone`; or the command itself."""
    path = Path(made_by)
    if not _is_notebook(made_by):
        return f"## `{made_by}`\n"
    link = f"{clone}/{path.with_suffix('.ipynb').as_posix()}"
    return f"## {notebook_title(path.stem)}\n\nMade by [`{path.stem}`]({link}).\n"


def _is_notebook(made_by: str) -> bool:
    return made_by.startswith("notebooks/")


def _entry(record: Record, made: MadeBy | None) -> str:
    folder, name = record.path.parent, record.name
    heading = made.heading if made is not None else name.replace("_", " ").capitalize()
    end = "" if heading.endswith("?") else "."
    words = MARKS[record.imagery or "real"]
    mark = f" **{words.capitalize()}.**" if words else ""
    pictures = [path for suffix in PICTURE_SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
    table, vectors = folder / f"{name}.md", folder / f"{name}.svg"
    if pictures:
        shown = f"![{heading}, {name}]({pictures[0].name})"
        links = [f"[numbers]({record.data})", f"[record]({name}.json)"]
        if (folder / f"{name}.csv").is_file():
            links.insert(0, f"[CSV, with axes and units]({name}.csv)")
        if vectors.is_file():
            links.insert(0, f"[SVG]({vectors.name})")
    elif table.is_file():
        shown = _rows(record, table)
        links = [f"[CSV]({record.data})", f"[Markdown]({name}.md)", f"[record]({name}.json)"]
    else:
        raise InputError(
            f"{record.path} has neither a picture ({', '.join(PICTURE_SUFFIXES)}) nor {table.name} beside it"
        )
    parts = [f"### {name}", f"{heading}{end}{mark}", shown, " · ".join(links), *_parameters(record)]
    return "\n\n".join(parts) + "\n"


def _rows(record: Record, table: Path) -> str:
    count = len(record.table())
    if count > _SHOWN:
        return f"{count} rows."
    lines = [line for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return "\n".join(lines)


def _parameters(record: Record) -> list[str]:
    """Scalars and short lists in one line; hashes and the like stay in the record."""
    shown = []
    for name, value in record.parameters.items():
        text = json.dumps(value)
        if not isinstance(value, dict) and value not in ("", [], None) and len(text) < _SHORT:
            shown.append(f"{name} {text}")
    return [f"Parameters: `{', '.join(shown)}`"] if shown else []
