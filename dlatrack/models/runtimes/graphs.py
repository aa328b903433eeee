"""The graphs of a weight file, exported once and kept in the cache folder."""

from __future__ import annotations

from pathlib import Path

from dlatrack import __version__, paths
from dlatrack.errors import InputError
from dlatrack.files import check_writable, file_digest
from dlatrack.models.onnx.description import GRAPHS_FORMAT
from dlatrack.models.onnx.export import OPSET, export_onnx
from dlatrack.models.onnx.network import GRAPHS_FILE, ExportedTracker, read_exported
from dlatrack.models.weights import load_weights
from dlatrack.progress import tell
from dlatrack.provenance import sha256_of


def cached_graphs(weights: Path) -> ExportedTracker:
    """The ONNX graphs of a weight file.

    They lie in `paths.cache_dir()`, in a folder named by the content of the weights, the version of dlatrack and the
    operator set. Absent or damaged ones are exported, as by `dlatrack weights export`. Every file appears whole, the
    description last, and two processes that export at once write the same graphs.

    Args:
        weights: weight file of `models.weights.save_weights`.

    Raises:
        InputError: as `models.weights.load_weights`, `models.onnx.export.export_onnx` and `check_cache`.
    """
    digest = file_digest(weights)
    key = sha256_of({"weights": digest, "dlatrack": __version__, "opset": OPSET, "format": GRAPHS_FORMAT})
    folder = paths.cache_dir() / f"graphs-{key[:16]}"
    if (folder / GRAPHS_FILE).is_file():
        try:
            return read_exported(folder)
        except InputError:
            pass  # a damaged folder is written anew
    check_cache(folder / GRAPHS_FILE)
    tell(f"exporting {weights.stem} to ONNX, once; this takes some seconds and is kept in {folder}")
    net, recipe = load_weights(weights)
    export_onnx(net, recipe, folder, {"weights": weights.name, "weights_sha256": digest})
    return read_exported(folder)


def check_cache(path: Path) -> None:
    """Check before work of seconds that a file can be kept in the cache folder.

    Raises:
        InputError: if not, naming the variable that sets another folder.
    """
    try:
        check_writable(path)
    except InputError as error:
        raise InputError(
            f"{error}; set the environment variable DLATRACK_CACHE to a folder that can be written"
        ) from error
