"""What the laboratory shows of a sequence, as data for its JavaScript: targets, pictures, colours."""

from __future__ import annotations

from collections.abc import Sequence as Indices
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.imagery import MARKS
from dlatrack.pixels import colours
from dlatrack.viz.laboratory.region import REGION_SIZE, check_box, cut_region, place_region

#: Largest seed that the field of the laboratory takes.
_MOST_SEED = 2**31 - 1

#: Side of the picture of a whole frame, on which boxes are drawn by hand, px.
WHOLE_SIZE = 4 * REGION_SIZE

#: Colours by meaning; those of the rules A and B differ from all marks of samples, and so do their shapes.
COLOURS = {
    "target": colours.TARGET,
    "positive": colours.POSITIVE_COLOUR,
    "negative": colours.NEGATIVE_COLOUR,
    "ignored": colours.IGNORED_COLOUR,
    "candidate": colours.CANDIDATE,
    "dark": colours.DARK,
    "first": colours.PURPLE,
    "second": colours.ORANGE,
}


@dataclass(frozen=True, eq=False)
class Contents:
    """A sequence as the laboratory shows it.

    Args:
        sequence: a video.
        source: text that opens it in Python; None: there is none.
        shift: seed of the shift and the stretch of the search regions.

    Attributes:
        drawn: frames whose box was given by hand.

    Raises:
        InputError: for a seed that is no whole number in 0..2^31 - 1.
    """

    sequence: Sequence
    source: str | None = None
    shift: int = 0
    drawn: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        check_lab_seed(self.shift)

    @cached_property
    def targets(self) -> list[list[float] | None]:
        """Of each frame the target xyxy in px of its search region; None where none is visible."""
        visible, boxes = self.sequence.visible, self.sequence.boxes_xywh
        return [
            place_region(boxes[frame], frame, seed=self.shift).target_xyxy.tolist() if shown else None
            for frame, shown in enumerate(visible)
        ]

    def drawn_box(self, frame: int, square_xyxy: Indices[float]) -> np.ndarray:
        """The box xywh in frame px, (4,), of one that was drawn on a whole frame.

        Args:
            frame: number of a frame.
            square_xyxy: (4,) px of the picture of the whole frame, whose side counts as that of a search region.
        """
        height, width = self.sequence.frames[frame].shape[:2]
        place = _place_of_frame(width, height, WHOLE_SIZE)
        square = (np.asarray(square_xyxy, np.float64).reshape(2, 2) + 0.5) * (WHOLE_SIZE / REGION_SIZE)
        low, high = (square - place[:2]) * np.array([width, height]) / place[2:] - 0.5
        return np.concatenate([low, high - low])

    def give_box(self, frame: int, box_xywh: Indices[float] | None) -> tuple[Any, Any]:
        """Take a box as the annotation of a frame that has none, or take such a box away.

        Args:
            frame: number of a frame.
            box_xywh: (4,) frame px; None: the frame has no target.

        Returns:
            The target xyxy in px of the search region that is then cut around it, and the box; None of both without.

        Raises:
            InputError: for a box without an area or outside the frame, or a frame with an annotation of its own.
        """
        sequence = self.sequence
        if sequence.visible[frame] and frame not in self.drawn:
            raise InputError(f"frame {frame} of {sequence.name} has an annotated target, which stays")
        if box_xywh is None:
            self.drawn.discard(frame)
            sequence.boxes_xywh[frame], sequence.visible[frame] = np.nan, False
            self.targets[frame] = None
            return None, None
        height, width = sequence.frames[frame].shape[:2]
        box = check_box(np.array(box_xywh, np.float64), (width, height))
        self.drawn.add(frame)
        sequence.boxes_xywh[frame], sequence.visible[frame] = box, True
        self.targets[frame] = place_region(box, frame, seed=self.shift).target_xyxy.tolist()
        return self.targets[frame], box.tolist()

    def picture(self, frame: int, quality: int = 80, whole: int = WHOLE_SIZE) -> bytes:
        """The search region of a frame as WebP; of a frame without a target, the whole frame in a square.

        Args:
            frame: number of a frame.
            quality: quality of the WebP, 0..100.
            whole: side of the square, px.
        """
        image = self.sequence.frames[frame]
        if self.sequence.visible[frame]:
            place = place_region(self.sequence.boxes_xywh[frame], frame, seed=self.shift)
            return encode_webp(cut_region(image, place), quality)
        return encode_webp(_fitted(image, whole), quality)

    def data(self, frames: Indices[int] | None = None) -> dict[str, Any]:
        """All but pictures and setting.

        Args:
            frames: numbers of the frames that are shown; None: all.
        """
        shown = range(len(self.sequence)) if frames is None else frames
        return {
            "sequence": self.sequence.name,
            "imagery": MARKS[self.sequence.imagery],
            "frames": len(shown),
            "numbers": None if frames is None else list(frames),
            "targets": [self.targets[frame] for frame in shown],
            "colours": COLOURS,
            "source": self.source,
            "shift": int(self.shift),
        }


def check_lab_seed(seed: object) -> None:
    """Check a seed of the draw or of the search regions.

    Raises:
        InputError: if it is no whole number in 0..2^31 - 1.
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed <= _MOST_SEED:
        raise InputError(f"a seed of the laboratory is a whole number in 0..{_MOST_SEED}, got {seed!r}")


def encode_webp(image_rgb: np.ndarray, quality: int) -> bytes:
    """A picture (H, W, 3) uint8 as WebP; the same picture gives the same bytes."""
    written = BytesIO()
    Image.fromarray(image_rgb).save(written, format="WEBP", quality=quality, method=4)
    return written.getvalue()


def _place_of_frame(width: int, height: int, side: int) -> np.ndarray:
    """(4,) left, top, width and height of a whole frame in the middle of its picture, whole px."""
    scale = side / max(width, height)
    size = np.array([max(round(width * scale), 1), max(round(height * scale), 1)])
    return np.concatenate([(side - size) // 2, size])


def _fitted(image_rgb: np.ndarray, side: int) -> np.ndarray:
    """A whole frame, as large as it fits, in the middle of a square."""
    left, top, width, height = _place_of_frame(image_rgb.shape[1], image_rgb.shape[0], side).tolist()
    square = Image.new("RGB", (side, side), (48, 48, 48))
    square.paste(Image.fromarray(image_rgb).resize((width, height)), (left, top))
    return np.asarray(square)
