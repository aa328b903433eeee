"""One training for every K: equal starts, and what the scores say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.studies import twins
from dlatrack.studies.hyperparameter_k import candidate_study
from dlatrack.studies.k_training import against_reference, score_table, trackers_of, train_all

BOX = np.tile([10.0, 10.0, 20.0, 20.0], (6, 1))


def scores_of(shifts):
    """Scores of trackers that are off by so many px, on three sequences."""
    truth = dict.fromkeys("abc", BOX)
    return {
        name: evaluate({s: BOX + np.array([shift * (i + 1), 0, 0, 0]) for i, s in enumerate("abc")}, truth)
        for name, shift in shifts.items()
    }


def test_every_k_is_compared_with_nine():
    study = candidate_study("smoke", (5, 9, 19))
    scores = scores_of({"K = 5": 3, "K = 9": 1, "K = 19": 1})
    found = against_reference(study, scores)
    assert list(found) == [5, 19]
    expected = paired_bootstrap(scores["K = 5"].sequence_auc, scores["K = 9"].sequence_auc)
    assert (found[5].value, found[5].low, found[5].high) == (expected.value, expected.low, expected.high)
    assert found[5].value < 0
    assert found[5].p_holm == pytest.approx(min(2 * expected.p, 1)), "of two comparisons"
    assert found[19].value == 0
    table = score_table(study, scores, found)
    assert list(table.index) == [5, 9, 19]
    assert table.loc[5, "less that of K = 9"] == pytest.approx(table.loc[5, "AUC"] - table.loc[9, "AUC"])
    assert math.isnan(table.loc[9, "low"])


def test_trainings_differ_in_labels_alone_and_are_kept(tmp_path, monkeypatch):
    for name in ("RUNS", "CACHE"):
        monkeypatch.setenv(f"DLATRACK_{name}", str(tmp_path / name))
    study = candidate_study("smoke")
    crops = twins.training_crops(study.plan)
    trained = train_all(study, crops)
    five, nine = trained[5].steps, trained[9].steps
    assert [step.lr for step in five] == [step.lr for step in nine]
    assert five[0].positives != nine[0].positives
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "CACHE").glob("dla_siamcar_small-*")}
    assert len(kept) == 2
    again = train_all(study, crops)
    assert [step.loss for step in again[9].steps] == pytest.approx([step.loss for step in nine], rel=1e-8)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "CACHE").glob("dla_*")} == kept
    assert list(trackers_of(study, trained)) == ["K = 5", "K = 9", "static box"]
