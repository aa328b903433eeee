"""The command `dlatrack figures`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from dlatrack import paths
from dlatrack.errors import InputError, NotEnoughMemoryError
from dlatrack.progress import duration

#: The notebook that reads what the others leave; it runs last.
_LEDGER = "00_"


def figures(
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Run the notebook of this figure or table alone, e.g. fig09 or table02, as often as needed; "
            "figures/README.md shows all."
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            help="smoke (a try, its figures in runs/figures/), demo (minutes) or paper (full size)."
        ),
    ] = "demo",
    redraw: Annotated[
        list[str] | None,
        typer.Option(
            help="Run no notebook; draw plots of these names, e.g. fig08, from their tables of numbers, NAME.csv, "
            "alone."
        ),
    ] = None,
    gallery_only: Annotated[
        bool, typer.Option("--gallery-only", help="Run no notebook; write the gallery of what is there.")
    ] = False,
    list_: Annotated[
        bool,
        typer.Option(
            "--list", help="Run no notebook; print each figure and table with its command, minutes and data."
        ),
    ] = False,
) -> None:
    """Run all notebooks, the ledger last, and write figures/ and its gallery figures/README.md.

    A notebook that fails does not stop the others; the command then ends with exit status 1.
    """
    from dlatrack.files import owned_folder
    from dlatrack.ledger.gallery import write_gallery
    from dlatrack.notebooks.run import NotebookError
    from dlatrack.studies.presets import sizes

    sizes(preset)
    if list_:
        _list(only or [])
        return
    if redraw:
        _redraw(redraw)
        return
    if only and gallery_only:
        raise InputError(f"--only {only[0]} runs a notebook and --gallery-only runs none; give one of them")
    stems = [] if gallery_only else _notebooks_of(only or [])
    with _figures_in(_folder(preset)) as folder, owned_folder(folder):
        failed = {} if gallery_only else _run_all(stems, preset, folder)
        print(f"gallery written to {write_gallery(folder)}")
    if failed:
        short = all(isinstance(error, NotEnoughMemoryError) for error in failed.values())
        kind = NotEnoughMemoryError if short else NotebookError
        raise kind(f"{len(failed)} failed: {'; '.join(map(str, failed.values()))}")


def _list(only: Sequence[str]) -> None:
    """Print a table of figures and tables, or of those of the notebooks that make some of them."""
    from dlatrack.cli.printing import print_line, print_table
    from dlatrack.ledger.listing import listed_figures, read_minutes
    from dlatrack.ledger.makers import made_by_notebooks

    stems = set(_notebooks_of(only)) if only else set()
    made = {name: one.notebook for name, one in made_by_notebooks().items()}
    rows = [
        (one.name, one.command, "" if one.took is None else f"{one.took.minutes:g}", one.data)
        for one in listed_figures()
        if not only or made.get(one.name) in stems
    ]
    print_table(("figure or table", "command", "minutes", "made from"), rows)
    machines = sorted({f"{took.processor}, preset {took.preset}" for took in read_minutes().values()})
    print_line(
        "minutes are those of the whole notebook" + (f", on {'; '.join(machines)}" if machines else "")
    )


def _redraw(names: Sequence[str]) -> None:
    """Draw plots from their tables into the folder `redrawn` among the figures of the runs.

    Raises:
        InputError: for a name that no plot begins with, naming the plots; or as `redraw.redraw`.
    """
    from dlatrack.viz.redraw import redraw
    from dlatrack.viz.save import write_pictures

    sources = {
        path.stem: path for folder in reversed(paths.figure_sources()) for path in folder.glob("*.csv")
    }
    plots = {name: path for name, path in sorted(sources.items()) if path.read_bytes().startswith(b"# {")}
    for name in names:
        chosen = [plot for plot in plots if plot.startswith(name)]
        if not chosen:
            raise InputError(
                f"no plot has a name that begins with {name!r}; there are {', '.join(plots) or 'none'}"
            )
        for plot in chosen:
            print(f"{plots[plot]}: drawn as {write_pictures(redraw(plots[plot]), plot, _redrawn())}")


def _redrawn() -> Path:
    return paths.runs_dir() / "figures" / "redrawn"


def _folder(preset: str) -> Path:
    """The folder of DLATRACK_FIGURES; without it, a try goes among the runs and all else to the project's figures."""
    if os.environ.get("DLATRACK_FIGURES") or preset == "smoke":
        return paths.figures_dir()
    return paths.published_figures_dir()


@contextmanager
def _figures_in(folder: Path) -> Iterator[Path]:
    """Write figures to a folder, in this process and in the kernels that it starts inside the block."""
    before = os.environ.get("DLATRACK_FIGURES")
    os.environ["DLATRACK_FIGURES"] = str(folder)
    try:
        yield folder
    finally:
        del os.environ["DLATRACK_FIGURES"]
        if before is not None:
            os.environ["DLATRACK_FIGURES"] = before


def _notebooks_of(only: Sequence[str]) -> list[str]:
    """Stems of the notebooks that make some figures and tables, or of all notebooks, the ledger last."""
    from dlatrack.ledger.makers import made_by_notebooks, notebooks_for
    from dlatrack.ledger.records import read_records

    stems = [path.stem for path in paths.notebook_files()]
    if not stems:
        raise InputError(
            f"there are no notebooks in {paths.notebooks_dir()}; run this in a clone, or install the wheel, which "
            f"has them"
        )
    if only:
        known = {name: made.notebook for name, made in made_by_notebooks().items()}
        for record in read_records().values():
            if (notebook := record.made_by.removeprefix("notebooks/").removesuffix(".py")) in stems:
                known[record.name] = notebook
        return sorted({stem for name in only for stem in notebooks_for(name, known.items())})
    return sorted(stems, key=lambda stem: (stem.startswith(_LEDGER), stem))


def _run_all(stems: list[str], preset: str, folder: Path) -> dict[str, Exception]:
    """Run notebooks one after the other, and keep the times of those that ran beside their figures in a folder.

    Returns:
        The error of each that failed.
    """
    from dlatrack.ledger.listing import keep_minutes
    from dlatrack.notebooks.run import NotebookError, run_notebook

    failed: dict[str, Exception] = {}
    begin = time.monotonic()
    for number, stem in enumerate(stems, start=1):
        print(f"[{number}/{len(stems)}] {stem}, preset {preset}", flush=True)
        start = time.monotonic()
        try:
            run_notebook(stem, preset=preset)
            outcome = "took"
            if preset != "smoke":
                keep_minutes(folder, {stem: time.monotonic() - start}, preset)
        except (InputError, NotebookError) as error:
            failed[stem], outcome = error, "FAILED after"
            print(error, flush=True)
        took, left = duration(time.monotonic() - start), len(stems) - number
        print(f"[{number}/{len(stems)}] {stem} {outcome} {took}; {left} left", flush=True)
    total = duration(time.monotonic() - begin)
    print(f"{len(stems) - len(failed)} of {len(stems)} notebooks ran, in {total}")
    return failed
