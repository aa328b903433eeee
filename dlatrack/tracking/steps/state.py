"""What a Siamese tracker remembers of its target between frames, and the arithmetic every head shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dlatrack.errors import InputError
from dlatrack.sampling.crops import template_side

#: Smallest width and height in image px that a tracked target can shrink to; a target of no size has no crop.
SMALLEST_SIDE = 1.0

#: Widths and heights in image px that a target can start with: beyond them, products of areas overflow or vanish.
_SIDES = (1e-6, 1e6)


class CropGeometry(NamedTuple):
    """Sizes that tie a score map to the image.

    Attributes:
        template_size: side of the template crop, px.
        search_size: side of the search crop, px.
        stride: search-crop px between cells.
    """

    template_size: int = 127
    search_size: int = 255
    stride: int = 8


#: The sizes of SiamRPN++, SiamCAR and SiamBAN.
PUBLISHED = CropGeometry()


def first_box(box_xywh: Any) -> np.ndarray:
    """The box that a tracker is started on, as a copy: its owner may go on to change it.

    Args:
        box_xywh: (4,) numbers x, y, w, h in px, in any form that NumPy takes.

    Returns:
        (4,) float64.

    Raises:
        InputError: if the box is not four finite numbers.
    """
    try:
        box = np.array(box_xywh)
    except (ValueError, TypeError, RuntimeError):  # ragged lists; tensors on a GPU or with gradients
        box = np.empty(0)
    if box.shape != (4,) or box.dtype.kind not in "iuf" or not np.isfinite(box).all():
        found = box_xywh.tolist() if isinstance(box_xywh, np.ndarray) else box_xywh
        raise InputError(f"the first box must be four finite numbers x, y, w, h in px, got {found!r}")
    return box.astype(np.float64)


@dataclass(frozen=True)
class TargetState:
    """Position and size of the target; both arrays are copied.

    Args:
        centre_xy: (2,) float64, 0-based image px.
        size_wh: (2,) float64, image px, positive.
    """

    centre_xy: np.ndarray
    size_wh: np.ndarray

    def __post_init__(self) -> None:
        for name in ("centre_xy", "size_wh"):
            object.__setattr__(self, name, np.array(getattr(self, name)))

    @classmethod
    def from_box(cls, image: np.ndarray, box_xywh: np.ndarray) -> TargetState:
        """Start from the box of the first frame; the centre is (x + w/2, y + h/2).

        Raises:
            InputError: if the box is not four finite numbers, has no area, lies outside the image, or is smaller
                or larger than any target can be.

        Source: pysot, one-pass test. (Its tracker alone, called without the test script, takes x + (w - 1)/2.)
        """
        box = first_box(box_xywh)
        low, size = box[:2], box[2:]
        if (size <= 0).any():
            raise InputError(f"the first box must have a positive width and height, got {box.tolist()}")
        height, width = image.shape[:2]
        if (low >= (width, height)).any() or (low + size <= 0).any():
            raise InputError(f"the first box {box.tolist()} lies outside the {width} x {height} image")
        if size.min() < _SIDES[0] or size.max() > _SIDES[1]:
            raise InputError(
                f"the first box {box.tolist()} must be {_SIDES[0]} to {_SIDES[1]:.0f} px wide and high"
            )
        return cls(low + size / 2, size)

    @property
    def box_xywh(self) -> np.ndarray:
        """(4,) float64, 0-based image px."""
        return np.concatenate([self.centre_xy - self.size_wh / 2, self.size_wh])

    @property
    def side(self) -> float:
        """Side in image px of the context square around the target."""
        return template_side(*self.size_wh)

    def clipped(self, image_wh: tuple[int, int], smallest: float = SMALLEST_SIDE) -> TargetState:
        """Keep the centre inside the image and the size between `smallest` px and the image's own.

        In an image smaller than that, the size is `smallest`.
        """
        limit = np.array(image_wh, np.float64)
        size = np.maximum(np.minimum(self.size_wh, limit), smallest)
        return TargetState(self.centre_xy.clip(0, limit), size)


def change_penalty(
    predicted_wh: np.ndarray, last_wh: np.ndarray, last_side: float, strength: float
) -> np.ndarray:
    """Penalty on a change of size and of aspect ratio between two frames.

    exp(-(r_c * s_c - 1) * strength), where s_c is the ratio of the context sides and r_c the ratio of the aspect
    ratios, each taken so that it is at least 1.

    Args:
        predicted_wh: (..., 2), positive.
        last_wh: (2,) size in the last frame; only its aspect ratio counts.
        last_side: context side in the last frame, in the unit of `predicted_wh`.
        strength: `penalty_k` of the tracker, at least 0.

    Returns:
        (...) in 0..1; 1 for no change.

    Source: SiamRPN, Eq. 13; pysot.
    """
    width, height = predicted_wh[..., 0], predicted_wh[..., 1]
    context = (width + height) / 2
    scale_change = _at_least_one(np.sqrt((width + context) * (height + context)) / last_side)
    ratio_change = _at_least_one((last_wh[0] / last_wh[1]) / (width / height))
    return np.exp(-(ratio_change * scale_change - 1) * strength)


def _at_least_one(ratio: np.ndarray) -> np.ndarray:
    return np.maximum(ratio, 1 / ratio)
