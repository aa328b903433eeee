"""A trained tracker, loaded for the runtime that shall compute it."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import torch
from torch import nn

from dlatrack.errors import InputError
from dlatrack.files import file_digest
from dlatrack.models.onnx.network import GRAPHS_FILE, OnnxNet, read_exported, require_packages
from dlatrack.models.runtimes.openvino import OpenVinoNet
from dlatrack.models.weights import find_weights, load_weights, shipped, shipped_with
from dlatrack.recipes import Recipe

#: Runtimes and the packages that each needs. What follows "-" is the type that the search graph computes with.
RUNTIMES: dict[str, tuple[str, ...]] = {
    "torch": (),
    "onnx": ("onnxruntime",),
    "openvino": ("openvino",),
    "onnx-int8": ("onnx", "onnxruntime"),
    "openvino-int8": ("onnx", "onnxruntime", "openvino"),
}


def load_for(
    name_or_file: str | Path,
    runtime: str = "torch",
    device: str | torch.device = "cpu",
    *,
    fast: bool = False,
) -> tuple[nn.Module, Recipe]:
    """Load a trained tracker: `OnlineTracker(*load_for("dla_nanotrack_v3", "openvino"))`.

    For another runtime than torch the network is exported as by `dlatrack weights export`, and the search graph is
    quantised for int8, both once: they stay in the cache folder (`paths.cache_dir`), by the content of the weights
    and the version of dlatrack. The runtime gets as many threads as torch has at that moment.

    Args:
        name_or_file: name of a tracker that comes with the package, weight file of `models.weights.save_weights`,
            or, for other runtimes than torch, folder of an exported tracker.
        runtime: a key of `RUNTIMES`.
        device: torch device; the other runtimes compute on the CPU.
        fast: whether OpenVINO may compute the search graph in bfloat16, where the CPU multiplies it natively. torch
            is told by `OnlineTracker`; onnxruntime has nothing of the kind.

    Returns:
        The network with the methods of `tracking.online.Network`, and its recipe. That of the graphs takes RGB in
        0..255, as the conversion is part of the graphs.

    Raises:
        InputError: as `check_runtime`, `models.weights.load_weights`, `models.onnx.network.read_exported` and
            `models.onnx.export.export_onnx`; for a folder of graphs with runtime torch.
    """
    check_runtime(runtime, device)
    exported = is_exported(name_or_file)
    if runtime == "torch":
        if exported:
            raise InputError(
                f"{name_or_file} holds ONNX graphs, which torch does not run; choose another runtime: "
                f"{', '.join(list(RUNTIMES)[1:])}"
            )
        return load_weights(name_or_file)
    # Exporting and quantising load much that torch alone does not need.
    from dlatrack.models.runtimes.graphs import cached_graphs
    from dlatrack.models.runtimes.int8 import int8_search

    graphs = read_exported(name_or_file) if exported else cached_graphs(find_weights(name_or_file))
    engine, _, precision = runtime.partition("-")
    search = int8_search(graphs) if precision else graphs.search
    net = (
        OnnxNet(graphs.template, search)
        if engine == "onnx"
        else OpenVinoNet(graphs.template, search, bfloat16=fast)
    )
    return net, graphs.recipe


def identify(name_or_file: str | Path, expect: Recipe | None = None) -> tuple[Path, Recipe, str]:
    """Find a trained tracker, check it, and say what it is.

    Args:
        name_or_file: as in `load_for`.
        expect: recipe that it must hold; None: any.

    Returns:
        Its file or folder, its recipe, and the SHA-256 of its weights; without a record of the weights in an exported
        folder, that of the search graph.

    Raises:
        InputError: as `models.weights.load_weights` and `models.onnx.network.read_exported`.
    """
    if not is_exported(name_or_file):
        file = find_weights(name_or_file)
        return file, load_weights(file, expect)[1], file_digest(file)
    exported = read_exported(name_or_file)
    if expect is not None and exported.recipe.name != expect.name:
        raise InputError(f"{name_or_file} holds recipe {exported.recipe.name}, expected {expect.name}")
    return Path(name_or_file), exported.recipe, exported.weights_sha256 or file_digest(exported.search)


def weights_behind(name_or_file: str | Path) -> Path | None:
    """The weight file of a trained tracker; of an exported folder that of the shipped tracker with the same weights.

    Args:
        name_or_file: as in `load_for`.

    Returns:
        The file; None for the exported graphs of other weights.

    Raises:
        InputError: if there are no such weights, or as `models.onnx.network.read_exported`.
    """
    if not is_exported(name_or_file):
        return find_weights(name_or_file)
    return shipped_with(read_exported(name_or_file).weights_sha256)


def check_runtime(runtime: str, device: str | torch.device = "cpu") -> None:
    """Raise if a runtime cannot be used here.

    Raises:
        InputError: for an unknown runtime; for another device than the CPU with another runtime than torch; and
            without the packages of the runtime, naming the command that installs them.
    """
    if runtime not in RUNTIMES:
        raise InputError(f"there is no runtime {runtime!r}; choose from {', '.join(RUNTIMES)}")
    if runtime != "torch" and torch.device(device).type != "cpu":
        raise InputError(
            f"runtime {runtime} computes on the CPU, got device {str(device)!r}; choose device cpu or runtime torch"
        )
    require_packages(RUNTIMES[runtime], f"runtime {runtime}", runtime.partition("-")[0])


def is_exported(name_or_file: str | Path) -> bool:
    """Whether this is a folder of an exported tracker; the name of a shipped tracker is not."""
    if not isinstance(name_or_file, (str, PathLike)) or str(name_or_file) in shipped():
        return False  # what is no place at all is refused by `find_weights`
    return (Path(name_or_file) / GRAPHS_FILE).is_file()
