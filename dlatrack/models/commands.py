"""What the commands `weights import` and `weights info` do, and print."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dlatrack.models.official import load_official
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import load_weights, read_weights_info, save_weights
from dlatrack.provenance import versions
from dlatrack.recipes import recipe
from dlatrack.training.description import file_digest


def import_command(name: str, checkpoint: Path, out: Path) -> None:
    """Convert a public checkpoint of recipe `name` to a weight file whose card names its origin by hash.

    Raises:
        InputError: for an unknown recipe or a checkpoint that does not fit it exactly.
    """
    chosen = recipe(name)
    net = build_model(chosen)
    load_official(net, checkpoint)
    card = {"imported_from": checkpoint.name, "sha256": file_digest(checkpoint), "versions": versions()}
    save_weights(out, net, chosen, card)
    Console().print(f"weights: {out}", highlight=False, soft_wrap=True)


def info_command(file: Path) -> None:
    """Print recipe, size and model card of a weight file.

    Raises:
        InputError: if the file is not a complete weight file.
    """
    net, chosen = load_weights(file)
    parts = {part: sum(p.numel() for p in module.parameters()) for part, module in net.named_children()}
    table = Table("what", "value", title=str(file))
    table.add_row("recipe", chosen.name)
    table.add_row("label assigner", chosen.assign.name)
    table.add_row("parameters", f"{sum(parts.values()):,}")
    for part, count in parts.items():
        table.add_row(f"  {part}", f"{count:,}")
    table.add_row("model card", json.dumps(read_weights_info(file).card, indent=2))
    Console().print(table)
