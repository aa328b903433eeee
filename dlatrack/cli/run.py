"""The commands `dlatrack run` and `dlatrack demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from dlatrack.cli.options import MOST_TURNS
from dlatrack.errors import InputError

#: The notebooks of the demo; the second trains and takes its parameters.
_DEMO = ("01", "03")

#: Settings that `RunCommand` needs.
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}

_AS_PARAMETER = "a parameter is given as -p NAME VALUE"


class RunCommand(TyperCommand):
    """A command whose option -p takes two values, as often as it is given; typer knows no such option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take -p NAME VALUE out of the arguments and keep them as `ctx.obj`; typer reads the others."""
        ctx.obj, others = _parameters(args)
        return super().parse_args(ctx, others)


Preset = Annotated[
    str | None, typer.Option(help="smoke (a try), demo (minutes, the default) or paper (full size).")
]
Parameter = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--parameter",
        metavar="NAME VALUE",
        help="A parameter of the notebook and its value, as often as needed; an unknown name lists them all.",
    ),
]


def run(
    context: typer.Context,
    notebook: Annotated[str, typer.Argument(help="Number or name, e.g. 03.")],
    preset: Preset = None,
    output: Annotated[
        Path | None, typer.Option(help="Where the executed notebook goes; default runs/.")
    ] = None,
    timeout: Annotated[
        int | None, typer.Option(help="Seconds one cell may take.", min=1, max=MOST_TURNS)
    ] = None,
    parameter: Parameter = None,
) -> None:
    """Run a notebook without a browser, with its parameters set by -p NAME VALUE.

    Figures go to runs/figures/, or where DLATRACK_FIGURES says; `dlatrack figures` writes those of the project.

    Unknown or ill-typed parameters are refused before anything runs.
    """
    from dlatrack.notebooks.run import run_notebook

    _refuse_other_arguments(context)
    run_notebook(notebook, preset=preset, parameters=context.obj, output=output, timeout=timeout)


def demo(context: typer.Context, preset: Preset = None, parameter: Parameter = None) -> None:
    """Show what the project does in minutes: the label assignment of Fig. 1, then two twins trained and compared.

    Runs notebooks 01 and 03; parameters given by -p NAME VALUE are those of 03.
    """
    from dlatrack.notebooks.run import check_parameters, find_notebook, run_notebook

    _refuse_other_arguments(context)
    first, second = _DEMO
    check_parameters(find_notebook(second), context.obj)
    run_notebook(first, preset=preset)
    run_notebook(second, preset=preset, parameters=context.obj)


def _refuse_other_arguments(context: typer.Context) -> None:
    if context.args:
        raise InputError(f"cannot read {' '.join(context.args)!r}; {_AS_PARAMETER}")


def _parameters(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """NAME and VALUE after each -p, and the other arguments."""
    values: dict[str, str] = {}
    others, rest = [], list(arguments)
    while rest:
        if rest[0] not in ("-p", "--parameter"):
            others.append(rest.pop(0))
            continue
        if len(rest) < 3:
            raise InputError(f"cannot read {' '.join(rest)!r}; {_AS_PARAMETER}")
        _, name, value = rest[:3]
        if name in values:
            raise InputError(f"parameter {name} is given twice, as {values[name]!r} and as {value!r}")
        values[name], rest = value, rest[3:]
    return values, others
