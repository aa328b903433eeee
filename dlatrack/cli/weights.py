"""What the commands `weights import`, `weights info` and `weights export` do, and print."""

from __future__ import annotations

import json
from pathlib import Path

from dlatrack.cli.printing import print_line, print_table
from dlatrack.errors import InputError
from dlatrack.files import file_digest
from dlatrack.models.official import load_official
from dlatrack.models.onnx.export import export_onnx
from dlatrack.models.onnx.network import SEARCH, TEMPLATE
from dlatrack.models.shipped import find_weights
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import load_weights, read_weights_info, save_weights
from dlatrack.provenance import versions
from dlatrack.recipes import recipe


def import_command(name: str, checkpoint: Path, out: Path) -> None:
    """Convert a public checkpoint of recipe `name` to a weight file whose card names its origin by hash.

    Raises:
        InputError: for an unknown recipe, and a checkpoint that does not fit it exactly or would be overwritten.
    """
    chosen = recipe(name)
    if out.exists() and checkpoint.exists() and out.samefile(checkpoint):
        raise InputError(f"{out} is the checkpoint itself; name another file with --out")
    net = build_model(chosen)
    load_official(net, checkpoint)
    card = {"imported_from": checkpoint.name, "sha256": file_digest(checkpoint), "versions": versions()}
    save_weights(out, net, chosen, card)
    print_line(f"weights: {out}")


def info_command(file: Path) -> None:
    """Print recipe, size and model card of a weight file.

    Raises:
        InputError: if the file is not a complete weight file.
    """
    net, chosen = load_weights(file)
    parts = {part: sum(p.numel() for p in module.parameters()) for part, module in net.named_children()}
    rows = [
        ("recipe", chosen.name),
        ("label assigner", chosen.assign.name),
        ("parameters", f"{sum(parts.values()):,}"),
        *((f"parameters of {part}", f"{count:,}") for part, count in parts.items()),
    ]
    print_table(("what", "value"), rows, title=str(file))
    print_line("model card:")
    for line in json.dumps(read_weights_info(file).card, indent=2).splitlines():
        print_line(line)


def export_command(weights: Path, out: Path) -> None:
    """Write the ONNX graphs of a tracker to folder `out`, and print how far they are from its network.

    Raises:
        InputError: if there is no such weight file, and as `export_onnx`.
    """
    file = find_weights(weights)
    net, chosen = load_weights(file)
    differences = export_onnx(net, chosen, out, {"weights": file.name, "weights_sha256": file_digest(file)})
    rows = [(name, f"{largest:.2g}", f"{scale:.3g}") for name, (largest, scale) in differences.items()]
    title = f"{chosen.name}: onnxruntime against torch"
    print_table(("output", "largest difference", "largest value"), rows, title=title)
    print_line(f"graphs: {out / TEMPLATE}, {out / SEARCH}; described in {out / 'README.md'}")
