"""The command `dlatrack doctor`; its checks load what is slow to load, and only when they are asked for."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from typing import Annotated

import typer

from dlatrack import __version__
from dlatrack.cli.printing import print_line


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Say what this machine offers: ok, or missing, what that is for and how to get it; or broken.

    Exit status 1 if something is broken that the core needs.
    """
    from dlatrack.cli.doctor_checks import examine

    findings = examine()
    if json:
        content = {"dlatrack": __version__, "findings": [asdict(finding) for finding in findings]}
        print(json_text.dumps(content, indent=2))
    else:
        for finding in findings:
            advice = f"; {finding.advice}" if finding.advice else ""
            line = f"{finding.state:8} {finding.what}: {finding.found}{advice}"
            print_line(" ".join(line.split("\n")))
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)
