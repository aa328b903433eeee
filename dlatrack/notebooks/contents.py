"""Save notebooks as the project keeps them: their cells, without what a run has left in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jupytext import AsyncTextFileContentsManager

from dlatrack import paths

#: Stems of the project's notebooks. JupyterLab calls a copy `01_name-Copy1`, which is the reader's own.
_PROJECT = re.compile(r"\d\d_\w+")

#: Metadata of a cell and of a notebook that are kept; a run, a browser and a machine add others.
_CELL_METADATA = ("tags",)
_NOTEBOOK_METADATA = ("jupytext", "kernelspec")


class CleanContentsManager(AsyncTextFileContentsManager):
    """Files of a Jupyter server as jupytext pairs them, the project's notebooks saved without outputs.

    A notebook whose cells were run and not edited is saved byte for byte as it was. Other notebooks, copies for
    example, are saved with all that they hold. `notebooks/jupyter_server_config.py` names this class.
    """

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Save a file below the server's root.

        Args:
            model: file as Jupyter Server describes it.
            path: path below the root, with slashes.

        Returns:
            The model without content.
        """
        file = Path(self.root_dir, path.strip("/")).resolve()
        if (
            model.get("type") == "notebook"
            and "content" in model
            and _PROJECT.fullmatch(file.stem)
            and file.parent == paths.notebooks_dir().resolve()
        ):
            model = model | {"content": without_outputs(model["content"], file.with_suffix(".ipynb"))}
        saved: dict[str, Any] = await super().save(model, path)
        return saved


def without_outputs(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """A notebook's cells with their tags, and nothing that a run has left.

    Args:
        content: the notebook in nbformat 4.
        file: file to save to; the metadata of an existing notebook are kept, as the display name of a kernel differs
            between machines.
    """
    metadata = _chosen(content.get("metadata", {}), _NOTEBOOK_METADATA) | _saved_metadata(file)
    return content | {"cells": [_clean(cell) for cell in content["cells"]], "metadata": metadata}


def _clean(cell: dict[str, Any]) -> dict[str, Any]:
    emptied: dict[str, Any] = {"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {}
    return cell | {"metadata": _chosen(cell.get("metadata", {}), _CELL_METADATA)} | emptied


def _chosen(metadata: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: metadata[name] for name in names if name in metadata}


def _saved_metadata(file: Path) -> dict[str, Any]:
    try:
        return _chosen(json.loads(file.read_text(encoding="utf-8"))["metadata"], _NOTEBOOK_METADATA)
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a new notebook, or a damaged one that is about to be replaced
