"""The commands `dlatrack weights ...`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from dlatrack.cli.options import Fast, WeightFile
from dlatrack.cli.printing import print_line, print_table
from dlatrack.errors import InputError

weights_app = typer.Typer(help="Weight files.", no_args_is_help=True)


@weights_app.command("import")
def weights_import(
    recipe: Annotated[str, typer.Argument(help="Recipe the checkpoint belongs to, e.g. siamrpnpp.")],
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of the tracker's public code (.pth, .pkl).")],
    out: Annotated[Path, typer.Option(help="Weight file to write (.safetensors).")],
) -> None:
    """Read a public checkpoint, strictly and without running code from it, and write it as a weight file."""
    from dlatrack.files import file_digest, same_file
    from dlatrack.models.official import load_official
    from dlatrack.models.siamese import build_model
    from dlatrack.models.weights import save_weights
    from dlatrack.provenance import versions
    from dlatrack.recipes import recipe as recipe_of

    chosen = recipe_of(recipe)
    if same_file(out, checkpoint):
        raise InputError(f"{out} is the checkpoint itself; name another file with --out")
    net = build_model(chosen)
    load_official(net, checkpoint)
    card = {"imported_from": checkpoint.name, "sha256": file_digest(checkpoint), "versions": versions()}
    save_weights(out, net, chosen, card)
    print_line(f"weights: {out}")


@weights_app.command("info")
def weights_info(file: WeightFile) -> None:
    """Say which recipe a weight file holds and how it was made."""
    from dlatrack.models.weights import load_weights, read_weights_info

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


@weights_app.command("export")
def weights_export(
    file: WeightFile,
    out: Annotated[Path, typer.Option(help="Folder for the two graphs and their description.")],
) -> None:
    """Write the template and the search graph of a tracker as ONNX, checked against torch.

    Needs the extra onnx: pip install 'dlatrack[onnx]'
    """
    from dlatrack.files import file_digest
    from dlatrack.models.onnx.export import export_onnx
    from dlatrack.models.onnx.network import SEARCH, TEMPLATE
    from dlatrack.models.weights import find_weights, load_weights

    file = find_weights(file)
    net, chosen = load_weights(file)
    differences = export_onnx(net, chosen, out, {"weights": file.name, "weights_sha256": file_digest(file)})
    rows = [(name, f"{largest:.2g}", f"{scale:.3g}") for name, (largest, scale) in differences.items()]
    title = f"{chosen.name}: onnxruntime against torch"
    print_table(("output", "largest difference", "largest value"), rows, title=title)
    print_line(f"graphs: {out / TEMPLATE}, {out / SEARCH}; described in {out / 'README.md'}")


@weights_app.command("compare")
def weights_compare(
    clips: Annotated[
        Path,
        typer.Option(help="Sequences in the OTB layout; those with masks, used in training, are left out."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables and their record; default: only print.")
    ] = None,
    fast: Fast = False,
    runs: Annotated[
        int,
        typer.Option(
            help="Runs over the clips from first boxes shifted by at most half a pixel, at least 2; 0: none.",
            min=0,
            max=999,
        ),
    ] = 0,
) -> None:
    """Run the trackers that come with the package beside OpenCV's: AUC on clips and synthetic video, and speed.

    OpenCV's CSRT and KCF need opencv-contrib-python.
    """
    import torch

    from dlatrack.studies.first_box import save_first_box, study_first_box
    from dlatrack.studies.shipped import save_shipped, study_shipped

    if runs == 1:
        raise InputError("a spread needs at least 2 runs, or 0 for none; got --runs 1")
    torch.set_num_threads(os.cpu_count() or 1)
    study = study_shipped(clips, fast=fast)
    rows = [
        (str(name), *(f"{value:.3f}" for value in row[:-1]), f"{row.iloc[-1]:.0f}".replace("nan", ""))
        for name, row in study.table.iterrows()
    ]
    print_table(["tracker", *study.table.columns], rows)
    if study.left_out:
        print_line(
            f"note: {study.left_out} of {study.left_out + len(study.sequences)} targets are left out: their clips "
            f"have masks, and the shipped trackers were trained on such clips"
        )
    if study.absent:
        print_line(
            f"note: the target is absent in {study.absent:,} frames of the clips; as in pysot they fail in the "
            f"AUC and count as precise"
        )
    for verdict in study.verdicts:
        print_line(verdict)
    if out is not None:
        save_shipped(study, out)
    if runs:
        perturbed = study_first_box("paper", clips=str(clips), runs=runs)
        cells = [(str(name), *(f"{value:.3f}" for value in row)) for name, row in perturbed.table.iterrows()]
        title = f"AUC in {runs} runs from first boxes shifted by at most half a pixel, {perturbed.source}"
        print_table(["tracker", *perturbed.table.columns], cells, title=title)
        if out is not None:
            save_first_box(perturbed, out)
