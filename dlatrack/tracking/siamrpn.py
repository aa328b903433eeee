"""One step of online tracking with SiamRPN and SiamRPN++: the best anchor under penalty and window."""

from __future__ import annotations

import numpy as np

from dlatrack import boxes
from dlatrack.grid import RPN_ANCHORS, ScoreGrid
from dlatrack.recipes import OnlineConfig
from dlatrack.tracking.state import TargetState, change_penalty

#: px of the image below which the trackers of this family never shrink a target.
_SMALLEST_SIDE = 10.0

#: Anchors more than e^8 times larger or smaller than the target are nonsense; the bound keeps exp() finite.
_LARGEST_LOG = 8.0


def siamrpn_step(
    cls: np.ndarray,
    reg: np.ndarray,
    state: TargetState,
    hyper: OnlineConfig,
    image_wh: tuple[int, int],
    *,
    template_size: int = 127,
    search_size: int = 255,
    stride: int = 8,
) -> tuple[TargetState, float]:
    """Take the anchor with the best penalised and windowed score, move to it and smooth the size towards it.

    Args:
        cls: (2 m, S, S) logits, background of all anchors first.
        reg: (4 m, S, S) deltas, dx of all anchors first.
        state: target in the last frame.
        hyper: penalty, window and learning rate.
        image_wh: width and height of the image, px; the answer is clipped to it.
        template_size: px.
        search_size: px; unused, the anchors lie around the centre of the crop.
        stride: search-crop px between cells.

    Returns:
        The new state, and the target probability of the chosen anchor, 0..1, without penalty and window.

    Source: pysot, tracker of the SiamRPN family; SiamRPN Sec. 3.4. Mended: deltas are bounded before exp().
    """
    cells, shapes = cls.shape[-1], cls.shape[0] // 2
    scale = template_size / state.side  # crop px per image px
    background, foreground = cls.astype(np.float64).reshape(2, -1)  # samples numbered (anchor, row, column)
    score = 1 / (1 + np.exp(np.clip(background - foreground, -700, 700)))

    deltas = reg.astype(np.float64).reshape(4, -1).T
    deltas[:, 2:] = np.clip(deltas[:, 2:], -_LARGEST_LOG, _LARGEST_LOG)
    predicted = boxes.xyxy_to_cxcywh(boxes.decode_deltas(_anchors(cells, stride, shapes), deltas))
    penalty = change_penalty(predicted[:, 2:], state.size_wh, template_size, hyper.penalty_k)
    window = np.tile(np.outer(np.hanning(cells), np.hanning(cells)).ravel(), shapes)
    best = int(np.argmax(penalty * score * (1 - hyper.window_influence) + window * hyper.window_influence))

    rate = penalty[best] * score[best] * hyper.rate
    centre = state.centre_xy + predicted[best, :2] / scale
    size = (1 - rate) * state.size_wh + rate * predicted[best, 2:] / scale
    return TargetState(centre, size).clipped(image_wh, _SMALLEST_SIDE), float(score[best])


def _anchors(cells: int, stride: int, shapes: int) -> np.ndarray:
    """(m * S * S, 4) xyxy around the crop centre, numbered (anchor, row, column)."""
    grid = ScoreGrid(cells, stride, offset=-(cells // 2) * stride)
    by_point = grid.anchors(RPN_ANCHORS[:shapes]).numpy().reshape(-1, shapes, 4)
    return np.moveaxis(by_point, 1, 0).reshape(-1, 4)
