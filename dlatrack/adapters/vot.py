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
from dlatrack.tracking.targets import Targets


def serve(tracker: Tracker) -> None:
    """Serve a tracker to a TraX client, until the client ends the session.

    The client gives targets as boxes or polygons, all at the start or some later, and may restart at any frame; each
    target is followed by a copy of the tracker. Answers are boxes. Each has the property `confidence`: the calibrated
    probability where the tracker has one, else its score. A polygon of four corners becomes a box as in
    `tracking.reset`, any other the box around it. Coordinates are not changed.

    Args:
        tracker: tracker of one target.

    Raises:
        ImportError: if the package vot-trax is not installed.
        InputError: naming the image, if it cannot be read; for a region that is neither box nor polygon; if the
            tracker rejects a frame; if the connection to the client breaks.
    """
    trax = _trax()
    try:
        server = trax.Server(
            [trax.Region.RECTANGLE, trax.Region.POLYGON], [trax.Image.PATH], multiobject=True
        )
        try:
            _converse(server, tracker, trax)
        except InputError as error:
            server.quit(reason=str(error))  # the `with` statement of trax prints a traceback besides
            raise
        server.quit()
    except trax.TraxException as error:
        raise InputError(f"the TraX client cannot be reached: {error}") from None


def _converse(server: Any, tracker: Tracker, trax: Any) -> None:
    """Answer requests of the client until it quits."""
    targets, number = Targets([tracker], []), 0
    while (request := server.wait()).type in (trax.TraxStatus.INITIALIZE, trax.TraxStatus.FRAME):
        if request.type == trax.TraxStatus.INITIALIZE:
            targets, number = Targets([tracker], []), 0
        for region, _ in request.objects or ():
            targets.place(_box(region, trax), add=True)
        frame = targets.step(_read(request.image), number)
        number += 1
        confidences = [
            score if np.isnan(sure.probability) else sure.probability
            for score, sure in zip(frame.scores.tolist(), frame.certainties, strict=True)
        ]
        server.status(
            [
                (trax.Rectangle.create(*box), {"confidence": confidence})
                for box, confidence in zip(frame.boxes_xywh.tolist(), confidences, strict=True)
            ]
        )


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


def _box(region: Any, trax: Any) -> np.ndarray:
    """The box of a target, (4,) xywh."""
    if region.type == trax.Region.RECTANGLE:
        return np.array(region.bounds(), dtype=np.float64)
    if region.type != trax.Region.POLYGON:
        raise InputError(f"the client gives a target as a {region.type}; a rectangle or polygon is needed")
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
