"""The command `dlatrack doctor`; its checks load what is slow to load, and only when they are asked for."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from typing import Annotated

import typer

from dlatrack import __version__
from dlatrack.cli.printing import print_line, print_table


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
    memory: Annotated[
        bool,
        typer.Option(
            "--memory", help="Say instead how much memory training and tracking need with each recipe."
        ),
    ] = False,
) -> None:
    """Say what this machine offers: ok, or missing, what that is for and how to get it; or broken.

    Exit status 1 if something is broken that the core needs.
    """
    if memory:
        _memory(json)
        return
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


def _memory(json: bool) -> None:
    """Print what each recipe needs, and which recipes do not fit into the memory that is there."""
    from dlatrack.cli.doctor_memory import memory_finding, recipe_needs

    needs = recipe_needs()
    finding = memory_finding(needs)
    if json:
        rows = [asdict(need) for need in needs]
        print(
            json_text.dumps({"dlatrack": __version__, "finding": asdict(finding), "recipes": rows}, indent=2)
        )
        return
    table = [
        (
            need.recipe,
            str(need.batch),
            f"{need.training:.2g}",
            f"{need.pairs_that_fit}",
            f"{need.tracking:.2g}",
        )
        for need in needs
    ]
    columns = ("recipe, and its DLA twin", "batch", "training, GB", "pairs at once that fit", "tracking, GB")
    print_table(columns, table, title="about how much resident memory a process on the CPU needs at its peak")
    print_line(
        f"{finding.state:8} {finding.what}: {finding.found}{'; ' * bool(finding.advice)}{finding.advice}"
    )
