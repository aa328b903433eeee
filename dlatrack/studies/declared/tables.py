"""Results of a declared study as four small CSV files, which are committed, and from which everything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlatrack import paths
from dlatrack.errors import InputError, reading
from dlatrack.files import write_text
from dlatrack.studies.declared.declaration import Cell, StudyDeclaration

#: Name of the folder of the tables below the figures.
FOLDER = "study"

#: Tables, and the columns that name their rows.
_INDEX = {
    "cells": ["cell"],
    "scores": ["cell", "run"],
    "history": ["cell", "epoch"],
    "course": ["cell", "epoch"],
}


@dataclass(frozen=True, eq=False)
class StudyTables:
    """Results of the finished cells."""

    #: by cell: `decided_by`, the hash of all that decides it, `weights_sha256`, `processor` and `torch`
    cells: pd.DataFrame
    scores: pd.DataFrame  #: AUC by cell and run (rows) and target (columns "SET/TARGET")
    history: pd.DataFrame  #: means of the training steps by cell and epoch, from 1
    course: pd.DataFrame  #: column `auc`: mean AUC over one run of the set "video", by cell and epoch

    def finished(self, cell: Cell) -> bool:
        """Whether a cell has scores."""
        return cell.name in self.cells.index

    def auc(self, cell: Cell, sets: tuple[str, ...]) -> np.ndarray:
        """(T, R) AUC of the targets of some sets, by run."""
        of_cell = self.scores.xs(cell.name, level="cell")
        chosen = of_cell[[name for name in map(str, of_cell) if name.partition("/")[0] in sets]]
        auc: np.ndarray = chosen.to_numpy().T
        return auc

    def targets(self, sets: tuple[str, ...]) -> list[str]:
        """Names of the targets of some sets, in the order of `auc`."""
        names = map(str, self.scores)
        return [name.partition("/")[2] for name in names if name.partition("/")[0] in sets]


def tables_of(results: Mapping[str, Mapping[str, Any]]) -> StudyTables:
    """Tables of results, as `cell.run_cell` returns them, by name of the cell."""
    cells, scores, history, course = [], [], [], []
    for name, result in results.items():
        cells.append(
            {
                "cell": name,
                "decided_by": result["decided_by"],
                "weights_sha256": result["weights_sha256"],
                "processor": result["machine"]["processor"],
                "torch": result["machine"]["torch"],
            }
        )
        targets = {
            f"{kind}/{target}": runs
            for kind, found in result["scores"].items()
            for target, runs in found.items()
        }
        for number, values in enumerate(zip(*targets.values(), strict=True), 1):
            scores.append({"cell": name, "run": number, **dict(zip(targets, values, strict=True))})
        history += [{"cell": name, "epoch": number, **row} for number, row in enumerate(result["history"], 1)]
        course += [{"cell": name, "epoch": int(epoch), "auc": auc} for epoch, auc in result["course"].items()]
    rows = {"cells": cells, "scores": scores, "history": history, "course": course}
    return StudyTables(
        **{
            table: pd.DataFrame(rows[table], columns=None if rows[table] else [*index, "auc"]).set_index(
                index
            )
            for table, index in _INDEX.items()
        }
    )


def write_tables(tables: StudyTables, folder: Path) -> None:
    """Write the tables as `NAME.csv` below `folder / "study"`.

    Raises:
        InputError: if a file cannot be written.
    """
    for name in _INDEX:
        text = getattr(tables, name).to_csv(lineterminator="\n")
        write_text(folder / FOLDER / f"{name}.csv", text)


def read_tables(folder: Path | None = None) -> StudyTables:
    """Read tables of `write_tables`.

    Args:
        folder: folder of the figures; None: the reader's own, or else those that were published.

    Raises:
        InputError: naming the file that is missing or damaged.
    """
    if folder is None:
        own = paths.figures_dir()
        folder = own if (own / FOLDER / "cells.csv").exists() else paths.published_figures_dir()
    found = {}
    for name, index in _INDEX.items():
        path = folder / FOLDER / f"{name}.csv"
        with reading(path, "is no table of a declared study", ValueError, KeyError):
            found[name] = pd.read_csv(path).set_index(index)
    return StudyTables(**found)


def merged(first: StudyTables, second: StudyTables) -> StudyTables:
    """Tables of both; a cell that both have is the second one's."""
    parts = {}
    for name in _INDEX:
        old, new = getattr(first, name), getattr(second, name)
        cells = new.index.get_level_values("cell") if len(new) else []
        kept = old[~old.index.get_level_values("cell").isin(cells)]
        parts[name] = pd.concat([kept, new]) if len(new) else kept
    return StudyTables(**parts)


def in_order(tables: StudyTables, declaration: StudyDeclaration) -> StudyTables:
    """The cells that the declaration names, in its order.

    Raises:
        InputError: if none of them is finished.
    """
    names = [cell.name for cell in declaration.cells() if tables.finished(cell)]
    if not names:
        raise InputError(f"no cell of {declaration.name} is finished; run `dlatrack study run`")
    parts = {}
    for table in _INDEX:
        frame = getattr(tables, table)
        known = frame.index.get_level_values("cell")
        parts[table] = pd.concat(
            [frame[known == name] for name in names if (known == name).any()] or [frame[:0]]
        )
    return StudyTables(**parts)
