"""One step of online tracking with SiamFC++, and its crop."""

from __future__ import annotations

import cv2
import numpy as np

from dlatrack.recipes import OnlineConfig
from dlatrack.tracking.steps.state import CropGeometry, TargetState, best_prediction, sigmoid

#: Smallest side of a tracked target, image px.
_SMALLEST_SIDE = 10.0

#: video_analyst puts the middle of a box at x + (w - 1) / 2, the centre of a pixel; a state has it at x + w / 2.
_HALF_PIXEL = 0.5

#: The geometry of the published tracker.
_PUBLISHED = CropGeometry(search_size=303)


def affine_window(
    image: np.ndarray, centre_xy: np.ndarray, side: int, out_size: int, border: np.ndarray
) -> np.ndarray:
    """Cut a square around a point, at fractions of a pixel, and resize it in one affine map.

    Output px k lies at corner + k (side - 1) / (out_size - 1), with the corner (side - 1) / 2 before the centre.
    Arguments and result as `sub_window`.

    Source: video_analyst, crops of its trackers.
    """
    step = (side - 1) / (out_size - 1)
    left, top = centre_xy - _HALF_PIXEL - (side - 1) / 2
    return cv2.warpAffine(
        np.ascontiguousarray(image),
        np.array([[step, 0, left], [0, step, top]]),
        (out_size, out_size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=border.astype(int).tolist(),
    )


def siamfcpp_step(
    cls: np.ndarray,
    reg: np.ndarray,
    centerness: np.ndarray,
    state: TargetState,
    hyper: OnlineConfig,
    image_wh: tuple[int, int],
    geometry: CropGeometry = _PUBLISHED,
) -> tuple[TargetState, float]:
    """Take the point with the best penalised and windowed score, move to its box and smooth the size towards it.

    Args:
        cls: (1, S, S) logits of the target.
        reg: (4, S, S) distances left, top, right, bottom in search-crop px.
        centerness: (1, S, S) logits.
        state: target in the last frame.
        hyper: penalty, window and learning rate.
        image_wh: width and height of the image, px; the answer is clipped to it.
        geometry: sizes of the crops, and stride of the score map.

    Returns:
        The new state, and the score of the chosen point, target probability times centre-ness, 0..1, without penalty
        and window.

    Source: video_analyst, SiamFC++ tracker. Mended: predicted boxes are at least one px wide and high.
    """
    cells = cls.shape[-1]
    scale = geometry.template_size / state.side  # crop px per image px
    score = sigmoid(cls) * sigmoid(centerness)
    offset = (geometry.search_size - 1 - (cells - 1) * geometry.stride) // 2
    axis = offset + geometry.stride * np.arange(cells)
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    sides = reg.astype(np.float64).reshape(4, -1).T
    predicted_xy = points + (sides[:, 2:] - sides[:, :2]) / 2
    # Both corners are pixels of the box.
    predicted_wh = np.maximum(sides[:, :2] + sides[:, 2:] + 1, 1)
    best, size = best_prediction(score, predicted_wh, state, hyper, geometry.template_size)
    centre = state.centre_xy + (predicted_xy[best] - geometry.search_size // 2) / scale
    clipped = TargetState(centre - _HALF_PIXEL, size).clipped(image_wh, _SMALLEST_SIDE)
    return TargetState(clipped.centre_xy + _HALF_PIXEL, clipped.size_wh), float(score.ravel()[best])
