"""The logistic model, its file, and its fit."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.files import file_digest
from dlatrack.models.weights import find_weights, shipped
from dlatrack.tracking.confidence import Calibration, calibration_beside, read_calibration
from dlatrack.tracking.confidence.calibration import INPUTS, Memory, calibration_for, transformed
from dlatrack.tracking.confidence.fitting import (
    Isotonic,
    VideoEvidence,
    cross_validated,
    fit_logistic,
    log_loss,
    model_inputs,
    probabilities,
)
from dlatrack.tracking.confidence.signals import Signals

SIGNALS = Signals(0.75, math.e - 1, 0.5, -0.25, 0.125)
WEIGHTS = (1.0, 2.0, 3.0, 4.0, 5.0, 0.5, 0.0, 0.0, 0.0)


def test_transforms_by_hand():
    assert transformed(SIGNALS) == pytest.approx([math.log(3), 1, 0.5, 0.125, 0.25])
    assert transformed(SIGNALS._replace(score=1.0))[0] == pytest.approx(math.log(1e4), rel=1e-3)


def test_means_by_hand():
    memory = Memory(0.8).after([1.0, 2, 3, 4, 9])
    assert memory.means == (1, 2, 3, 4)
    assert memory.after([2.0, 2, 3, 9, 9]).means == pytest.approx((1.2, 2, 3, 5))


def test_probability_by_hand():
    model = Calibration(WEIGHTS, bias=-1)
    inputs = transformed(SIGNALS)
    logit = math.log(3) + 2 + 1.5 + 0.5 + 1.25 + 0.5 * math.log(3) - 1
    assert model.probability(inputs, Memory().after(inputs)) == pytest.approx(1 / (1 + math.exp(-logit)))
    assert probabilities(model, np.array([[*inputs, *inputs[:4]]]))[0] == pytest.approx(
        1 / (1 + math.exp(-logit))
    )
    sure = Calibration((1e9, *WEIGHTS[1:]), 0.0)
    assert sure.probability(inputs, Memory().after(inputs)) <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": (1.0, 2.0)}, "needs 9 finite weights and a bias"),
        ({"bias": math.inf}, "needs 9 finite weights and a bias"),
        ({"keep": 1.0}, r"keep must be in 0\.\.1, without 1, got 1\.0"),
    ],
)
def test_models_that_make_no_sense_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        Calibration(**{"weights": WEIGHTS, "bias": 0.0} | options)


@pytest.fixture
def pair(tmp_path):
    weights = tmp_path / "mine.safetensors"
    weights.write_bytes(b"these are weights")
    model = Calibration(WEIGHTS, -1.5, 0.8, file_digest(weights), {"fitted on": "toys"})
    model.save(tmp_path / "mine.confidence.json")
    return weights, model


def test_a_file_is_read_as_it_was_written(pair):
    weights, model = pair
    assert calibration_beside(weights) == model
    text = weights.with_suffix(".confidence.json").read_text()
    model.save(weights.with_suffix(".confidence.json"))
    assert weights.with_suffix(".confidence.json").read_text() == text
    assert calibration_beside(weights.parent / "other.safetensors") is None


def test_a_file_of_other_weights_is_refused(pair):
    weights, _ = pair
    weights.write_bytes(b"these are other weights")
    with pytest.raises(
        InputError, match=r"mine\.confidence\.json was fitted for weights with SHA-256 .*fit it again"
    ):
        calibration_beside(weights)


def test_a_folder_in_place_of_the_file_is_named(pair):
    weights, _ = pair
    path = weights.with_suffix(".confidence.json")
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match=r"cannot read .*mine\.confidence\.json"):
        calibration_beside(weights)


def test_a_copy_of_shipped_weights_has_their_calibration(tmp_path):
    shipped = find_weights("siamcar_small")
    copied = tmp_path / "renamed.safetensors"
    copied.write_bytes(shipped.read_bytes())
    assert calibration_for(copied) == calibration_beside(shipped)
    own = Calibration(WEIGHTS, -1.5, 0.8, file_digest(copied))
    own.save(tmp_path / "renamed.confidence.json")
    assert calibration_for(copied) == own, "what lies beside a file comes first"
    with pytest.raises(InputError, match=r"weights are a file, or one of the names .*, got None"):
        calibration_for(None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "has format 2, this program reads 1"),
        ({"format": True}, "has format True, this program reads 1"),
        ({"inputs": {"score": 1}}, "must have a card and weights of the inputs logit of score"),
        ({"card": None}, "must have a card"),
        ({"bias": "much"}, "a weight, bias or keep that is no number"),
        ({"keep": 2}, "keep must be in"),
    ],
)
def test_damaged_files_are_named(pair, change, message):
    weights, _ = pair
    path = weights.with_suffix(".confidence.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message) as caught:
        read_calibration(path, weights)
    assert "mine.confidence.json" in str(caught.value)


def drawn(videos: int, seed: int = 0, frames: int = 80) -> list[VideoEvidence]:
    """Videos whose hits follow a logistic model of the score's logit and the likeness."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(videos):
        signals = np.column_stack(
            [
                rng.uniform(0.01, 0.99, frames),
                rng.uniform(0, 20, frames),
                rng.uniform(-1, 1, frames),
                rng.normal(0, 0.2, frames),
                rng.uniform(-1, 1, frames),
            ]
        )
        inputs = model_inputs(np.vstack([signals[:1], signals]), 0.8)
        truth = 1 / (1 + np.exp(-(1.0 * inputs[:, 0] + 3 * inputs[:, 3] - 0.5)))
        found.append(VideoEvidence(inputs, rng.random(frames) < truth))
    return found


