"""What one frame says about whether the box is on the target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from dlatrack.tracking.steps.state import CropGeometry, TargetState, sigmoid

#: Smallest half side, in cells, of the window that is left out around the peak.
_LEAST_HALF = 1.0

#: Added to the deviation of the sidelobe, a probability, which is nearly 0 where the map is flat.
_LEAST_DEVIATION = 1e-3

#: Largest peak-to-sidelobe ratio; with `_LEAST_DEVIATION` none is larger.
LARGEST_RATIO = 1000.0

#: Side of the thumbnails that are compared, px, and the deviation of their values below which they count as flat.
_THUMBNAIL, _FLAT = 12, 2.0


class Signals(NamedTuple):
    """VideoEvidence of one frame.

    The window around the peak is the box that the tracker answers, and at least one cell to each side of its centre.
    The sidelobe is the rest of the map of the target's probability.
    """

    score: float  #: target probability of the chosen place as the tracker reports it, 0..1
    peak_to_sidelobe: (
        float  #: score less the mean of the sidelobe, over the standard deviation there, 0..1000
    )
    margin: float  #: score less the largest probability in the sidelobe, which is the second peak, -1..1
    size_change: float  #: natural logarithm of sqrt(width x height) relative to the first box
    likeness: float  #: correlation of the pixels in the box with those in the first box, -1..1


#: Signals of the first frame, whose box is given.
FIRST = Signals(1.0, LARGEST_RATIO, 1.0, 0.0, 1.0)


class FirstLook(NamedTuple):
    """The target in the first frame."""

    size_wh: np.ndarray  #: (2,) image px
    thumbnail: np.ndarray  #: as `thumbnail` returns it


def first_look(image: np.ndarray, state: TargetState) -> FirstLook:
    """Remember the target in the first frame (H, W, 3) uint8."""
    return FirstLook(state.size_wh, thumbnail(image, state.box_xywh))


def frame_signals(
    target: np.ndarray,
    score: float,
    last: TargetState,
    new: TargetState,
    geometry: CropGeometry,
    first: FirstLook,
    image: np.ndarray,
) -> Signals:
    """Compute the signals of a frame.

    Args:
        target: (S, S) target probability of the search region, as `target_map` returns it.
        score: target probability of the chosen place, 0..1.
        last: target in the last frame, around which the search region was cut.
        new: target in this frame.
        geometry: sizes of the crops, and stride of the score map.
        first: target in the first frame.
        image: this frame, (H, W, 3) uint8 RGB.
    """
    # Plain numbers and few calls: each call of numpy costs microseconds between two steps of a network.
    cell = geometry.stride * last.side / geometry.template_size  # image px
    right, down = (new.centre_xy - last.centre_xy).tolist()
    width, height = new.size_wh.tolist()
    outside, middle = np.ones(target.shape, bool), (len(target) - 1) / 2
    rows = _covered(down / cell + middle, max(height / (2 * cell), _LEAST_HALF))
    columns = _covered(right / cell + middle, max(width / (2 * cell), _LEAST_HALF))
    outside[rows, columns] = False
    sidelobe = target[outside]
    ratio = margin = 0.0  # of a box as large as the search region
    if sidelobe.size:
        mean = float(np.add.reduce(sidelobe)) / sidelobe.size
        square = float(np.add.reduce(sidelobe * sidelobe)) / sidelobe.size
        deviation = math.sqrt(max(square - mean * mean, 0.0))
        ratio = max(float(score - mean) / (deviation + _LEAST_DEVIATION), 0.0)
        margin = score - float(np.maximum.reduce(sidelobe))
    first_width, first_height = first.size_wh.tolist()
    change = 0.5 * float(np.log(width * height / (first_width * first_height)))
    likeness = float(np.add.reduce(first.thumbnail * thumbnail(image, new.box_xywh), axis=None))
    return Signals(score, ratio, margin, change, likeness)


def _covered(peak: float, half: float) -> slice:
    """Cells of a row or column that are at most `half` from `peak`, both in cells."""
    return slice(max(math.ceil(peak - half), 0), max(math.floor(peak + half) + 1, 0))


def target_map(head: str, maps: Sequence[np.ndarray]) -> np.ndarray:
    """Probability of the target in each cell of a search region, the largest of all boxes or scales there.

    Args:
        head: name of the head, a key of `tracking.online.FAMILIES`.
        maps: its output: first the logits, (2 m, S, S) with background first, (1, S, S) of the target alone ("fcpp")
            or (V, 1, S, S) of V scales ("fc"); with "fcpp" the third is centre-ness, (1, S, S) logits.

    Returns:
        (S, S) float64 in 0..1.
    """
    logits = maps[0]
    if head == "fc":
        return sigmoid(logits.max((0, 1)))
    if head == "fcpp":
        return sigmoid(logits[0]) * sigmoid(maps[2][0])
    pairs = len(logits) // 2
    differences = logits[pairs:] - logits[:pairs]
    return sigmoid(differences[0] if pairs == 1 else np.maximum.reduce(differences))


def thumbnail(image: np.ndarray, box_xywh: np.ndarray) -> np.ndarray:
    """The pixels of a box, made small, with mean 0 and length 1, so that a product of two sums to their correlation.

    Args:
        image: (H, W, 3) uint8.
        box_xywh: (4,) image px; beyond the border the image is continued by its last pixels.

    Returns:
        (12, 12, 3) float32; shorter than 1 where the box is nearly of one colour.
    """
    x, y, width, height = box_xywh.tolist()
    across, down = width / _THUMBNAIL, height / _THUMBNAIL
    pixels = cv2.warpAffine(
        image,
        np.array([[across, 0, x + (across - 1) / 2], [0, down, y + (down - 1) / 2]]),
        (_THUMBNAIL, _THUMBNAIL),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)
    pixels -= np.float32(float(np.add.reduce(pixels, axis=None)) / pixels.size)
    energy = float(np.add.reduce(pixels * pixels, axis=None))
    return pixels / np.float32(math.sqrt(energy + pixels.size * _FLAT**2))
