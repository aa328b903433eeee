"""A command that needs no network starts without torch, and type checkers see what loads on first use."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import dlatrack

_REPORT = """
import sys
sys.argv = ["dlatrack", *{arguments!r}]
from dlatrack.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code
print(" ".join(sorted(name for name in ("torch", "numpy", "cv2", "matplotlib", "pandas") if name in sys.modules)))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["weights", "export", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _REPORT.format(arguments=arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    *text, imported = done.stdout.split("\n")[:-1]
    assert "Usage: dlatrack" in "\n".join(text)
    assert imported == ""


def test_type_checkers_see_the_names_that_load_on_first_use() -> None:
    tree = ast.parse(Path(dlatrack.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == dlatrack._HOME