def test_a_fit_finds_the_model_that_the_hits_were_drawn_from():
    model = fit_logistic(drawn(60), 0.8)
    named = dict(zip(INPUTS, model.weights, strict=True))
    assert named["logit of score"] == pytest.approx(1, abs=0.15)
    assert named["likeness"] == pytest.approx(3, abs=0.4)
    assert abs(named["margin"]) < 0.3
    assert fit_logistic(drawn(60), 0.8) == model


@pytest.mark.parametrize("name", INPUTS)
def test_no_input_weighs_against_its_sense(name):
    """Videos in which an input means the opposite of what it says give it no weight, and not the other sign."""
    place, rng = INPUTS.index(name), np.random.default_rng(2)
    inputs = rng.normal(0, 1, (400, len(INPUTS)))
    opposite = 1 if name == "distance of size_change from 0" else -1
    for sense, kept in ((opposite, False), (-opposite, True)):
        hits = rng.random(400) < 1 / (1 + np.exp(-3 * sense * inputs[:, place]))
        weights = fit_logistic([VideoEvidence(inputs, hits)], 0.8).weights
        assert (weights[place] == 0) is not kept
        assert weights[place] * sense >= 0
    assert weights[place] * sense > 1


@pytest.mark.parametrize("tracker", shipped())
def test_a_box_that_changed_its_size_is_not_more_probable(tracker):
    model = calibration_beside(find_weights(tracker))
    good = Signals(0.9, 8.0, 0.5, 0.0, 0.8)
    inputs = transformed(good)
    usual = model.probability(inputs, Memory(model.keep).after(inputs))
    for worse in (
        {"size_change": math.log(8)},
        {"size_change": -math.log(8)},
        {"score": 0.5},
        {"peak_to_sidelobe": 2.0},
        {"margin": -0.2},
        {"likeness": 0.1},
    ):
        changed = transformed(good._replace(**worse))
        assert model.probability(changed, Memory(model.keep).after(changed)) <= usual, worse


def test_a_file_with_a_weight_of_the_other_sign_is_read(pair):
    weights, _ = pair
    odd = Calibration((-1.0, *WEIGHTS[1:]), -1.5, 0.8, file_digest(weights))
    odd.save(weights.with_suffix(".confidence.json"))
    assert calibration_beside(weights) == odd


def test_held_out_probabilities_rank_models_as_they_should():
    videos = drawn(40, seed=1)
    hits = np.concatenate([video.hits for video in videos])
    losses = {name: log_loss(stated, hits) for name, stated in cross_validated(videos, 0.8).items()}
    assert losses["logistic"] < losses["isotonic on logistic"] < losses["isotonic on score"]
    with pytest.raises(InputError, match=r"folds must be in 2\.\.40"):
        cross_validated(videos, 0.8, folds=1)
    with pytest.raises(InputError, match="got 80 of one kind"):
        fit_logistic([videos[0]._replace(hits=np.ones(80, bool))], 0.8)


def test_isotonic_regression_by_hand():
    steps = Isotonic.fit(np.array([3.0, 1, 2, 4]), np.array([False, False, True, True]))
    assert steps.places.tolist() == [1, 2, 3, 4]
    assert steps.levels == pytest.approx([0.001, 0.5, 0.5, 0.999])
    assert steps(np.array([0.0, 3.5, 9])) == pytest.approx([0.001, 0.7495, 0.999])
    assert log_loss(np.array([0.5, 0.25]), np.array([True, False])) == pytest.approx(
        -(math.log(0.5) + math.log(0.75)) / 2
    )
