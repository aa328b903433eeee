"""Runs the cells of a declared study, several at once, and says which are finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dlatrack import paths
from dlatrack.errors import InputError, NotEnoughMemoryError, listed
from dlatrack.progress import Progress
from dlatrack.studies.declared.cell import Workshop, is_finished, read_result, run_cells
from dlatrack.studies.declared.declaration import Cell, StudyDeclaration, read_declaration
from dlatrack.studies.declared.tables import (
    FOLDER,
    StudyTables,
    in_order,
    merged,
    read_tables,
    tables_of,
)
from dlatrack.tracking.workers import run_tasks


def cells_folder(declaration: StudyDeclaration) -> Path:
    """Folder of the cells of a study below the folder of runs."""
    return paths.runs_dir() / "study" / declaration.name


def chosen_cells(declaration: StudyDeclaration, only: str = "") -> list[Cell]:
    """Cells whose name contains a text, in their order.

    Raises:
        InputError: if there is none.
    """
    found = [cell for cell in declaration.cells() if only in cell.name]
    if not found:
        example = declaration.cells()[0].name
        raise InputError(f"no cell of {declaration.name} has {only!r} in its name; names are like {example}")
    return found


@dataclass(frozen=True)
class _Worker:
    """Picklable factory of the function that runs those cells of `todo` that see the same pairs."""

    path: Path
    folder: Path
    todo: frozenset[str]

    def __call__(self) -> Callable[[str], int | str]:
        declaration = read_declaration(self.path)
        cells = [cell for cell in declaration.cells() if cell.name in self.todo]
        return partial(_run, Workshop(declaration, self.folder, cells_folder(declaration)), cells)


def _run(workshop: Workshop, cells: list[Cell], pairs: str) -> int | str:
    """Number of cells that see these pairs, all of which are finished; or what one of them stopped at."""
    try:
        return len(run_cells(workshop, [cell for cell in cells if cell.pairs == pairs]))
    except NotEnoughMemoryError:
        raise
    except InputError as error:
        return str(error)


def run_study(path: Path, folder: Path, *, only: str = "", jobs: int = 1, besides: Path | None = None) -> int:
    """Run the cells of a study that are not finished; cells that see the same pairs are trained side by side.

    A cell that cannot be trained, for instance as its loss is not finite, stops those that are trained beside it, and
    no others. A cell that was finished on this machine is run again if its declaration, its data or the version of
    this package has changed. A killed run resumes: finished cells are kept, and an unfinished one continues from its
    last checkpoint, with the same bits as without the interruption.

    Args:
        path: declaration.
        folder: shared data.
        only: text in the names of the cells; "": all.
        jobs: processes, one core for each.
        besides: folder of the figures, whose tables hold cells that are finished elsewhere and not run here; None:
            there are none. Their identity is not compared, because crops have other bits on other processors.

    Returns:
        Number of cells that were run.

    Raises:
        InputError: as `read_declaration`, `chosen_cells`, `training_mixture` and `run_cell`.
    """
    declaration = read_declaration(path)
    workshop = Workshop(declaration, folder, cells_folder(declaration))
    cells = chosen_cells(declaration, only)
    if besides is not None:
        elsewhere = read_tables(besides)
        cells = [cell for cell in cells if not elsewhere.finished(cell)]
    todo = [
        cell
        for cell in cells  # to be hashed, crops are cut here, not by each process
        if not is_finished(workshop, cell)
    ]
    if not todo:
        return 0
    groups = list(dict.fromkeys(cell.pairs for cell in todo))
    worker = _Worker(path, folder, frozenset(cell.name for cell in todo))
    faults: list[str] = []
    with Progress(len(todo), "study", unit="cells") as progress:
        advice = "finished cells are kept, run it again with fewer jobs"
        for pairs, count in run_tasks(worker, groups, jobs, advice=advice):
            if isinstance(count, str):
                faults.append(f"{pairs}: {count}")
            else:
                progress.step(count, last=pairs)
    if faults:
        raise InputError(f"the other cells are finished; these are not: {listed(faults)}")
    return len(todo)


def results(declaration: StudyDeclaration, cells: Sequence[Cell] | None = None) -> dict[str, dict[str, Any]]:
    """Results of the finished cells by name, as `run_cell` returns them."""
    home = cells_folder(declaration)
    found = {cell.name: read_result(home / cell.name) for cell in cells or declaration.cells()}
    return {name: result for name, result in found.items() if result is not None}


def gather(declaration: StudyDeclaration, folder: Path) -> StudyTables:
    """Tables of all finished cells: those of this machine, and those that the tables in a folder hold already.

    Args:
        declaration: declaration of the study.
        folder: folder of the figures, which may have tables of `tables.write_tables`.

    Raises:
        InputError: if a table there is damaged, or no cell is finished.
    """
    own = results(declaration)
    there = (folder / FOLDER / "cells.csv").exists()
    if not own and not there:
        raise InputError(f"no cell of {declaration.name} is finished; run `dlatrack study run`")
    if not own:
        return in_order(read_tables(folder), declaration)
    tables = tables_of(own)
    return in_order(merged(read_tables(folder), tables) if there else tables, declaration)
