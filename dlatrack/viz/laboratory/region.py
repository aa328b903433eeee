"""The search region of a frame: its position, its pixels, and the conversion of coordinates."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.recipes import SamplingConfig
from dlatrack.sampling.augment import draw_window
from dlatrack.sampling.crops import CROP_SIZE, TEMPLATE_SIZE, mean_colour, template_side

#: Side of a search region, px.
REGION_SIZE = 255

#: Shift and stretch of training, without changes of colour.
_PLAIN = replace(SamplingConfig().search, blur=0, color=0)


class Region(NamedTuple):
    """A search region: region px = (frame px - origin_xy) * scale_xy."""

    origin_xy: np.ndarray  #: (2,) float64, the frame px that becomes the region's (0, 0)
    scale_xy: np.ndarray  #: (2,) float64, region px per frame px
    target_xyxy: np.ndarray  #: (4,) float64, the box around which the region was cut, region px

    def from_frame(self, box_xywh: np.ndarray) -> np.ndarray:
        """A box (4,) xywh in frame px as xyxy in region px."""
        low = (box_xywh[:2] - self.origin_xy) * self.scale_xy
        return np.concatenate([low, low + box_xywh[2:] * self.scale_xy])

    def to_frame(self, box_xyxy: np.ndarray) -> np.ndarray:
        """A box (4,) xyxy in region px as xywh in frame px."""
        low, high = box_xyxy[:2], box_xyxy[2:]
        return np.concatenate([low / self.scale_xy + self.origin_xy, (high - low) / self.scale_xy])


def place_region(box_xywh: np.ndarray, frame: int, *, seed: int = 0) -> Region:
    """Place the region of `label_assignment.search_regions`: cut around a box, shifted and stretched as in training.

    Args:
        box_xywh: (4,), frame px, with an area.
        frame: number of the frame, which with the seed decides the shift.
        seed: seed of the random shift and stretch.
    """
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, frame], np.uint64)))
    zoom = TEMPLATE_SIZE / template_side(box_xywh[2], box_xywh[3])
    target_wh = box_xywh[2:] * zoom
    window = draw_window(target_wh, _PLAIN, REGION_SIZE, CROP_SIZE, rng)
    low, side = np.array(window).reshape(2, 2)
    stretch = side / (REGION_SIZE - 1)
    middle, half = (CROP_SIZE // 2 - low) / stretch, target_wh / 2 / stretch
    centre = box_xywh[:2] + box_xywh[2:] / 2
    return Region(
        origin_xy=centre - (CROP_SIZE // 2 - low) / zoom,
        scale_xy=zoom / stretch,
        target_xyxy=np.concatenate([middle - half, middle + half]),
    )


def centred_region(box_xywh: np.ndarray) -> Region:
    """The region around a box (4,) in frame px, neither shifted nor stretched: where a tracker looks."""
    zoom = TEMPLATE_SIZE / template_side(box_xywh[2], box_xywh[3])
    middle, half = np.full(2, REGION_SIZE // 2), box_xywh[2:] * zoom / 2
    return Region(
        origin_xy=box_xywh[:2] + box_xywh[2:] / 2 - middle / zoom,
        scale_xy=np.full(2, zoom),
        target_xyxy=np.concatenate([middle - half, middle + half]),
    )


def cut_region(image_rgb: np.ndarray, region: Region) -> np.ndarray:
    """Pixels of a region, (255, 255, 3) uint8, in one bilinear step; outside the image the mean colour."""
    matrix = np.column_stack([np.diag(region.scale_xy), -region.origin_xy * region.scale_xy])
    return cv2.warpAffine(
        image_rgb,
        matrix,
        (REGION_SIZE, REGION_SIZE),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=mean_colour(image_rgb).tolist(),
    )


def targets_along(sequence: Sequence, *, seed: int = 0) -> tuple[list[int], np.ndarray]:
    """The targets of all frames that show one, each in its own search region; no image is decoded.

    Returns:
        F frame numbers, and (F, 4) float64 xyxy in region px.

    Raises:
        InputError: if no frame shows the target.
    """
    frames = [int(frame) for frame in np.flatnonzero(sequence.visible)]
    if not frames:
        raise InputError(f"sequence {sequence.name} has no frame with an annotated, visible target")
    return frames, np.stack(
        [place_region(sequence.boxes_xywh[frame], frame, seed=seed).target_xyxy for frame in frames]
    )


def check_box(box_xywh: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A box given by hand, as (4,) float64 xywh.

    Args:
        box_xywh: four numbers, frame px from 0.
        size: width and height of the frame, px.

    Raises:
        InputError: if it is not four finite numbers, has no area, or does not overlap the frame.
    """
    box = np.asarray(box_xywh, dtype=np.float64)
    shown = ", ".join(f"{value:g}" for value in box.ravel())
    if box.shape != (4,) or not np.isfinite(box).all():
        raise InputError(f"a box is four numbers x, y, w, h in px of the frame, got {shown or 'nothing'}")
    if (box[2:] <= 0).any():
        raise InputError(f"box {shown} has width {box[2]:g} and height {box[3]:g}; both must be above 0")
    if (box[:2] + box[2:] <= 0).any() or (box[:2] >= size).any():
        raise InputError(
            f"box {shown} lies outside the frame of {size[0]} x {size[1]} px; it must overlap it"
        )
    return box
