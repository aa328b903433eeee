"""What an executed notebook shows, and notebooks without a kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from matplotlib import rc_context
from papermill.exceptions import PapermillExecutionError

#: Seconds that a cell may take: a guard against hanging, far above what the slowest needs on a busy machine.
PATIENCE = 900


def outputs(path: Path) -> str:
    """All outputs of all cells, as text."""
    notebook = nbformat.read(path, as_version=4)
    return "\n".join(str(output) for cell in notebook.cells for output in cell.get("outputs", []))


def execute_here(source: str, target: str, values: dict[str, Any], **_: Any) -> None:
    """Run the cells of a notebook in this process, as `papermill.execute_notebook` does in a kernel.

    Nothing is written. Saves starting a kernel and importing everything again.

    Raises:
        PapermillExecutionError: as papermill, when a cell fails.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in nbformat.read(source, as_version=4).cells if cell.cell_type == "code"]
    with rc_context():
        for number, cell in enumerate(cells, 1):
            try:
                exec(compile(cell.source, f"cell {number} of {source}", "exec"), namespace)
            except Exception as error:
                name = type(error).__name__
                raise PapermillExecutionError(number, number, cell.source, name, str(error), []) from error
            if "parameters" in cell.metadata.get("tags", []):
                namespace.update(values)
