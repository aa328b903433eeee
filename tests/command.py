"""The command line in the process of a test."""

from __future__ import annotations

import sys

import pytest

from dlatrack.cli import main


def call(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *arguments: object,
    columns: int = 200,
) -> tuple[object, str, str]:
    """Run `dlatrack` with arguments; gives its exit status and what it has printed, on both streams.

    Args:
        monkeypatch: pytest's fixture.
        capsys: pytest's fixture.
        arguments: arguments of the command.
        columns: width of the terminal.
    """
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "argv", ["dlatrack", *map(str, arguments)])
    status: object = 0
    try:
        main()
    except SystemExit as stop:
        status = stop.code or 0
    return (status, *capsys.readouterr())
