"""The command line: a module for each command or group of commands, with its arguments and what it prints.

The modules are imported whenever the command starts; each imports the library inside its functions.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Annotated, NoReturn

import typer

from dlatrack import __version__
from dlatrack.cli import (
    bench,
    benchmark,
    data,
    doctor,
    evaluate,
    figures,
    lab,
    results,
    run,
    study,
    track,
    train,
    tune,
    weights,
)
from dlatrack.cli.memory import command_error, prepare_memory
from dlatrack.cli.usage import UsageError, usage_line
from dlatrack.errors import InputError, shortened

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    result_callback=lambda *_, **__: None,  # what a command returns is no exit status
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"dlatrack {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """SiamDLA: dynamic label assignment for Siamese visual tracking."""
    prepare_memory()


app.command(cls=run.RunCommand, context_settings=run.CONTEXT)(run.demo)
app.command(cls=run.RunCommand, context_settings=run.CONTEXT)(run.run)
app.command(cls=lab.LabCommand)(lab.lab)
app.command()(train.train)
app.command()(benchmark.benchmark)
app.command()(evaluate.evaluate)
app.command()(evaluate.export)
app.command()(tune.tune)
app.command()(figures.figures)
app.command()(track.track)
app.command()(bench.bench)
app.command()(doctor.doctor)

app.add_typer(weights.weights_app, name="weights")
app.add_typer(data.data_app, name="data")
app.add_typer(results.results_app, name="results")
app.add_typer(study.study_app, name="study")


#: Errors of a path that the system cannot look at, wherever that is asked.
_NO_PLACE = (errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES)

#: Errors of a standard output that takes no more: a full disk, a quota, a reader that has gone.
_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE)


def main() -> None:
    """Run the command line; bad input is one line on standard error and exit status 2.

    `--debug`, anywhere, shows the traceback instead. A notebook that fails half-way exits with status 1. Output that
    cannot be written is an error, too; if its reader has gone, the command ends without a word.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal cannot show must not fail what is done.
        sys.stdout.reconfigure(errors="replace")
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        status = _run(arguments)
    except InputError as error:
        _stop(command_error(error, arguments) or error, 2, debug)
    except OSError as error:
        _stop_if_memory_is_short(error, arguments, debug)
        if error.errno in _NO_PLACE and error.filename is not None:
            _stop(InputError(f"cannot use {shortened(str(error.filename))}: {error.strerror}"), 2, debug)
        if error.errno not in _NOT_WRITTEN or error.filename is not None:
            raise
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # takes what Python writes at its exit
        if error.errno == errno.EPIPE:
            sys.exit(1)
        _stop(InputError(f"cannot write the output: {error.strerror}"), 2, debug)
    except KeyboardInterrupt:
        print("dlatrack: interrupted", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        _stop_if_memory_is_short(error, arguments, debug)
        if type(error).__name__ != "NotebookError":
            raise
        _stop(error, 1, debug)
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    """Run a command; gives its exit status.

    Raises:
        InputError: for arguments that it does not take, and as the command.
    """
    try:
        status = app(arguments, prog_name="dlatrack", standalone_mode=False)
    except UsageError as error:
        if (line := usage_line(error, arguments)) is not None:
            raise line from error
        error.show()  # type: ignore[attr-defined]  # the help
        status = 2
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()  # here, as at the exit of Python an error could not be printed as one line
    return status if isinstance(status, int) else 0


def _stop_if_memory_is_short(error: Exception, arguments: list[str], debug: bool) -> None:
    if (short := command_error(error, arguments)) is not None:
        _stop(short, 2, debug)


def _stop(error: Exception, status: int, debug: bool) -> NoReturn:
    if debug:
        raise error
    print(f"dlatrack: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(status)
