"""A widget to choose targets: boxes in the first frame of a video, drawn, dragged or typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from dlatrack.datasets.stream import FrameStream
from dlatrack.errors import InputError
from dlatrack.pixels.annotate import target_colour
from dlatrack.tracking.video import check_first_boxes, parse_boxes
from dlatrack.viz.laboratory.assets import style, widget_module
from dlatrack.viz.laboratory.contents import encode_webp


def pick_boxes(video: str | Path, boxes: str | Sequence[np.ndarray]) -> BoxPicker:
    """Open the picker on the first frame of a video: the value of a notebook cell.

    `track_file` takes its `boxes_xywh`, or the same boxes as text without a picker.

    Args:
        video: video file, camera or folder, as `FrameStream` takes it.
        boxes: (4,) xywh of each target to begin with, 0-based px; or text, e.g. "120,80,60,45; 20,30,40,40".

    Returns:
        The picker.

    Raises:
        InputError: for a video that cannot be read or a box that cannot be tracked. Later, inside the picker, such
            input shows its message there and leaves the boxes as they are.
    """
    image = FrameStream(video).first()
    return BoxPicker(image, _checked(image, boxes))


def _checked(image_rgb: np.ndarray, boxes: str | Sequence[np.ndarray]) -> list[np.ndarray]:
    """Boxes, or those in a text, as (4,) float64 each; errors as in `pick_boxes`."""
    chosen = parse_boxes(boxes) if isinstance(boxes, str) else [np.asarray(box, np.float64) for box in boxes]
    check_first_boxes(image_rgb, chosen)
    return chosen


class BoxPicker(anywidget.AnyWidget):
    """The picker as one widget; use `pick_boxes`.

    Attributes:
        boxes_xywh: (4,) float64 of each target, 0-based px of the frame.
        boxes: the same as lists, as the page has them; what cannot be tracked is set back.
        message: error message on the last input; empty: there is none.
    """

    _esm = widget_module("openPicker")
    _css = style()
    picture = traitlets.Bytes().tag(sync=True)
    size = traitlets.List().tag(sync=True)
    colours = traitlets.List().tag(sync=True)
    boxes = traitlets.List().tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)

    def __init__(self, image_rgb: np.ndarray, boxes_xywh: Sequence[np.ndarray]) -> None:
        self._image = image_rgb
        self.boxes_xywh = list(boxes_xywh)
        height, width = image_rgb.shape[:2]
        super().__init__(
            picture=encode_webp(image_rgb, 85),
            size=[width, height],
            colours=[target_colour(number) for number in range(1, 9)],
            boxes=[box.tolist() for box in boxes_xywh],
        )
        self.observe(self._take, names="boxes")

    def _take(self, change: dict[str, Any]) -> None:
        """Use other boxes, or say what is wrong with them and set them back."""
        try:
            self.boxes_xywh = _checked(self._image, change["new"])
            self.message = ""
        except InputError as error:
            self.boxes = [box.tolist() for box in self.boxes_xywh]
            self.message = str(error)
