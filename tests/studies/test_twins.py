"""The comparison of twins: caching, equal pairs, tables and what they say."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.models.weights import read_weights_info
from dlatrack.recipes import recipe
from dlatrack.studies import twins as study
from dlatrack.studies.presets import plan


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("comparison")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLATRACK_RUNS", str(root))
        patch.delenv("DLATRACK_CACHE", raising=False)
        yield root


@pytest.fixture(scope="module")
def twins(folders):
    recipes, crops = plan("smoke").recipes, study.training_crops(plan("smoke"))
    trained = study.train_all(recipes, crops)
    study.save_trained(recipes, trained, crops, seed=0)
    return trained


def test_twins_see_the_same_pairs_and_start_alike(twins):
    fixed, dynamic = twins.values()
    assert list(twins) == ["SiamCAR nano, fixed rule", "DLA-SiamCAR nano"]
    assert fixed.steps[0].loss != dynamic.steps[0].loss, "their labels differ"
    assert [s.lr for s in fixed.steps] == [s.lr for s in dynamic.steps]
    assert fixed.steps[0].positives > dynamic.steps[0].positives >= 1


def test_a_finished_comparison_is_read_from_the_cache(folders, twins):
    heard = []
    again = study.train_all(
        plan("smoke").recipes, study.training_crops(plan("smoke")), on_step=lambda *step: heard.append(step)
    )
    assert heard == []
    for name, training in again.items():
        assert [s.loss for s in training.steps] == pytest.approx(
            [s.loss for s in twins[name].steps], rel=1e-8
        )
    assert len(list((folders / "cache").glob("crops-*.safetensors"))) == 1


def test_a_run_is_kept_by_what_decides_it(folders, twins):
    name, chosen = "any name", plan("smoke").twins.fixed
    crops = study.training_crops(plan("smoke"))
    heard = []
    again = study.train_all({name: chosen}, crops, on_step=lambda *step: heard.append(step))[name]
    assert heard == [], "the twins' own run"
    assert len(again.steps) == len(twins["SiamCAR nano, fixed rule"].steps)
    other = study.train_all({name: chosen}, crops, seed=1, on_step=lambda *step: heard.append(step))[name]
    assert [label for label, _, _ in heard] == [name] * len(other.steps)
    assert other.steps[0].loss != again.steps[0].loss


def test_weights_carry_the_run_that_made_them(twins):
    info = read_weights_info(study.weights_path(recipe("dla_siamcar_nano")))
    assert info.recipe.schedule == plan("smoke").schedule
    assert info.card["run"]["seed"] == 0
    assert info.card["versions"]["torch"]


def test_training_and_held_out_sequences_share_no_seed():
    held_out = {sequence.name for sequence in study.held_out_sequences(plan("demo"))}
    trained = {f"synthetic-{study._TRAIN_SEED + n}" for n in range(plan("demo").train[0])}
    assert not held_out & trained
    other = {sequence.name for sequence in study.held_out_sequences(plan("demo"), seed=1)}
    assert not held_out & other


def test_the_static_box_scores_as_computed_by_hand(twins):
    sequences = study.held_out_sequences(plan("smoke"))
    boxes = study.track_all(study.trackers_of(plan("smoke").recipes, twins), sequences)
    scores = study.score_all(boxes, sequences)
    still = {s.name: np.tile(s.boxes_xywh[0], (len(s), 1)) for s in sequences}
    expected = evaluate(still, {s.name: s.boxes_xywh for s in sequences}).auc
    assert scores["static box"].auc == expected
    table = study.score_table(scores)
    assert table.loc["static box", "AUC"] == expected
    rows = study.sequence_table(scores)
    assert rows.loc["mean", "static box"] == pytest.approx(expected)
    text = study.training_verdict(scores, imagery="synthetic")
    assert "synthetic sequences" in text
    assert f"{expected:.3f}" in text
    assert study.median_sequence(sequences, scores) in sequences


def test_the_paper_preset_asks_for_real_video():
    with pytest.raises(
        InputError,
        match=r"set data to NAME=FOLDER for each training set, .*a folder of sequences in the OTB layout",
    ):
        study.training_crops(plan("paper"))
