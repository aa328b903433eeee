"""What the command `figures` does, and prints."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.files import owned_folder
from dlatrack.notebooks import PRESETS, NotebookError, run_notebook
from dlatrack.paper.gallery import write_gallery
from dlatrack.paper.makers import made_by_notebooks, notebooks_for
from dlatrack.paper.records import read_records
from dlatrack.progress import duration

#: The notebook that reads what the others leave; it runs last.
_LEDGER = "00_"


def figures_command(only: Sequence[str], *, preset: str, gallery_only: bool) -> None:
    """Run the notebooks that make the figures and tables, and write the gallery of what is there.

    They go to the folder that DLATRACK_FIGURES names. Without it, those of the preset "smoke" go among the runs, and
    all others to the figures of the project, which nothing else writes. A notebook that fails does not stop the
    others; what is there is shown all the same.

    Args:
        only: figures or tables, or the beginnings of their names; empty: all notebooks.
        preset: "smoke", "demo" or "paper".
        gallery_only: run nothing.

    Raises:
        InputError: for an unknown name or preset, or if another run of this command writes the figures, before
            anything runs.
        NotebookError: at the end, naming the notebooks that failed.
    """
    if preset not in PRESETS:
        raise InputError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
    if only and gallery_only:
        raise InputError(f"--only {only[0]} runs a notebook and --gallery-only runs none; give one of them")
    stems = [] if gallery_only else _chosen(only)
    with _figures_in(_folder(preset)) as folder, owned_folder(folder):
        failed = {} if gallery_only else _run(stems, preset)
        print(f"gallery written to {write_gallery(folder)}")
    if failed:
        raise NotebookError(f"{len(failed)} failed: {'; '.join(failed.values())}")


def _folder(preset: str) -> Path:
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


def _chosen(only: Sequence[str]) -> list[str]:
    stems = sorted(path.stem for path in paths.notebooks_dir().glob("[0-9]*_*.ipynb"))
    if only:
        known = {name: made.notebook for name, made in made_by_notebooks().items()}
        for record in read_records().values():
            if (notebook := record.made_by.removeprefix("notebooks/").removesuffix(".py")) in stems:
                known[record.name] = notebook
        return sorted({stem for name in only for stem in notebooks_for(name, known.items())})
    return sorted(stems, key=lambda stem: (stem.startswith(_LEDGER), stem))


def _run(stems: list[str], preset: str) -> dict[str, str]:
    """Run notebooks one after the other.

    Returns:
        The error of each that failed.
    """
    failed, begin = {}, time.monotonic()
    for number, stem in enumerate(stems, start=1):
        print(f"[{number}/{len(stems)}] {stem}, preset {preset}", flush=True)
        start = time.monotonic()
        try:
            run_notebook(stem, preset=preset)
            outcome = "took"
        except (InputError, NotebookError) as error:
            failed[stem], outcome = str(error), "FAILED after"
            print(error, flush=True)
        took, left = duration(time.monotonic() - start), len(stems) - number
        print(f"[{number}/{len(stems)}] {stem} {outcome} {took}; {left} left", flush=True)
    total = duration(time.monotonic() - begin)
    print(f"{len(stems) - len(failed)} of {len(stems)} notebooks ran, in {total}")
    return failed
