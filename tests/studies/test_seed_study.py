"""Twins trained with several seeds: what is trained, kept, scored and said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import sentence
from dlatrack.evaluation.statistics.seeds import compare_seeds, spread_of_seeds
from dlatrack.recipes import Twins
from dlatrack.studies import twins
from dlatrack.studies.presets import plan
from dlatrack.studies.seeds import (
    SeedScores,
    score_seeds,
    seed_study,
    seed_table,
    seed_verdict,
)

FIXED = np.array([[0.5, 0.6, 0.7], [0.52, 0.6, 0.71]])
DYNAMIC = np.array([[0.52, 0.61, 0.7], [0.5, 0.6, 0.75]])


@pytest.fixture
def scores() -> SeedScores:
    difference = compare_seeds(DYNAMIC, FIXED, np.random.default_rng(0))
    return SeedScores(FIXED, DYNAMIC, difference, spread_of_seeds(DYNAMIC, FIXED))


def test_a_table_by_hand(scores):
    study = seed_study("smoke")
    table = seed_table(study, scores)
    assert list(table) == ["SiamCAR nano, fixed rule", "DLA-SiamCAR nano", "difference"]
    assert list(table.index) == ["seed 0", "seed 1", "mean", "standard deviation"]
    assert table.loc["seed 0"].tolist() == pytest.approx([0.6, 0.61, 0.01])
    assert table.loc["seed 1"].tolist() == pytest.approx([0.61, 0.61 + 0.02 / 3, 0.02 / 3])
    assert table.loc["mean", "difference"] == pytest.approx(scores.difference.value)
    assert table.loc["standard deviation", "SiamCAR nano, fixed rule"] == pytest.approx(0.01 / 2**0.5)
    assert scores.spread.b == pytest.approx(0.01 / 2**0.5)


def test_a_verdict_is_that_of_its_interval(scores):
    study = seed_study("smoke")
    text = seed_verdict(study, scores, imagery="synthetic")
    first = sentence(scores.difference, "DLA-SiamCAR nano", "SiamCAR nano, fixed rule")
    assert text.startswith(f"On 3 synthetic sequences: {first}")
    assert "too few for a verdict" in text
    assert "varies by 0.007" in text
    shares = [int(part.split(" %")[0].split()[-1]) for part in text.split("difference: ")[-1].split(",")]
    assert sum(shares) == pytest.approx(100, abs=1)
    equal = replace(scores, spread=spread_of_seeds(FIXED, FIXED))
    assert "seeds 0 %, sequences 0 %" in seed_verdict(study, equal, imagery="real")


def test_sizes_of_the_presets():
    demo = seed_study("demo", tracker="siamrpnpp")
    assert demo.seeds == (0, 1, 2)
    assert demo.labels == ("SiamRPN++ nano, fixed rule", "DLA-SiamRPN++ nano")
    assert demo.plan.train == plan("demo").train, "so that crops are shared with the other notebooks"
    assert seed_study("smoke", seeds=4, first=7).seeds == (7, 8, 9, 10)
    paper = seed_study("paper")
    assert paper.plan.twins == Twins.of("siamcar"), "the recipe's own schedule"


@pytest.mark.parametrize(("seeds", "first"), [(1, 0), (-2, 0), (3, -1)])
def test_seeds_that_say_nothing_are_refused(seeds, first):
    with pytest.raises(InputError, match=rf"at least 2, .* got seeds {seeds}, first seed {first}"):
        seed_study("smoke", seeds=seeds, first=first)


@pytest.mark.slow
def test_twins_of_a_seed_start_alike_and_runs_are_kept(tmp_path, monkeypatch):
    for name in ("RUNS", "CACHE"):
        monkeypatch.setenv(f"DLATRACK_{name}", str(tmp_path / name))
    study = seed_study("smoke")
    crops = twins.training_crops(study.plan)
    recipes, (fixed, dynamic) = study.plan.recipes, study.labels
    trained = {seed: twins.train_all(recipes, crops, seed=seed) for seed in study.seeds}
    first = {seed: runs[fixed].steps[0] for seed, runs in trained.items()}
    assert first[0].positives != first[1].positives, "other pairs"
    heard = []
    again = twins.train_all(recipes, crops, on_step=lambda *step: heard.append(step))
    assert heard == [], "seed 0 is the default"
    assert again[fixed].steps[0].loss == pytest.approx(first[0].loss)

    videos = twins.held_out_sequences(study.plan)
    scores = score_seeds(study, trained, videos, resamples=199)
    assert scores.fixed.shape == scores.dynamic.shape == (2, 2)
    alone = twins.score_all(twins.track_all(twins.trackers_of(study.plan.recipes, again), videos), videos)
    assert scores.fixed[0].tolist() == alone[fixed].sequence_auc.tolist()
    assert scores.dynamic[0].tolist() == alone[dynamic].sequence_auc.tolist()
    assert scores.difference.seeds == (2, 2)
    assert score_seeds(study, trained, videos, resamples=199).difference == scores.difference
