"""Fitting the calibrated confidence of a tracker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlatrack.errors import InputError
from dlatrack.evaluation.long_term import area_under_roc, reliability_bins
from dlatrack.files import file_digest
from dlatrack.models.weights import find_weights
from dlatrack.provenance import versions
from dlatrack.studies.lost_or_not_runs import watched_runs
from dlatrack.studies.lost_or_not_videos import fitting_videos
from dlatrack.tracking.confidence import Calibration
from dlatrack.tracking.confidence.calibration import SUFFIX, calibration_beside
from dlatrack.tracking.confidence.fitting import (
    VideoEvidence,
    cross_validated,
    fit_logistic,
    log_loss,
    model_inputs,
)

#: Weight of the past in the running means of the calibration.
KEEP = 0.8


@dataclass(frozen=True, eq=False)
class Fit:
    """A calibration, and how models compare in videos that they were not fitted on."""

    calibration: Calibration  #: with its card
    models: (
        pd.DataFrame
    )  #: log loss, calibration error and area under the ROC by model, cross-validated by video


def fit_confidence(tracker: str, *, preset: str = "paper", seed: int = 0) -> Fit:
    """Fit the calibration of a tracker on photographic and synthetic videos.

    Args:
        tracker: name of a shipped tracker, or a weight file.
        preset: "smoke", "demo" or "paper": how many videos.
        seed: seed of the videos.

    Raises:
        InputError: for an unknown preset or tracker.
    """
    videos = fitting_videos(preset, seed=seed)
    runs = watched_runs([tracker], [video for kind in videos.values() for video in kind])[tracker]
    evidence = [VideoEvidence(model_inputs(run.signals, KEEP), run.hits) for run in runs.values()]
    hits = np.concatenate([part.hits for part in evidence])
    models = pd.DataFrame(
        {
            name: [log_loss(stated, hits), reliability_bins(stated, hits).error, area_under_roc(stated, hits)]
            for name, stated in cross_validated(evidence, KEEP).items()
        },
        ["log loss", "calibration error", "area under the ROC"],
    ).T.rename_axis("model")
    card: dict[str, Any] = {
        "fitted_on": {kind: [len(found), sum(map(len, found))] for kind, found in videos.items()},
        "frames_on_target": round(float(hits.mean()), 4),
        "cross_validated": models.round(4).to_dict("index"),
        "preset": preset,
        "seed": seed,
        "versions": versions(("dlatrack", "numpy", "scipy", "torch")),
    }
    digest = file_digest(find_weights(tracker))
    return Fit(replace(fit_logistic(evidence, KEEP), weights_sha256=digest, card=card), models)


def calibrate(tracker: str, *, preset: str = "paper", seed: int = 0) -> Path:
    """Fit the calibration of a tracker and write it beside its weights, where `OnlineTracker.from_weights` finds it.

    Args:
        tracker: a weight file, or the name of a shipped tracker.
        preset: "smoke", "demo" or "paper": how many videos.
        seed: seed of the videos.

    Returns:
        The file that was written, NAME.confidence.json.

    Raises:
        InputError: as `fit_confidence`, or if the file cannot be written.
    """
    path = find_weights(tracker).with_suffix(SUFFIX)
    fit_confidence(tracker, preset=preset, seed=seed).calibration.save(path)
    return path


def calibration_of(tracker: str) -> Calibration:
    """The calibration beside the weights of a tracker.

    Raises:
        InputError: if there is none, or as `read_calibration`.
    """
    found = calibration_beside(find_weights(tracker))
    if found is None:
        raise InputError(f"{tracker} has no calibration beside its weights; calibrate it first")
    return found
