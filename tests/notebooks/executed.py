"""What an executed notebook shows."""

from __future__ import annotations

from pathlib import Path

import nbformat

#: Seconds that a cell may take: a guard against hanging, far above what the slowest needs on a busy machine.
PATIENCE = 900


def outputs(path: Path) -> str:
    """All outputs of all cells, as text."""
    notebook = nbformat.read(path, as_version=4)
    return "\n".join(str(output) for cell in notebook.cells for output in cell.get("outputs", []))
