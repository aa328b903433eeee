"""The command `dlatrack lab`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from dlatrack.errors import InputError, listed

#: Options of JupyterLab that take no value.
_FLAGS = (
    "--no-browser",
    "--allow-root",
    "--debug",
    "-y",
    "--core-mode",
    "--dev-mode",
    "--expose-app-in-browser",
)


class LabCommand(TyperCommand):
    """A command whose options belong to JupyterLab, but for those of help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep all that follows the folder as `ctx.obj`; typer reads the folder."""
        if {"-h", "--help"} & set(args):
            return super().parse_args(ctx, ["--help"])
        folder = 1 if args and not args[0].startswith("-") else 0
        ctx.obj = args[folder:]
        if folder and not args[0]:
            raise InputError("the folder of the copy has no name; give one, e.g. dlatrack-notebooks")
        for option, value in zip(ctx.obj, ctx.obj[1:], strict=False):
            if option in _FLAGS and not value.startswith("-"):
                raise InputError(f"the folder comes before all options: dlatrack lab {value} {option} ...")
        return super().parse_args(ctx, args[:folder])


def lab(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the copy; it comes before all options.")] = Path(
        "dlatrack-notebooks"
    ),
) -> None:
    """Open JupyterLab on a copy of the notebooks of your own, which is written first.

    Files that are in the folder already are kept. All options go to JupyterLab, e.g. --no-browser, --port=8889,
    --ip=0.0.0.0 or --allow-root.
    """
    from dlatrack.notebooks.working_copy import WELCOME, write_working_copy

    options: list[str] = context.obj
    if _is_root() and not any("allow_root" in option.replace("-", "_") for option in options):
        # Jupyter refuses root as well, in a line of its own among others.
        again = " ".join(["dlatrack lab", str(folder), *options, "--allow-root"])
        raise InputError(f"JupyterLab does not run as root unasked; in a container: {again}")
    copy = write_working_copy(folder)
    print(f"notebooks in {copy.folder}: {copy.written} written")
    if copy.kept:
        print(f"kept, as they differ from those of this version: {listed(copy.kept, 20)}")
    from jupyterlab.labapp import LabApp

    first = [f"--ServerApp.root_dir={copy.folder}", f"--LabApp.default_url=/lab/tree/{WELCOME}"]
    LabApp.launch_instance([*first, *options])


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
