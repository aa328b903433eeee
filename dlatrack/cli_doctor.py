"""The command `dlatrack doctor`."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Say what this machine offers: ok, or missing, what that is for and how to get it; or broken.

    Exit status 1 if something is broken that the core needs.
    """
    from dlatrack.cli.doctor import doctor_command

    if not doctor_command(json):
        raise typer.Exit(1)
