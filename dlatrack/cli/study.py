"""The commands `dlatrack study run`, `status` and `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlatrack.cli.options import MOST_PROCESSES
from dlatrack.cli.printing import print_line, print_table
from dlatrack.errors import InputError

study_app = typer.Typer(
    no_args_is_help=True,
    help="A study that is declared before it runs: is DLA better than a tracker's own rule?",
)

Study = Annotated[
    Path | None,
    typer.Argument(help="StudyDeclaration, a TOML file; none: the one that comes with the package."),
]
Only = Annotated[
    str, typer.Option(help="Cells whose name contains this text, e.g. from_nothing/siamcar_nano/dla/0.")
]


@study_app.command()
def run(
    study: Study = None,
    only: Only = "",
    jobs: Annotated[
        int,
        typer.Option(
            help="Processes; cells that see the same pairs share one.",
            min=1,
            max=MOST_PROCESSES,
        ),
    ] = 1,
    besides: Annotated[
        Path | None,
        typer.Option(help="Folder of figures, e.g. figures; cells that its tables hold are not run."),
    ] = None,
) -> None:
    """Train and score the cells that are not finished; an interrupted run resumes.

    The shared data are read from the folder that DLATRACK_SHARED_DATA names.
    """
    from dlatrack import paths
    from dlatrack.studies.declared.declaration import OURS
    from dlatrack.studies.declared.runner import run_study

    folder = paths.shared_data()
    if folder is None:
        raise InputError(
            "a declared study trains on the shared data; set DLATRACK_SHARED_DATA to their folder"
        )
    count = run_study(study or OURS, folder, only=only, jobs=jobs, besides=besides)
    print_line(f"{count} cells were run" if count else "all these cells are finished")


@study_app.command()
def status(study: Study = None, only: Only = "") -> None:
    """Print how many cells of each question are finished."""
    from dlatrack.studies.declared.declaration import OURS, cells_of, read_declaration
    from dlatrack.studies.declared.runner import chosen_cells, results

    declaration = read_declaration(study or OURS)
    cells = chosen_cells(declaration, only)
    finished = results(declaration, cells)
    names = {cell.name for cell in cells}
    rows = []
    for question in declaration.questions:
        own = [cell.name for cell in cells_of(question) if cell.name in names]
        rows.append(
            (question.name, question.regime, str(sum(name in finished for name in own)), str(len(own)))
        )
    print_table(("question", "regime", "finished", "cells"), rows)
    print_line(f"{len(finished)} of {len(cells)} cells are finished; a cell may belong to several questions")


@study_app.command()
def report(
    study: Study = None,
    out: Annotated[Path | None, typer.Option(help="Folder of tables and figures; none: figures/.")] = None,
) -> None:
    """Write the tables of the finished cells, and draw everything that follows from them, without training anything.

    Cells that other machines have finished are read from the tables that are there already.
    """
    from dlatrack import paths
    from dlatrack.studies.declared.declaration import OURS, read_declaration
    from dlatrack.studies.declared.runner import gather
    from dlatrack.studies.declared.tables import write_tables
    from dlatrack.viz.study_report import save_study_report, study_report

    declaration = read_declaration(study or OURS)
    folder = out or paths.figures_dir()
    tables = gather(declaration, folder)
    found = study_report(declaration, tables)
    write_tables(tables, folder)
    save_study_report(found, declaration, folder)
    print_line(f"{len(found.parts)} tables and figures written to {folder}")
    for paragraph in found.words.split("\n\n"):
        print_line(paragraph)
