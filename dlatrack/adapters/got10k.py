"""A tracker of this library as a tracker of the got10k toolkit, for its experiments. See docs/official_clients.md."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from dlatrack.tracking.run import Tracker

if TYPE_CHECKING:
    from PIL.Image import Image

try:
    _ToolkitTracker: Any = import_module("got10k.trackers").Tracker
except ImportError as error:
    raise ImportError(
        f"dlatrack.adapters.got10k needs the packages got10k and six ({error}); pip install 'dlatrack[got10k]'"
    ) from error


class GOT10kTracker(_ToolkitTracker):
    """A tracker for `got10k.experiments`, with Pillow images and boxes in the benchmark's coordinates.

    Args:
        tracker: tracker of this library.
        name: name of the result folder.
        first_pixel: coordinate of the first pixel in the benchmark's files, `pixel_origin` of its manifest: 1 for OTB
            and UAV123, 0 for GOT-10k, LaSOT and VOT. The toolkit passes boxes unchanged.
        is_deterministic: whether all runs give the same answers; the toolkit repeats others on GOT-10k and VOT.

    Raises:
        ValueError: if `first_pixel` is neither 0 nor 1.

    Example:
        tracker = GOT10kTracker(OnlineTracker.from_weights("dla_nanotrack_v3"), "DLA-NanoTrack", first_pixel=1)
        ExperimentOTB("OTB100", version=2015).run(tracker)
    """

    def __init__(
        self, tracker: Tracker, name: str, *, first_pixel: int, is_deterministic: bool = True
    ) -> None:
        if first_pixel not in (0, 1):
            raise ValueError(f"first_pixel must be 0 or 1, got {first_pixel}")
        super().__init__(name, is_deterministic)
        self._tracker = tracker
        self._origin = np.array([first_pixel, first_pixel, 0, 0], dtype=np.float64)

    def init(self, image: Image, box: np.ndarray) -> None:
        """Start on a target: (4,) xywh in the benchmark's own coordinates."""
        self._tracker.init(_rgb(image), np.asarray(box, dtype=np.float64) - self._origin)

    def update(self, image: Image) -> np.ndarray:
        """The target in the next frame: (4,) xywh in the benchmark's own coordinates."""
        return self._tracker.update(_rgb(image))[0] + self._origin


def _rgb(image: Image) -> np.ndarray:
    """(H, W, 3) uint8 RGB."""
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
