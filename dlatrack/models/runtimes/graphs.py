"""The graphs of a weight file, exported once and kept in the cache folder."""

from __future__ import annotations

from pathlib import Path

from dlatrack import __version__, paths
from dlatrack.errors import InputError
from dlatrack.files import file_digest
from dlatrack.models.onnx.description import GRAPHS_FORMAT
from dlatrack.models.onnx.export import OPSET, export_onnx
from dlatrack.models.onnx.network import GRAPHS_FILE, ExportedTracker, read_exported
from dlatrack.models.weights import load_weights
from dlatrack.provenance import sha256_of


def cached_graphs(weights: Path) -> ExportedTracker:
    """The ONNX graphs of a weight file.

    They lie in `paths.cache_dir()`, in a folder named by the content of the weights, the version of dlatrack and the
    operator set. Absent or damaged ones are exported, as by `dlatrack weights export`. Every file appears whole, the
    description last, and two processes that export at once write the same graphs.

    Args:
        weights: weight file of `models.weights.save_weights`.

    Raises:
        InputError: as `models.weights.load_weights` and `models.onnx.export.export_onnx`.
    """
    digest = file_digest(weights)
    key = sha256_of({"weights": digest, "dlatrack": __version__, "opset": OPSET, "format": GRAPHS_FORMAT})
    folder = paths.cache_dir() / f"graphs-{key[:16]}"
    if (folder / GRAPHS_FILE).is_file():
        try:
            return read_exported(folder)
        except InputError:
            pass  # a damaged folder is written anew
    net, recipe = load_weights(weights)
    export_onnx(net, recipe, folder, {"weights": weights.name, "weights_sha256": digest})
    return read_exported(folder)
