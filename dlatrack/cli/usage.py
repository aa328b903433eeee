"""Arguments that a command does not take, as one line like all other bad input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from dlatrack.errors import InputError, shortened

#: Errors in the arguments; typer publishes the class of wrong values alone.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def usage_line(error: Any, arguments: Sequence[str]) -> InputError | None:
    """The line of an error in the arguments; None if it is the wish for help of a command without arguments.

    Args:
        error: a `UsageError`.
        arguments: arguments of the command line.
    """
    if type(error).__name__ == "NoArgsIsHelpError":
        return None
    command = "dlatrack" if error.ctx is None else error.ctx.command_path
    given = _given(arguments, getattr(getattr(error, "param", None), "opts", ()))
    value = f" (got {shortened(given)!r})" if given else ""
    return InputError(f"{error.format_message().rstrip('.')}{value}; `{command} --help` lists what it takes")


def _given(arguments: Sequence[str], names: Sequence[str]) -> str:
    """The last value that an option was given; "" if there is none."""
    found = ""
    for place, argument in enumerate(arguments):
        name, separator, value = argument.partition("=")
        if name in names:
            found = value if separator else " ".join(arguments[place + 1 : place + 2])
    return found
