"""Exported ONNX graphs in place of a network: a runtime computes the maps for the same online tracker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor, nn

from dlatrack import __version__
from dlatrack.errors import InputError
from dlatrack.files import file_digest
from dlatrack.memory import check_memory
from dlatrack.models.heads import HeadOutput
from dlatrack.models.onnx.description import GRAPHS_FORMAT
from dlatrack.models.weights import shipped
from dlatrack.recipes import Recipe
from dlatrack.recipes.serialize import recipe_from_dict
from dlatrack.structured.json_files import read_json_as

#: Files of an exported tracker.
TEMPLATE, SEARCH, GRAPHS_FILE = "template.onnx", "search.onnx", "tracker.json"


class Graph(NamedTuple):
    """A graph that a runtime has loaded."""

    #: function of the inputs, float32 arrays in the order of the graph, that returns its outputs
    run: Callable[[list[np.ndarray]], list[np.ndarray]]
    outputs: list[str]  #: names of the outputs, in their order


class GraphNet(nn.Module):
    """The two graphs of `export.export_onnx`, run on the CPU, with the methods of a network.

    Several threads may compute with one object at a time if the runtime allows it for each graph.

    Args:
        template: graph of the template crop.
        search: graph of search crops.
    """

    def __init__(self, template: Graph, search: Graph) -> None:
        super().__init__()
        self._template, self._search = template, search

    def template(self, z: Tensor) -> list[Tensor]:
        """Features of the target, from an RGB crop (1, 3, 127, 127) in 0..255."""
        return [torch.from_numpy(part) for part in _run(self._template, [z])]

    def search(self, x: Tensor, features: list[Tensor]) -> HeadOutput:
        """Maps of V search regions, RGB (V, 3, S, S) in 0..255, one after the other, as the graph takes one."""
        results = [_run(self._search, [region[None], *features]) for region in x]
        maps = {
            name: torch.from_numpy(np.concatenate(parts) if len(parts) > 1 else parts[0])
            for name, *parts in zip(self._search.outputs, *results, strict=True)
        }
        return HeadOutput(maps["cls"], maps.get("reg"), maps.get("centerness"))


class OnnxNet(GraphNet):
    """Exported graphs run by onnxruntime, with as many threads as torch has when they are loaded.

    Args:
        template_file: graph of the template crop.
        search_file: graph of search crops.

    Raises:
        InputError: without onnxruntime, or when it cannot read a file.
    """

    def __init__(self, template_file: str | Path, search_file: str | Path) -> None:
        require_packages(("onnxruntime",))
        super().__init__(_session(template_file), _session(search_file))


class ExportedTracker(NamedTuple):
    """A tracker in a folder that `export.export_onnx` wrote."""

    template: Path  #: graph of the template crop
    search: Path  #: graph of search crops
    recipe: Recipe  #: recipe of the tracker, with the graphs' input format "rgb_255"
    weights_sha256: str  #: SHA-256 of the weight file; "" where the export has no record of it


class _Versions(Struct):
    """Versions of an export; those of other packages are not read."""

    dlatrack: str


class _Origin(Struct):
    """The weight file of an export."""

    weights: str = "WEIGHTS"
    weights_sha256: str = ""


class _Description(Struct):
    """What is read of the description of an exported tracker."""

    format: int
    versions: _Versions
    sha256: dict[str, str]
    recipe: dict[str, Any]
    origin: _Origin


def read_exported(folder: str | Path) -> ExportedTracker:
    """Read the description of an exported tracker, and check that its graphs are those described.

    Args:
        folder: folder written by `export.export_onnx`.

    Raises:
        InputError: when a file is missing or damaged, is not the one that was exported, or is of another version of
            dlatrack, with the command that exports it again.
    """
    folder = Path(folder)
    file = folder / GRAPHS_FILE
    try:
        described = read_json_as(file, _Description)
    except InputError as error:
        raise InputError(f"{error}; {file} is not the description of an exported tracker") from None
    made = described.format, described.versions.dlatrack
    digests, origin, weights = described.sha256, described.origin, described.origin.weights
    if made != (GRAPHS_FORMAT, __version__):
        name = weights.removesuffix(".safetensors")
        raise InputError(
            f"{folder} was exported by dlatrack {made[1]} in format {made[0]}, and this is dlatrack {__version__} "
            f"with format {GRAPHS_FORMAT}; export it again: dlatrack weights export "
            f"{name if name in shipped() else weights} --out {folder}"
        )
    for name in (TEMPLATE, SEARCH):
        if file_digest(folder / name) != digests.get(name):
            raise InputError(
                f"{folder / name} is not the graph that {GRAPHS_FILE} was written with; export it again"
            )
    recipe = recipe_from_dict(described.recipe, str(file))
    recipe = replace(recipe, net=replace(recipe.net, input_format="rgb_255"))
    return ExportedTracker(folder / TEMPLATE, folder / SEARCH, recipe, origin.weights_sha256)


def load_onnx(folder: str | Path) -> tuple[OnnxNet, Recipe]:
    """Read an exported tracker: `OnlineTracker(*load_onnx(folder))` follows a target with its graphs.

    Args:
        folder: folder written by `export.export_onnx`.

    Returns:
        The graphs, and the recipe they were made from, with the graphs' input format "rgb_255".

    Raises:
        InputError: without onnxruntime, or as `read_exported`.
    """
    exported = read_exported(folder)
    return OnnxNet(exported.template, exported.search), exported.recipe


def require_packages(names: Sequence[str], what: str = "ONNX", extra: str = "onnx") -> None:
    """Raise if packages are absent.

    Args:
        names: packages, as they are imported.
        what: what needs them, for the message.
        extra: extra of dlatrack that installs them.

    Raises:
        InputError: naming those that are not installed, and the command that installs them.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise InputError(
            f"{what} needs {', '.join(missing)}, not installed here: pip install 'dlatrack[{extra}]'"
        )


def _session(file: str | Path) -> Graph:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that wait for work in a loop would take the cores from torch in the same process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common class of its errors
        check_memory(error, f"loading {file}")
        raise InputError(f"onnxruntime cannot read {file}: {error}") from error
    names = [wanted.name for wanted in session.get_inputs()]

    def run(inputs: list[np.ndarray]) -> list[np.ndarray]:
        answers: list[np.ndarray] = session.run(None, dict(zip(names, inputs, strict=True)))
        return answers

    return Graph(run, [output.name for output in session.get_outputs()])


def _run(graph: Graph, inputs: Sequence[Tensor]) -> list[np.ndarray]:
    return graph.run([value.contiguous().numpy() for value in inputs])
