"""State of the target between frames, and the arithmetic that the tracking steps of all heads share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dlatrack.errors import InputError
from dlatrack.recipes import OnlineConfig
from dlatrack.sampling.crops import template_side

#: Smallest width and height of a tracked target, image px; a target without size has no crop.
SMALLEST_SIDE = 1.0

#: Smallest and largest width and height of a target at its start, image px; areas beyond overflow or vanish.
_SIDES = (1e-6, 1e6)


class CropGeometry(NamedTuple):
    """Sizes that relate a score map to the image."""

    template_size: int = 127  #: side of the template crop, px
    search_size: int = 255  #: side of the search crop, px
    stride: int = 8  #: search-crop px between cells


#: The sizes of SiamRPN++, SiamCAR and SiamBAN.
PUBLISHED = CropGeometry()


def first_box(box_xywh: Any) -> np.ndarray:
    """Check the box on which a tracker starts, and copy it, since the caller may change it later.

    Args:
        box_xywh: (4,) numbers x, y, w, h in px, in any form that NumPy accepts.

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
    """Position and size of the target; both arrays are copied."""

    centre_xy: np.ndarray  #: (2,) float64, 0-based image px
    size_wh: np.ndarray  #: (2,) float64, image px, positive

    def __post_init__(self) -> None:
        for name in ("centre_xy", "size_wh"):
            object.__setattr__(self, name, np.array(getattr(self, name)))

    @classmethod
    def from_box(cls, image: np.ndarray, box_xywh: np.ndarray) -> TargetState:
        """The state of a box in the first frame; the centre is (x + w/2, y + h/2).

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
        """Clip the centre to the image, and the size to the image's and then to at least `smallest` px."""
        limit = np.array(image_wh, np.float64)
        size = np.maximum(np.minimum(self.size_wh, limit), smallest)
        return TargetState(self.centre_xy.clip(0, limit), size)


def change_penalty(
    predicted_wh: np.ndarray, last_wh: np.ndarray, last_side: float, strength: float
) -> np.ndarray:
    """Penalty for a change of size and of aspect ratio between two frames.

    exp(-(r_c * s_c - 1) * strength), where s_c is the ratio of the context sides and r_c the ratio of the aspect
    ratios, each taken so that it is at least 1.

    Args:
        predicted_wh: (..., 2), positive.
        last_wh: (2,) size in the last frame; only its aspect ratio matters.
        last_side: context side in the last frame, in the unit of `predicted_wh`.
        strength: `penalty_k` of the hyper-parameters, at least 0.

    Returns:
        (...) in 0..1; 1 for no change.

    Source: SiamRPN, Eq. 13; pysot.
    """
    width, height = predicted_wh[..., 0], predicted_wh[..., 1]
    context = (width + height) / 2
    scale_change = _at_least_one(np.sqrt((width + context) * (height + context)) / last_side)
    ratio_change = _at_least_one((last_wh[0] / last_wh[1]) / (width / height))
    return np.exp(-(ratio_change * scale_change - 1) * strength)


def best_prediction(
    score: np.ndarray, predicted_wh: np.ndarray, state: TargetState, hyper: OnlineConfig, template_size: int
) -> tuple[int, np.ndarray]:
    """Choose the prediction with the best penalised score mixed with a cosine window, and smooth the size towards it.

    Args:
        score: (m, S, S) target probability, 0..1, of m boxes at each point.
        predicted_wh: (m * S * S, 2) sizes of the boxes in the same order, crop px.
        state: target in the last frame.
        hyper: penalty, window and learning rate.
        template_size: side of the template crop, px.

    Returns:
        The index of the chosen box, and the new size (2,) in image px.

    Source: pysot, tracker of the SiamRPN family; SiamRPN Sec. 3.4.
    """
    hann, score = np.hanning(score.shape[-1]), score.ravel()
    window = np.tile(np.outer(hann, hann).ravel(), len(score) // len(hann) ** 2)
    penalty = change_penalty(predicted_wh, state.size_wh, template_size, hyper.penalty_k)
    best = int(np.argmax(penalty * score * (1 - hyper.window_influence) + window * hyper.window_influence))
    rate = penalty[best] * score[best] * hyper.rate
    return best, (1 - rate) * state.size_wh + rate * predicted_wh[best] / (template_size / state.side)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Float64 probabilities of logits of any shape; large logits do not overflow."""
    return 1 / (1 + np.exp(np.minimum(np.maximum(-logits.astype(np.float64), -700), 700)))


def _at_least_one(ratio: np.ndarray) -> np.ndarray:
    return np.maximum(ratio, 1 / ratio)
