"""The command `dlatrack track`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def track(
    video: Annotated[
        Path,
        typer.Argument(help="Video file, folder of images, or sequence folder with img/.", metavar="VIDEO"),
    ],
    box: Annotated[
        list[str],
        typer.Option(
            help="x,y,w,h of a target in the first frame, px from the top left corner; once for each target."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(help="Video to write: .mp4, .mkv, .mov, .avi or .webm; boxes go beside it, in .csv."),
    ],
    weights: Annotated[
        Path,
        typer.Option(
            help="Weight file of dlatrack (.safetensors), or a shipped tracker, e.g. siamrpnpp_small."
        ),
    ] = Path("dla_siamcar_small"),
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")] = "cpu",
    show: Annotated[
        bool, typer.Option("--show", help="Show the video meanwhile; q or Escape stops.")
    ] = False,
) -> None:
    """Track one or more targets through a video, and write it with their boxes.

    Ctrl-C stops and keeps what is done, with exit status 130.
    """
    from dlatrack.studies.video import track_command

    if track_command(video, box, out, weights=weights, device=device, show=show).stopped:
        raise typer.Exit(130)
