"""A tracker of this library for the VOT toolkit, which communicates by the TraX protocol.

The toolkit starts `python -m dlatrack.adapters.vot WEIGHTS` and uses its standard input and output, so this module
does not print to them. See docs/official_clients.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.datasets.images import UNREADABLE, decode_image
from dlatrack.datasets.vot2019 import around
from dlatrack.errors import InputError
from dlatrack.tracking.reset import start_box
from dlatrack.tracking.run import Tracker


def serve(tracker: Tracker) -> None:
    """Serve a tracker to a TraX client, until the client ends the session.

    The client gives the target as a box or a polygon, and may restart at any frame; answers are boxes, with the score
    as property `confidence`. A polygon of four corners becomes a box as in `tracking.reset`, any other the box around
    it. Coordinates are not changed.

    Args:
        tracker: tracker of one target.

    Raises:
        ImportError: if the package vot-trax is not installed.
        InputError: naming the image, if it cannot be read; for a region that is neither box nor polygon; for several
            targets at once.
    """
    trax = _trax()
    with trax.Server([trax.Region.RECTANGLE, trax.Region.POLYGON], [trax.Image.PATH]) as server:
        while True:
            request = server.wait()
            if request.type == trax.TraxStatus.INITIALIZE:
                box_xywh, score = _start(request.objects, trax), 1.0
                tracker.init(_read(request.image), box_xywh)
            elif request.type == trax.TraxStatus.FRAME:
                box_xywh, score = tracker.update(_read(request.image))
            else:
                return
            region = trax.Rectangle.create(*box_xywh.tolist())
            server.status([(region, {})], {"confidence": score})


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the tracker of a weight file.

    Args:
        arguments: command-line arguments, by default those of this process.

    Returns:
        Exit status: 0, or 2 after a line on standard error about bad input or a missing package.
    """
    parser = argparse.ArgumentParser(
        prog="python -m dlatrack.adapters.vot",
        description="Serve the tracker of a weight file to a TraX client.",
    )
    parser.add_argument(
        "weights", type=Path, help="weight file of dlatrack (.safetensors), or a shipped tracker"
    )
    parser.add_argument("--hyper", default="OTB100", help="benchmark whose online hyper-parameters are used")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 ...")
    options = parser.parse_args(arguments)
    try:
        _trax()  # before torch is loaded and the weights are read
        from dlatrack.tracking.online import OnlineTracker

        serve(OnlineTracker.from_weights(options.weights, benchmark=options.hyper, device=options.device))
    except (InputError, ImportError) as error:
        print(f"dlatrack: {error}", file=sys.stderr)
        return 2
    return 0


def _trax() -> Any:
    try:
        return import_module("trax")
    except ImportError as error:
        raise ImportError(
            f"dlatrack.adapters.vot needs the package vot-trax ({error}); pip install 'dlatrack[vot]'"
        ) from error


def _start(objects: Sequence[tuple[Any, Any]], trax: Any) -> np.ndarray:
    """The box of the target, (4,) xywh."""
    if len(objects) != 1:
        raise InputError(f"the client asks for {len(objects)} targets; this tracker follows one")
    region = objects[0][0]
    if region.type == trax.Region.RECTANGLE:
        return np.array(region.bounds(), dtype=np.float64)
    if region.type != trax.Region.POLYGON:
        raise InputError(f"the client gives the target as a {region.type}; a rectangle or polygon is needed")
    points = np.array(list(region), dtype=np.float64)
    if len(points) == 4:
        return start_box(points.ravel())
    return around(points[None])[0]


def _read(images: dict[str, Any]) -> np.ndarray:
    """The image of the only channel, (H, W, 3) uint8 RGB."""
    (image,) = images.values()
    path = Path(os.fsdecode(image.path()))
    try:
        return decode_image(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} {UNREADABLE if isinstance(error, OSError) else error}") from None


if __name__ == "__main__":
    sys.exit(main())
