"""Exported ONNX graphs in place of a network: onnxruntime computes the maps for the same online tracker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlatrack.errors import InputError, reading
from dlatrack.files import file_digest
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import Recipe
from dlatrack.recipes.serialize import recipe_from_dict

#: Files of an exported tracker.
TEMPLATE, SEARCH, GRAPHS_FILE = "template.onnx", "search.onnx", "tracker.json"


class OnnxNet(nn.Module):
    """The two graphs of `export.export_onnx`, run by onnxruntime on the CPU, with the methods of a network.

    Args:
        template_file: graph of the template crop.
        search_file: graph of search crops.

    Raises:
        InputError: without onnxruntime, or when it cannot read a file.
    """

    def __init__(self, template_file: str | Path, search_file: str | Path) -> None:
        super().__init__()
        require_packages(("onnxruntime",))
        self._template, self._search = _session(template_file), _session(search_file)

    def template(self, z: Tensor) -> list[Tensor]:
        """Features of the target, from an RGB crop (1, 3, 127, 127) in 0..255."""
        return [torch.from_numpy(part) for part in _run(self._template, [z])]

    def search(self, x: Tensor, features: list[Tensor]) -> HeadOutput:
        """Maps of V search regions, RGB (V, 3, S, S) in 0..255, one after the other, as the graph takes one."""
        names = [output.name for output in self._search.get_outputs()]
        results = [_run(self._search, [region[None], *features]) for region in x]
        maps = {
            name: torch.from_numpy(np.concatenate(parts))
            for name, *parts in zip(names, *results, strict=True)
        }
        return HeadOutput(maps["cls"], maps.get("reg"), maps.get("centerness"))


def load_onnx(folder: str | Path) -> tuple[OnnxNet, Recipe]:
    """Read an exported tracker: `OnlineTracker(*load_onnx(folder))` follows a target with its graphs.

    Args:
        folder: folder written by `export.export_onnx`.

    Returns:
        The graphs, and the recipe they were made from, with the graphs' input format "rgb_255".

    Raises:
        InputError: without onnxruntime; when a file is missing or damaged, or is not the one that was exported.
    """
    folder = Path(folder)
    file = folder / GRAPHS_FILE
    with reading(file, "is not the description of an exported tracker", ValueError, KeyError, TypeError):
        described = json.loads(file.read_text(encoding="utf-8"))
        digests, stored = dict(described["sha256"]), described["recipe"]
    for name in (TEMPLATE, SEARCH):
        if file_digest(folder / name) != digests.get(name):
            raise InputError(
                f"{folder / name} is not the graph that {GRAPHS_FILE} was written with; export it again"
            )
    recipe = recipe_from_dict(stored, str(file))
    net = OnnxNet(folder / TEMPLATE, folder / SEARCH)
    return net, replace(recipe, net=replace(recipe.net, input_format="rgb_255"))


def require_packages(names: Sequence[str]) -> None:
    """Raise if packages that ONNX needs are absent.

    Raises:
        InputError: naming those that are not installed, and the extra that installs them.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise InputError(f"ONNX needs {', '.join(missing)}, not installed here: pip install 'dlatrack[onnx]'")


def _session(file: str | Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common class of its errors
        raise InputError(f"onnxruntime cannot read {file}: {error}") from error


def _run(session: Any, inputs: Sequence[Tensor]) -> list[np.ndarray]:
    names = [wanted.name for wanted in session.get_inputs()]
    given = {name: value.contiguous().numpy() for name, value in zip(names, inputs, strict=True)}
    answers: list[np.ndarray] = session.run(None, given)
    return answers
