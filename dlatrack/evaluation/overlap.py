"""Per-frame comparison of predicted boxes with the truth, as one-pass evaluation counts it."""

from __future__ import annotations

import numpy as np

from dlatrack.evaluation.protocols import Rules, rules

#: Overlap of a frame that counts as a failure, and error of one that counts as precise.
NOT_COMPARED = -1.0

_PYSOT = rules("pysot")


def overlaps(truth_xywh: np.ndarray, predicted_xywh: np.ndarray, how: Rules = _PYSOT) -> np.ndarray:
    """IoU of each frame.

    Args:
        truth_xywh: (T, 4).
        predicted_xywh: (T, 4), same coordinates; boxes of no or negative size overlap nothing.
        how: the protocol's rules.

    Returns:
        (T,) in 0..1, and -1 where the true box is not what `overlap_needs` (with pysot: no positive width and height,
        NaN included). NaN where a box is NaN.
    """
    (gx, gy, gw, gh), (px, py, pw, ph) = truth_xywh.T, predicted_xywh.T
    width = np.minimum(gx + gw, px + pw) - np.maximum(gx, px)
    height = np.minimum(gy + gh, py + ph) - np.maximum(gy, py)
    common = np.maximum(width, 0) * np.maximum(height, 0)
    union = np.maximum(gw, 0) * np.maximum(gh, 0) + np.maximum(pw, 0) * np.maximum(ph, 0) - common
    # At most 1: rounding may lift an IoU above it, and so above the success plot's last threshold.
    overlap = np.minimum(common / np.where(union > 0, union, 1), 1)
    return np.where(_fits(truth_xywh, how.overlap_needs), overlap, NOT_COMPARED)


def centre_errors(truth_xywh: np.ndarray, predicted_xywh: np.ndarray, how: Rules = _PYSOT) -> np.ndarray:
    """Distance in px between true and predicted centre of each frame.

    Args:
        truth_xywh: (T, 4).
        predicted_xywh: (T, 4), same coordinates.
        how: the protocol's rules.

    Returns:
        (T,), and -1 (precise) or infinity where the true box is not what `error_needs`. With pysot that is a centre
        (x + (w - 1)/2, y + (h - 1)/2) that is not positive, NaN included. This test looks at absolute coordinates: it
        can tell 0-based from 1-based boxes where a target is centred on the first row or column of pixels.
    """
    truth, predicted = _centres(truth_xywh), _centres(predicted_xywh)
    return _errors(truth, predicted, truth_xywh, how, how.unmeasured)


def normalised_centre_errors(
    truth_xywh: np.ndarray, predicted_xywh: np.ndarray, how: Rules = _PYSOT
) -> np.ndarray:
    """`centre_errors` with each axis divided by the true width or height, without unit.

    Source: TrackingNet (Mueller et al. 2018). got10k divides the difference of the centres, all others the centres:
    errors that lie on a threshold round otherwise.
    """
    truth, predicted, sides = _centres(truth_xywh), _centres(predicted_xywh), truth_xywh.T[2:]
    if how.error_needs == "nothing":
        truth, predicted = np.zeros_like(truth), predicted - truth
        sides = np.maximum(sides, np.finfo(float).eps)
    elif how.error_needs == "centre":
        sides = sides + 1e-16  # as pysot does, against division by zero
    with np.errstate(divide="ignore", invalid="ignore"):
        return _errors(truth / sides, predicted / sides, truth_xywh, how, how.unmeasured_normalised)


def _errors(
    truth_xy: np.ndarray, predicted_xy: np.ndarray, truth_xywh: np.ndarray, how: Rules, otherwise: str
) -> np.ndarray:
    """Distances of (2, T) centres."""
    if how.error_needs == "centre":
        measured = (truth_xy[0] > 0) & (truth_xy[1] > 0)
    else:
        measured = _fits(truth_xywh, how.error_needs)
    x, y = truth_xy - predicted_xy
    return np.where(measured, np.sqrt(x * x + y * y), NOT_COMPARED if otherwise == "precise" else np.inf)


def _fits(boxes_xywh: np.ndarray, needs: str) -> np.ndarray:
    x, y, w, h = boxes_xywh.T
    if needs == "nothing":
        return np.ones(len(x), bool)
    fits: np.ndarray = (w > 0) & (h > 0)
    return fits & (x > 0) & (y > 0) if needs == "positive" else fits


def _centres(boxes_xywh: np.ndarray) -> np.ndarray:
    """(2, T): columns, which NumPy computes with several times as fast as with rows of two."""
    x, y, w, h = boxes_xywh.T
    return np.stack([x + (w - 1) / 2, y + (h - 1) / 2])
