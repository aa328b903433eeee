"""A video with one annotated target, as every reader of data sets returns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dlatrack.errors import InputError
from dlatrack.imagery import Imagery


class Frames(Protocol):
    """Images of a video, decoded or rendered when they are needed."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame `index` as (H, W, 3) uint8 RGB."""
        ...


@dataclass(frozen=True, eq=False)
class Sequence:
    """One target in one video; its arrays are copied.

    Args:
        name: name of the sequence, unique within its data set.
        frames: T images, (H, W, 3) uint8 RGB.
        boxes_xywh: (T, 4) float64, 0-based px; NaN rows where the target has no box.
        visible: (T,) bool, False where the target is absent: fully occluded or out of view.
        attributes: challenge attributes of the whole sequence, e.g. "OCC", "SV".
        fps: frames per second of the recording.
        polygons: (T, 4, 2) float64 corner points, 0-based px, where the data has them.
        imagery: where the images come from.

    Raises:
        InputError: naming the sequence, when the parts do not fit together.
    """

    name: str
    frames: Frames
    boxes_xywh: np.ndarray
    visible: np.ndarray
    attributes: tuple[str, ...] = ()
    fps: float = 30.0
    polygons: np.ndarray | None = None
    imagery: Imagery = "real"

    def __post_init__(self) -> None:
        count = len(self.frames)
        if count == 0:
            raise InputError(f"sequence {self.name} has no frames")
        if self.boxes_xywh.shape != (count, 4):
            raise InputError(
                f"sequence {self.name} has {count} frames but boxes of shape {self.boxes_xywh.shape}; "
                f"one x, y, w, h per frame is needed"
            )
        if self.visible.shape != (count,) or self.visible.dtype != bool:
            raise InputError(
                f"sequence {self.name} needs one visible flag (bool) for each of its {count} frames"
            )
        if np.isnan(self.boxes_xywh[self.visible]).any():
            row = int(np.flatnonzero(self.visible & np.isnan(self.boxes_xywh).any(1))[0])
            raise InputError(
                f"sequence {self.name} calls the target visible in frame {row} but has no box there"
            )
        for field in ("boxes_xywh", "visible", "polygons"):
            if (values := getattr(self, field)) is not None:
                object.__setattr__(self, field, values.copy())

    def __len__(self) -> int:
        return len(self.frames)
