"""The command `dlatrack figures`."""

from __future__ import annotations

from typing import Annotated

import typer


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
    gallery_only: Annotated[
        bool, typer.Option("--gallery-only", help="Run no notebook; write the gallery of what is there.")
    ] = False,
) -> None:
    """Run all notebooks, the ledger last, and write figures/ and its gallery figures/README.md.

    A notebook that fails does not stop the others; the command then ends with exit status 1.
    """
    from dlatrack.paper.commands import figures_command

    figures_command(only or [], preset=preset, gallery_only=gallery_only)
