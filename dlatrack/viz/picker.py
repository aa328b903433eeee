"""A widget to choose targets: boxes in the first frame of a video, dragged or typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ipywidgets as w
import numpy as np

from dlatrack.boxes import xywh_to_xyxy
from dlatrack.datasets.stream import FrameStream
from dlatrack.errors import InputError
from dlatrack.pixels.annotate import target_colour
from dlatrack.pixels.colours import DARK
from dlatrack.pixels.marks import outline
from dlatrack.pixels.text import rgb, write_line
from dlatrack.tracking.video import check_first_boxes, parse_boxes
from dlatrack.viz.explorer.controls import alert, box_bars
from dlatrack.viz.explorer.picture import encode_picture, scaled

_WIDTH, _HEIGHT = 760, 520  # most px of the picture

_HELP = """<div style="line-height: 1.4; max-width: 760px">
Drag the bars, or their ends, below and left of the picture; with the focus on an end, the arrow keys move it.
Or type the boxes: x, y of the top left corner and the size, in px of the frame, with semicolons between targets.
</div>"""


def pick_boxes(video: str | Path, boxes: str | Sequence[np.ndarray]) -> BoxPicker:
    """Open the picker on the first frame of a video: the value of a notebook cell.

    `track_file` takes its `boxes_xywh`, or the same boxes as text without a picker.

    Args:
        video: video file, camera or folder, as `FrameStream` takes it.
        boxes: (4,) xywh of each target to begin with, 0-based px; or text, e.g. "120,80,60,45; 20,30,40,40".

    Returns:
        The picker, made of core ipywidgets.

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


class BoxPicker(w.VBox):
    """The picker as one widget; use `pick_boxes`.

    Attributes:
        boxes_xywh: (4,) float64 of each target, 0-based px of the frame.
        picture: the frame with the boxes.
        across: bar of the left and right side of the chosen target's box, px.
        down: bar of its top and bottom side; counts upwards, as vertical sliders do.
        text: field with all boxes.
        target: list to choose the target that the bars move.
        more: button that adds a target.
        less: button that removes the chosen target.
        message: error message on the last input.
    """

    def __init__(self, image_rgb: np.ndarray, boxes_xywh: Sequence[np.ndarray]) -> None:
        self._image = image_rgb
        self.boxes_xywh = list(boxes_xywh)
        self._quiet = False
        height, width = image_rgb.shape[:2]
        self._scale = min(_WIDTH / width, _HEIGHT / height)
        shown = (round(width * self._scale), round(height * self._scale))
        self._make(width, height, shown)
        self._show()
        self._observe()
        super().__init__(
            [
                w.HBox([self.target, self.more, self.less]),
                w.HBox([self.down, self.picture]),
                self.across,
                self.text,
                self.message,
                w.HTML(_HELP),
            ]
        )

    def _make(self, width: int, height: int, shown: tuple[int, int]) -> None:
        self.picture = w.Image(
            format="jpeg", layout=w.Layout(width=f"{shown[0]}px", height=f"{shown[1]}px", flex="0 0 auto")
        )
        self.across, self.down = box_bars((width, height), shown, 1.0, -8)
        self.text = w.Text(
            description="x, y, w, h",
            placeholder="px of the frame, e.g. 120, 80, 60, 45",
            tooltip="all boxes, semicolons between targets; Enter takes them",
            continuous_update=False,
            layout=w.Layout(width=f"{_WIDTH}px"),
        )
        self.target = w.Dropdown(
            options=[("target 1", 0)],
            tooltip="the target whose box the bars move",
            layout=w.Layout(width="120px"),
        )
        self.more, self.less = (
            w.Button(description=name, tooltip=tip, layout=w.Layout(width="120px"))
            for name, tip in (("add a target", "a box in the middle"), ("remove it", "the chosen target"))
        )
        self.message = w.HTML()

    def _observe(self) -> None:
        for widget, act in (
            (self.across, self._dragged),
            (self.down, self._dragged),
            (self.text, lambda: self._take(self.text.value)),
            (self.target, self._show),
        ):
            widget.observe(lambda _, act=act: None if self._quiet else act(), names="value")
        self.more.on_click(lambda _: self._add())
        self.less.on_click(lambda _: self._remove())

    def _dragged(self) -> None:
        """Move the sides that the bars have moved; the others keep their fractions of a px."""
        box = self.boxes_xywh[self.target.value]
        before, height = self._bars, self._image.shape[0]
        after = (*self.across.value, height - self.down.value[1], height - self.down.value[0])
        sides = np.array([box[0], box[0] + box[2], box[1], box[1] + box[3]])
        left, right, top, bottom = np.where(np.equal(before, after), sides, after)
        boxes = self.boxes_xywh.copy()
        boxes[self.target.value] = np.array([left, top, right - left, bottom - top])
        self._take(boxes)

    def _take(self, boxes: str | Sequence[np.ndarray]) -> None:
        """Use other boxes, or show a message on what is wrong with them."""
        try:
            self.boxes_xywh = _checked(self._image, boxes)
        except InputError as error:
            self._say(str(error))
            return
        self._show()

    def _add(self) -> None:
        height, width = self._image.shape[:2]
        self.boxes_xywh.append(np.array([0.375 * width, 0.375 * height, 0.25 * width, 0.25 * height]).round())
        self._show(len(self.boxes_xywh) - 1)

    def _remove(self) -> None:
        if len(self.boxes_xywh) == 1:
            self._say("one target is needed; move its box")
            return
        del self.boxes_xywh[self.target.value]
        self._show()

    def _show(self, chosen: int | None = None) -> None:
        """Update all widgets from the boxes."""
        count = len(self.boxes_xywh)
        current = min(self.target.value if chosen is None else chosen, count - 1)
        height, width = self._image.shape[:2]
        x, y, bw, bh = self.boxes_xywh[current]
        self._quiet = True
        try:
            self.target.options = [(f"target {number + 1}", number) for number in range(count)]
            self.target.value = current
            # Whole steps inside the frame: a browser would round anything else, and report that as a move.
            left, right = np.clip([x, x + bw], 0, width).round().tolist()
            top, bottom = np.clip([y, y + bh], 0, height).round().tolist()
            self.across.value, self.down.value = (left, right), (height - bottom, height - top)
            self._bars = (left, right, top, bottom)
            self.text.value = "; ".join(", ".join(f"{value:.6g}" for value in box) for box in self.boxes_xywh)
        finally:
            self._quiet = False
        self.picture.value = self._drawn(current)
        self._say("")

    def _drawn(self, current: int) -> bytes:
        image = scaled(self._image, self._scale)
        for number, box in enumerate(self.boxes_xywh):
            xyxy = xywh_to_xyxy(box) * self._scale
            colour = rgb(target_colour(number + 1))
            outline(image, xyxy, rgb(DARK), 6 if number == current else 4)
            outline(image, xyxy, colour, 4 if number == current else 2)
            write_line(image, str(number + 1), xyxy[0] + 7, xyxy[1] + 18, size=15, colour=colour, bold=True)
        return encode_picture(image)

    def _say(self, text: str) -> None:
        """Show a message below the picture; an empty one removes it."""
        self.message.value = alert(text)
