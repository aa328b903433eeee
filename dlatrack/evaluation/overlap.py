"""Per-frame comparison of predicted boxes with the truth, as one-pass evaluation counts it."""

from __future__ import annotations

import numpy as np

from dlatrack.boxes import iou, xywh_to_xyxy

#: Overlap or error of a frame whose truth cannot be compared: never a success, always precise.
NOT_COMPARED = -1.0


def overlaps(truth_xywh: np.ndarray, predicted_xywh: np.ndarray) -> np.ndarray:
    """IoU of each frame.

    Args:
        truth_xywh: (T, 4).
        predicted_xywh: (T, 4), same coordinates; boxes of no or negative size overlap nothing.

    Returns:
        (T,) in 0..1, and -1 where the true box has no positive width and height (NaN included). NaN where the
        prediction is NaN.

    Source: pysot, one-pass benchmark.
    """
    result = np.full(len(truth_xywh), NOT_COMPARED)
    counts = (truth_xywh[:, 2:] > 0).all(1)
    truth, predicted = xywh_to_xyxy(truth_xywh[counts]), xywh_to_xyxy(predicted_xywh[counts])
    result[counts] = iou(truth, predicted)
    return result


def centre_errors(truth_xywh: np.ndarray, predicted_xywh: np.ndarray) -> np.ndarray:
    """Distance in px between true and predicted centre of each frame.

    Args:
        truth_xywh: (T, 4).
        predicted_xywh: (T, 4), same coordinates.

    Returns:
        (T,), and -1 where the true centre (x + (w - 1)/2, y + (h - 1)/2) is not positive in x and y (NaN included).
        That test looks at absolute coordinates: it can tell 0-based from 1-based boxes where a target is centred on
        the first row or column of pixels.

    Source: pysot, one-pass benchmark.
    """
    return _errors(truth_xywh, predicted_xywh, np.ones(2))


def normalised_centre_errors(truth_xywh: np.ndarray, predicted_xywh: np.ndarray) -> np.ndarray:
    """`centre_errors` with each axis divided by the true width or height, without unit.

    Source: TrackingNet (Mueller et al. 2018); pysot, one-pass benchmark.
    """
    return _errors(truth_xywh, predicted_xywh, truth_xywh[:, 2:] + 1e-16)


def _errors(truth_xywh: np.ndarray, predicted_xywh: np.ndarray, unit: np.ndarray) -> np.ndarray:
    truth, predicted = _centres(truth_xywh), _centres(predicted_xywh)
    truth, predicted = (
        truth / unit,
        predicted / unit,
    )  # before the difference: errors on a threshold round as in pysot
    counts = (truth > 0).all(1)
    distance = np.linalg.norm(truth - predicted, axis=1)
    return np.where(counts, distance, NOT_COMPARED)


def _centres(boxes_xywh: np.ndarray) -> np.ndarray:
    return boxes_xywh[:, :2] + (boxes_xywh[:, 2:] - 1) / 2
