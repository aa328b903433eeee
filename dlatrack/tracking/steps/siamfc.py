"""One step of online tracking with SiamFC: the best place at the best of three scales, and its crop."""

from __future__ import annotations

import cv2
import numpy as np

from dlatrack.recipes import OnlineConfig
from dlatrack.sampling.crops import sub_window
from dlatrack.tracking.steps.state import PUBLISHED, CropGeometry, TargetState, sigmoid

#: Sides of the search regions, as factors of the published one.
SCALES = (1.0375**-1, 1.0, 1.0375)

#: The score map is enlarged this many times, from 17 to 272 px.
_ENLARGED = 16


def centred_window(
    image: np.ndarray, centre_xy: np.ndarray, side: int, out_size: int, border: np.ndarray
) -> np.ndarray:
    """As `sub_window`, with the window's first pixel at c - side / 2, rounded to the nearest.

    Source: siamfc-pytorch.
    """
    return sub_window(image, centre_xy + 0.5, side, out_size, border)


def siamfc_step(
    cls: np.ndarray,
    state: TargetState,
    hyper: OnlineConfig,
    image_wh: tuple[int, int],
    geometry: CropGeometry = PUBLISHED,
) -> tuple[TargetState, float]:
    """Choose the scale with the highest score, then the place with the highest windowed score at that scale.

    Args:
        cls: (3, 1, S, S) logits at the scales of `SCALES`.
        state: target in the last frame.
        hyper: `penalty_k` multiplies the scores of a changed scale; window weight; learning rate of the size.
        image_wh: width and height of the image, px; the answer is clipped to it.
        geometry: sizes of the crops, and stride of the score map.

    Returns:
        The new state, and the target probability at the chosen place, 0..1, without penalty and window.

    Source: siamfc-pytorch, tracker class, which reports no score. Mended: the answer is clipped to the image.
    """
    pixels = cls.shape[-1] * _ENLARGED
    responses = [
        cv2.resize(response.astype(np.float64), (pixels, pixels), interpolation=cv2.INTER_CUBIC)
        for response in cls[:, 0]
    ]
    factors = np.where(np.array(SCALES) == 1, 1.0, hyper.penalty_k)
    peaks = [response.max() * factor for response, factor in zip(responses, factors, strict=True)]
    chosen = int(np.argmax(peaks))

    share = responses[chosen] * factors[chosen]
    share = share - share.min()
    share /= share.sum() + 1e-16
    window = np.outer(np.hanning(pixels), np.hanning(pixels))
    windowed = (1 - hyper.window_influence) * share + hyper.window_influence * window / window.sum()
    place = np.unravel_index(windowed.argmax(), windowed.shape)

    # From px of the enlarged map to px of the search crop, and then of the image.
    shift = (np.array(place[::-1], np.float64) - (pixels - 1) / 2) * geometry.stride / _ENLARGED
    centre = state.centre_xy + shift * state.side * SCALES[chosen] / geometry.template_size
    growth = 1 - hyper.rate + hyper.rate * SCALES[chosen]
    score = float(sigmoid(responses[chosen][place]))
    return TargetState(centre, state.size_wh * growth).clipped(image_wh), score
