"""One step of online tracking with SiamRPN, SiamRPN++ and SiamBAN: the best box under penalty and window."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from dlatrack import boxes
from dlatrack.grid import RPN_ANCHORS, ScoreGrid
from dlatrack.recipes import OnlineConfig
from dlatrack.tracking.steps.state import PUBLISHED, CropGeometry, TargetState, best_prediction, sigmoid

#: Smallest side of a tracked target in this family, image px.
_SMALLEST_SIDE = 10.0

#: Bound of the logarithm of a predicted change of size, which keeps exp() finite.
_LARGEST_LOG = 8.0


def siamrpn_step(
    cls: np.ndarray,
    reg: np.ndarray,
    state: TargetState,
    hyper: OnlineConfig,
    image_wh: tuple[int, int],
    geometry: CropGeometry = PUBLISHED,
) -> tuple[TargetState, float]:
    """Take the anchor with the best penalised and windowed score, move to it and smooth the size towards it.

    Args:
        cls: (2 m, S, S) logits, background of all anchors first.
        reg: (4 m, S, S) deltas, dx of all anchors first.
        state: target in the last frame.
        hyper: penalty, window and learning rate.
        image_wh: width and height of the image, px; the answer is clipped to it.
        geometry: sizes of the crops, and stride of the score map.

    Returns:
        The new state, and the target probability of the chosen anchor, 0..1, without penalty and window.

    Source: pysot, tracker of the SiamRPN family; SiamRPN Sec. 3.4. Mended: deltas are bounded before exp().
    """
    cells, shapes = cls.shape[-1], cls.shape[0] // 2
    deltas = reg.astype(np.float64).reshape(4, -1).T
    deltas[:, 2:] = np.clip(deltas[:, 2:], -_LARGEST_LOG, _LARGEST_LOG)
    predicted_xyxy = boxes.decode_deltas(_anchors(cells, geometry.stride, shapes), deltas)
    return _best_step(cls, predicted_xyxy, state, hyper, image_wh, geometry.template_size)


def siamban_step(
    cls: np.ndarray,
    reg: np.ndarray,
    state: TargetState,
    hyper: OnlineConfig,
    image_wh: tuple[int, int],
    geometry: CropGeometry = PUBLISHED,
) -> tuple[TargetState, float]:
    """As `siamrpn_step`, with one box per point, given by its distances to the four sides.

    `cls` (2, S, S) are the logits of background and target, `reg` (4, S, S) the distances left, top, right, bottom in
    search-crop px.

    Source: the public SiamBAN code, tracker class. Mended: predicted sides are at least half a pixel.
    """
    points = _points(cls.shape[-1], geometry.stride)
    sides = np.maximum(reg.astype(np.float64).reshape(4, -1).T, 0.5)
    predicted_xyxy = np.concatenate([points - sides[:, :2], points + sides[:, 2:]], 1)
    return _best_step(cls, predicted_xyxy, state, hyper, image_wh, geometry.template_size)


def _best_step(
    cls: np.ndarray,
    predicted_xyxy: np.ndarray,
    state: TargetState,
    hyper: OnlineConfig,
    image_wh: tuple[int, int],
    template_size: int,
) -> tuple[TargetState, float]:
    """Choose among the predicted boxes (m * S * S, 4), crop px from its centre, in the order of `cls` (2 m, S, S)."""
    background, foreground = cls.astype(np.float64).reshape(2, -1, *cls.shape[1:])
    score = sigmoid(foreground - background)
    predicted = boxes.xyxy_to_cxcywh(predicted_xyxy)
    best, size = best_prediction(score, predicted[:, 2:], state, hyper, template_size)
    centre = state.centre_xy + predicted[best, :2] / (template_size / state.side)
    return TargetState(centre, size).clipped(image_wh, _SMALLEST_SIDE), float(score.ravel()[best])


@lru_cache(maxsize=8)
def _anchors(cells: int, stride: int, shapes: int) -> np.ndarray:
    """(m * S * S, 4) xyxy around the crop centre, numbered (anchor, row, column)."""
    grid = ScoreGrid(cells, stride, offset=-(cells // 2) * stride)
    by_point = grid.anchors(RPN_ANCHORS[:shapes]).numpy().reshape(-1, shapes, 4)
    return np.moveaxis(by_point, 1, 0).reshape(-1, 4)


@lru_cache(maxsize=8)
def _points(cells: int, stride: int) -> np.ndarray:
    """(S * S, 2) around the crop centre, row-major."""
    return ScoreGrid(cells, stride, offset=-(cells // 2) * stride).points.numpy()
