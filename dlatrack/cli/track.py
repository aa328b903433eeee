"""The command `dlatrack track`."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from dlatrack.cli.options import Device, Weights
from dlatrack.cli.printing import print_line


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
    weights: Weights = Path("dla_nanotrack_v3"),
    device: Device = "cpu",
    show: Annotated[
        bool, typer.Option("--show", help="Show the video meanwhile; q or Escape stops.")
    ] = False,
) -> None:
    """Track one or more targets through a video, and write it with their boxes.

    Ctrl-C stops and keeps what is done, with exit status 130.
    """
    import cv2

    from dlatrack.memory import reuse_freed_memory
    from dlatrack.pixels.window import PreviewWindow
    from dlatrack.studies.video import track_file
    from dlatrack.training.interrupt import stop_signal

    reuse_freed_memory()
    # Codecs that are tried and missing tell the terminal; what counts becomes an InputError.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    opened = PreviewWindow(f"{video.name} (q stops)") if show else nullcontext()
    with opened as window, stop_signal(signal.SIGINT) as asked_to_stop:
        tracked = track_file(
            video,
            ";".join(box),
            out,
            weights=weights,
            device=device,
            on_frame=lambda image: (window is None or window.show(image)) and not asked_to_stop(),
        )
    print_line(tracked.summary)
    if tracked.stopped:
        raise typer.Exit(130)
