"""Options of `dlatrack track`, each with its text of help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlatrack.cli.options import Runtime

Source = Annotated[
    str,
    typer.Argument(
        help="Video file, folder of images, sequence folder with img/, number of a camera, address (rtsp:// or "
        "http://), or - for an encoded video on standard input.",
        metavar="SOURCE",
    ),
]
Box = Annotated[
    list[str] | None,
    typer.Option(
        help="x,y,w,h of a target in the first frame, px from the top left corner; once for each target."
    ),
]
Select = Annotated[
    bool,
    typer.Option(
        "--select",
        help="Draw the targets in the first frame: in a window, or in a browser without a display.",
    ),
]
Show = Annotated[
    bool,
    typer.Option(
        "--show",
        help="Show the video meanwhile; drag or click to set a target anew, with Shift to add one; q stops.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Video to write: .mp4, .mkv, .mov, .avi or .webm; boxes go beside it, in .csv."),
]
Table = Annotated[
    Path | None, typer.Option(help="Table of boxes to write, .csv, instead of the one beside the video.")
]
Live = Annotated[
    bool,
    typer.Option(
        "--live", help="Drop frames of a camera, address or pipe that tracking cannot keep up with."
    ),
]
Patience = Annotated[
    float, typer.Option(help="Seconds of attempts to reach a camera or address again after a break.", min=0)
]
Recover = Annotated[bool, typer.Option("--recover", help="Search for lost targets in larger regions.")]

__all__ = ["Box", "Live", "Out", "Patience", "Recover", "Runtime", "Select", "Show", "Source", "Table"]
