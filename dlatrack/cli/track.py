"""The command `dlatrack track`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dlatrack.cli import track_options as options
from dlatrack.cli.options import Device, Weights
from dlatrack.cli.printing import print_line
from dlatrack.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from dlatrack.datasets.stream import FrameStream
    from dlatrack.datasets.video.live import LiveSource
    from dlatrack.pixels.window import PreviewWindow
    from dlatrack.studies.stream import TrackedStream
    from dlatrack.studies.video import TrackedVideo
    from dlatrack.tracking.feed import Feed


def track(
    source: options.Source,
    box: options.Box = None,
    select: options.Select = False,
    show: options.Show = False,
    out: options.Out = None,
    table: options.Table = None,
    live: options.Live = False,
    patience: options.Patience = 60.0,
    weights: Weights = Path("dla_nanotrack_v3"),
    device: Device = "cpu",
    recover: options.Recover = False,
    runtime: options.Runtime = "torch",
) -> None:
    """Track one or more targets through a video or a stream, and write it with their boxes.

    Ctrl-C and SIGTERM stop and keep what is done, with exit status 130 and 143.
    """
    from dlatrack.datasets.sources import open_source
    from dlatrack.datasets.stream import FrameStream
    from dlatrack.memory import reuse_freed_memory
    from dlatrack.training.interrupt import stop_signal

    _check_options(box, select, show, out, table)
    reuse_freed_memory()
    _quiet_codecs()
    with (
        stop_signal(signal.SIGINT, signal.SIGTERM) as asked_to_stop,
        _status_of_signal(asked_to_stop),
        ExitStack() as running,
    ):
        opened = open_source(source, patience=patience, stopped=asked_to_stop)
        if not isinstance(opened, FrameStream):
            running.callback(opened.close)
        # Torch is loaded once the source has answered, so that errors come early, and while it is read already.
        feed = running.enter_context(_feed(opened, source, select)) if live else None
        from dlatrack.pixels.window import PreviewWindow
        from dlatrack.studies.stream import track_stream
        from dlatrack.studies.video import track_file

        with PreviewWindow(f"{opened.name} (q stops)") if show else nullcontext() as window:
            settings: dict[str, Any] = {
                "table": table,
                "weights": weights,
                "device": device,
                "on_frame": lambda image: (window is None or window.show(image)) and not asked_to_stop(),
                "drawn": None if window is None else window.drags,
                "recover": recover,
                "runtime": runtime,
            }
            boxes = ";".join(box or []) if not select else _selection(window, asked_to_stop)
            tracked: TrackedVideo | TrackedStream
            if isinstance(opened, FrameStream):
                tracked = track_file(opened.path, boxes, out, **settings)
            else:
                settings |= {"drop": live, "feed": feed, "stopped": asked_to_stop}
                tracked = track_stream(opened, boxes, out, **settings)
    print_line(tracked.summary)
    if tracked.stopped:
        raise typer.Exit(128 + (asked_to_stop() or signal.SIGINT))


@contextmanager
def _status_of_signal(asked_to_stop: Callable[[], int]) -> Iterator[None]:
    """End with the status of the signal that has ended a wait inside the block, before anything was tracked."""
    try:
        yield
    except KeyboardInterrupt:
        print("dlatrack: interrupted", file=sys.stderr)
        raise typer.Exit(128 + (asked_to_stop() or signal.SIGINT)) from None


def _check_options(
    box: list[str] | None, select: bool, show: bool, out: Path | None, table: Path | None
) -> None:
    """Refuse a call that says too little or contradicts itself."""
    if not (box or select or show):
        raise InputError("nothing says what to track: --box x,y,w,h, --select or --show is needed")
    if box and select:
        raise InputError("--box and --select both say what to track in the first frame; give one of them")
    if out is None and table is None and not show:
        raise InputError("nothing would be left of it: --out VIDEO, --table TABLE.csv or --show is needed")


def _quiet_codecs() -> None:
    """Keep codecs that are tried and missing from telling the terminal; what counts becomes an InputError."""
    import cv2

    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _feed(opened: FrameStream | LiveSource, source: str, select: bool) -> Feed:
    """The frames of a live source, of which those are dropped that tracking cannot keep up with."""
    from dlatrack.datasets.stream import FrameStream
    from dlatrack.tracking.feed import Feed

    if isinstance(opened, FrameStream):
        raise InputError(
            f"--live drops frames of a camera, an address or a pipe; {source} is read frame by frame"
        )
    return Feed(opened, None, from_first=select)


def _selection(
    window: PreviewWindow | None, stopped: Callable[[], object]
) -> Callable[[np.ndarray], Sequence[np.ndarray]]:
    """A function that lets the user draw targets in the first frame: in a window, or on a page without a display."""
    from dlatrack.pixels.select_page import select_on_page
    from dlatrack.pixels.window import PreviewWindow, window_fault
    from dlatrack.tracking.video import check_first_boxes

    def choose(image_rgb: np.ndarray) -> Sequence[np.ndarray]:
        def check(boxes: Sequence[np.ndarray]) -> None:
            check_first_boxes(image_rgb, boxes)

        if window is not None:
            return window.select(image_rgb, check)
        if not window_fault():
            with PreviewWindow("Drag a box around each target; Enter starts, q quits") as own:
                return own.select(image_rgb, check)
        return select_on_page(
            image_rgb, check, lambda address: print_line(f"open {address} and draw the targets"), stopped
        )

    return choose
