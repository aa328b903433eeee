"""Fitting the probability of `calibration.Calibration`, and isotonic regression to compare it with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression, minimize

from dlatrack.errors import InputError
from dlatrack.tracking.confidence.calibration import INPUTS, Calibration, Memory, transformed
from dlatrack.tracking.confidence.signals import Signals

#: Strength of the ridge on standardised weights.
_RIDGE = 1e-3

#: What each of `INPUTS` may weigh: all speak for the target, but that the box has changed its size speaks against it.
_BOUNDS = [(None, 0.0) if name == "distance of size_change from 0" else (0.0, None) for name in INPUTS]

#: Distance of isotonic probabilities from 0 and 1, whose log loss would be infinite.
_EDGE = 1e-3


class VideoEvidence(NamedTuple):
    """What was observed in one video, without its first frame."""

    inputs: np.ndarray  #: (T, 9) `calibration.INPUTS`
    hits: np.ndarray  #: (T,) bool, whether the box was on the target


def model_inputs(signals: np.ndarray, keep: float) -> np.ndarray:
    """The inputs of the model in each frame of a video after the first.

    Args:
        signals: (T, 5), as `Signals`, with the first frame.
        keep: weight of the past in the running means.

    Returns:
        (T - 1, 9).
    """
    memory, rows = Memory(keep), []
    for row in signals[1:]:
        inputs = transformed(Signals(*row.tolist()))
        memory = memory.after(inputs)
        rows.append([*inputs, *memory.means])
    return np.array(rows)


def fit_logistic(videos: Sequence[VideoEvidence], keep: float) -> Calibration:
    """Fit the logistic model by maximum likelihood with a small ridge, and no weight against the sense of its input.

    More of any input makes a box on the target more probable, and more change of size makes it less: that a few
    videos say otherwise, by chance or because the inputs go together, must not decide in other videos. An input that
    would get the other sign weighs nothing.

    Args:
        videos: evidence of the videos; every frame has the same weight.
        keep: weight of the past in the running means, with which the inputs were made.

    Raises:
        InputError: if the boxes are all on their targets, or none is.
    """
    inputs = np.concatenate([video.inputs for video in videos])
    hits = np.concatenate([video.hits for video in videos])
    if hits.all() or not hits.any():
        raise InputError(f"boxes on and off the target are needed for a fit, got {len(hits)} of one kind")
    mean, deviation = inputs.mean(0), inputs.std(0) + 1e-9
    standard = np.column_stack([(inputs - mean) / deviation, np.ones(len(inputs))])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logits = standard @ weights
        ridge = _RIDGE * np.append(weights[:-1], 0)
        value = np.logaddexp(0, np.where(hits, -logits, logits)).mean() + 0.5 * float(ridge @ weights)
        return float(value), standard.T @ (_sigmoid(logits) - hits) / len(hits) + ridge

    bounds = [*_BOUNDS, (None, None)]
    found = minimize(loss, np.zeros(len(bounds)), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = found[:-1] / deviation
    # Digits beyond these change no probability that anyone reads, and depend on the machine.
    return Calibration(
        tuple(float(f"{weight:.6g}") for weight in weights), float(f"{found[-1] - weights @ mean:.6g}"), keep
    )


def probabilities(calibration: Calibration, inputs: np.ndarray) -> np.ndarray:
    """(N,) probabilities of many frames with inputs (N, 9)."""
    return _sigmoid(inputs @ np.array(calibration.weights) + calibration.bias)


class Isotonic(NamedTuple):
    """The non-decreasing step function of a number that fits the hits best."""

    places: np.ndarray  #: (N,) rising
    levels: np.ndarray  #: (N,) probability at each place

    @classmethod
    def fit(cls, values: np.ndarray, hits: np.ndarray) -> Isotonic:
        """Fit to numbers (N,) and hits (N,) bool."""
        order = np.argsort(values, kind="stable")
        levels = isotonic_regression(hits[order].astype(float)).x
        return cls(values[order], np.clip(levels, _EDGE, 1 - _EDGE))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Probabilities of numbers (N,); between two places they are interpolated."""
        return np.interp(values, self.places, self.levels)


def cross_validated(videos: Sequence[VideoEvidence], keep: float, folds: int = 5) -> dict[str, np.ndarray]:
    """Probabilities of every frame by models that were fitted without its video.

    Args:
        videos: evidence of the videos; video i is left out in fold i % `folds`.
        keep: weight of the past in the running means.
        folds: number of folds, 2 to the number of videos.

    Returns:
        (N,) probabilities in the order of the videos, by model: "logistic", "isotonic on logistic" and "isotonic on
        score" alone.

    Raises:
        InputError: if `folds` is out of range, or as `fit_logistic`.
    """
    if not 2 <= folds <= len(videos):
        raise InputError(f"folds must be in 2..{len(videos)}, the number of videos, got {folds}")
    parts: dict[int, tuple[np.ndarray, ...]] = {}
    for fold in range(folds):
        kept = [video for number, video in enumerate(videos) if number % folds != fold]
        model = fit_logistic(kept, keep)
        inputs, hits = (np.concatenate(part) for part in zip(*kept, strict=True))
        by_all = Isotonic.fit(probabilities(model, inputs), hits)
        by_score = Isotonic.fit(inputs[:, 0], hits)
        for number in range(fold, len(videos), folds):
            held_out = videos[number].inputs
            stated = probabilities(model, held_out)
            parts[number] = (stated, by_all(stated), by_score(held_out[:, 0]))
    columns = zip(*(parts[number] for number in range(len(videos))), strict=True)
    names = ("logistic", "isotonic on logistic", "isotonic on score")
    return {name: np.concatenate(column) for name, column in zip(names, columns, strict=True)}


def log_loss(probability: np.ndarray, hits: np.ndarray) -> float:
    """Mean negative logarithm of the probability (N,) of what happened, (N,) bool."""
    return float(-np.log(np.maximum(np.where(hits, probability, 1 - probability), 1e-12)).mean())


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    stated: np.ndarray = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return stated
