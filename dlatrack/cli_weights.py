"""The commands `dlatrack weights ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

weights_app = typer.Typer(help="Weight files.", no_args_is_help=True)


@weights_app.command("import")
def weights_import(
    recipe: Annotated[str, typer.Argument(help="Recipe the checkpoint belongs to, e.g. siamrpnpp.")],
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of the tracker's public code (.pth, .pkl).")],
    out: Annotated[Path, typer.Option(help="Weight file to write (.safetensors).")],
) -> None:
    """Read a public checkpoint, strictly and without running code from it, and write it as a weight file."""
    from dlatrack.cli.weights import import_command

    import_command(recipe, checkpoint, out)


@weights_app.command("info")
def weights_info(
    file: Annotated[Path, typer.Argument(help="Weight file, or the name of a shipped tracker.")],
) -> None:
    """Say which recipe a weight file holds and how it was made."""
    from dlatrack.cli.weights import info_command

    info_command(file)


@weights_app.command("export")
def weights_export(
    file: Annotated[Path, typer.Argument(help="Weight file, or the name of a shipped tracker.")],
    out: Annotated[Path, typer.Option(help="Folder for the two graphs and their description.")],
) -> None:
    """Write the template and the search graph of a tracker as ONNX, checked against torch.

    Needs the extra onnx: pip install 'dlatrack[onnx]'
    """
    from dlatrack.cli.weights import export_command

    export_command(file, out)


@weights_app.command("compare")
def weights_compare(
    clips: Annotated[
        Path,
        typer.Option(help="Sequences in the OTB layout; those with masks, used in training, are left out."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables and their record; default: only print.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Allow slightly different answers where they are quicker.")
    ] = False,
) -> None:
    """Run the trackers that come with the package beside OpenCV's: AUC on clips and synthetic video, and speed.

    OpenCV's CSRT and KCF need opencv-contrib-python.
    """
    from dlatrack.studies.shipped import compare_command

    compare_command(clips, out, fast=fast)
