"""Export of a tracker to ONNX: one graph for the template, one for search regions, checked against the network."""

from __future__ import annotations

import copy
import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from dlatrack import __version__
from dlatrack.errors import InputError
from dlatrack.files import atomic_path, write_text
from dlatrack.models.heads import HeadOutput
from dlatrack.models.onnx.description import describe_graphs, read_me
from dlatrack.models.onnx.examples import write_example
from dlatrack.models.onnx.network import GRAPHS_FILE, SEARCH, TEMPLATE, OnnxNet, require_packages
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.siamese import SiameseNet
from dlatrack.recipes import InputFormat, Recipe

#: Largest accepted difference from the network, as a share of the largest value of the same output.
TOLERANCE = 1e-4

#: Operator set of the graphs; onnxruntime knows it from 1.14 on.
OPSET = 18

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


class OutputDifference(NamedTuple):
    """Difference between onnxruntime and the network in one output, for the same random crops."""

    largest: float  #: largest absolute difference
    scale: float  #: largest absolute value of the network's output


def export_onnx(
    net: SiameseNet, recipe: Recipe, folder: str | Path, origin: Mapping[str, Any] | None = None
) -> dict[str, OutputDifference]:
    """Write `template.onnx`, `search.onnx`, `README.md`, `tracker.json` and an example, and check the graphs.

    Both graphs take RGB crops, (1, 3, S, S) float32 in 0..255; the conversion to the network's input format is part
    of the graphs. The batch is 1: in a batch, correlation is a convolution with as many groups as items times
    channels, and ONNX fixes the number of groups. onnxruntime and the network are compared on the same random crops;
    graphs that differ are not kept.

    Args:
        net: network, left as it is.
        recipe: recipe of `net`.
        folder: folder to write to.
        origin: JSON values for the record: file and hash of the weights.

    Returns:
        The difference in each output, by its name.

    Raises:
        InputError: without the packages of the extra `onnx`; if the network computes values that are not finite, or
            an output of a graph differs from its own by more than `TOLERANCE` of the largest value; or when a file
            cannot be written.
    """
    require_packages(_PACKAGES)
    net, folder = copy.deepcopy(net).cpu().eval().requires_grad_(False), Path(folder)
    versions = {"dlatrack": __version__, **{name: version(name) for name in ("torch", *_PACKAGES)}}
    stamp = {"recipe": recipe.as_dict(), "origin": dict(origin or {}), "versions": versions}
    z, x = _random_crops(recipe)
    with torch.no_grad():
        template, search = (graph(net, recipe.net.input_format) for graph in (_TemplateGraph, _SearchGraph))
        features = template(z)
        expected = {f"features_{number}": part for number, part in enumerate(features)}
        names = list(expected)
        expected |= _maps(net.search(to_network_input(x, recipe.net.input_format), list(features)))
        if not all(part.isfinite().all() for part in expected.values()):
            raise InputError(f"{recipe.name} computes values that are not finite; its weights are unusable")
        graphs = {
            TEMPLATE: _graph(template, (z,), ["template"], names, stamp),
            SEARCH: _graph(search, (x, *features), ["search", *names], list(expected)[len(names) :], stamp),
        }
    with atomic_path(folder / TEMPLATE) as template_file, atomic_path(folder / SEARCH) as search_file:
        template_file.write_bytes(graphs[TEMPLATE])
        search_file.write_bytes(graphs[SEARCH])
        differences = _differences(OnnxNet(template_file, search_file), z, x, expected)
    described = {
        **describe_graphs(recipe, {name: tuple(part.shape) for name, part in expected.items()}),
        **stamp,
        "sha256": {name: hashlib.sha256(graph).hexdigest() for name, graph in graphs.items()},
        "check": {name: difference._asdict() for name, difference in differences.items()},
        "tolerance": TOLERANCE,
    }
    write_example(folder, recipe)
    write_text(folder / "README.md", read_me(described))
    write_text(folder / GRAPHS_FILE, json.dumps(described, indent=2) + "\n")
    return differences


class _TemplateGraph(nn.Module):
    """From an RGB template crop to the features of the target."""

    def __init__(self, net: SiameseNet, input_format: InputFormat) -> None:
        super().__init__()
        self._net, self._format = net, input_format

    def forward(self, template: Tensor) -> tuple[Tensor, ...]:
        return tuple(self._net.template(to_network_input(template, self._format)))


class _SearchGraph(nn.Module):
    """From an RGB search crop and the features of the target to the maps of the head."""

    def __init__(self, net: SiameseNet, input_format: InputFormat) -> None:
        super().__init__()
        self._net, self._format = net, input_format

    def forward(self, search: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
        return tuple(_maps(self._net.search(to_network_input(search, self._format), list(features))).values())


def _maps(output: HeadOutput) -> dict[str, Tensor]:
    """The maps that the head has, by name."""
    return {name: part for name, part in output._asdict().items() if part is not None}


def _random_crops(recipe: Recipe) -> tuple[Tensor, Tensor]:
    """RGB noise in the sizes of tracking, the same for every export."""
    generator = torch.Generator().manual_seed(0)
    sizes = recipe.net.template_size, recipe.net.online_search_size
    z, x = (255 * torch.rand(1, 3, size, size, generator=generator) for size in sizes)
    return z, x


def _graph(
    module: nn.Module,
    example: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    stamp: Mapping[str, Any],
) -> bytes:
    """An ONNX model with its weights inside and `stamp` as metadata; the same network gives the same bytes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecated parts
        program = torch.onnx.export(
            module.eval(),
            example,
            input_names=inputs,
            output_names=outputs,
            opset_version=OPSET,
            verbose=False,
            external_data=False,
        )
    assert program is not None
    model = program.model_proto
    # The exporter records the lines of Python behind every node, with paths of this machine.
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    model.metadata_props.add(key="dlatrack", value=json.dumps(stamp, sort_keys=True))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _differences(
    runtime: OnnxNet, z: Tensor, x: Tensor, expected: Mapping[str, Tensor]
) -> dict[str, OutputDifference]:
    """Compare every output of the graphs with that of the network.

    Raises:
        InputError: naming the first one that differs.
    """
    features = runtime.template(z)
    found = (*features, *_maps(runtime.search(x, features)).values())
    differences = {}
    for (name, own), answer in zip(expected.items(), found, strict=True):
        largest, scale = float((answer - own).abs().max()), float(own.abs().max())
        if not largest <= TOLERANCE * scale:  # NaN is refused too
            raise InputError(
                f"the ONNX graphs differ from the network: {name} differs by {largest:.3g} where values reach "
                f"{scale:.3g}; {TOLERANCE:g} of that is allowed, so nothing was written"
            )
        differences[name] = OutputDifference(largest, scale)
    return differences
