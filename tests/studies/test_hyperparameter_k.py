"""How K changes labels: simulated targets against known numbers, and the pairs of a training."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dlatrack import boxes
from dlatrack.assign import assigner_of
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.recipes import recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.studies import twins
from dlatrack.studies.hyperparameter_k import (
    CANDIDATES,
    MIXES,
    READINGS,
    against_reference,
    k_table,
    positives_on_training_pairs,
    positives_over_candidates,
    positives_over_epochs,
    simulated_targets,
    study_k,
)

DEFAULT, STRICT, BIASED, EVERYWHERE = READINGS

# Mean positives over K of an independent simulation of 40,000 targets.
GOLDEN = {
    ("wide mix", DEFAULT): {5: 2.57, 9: 3.43, 15: 3.71, 23: 4.14},
    ("wide mix", STRICT): {5: 2.25, 9: 3.15, 15: 3.42, 23: 3.86},
    ("wide mix", EVERYWHERE): {5: 5.23, 9: 4.84, 15: 4.07, 23: 4.01},
    ("as in LaSOT", DEFAULT): {5: 2.19, 9: 2.92, 15: 3.40, 23: 4.17},
    ("as in LaSOT", BIASED): {5: 1.99, 9: 2.80, 15: 3.29, 23: 4.10},
    ("as in LaSOT", EVERYWHERE): {5: 3.91, 9: 3.80, 15: 3.57, 23: 4.05},
    ("all square", STRICT): {5: 0.89, 9: 1.74, 23: 4.16},
}


@pytest.fixture(scope="module")
def counts():
    study = replace(study_k("smoke"), targets=3000)
    table = positives_over_candidates(study, candidates=(5, 9, 15, 23), seed=3)
    return table.set_index(["mix", "reading", "K"])


@pytest.mark.parametrize("curve", GOLDEN, ids=" ".join)
def test_mean_positives_are_those_of_another_simulation(counts, curve):
    for count, expected in GOLDEN[curve].items():
        found = counts.loc[(*curve, count)]
        # LaSOT's shapes are approximated by a normal distribution
        slack = 0.15 if curve[0] == "as in LaSOT" else 0.05
        assert found["positives"] == pytest.approx(expected, abs=slack + 3 * found["error"])


def test_every_mix_and_reading_is_counted(counts):
    assert len(counts) == len(MIXES) * len(READINGS) * 4
    empty = counts["empty"]
    assert empty["all square", DEFAULT, 23] == 0
    assert 0.2 < empty["wide mix", DEFAULT, 9] == empty["wide mix", STRICT, 9] < 0.4
    rescued = counts["positives"]["wide mix", DEFAULT, 9] - counts["positives"]["wide mix", STRICT, 9]
    assert rescued == pytest.approx(empty["wide mix", STRICT, 9]), "each is given one"


def test_square_targets_are_stretched_and_shifted_as_in_training():
    targets = simulated_targets(2000, 0, mean=0, std=0).numpy()
    size = targets[:, 2:] - targets[:, :2]
    assert (size >= 63.5 / 1.18 - 1e-9).all(), "a square target has half the side of its template crop"
    assert (size <= 63.5 / 0.82 + 1e-9).all()
    assert np.abs(boxes.centre(targets) - 127).max() <= 64 / 0.82
    assert np.array_equal(targets, simulated_targets(2000, 0, mean=0, std=0).numpy())


def test_positives_of_an_epoch_are_those_of_its_training(tmp_path, monkeypatch):
    for name in ("RUNS", "CACHE"):
        monkeypatch.setenv(f"DLATRACK_{name}", str(tmp_path / name))
    study = study_k("smoke", (7,))
    crops = twins.training_crops(study.plan, seed=1)
    counted = positives_over_epochs(study, crops, (5, 7), seed=1)
    assert list(counted) == [5, 7]
    trained = twins.train_all(study.recipes, crops, seed=1)["K = 7"]
    for epoch in (1, 2):
        steps = [step.positives for step in trained.steps if step.epoch == epoch - 1]
        assert np.mean(steps) == pytest.approx(counted.loc[epoch, 7])
    assert list(counted.index) == list(range(1, 13)), "12 epochs at least, those of the schedule first"


def test_positives_of_training_pairs_on_the_grids_of_the_paper(tmp_path, monkeypatch):
    for name in ("RUNS", "CACHE"):
        monkeypatch.setenv(f"DLATRACK_{name}", str(tmp_path / name))
    study = study_k("smoke", (7,))
    crops = twins.training_crops(study.plan, seed=1)
    counted = positives_on_training_pairs(study, crops, candidates=(9, 19), seed=1)
    assert counted.groupby("samples").size().to_dict() == {"anchors": 4, "points": 4}
    chosen = study.plan.twins.dla
    source = PairSource(crops, chosen.sampling, chosen.net, 1)
    targets = np.stack([source.pair(epoch, index).target_xyxy for epoch in (0, 1) for index in range(8)])
    own = recipe("dla_siamcar")
    found = assigner_of(own).assign(torch.from_numpy(targets), generator=torch.Generator())
    default = counted[counted["reading"].str.startswith("DLA, default")].set_index(["samples", "K"])
    assert default.loc[("points", 9), "positives"] == pytest.approx(
        float(found.positive.sum(1).double().mean())
    )
    assert (default["positives"] >= 1).all(), "each pair has one, rescued or not"


def test_a_study_takes_the_k_of_its_preset_or_those_given():
    assert study_k("paper").candidates == CANDIDATES
    study = study_k("demo", [19, 7, 11])
    assert study.candidates == (7, 11, 19)
    assert study.reference == 7
    assert study_k("demo").reference == 9
    recipes = study.recipes
    assert [r.assign.options["candidates"] for r in recipes.values()] == [7, 11, 19]
    assert {(r.name, r.schedule.epochs, r.schedule.pairs_per_epoch) for r in recipes.values()} == {
        ("dla_siamcar_nano", 3, 384)
    }


@pytest.mark.parametrize("candidates", [(0, 9), (170,), (9, 9)])
def test_a_k_that_cannot_be_is_named(candidates):
    with pytest.raises(InputError, match=r"candidates must be different numbers in 1\.\.169, got \["):
        study_k("demo", candidates)


def test_an_unknown_preset_is_named():
    with pytest.raises(InputError, match="preset must be one of smoke, demo, paper, got 'big'"):
        study_k("big")


BOX = np.tile([10.0, 10.0, 20.0, 20.0], (6, 1))


def scores_of(shifts):
    """Scores of trackers that are off by so many px, on three sequences."""
    truth = dict.fromkeys("abc", BOX)
    return {
        name: evaluate({s: BOX + np.array([shift * (i + 1), 0, 0, 0]) for i, s in enumerate("abc")}, truth)
        for name, shift in shifts.items()
    }


def test_every_k_is_compared_with_nine():
    study = study_k("smoke", (5, 9, 19))
    scores = scores_of({"K = 5": 3, "K = 9": 1, "K = 19": 1})
    found = against_reference(study, scores)
    assert list(found) == [5, 19]
    expected = paired_bootstrap(scores["K = 5"].sequence_auc, scores["K = 9"].sequence_auc)
    assert (found[5].value, found[5].low, found[5].high) == (expected.value, expected.low, expected.high)
    assert found[5].value < 0
    assert found[5].p_holm == pytest.approx(min(2 * expected.p, 1)), "of two comparisons"
    assert found[19].value == 0
    table = k_table(study, scores, found)
    assert list(table.index) == [5, 9, 19]
    assert table.loc[5, "less that of K = 9"] == pytest.approx(table.loc[5, "AUC"] - table.loc[9, "AUC"])
    assert math.isnan(table.loc[9, "low"])


def test_trainings_differ_in_labels_alone_and_are_kept(tmp_path, monkeypatch):
    for name in ("RUNS", "CACHE"):
        monkeypatch.setenv(f"DLATRACK_{name}", str(tmp_path / name))
    study = study_k("smoke")
    crops = twins.training_crops(study.plan)
    trained = twins.train_all(study.recipes, crops)
    five, nine = trained["K = 5"].steps, trained["K = 9"].steps
    assert [step.lr for step in five] == [step.lr for step in nine]
    assert five[0].positives != nine[0].positives
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "CACHE").glob("dla_siamcar_nano-*")}
    assert len(kept) == 2
    again = twins.train_all(study.recipes, crops)
    assert [step.loss for step in again["K = 9"].steps] == pytest.approx(
        [step.loss for step in nine], rel=1e-8
    )
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "CACHE").glob("dla_*")} == kept
    assert list(twins.trackers_of(study.recipes, trained)) == ["K = 5", "K = 9", "static box"]
