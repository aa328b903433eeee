"""One tracking step of SiamCAR: from the maps of the head to the new target state."""

from __future__ import annotations

import cv2
import numpy as np

from dlatrack.recipes import OnlineConfig
from dlatrack.tracking.steps.state import PUBLISHED, CropGeometry, TargetState, change_penalty

#: Smallest and largest half-size of the search for the accurate peak, as a share of the template size.
_REGION = (0.1, 0.44)

#: Smallest predicted size, crop px; an untrained head or bicubic undershoot gives less.
_SMALLEST_PREDICTION = 1e-3


def siamcar_step(
    cls: np.ndarray,
    reg: np.ndarray,
    centerness: np.ndarray,
    state: TargetState,
    hyper: OnlineConfig,
    image_wh: tuple[int, int],
    geometry: CropGeometry = PUBLISHED,
) -> tuple[TargetState, float]:
    """Locate the target in two stages and smooth its size.

    Coarse: the peak of the penalised score mixed with a cosine window, in maps enlarged to one value per pixel.
    Accurate: around it, the peak of the score without the window. It alone gives the position; the head's box at it
    gives the size.

    Args:
        cls: (2, S, S) logits of background and target.
        reg: (4, S, S) distances left, top, right, bottom in search-crop px, positive.
        centerness: (1, S, S) logits; spread linearly over 0..1 within the map, no sigmoid.
        state: target in the last frame.
        hyper: penalty, window and learning rate.
        image_wh: width and height of the image, px; the answer is clipped to it.
        geometry: sizes of the crops, and stride of the score map.

    Returns:
        The new state, and the target probability at the accurate peak, 0..1; the public code reports no score.

    Source: SiamCAR Sec. 3.4 and its public code. Kept as there, because results depend on it: the enlarged maps have
    a pitch of 7.72 px per cell and not 8, so that displacements fall 3.5 % short; and the second penalty divides a
    size in image px by a size in crop px. Mended: the coarse cell stays within the map, where the public code can
    index one past it; a constant centerness map counts as 1, not 0 / 0; sizes stay positive; and the accurate peak is
    taken inside its region even if all scores in it are negative.
    """
    template_size, search_size, stride = geometry
    cells = cls.shape[-1]
    pixels = (cells - 1) * stride + 1
    scale = template_size / state.side  # crop px per image px
    sides = np.moveaxis(reg.astype(np.float64), 0, -1)  # (S, S, 4)
    foreground = _foreground(cls.astype(np.float64))
    # In crop px the last context side is the template size.
    penalty = change_penalty(_sizes(sides), state.size_wh, template_size, hyper.penalty_k)
    score = penalty * foreground * _normalised(centerness[0].astype(np.float64))
    window = np.outer(np.hanning(cells), np.hanning(cells))
    windowed = score * (1 - hyper.window_influence) + window * hyper.window_influence

    score, windowed, foreground, sides_up = (
        cv2.resize(values, (pixels, pixels), interpolation=cv2.INTER_CUBIC)
        for values in (score, windowed, foreground, sides)
    )
    region = _region(_peak(windowed), sides, pixels, template_size)
    row, column = np.add(_peak(score[region]), [place.start for place in region])

    first_cell = (search_size - pixels + 1) // 2 - search_size // 2  # crop px, from the centre of the crop
    centre = state.centre_xy + (np.array([column, row]) + first_cell) / scale
    size = _sizes(sides_up[row, column]) / scale
    confidence = foreground[row, column]
    # The public code compares this size, in image px, with the last one in crop px.
    rate = change_penalty(size, state.size_wh, template_size, hyper.penalty_k) * confidence * hyper.rate
    new = TargetState(centre, rate * size + (1 - rate) * state.size_wh)
    return new.clipped(image_wh), float(np.clip(confidence, 0, 1))


def _foreground(logits: np.ndarray) -> np.ndarray:
    """Softmax over (2, S, S), second channel."""
    powers = np.exp(logits - logits.max(0))
    return powers[1] / powers.sum(0)


def _normalised(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.ones_like(values)


def _sizes(sides: np.ndarray) -> np.ndarray:
    """Widths and heights (..., 2), positive, of distances to the four sides (..., 4)."""
    return np.maximum(sides[..., :2] + sides[..., 2:], _SMALLEST_PREDICTION)


def _peak(values: np.ndarray) -> tuple[int, int]:
    row, column = np.unravel_index(values.argmax(), values.shape)
    return int(row), int(column)


def _region(peak: tuple[int, int], sides: np.ndarray, pixels: int, template_size: int) -> tuple[slice, slice]:
    """Rows and columns around the coarse peak: half of the box predicted there, within limits."""
    cells = len(sides)
    row, column = peak
    cell_row, cell_column = (min(round(place / (pixels / cells)), cells - 1) for place in peak)
    low, high = (int(share * template_size) for share in _REGION)
    left, top, right, bottom = np.clip(sides[cell_row, cell_column], low, high)
    up, back = int(min(row, top) / 2), int(min(column, left) / 2)
    down, forth = int(min(pixels - row, bottom) / 2), int(min(pixels - column, right) / 2)
    return slice(row - up, row + down + 1), slice(column - back, column + forth + 1)
