"""How much K matters for the tracker: one training for every K, and what their scores say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.statistics.compare import Difference, paired_bootstrap
from dlatrack.evaluation.statistics.difference import holm_corrected
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.sources import CropSource
from dlatrack.studies import twins
from dlatrack.studies.hyperparameter_k import CandidateStudy
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import Tracker
from dlatrack.tracking.static import StaticTracker
from dlatrack.training.engine import Training


def train_all(
    study: CandidateStudy,
    crops: CropSource | Mixture,
    *,
    seed: int = 0,
    device: str = "cpu",
    backbone_weights: str | Path | None = None,
    workers: int = 0,
) -> dict[int, Training]:
    """Train the tracker for every K. Runs are kept as `twins.train_cached` does.

    Args:
        study: recipes and schedule.
        crops: training crops of one set, or a mixture of sets.
        seed: of weights, pairs and label draws, the same for every K.
        device: a torch device.
        backbone_weights: as in `twins.train_twins`.
        workers: processes that prepare pairs; 0: this one.
    """
    return {
        count: twins.train_cached(
            f"with K = {count}",
            recipe,
            crops,
            seed=seed,
            device=device,
            backbone_weights=backbone_weights,
            workers=workers,
        )
        for count, recipe in study.recipes.items()
    }


def trackers_of(
    study: CandidateStudy, trained: Mapping[int, Training], *, device: str = "cpu"
) -> dict[str, Tracker]:
    """Online trackers by "K = ...", and the static box as a baseline."""
    recipes = study.recipes
    trackers: dict[str, Tracker] = {
        f"K = {count}": OnlineTracker(training.net, recipes[count], device=device)
        for count, training in trained.items()
    }
    return {**trackers, twins.STATIC: StaticTracker()}


def against_reference(study: CandidateStudy, scores: Mapping[str, OPEResult]) -> dict[int, Difference]:
    """AUC of every other K less that of the reference, by a paired bootstrap over the sequences.

    The p-values are corrected for all these comparisons (Holm). One training each, so that another seed can turn
    any of them round.
    """
    others = [count for count in study.candidates if count != study.reference]
    reference = scores[f"K = {study.reference}"].sequence_auc
    found = [paired_bootstrap(scores[f"K = {count}"].sequence_auc, reference) for count in others]
    corrected = holm_corrected([difference.p for difference in found])
    return {
        count: replace(difference, p_holm=p)
        for count, difference, p in zip(others, found, corrected, strict=True)
    }


def score_table(
    study: CandidateStudy, scores: Mapping[str, OPEResult], differences: Mapping[int, Difference]
) -> pd.DataFrame:
    """AUC by K, the difference from the reference, the ends of its 95 % interval, and p corrected for all K."""
    rows = []
    for count in study.candidates:
        auc = scores[f"K = {count}"].auc
        found = differences.get(count)
        rows.append(
            (auc, found.value, found.low, found.high, found.p_holm) if found else (auc, *[np.nan] * 4)
        )
    columns = ["AUC", f"less that of K = {study.reference}", "low", "high", "corrected p"]
    return pd.DataFrame(rows, index=pd.Index(study.candidates, name="K"), columns=columns)
