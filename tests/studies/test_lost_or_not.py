"""The study of lost targets in the small preset."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.files import file_digest
from dlatrack.models.weights import find_weights, load_weights, save_weights, shipped
from dlatrack.studies import lost_or_not
from dlatrack.studies.lost_or_not_fit import calibrate, calibration_of
from dlatrack.studies.lost_or_not_runs import TRACK_STATES, WatchedRun, watched_runs
from dlatrack.studies.lost_or_not_videos import (
    SPLICES,
    clips_sha256,
    fitting_videos,
    held_out_videos,
    returning,
    spliced,
    without_absence,
)
from dlatrack.tracking.confidence import Calibration, RecoveryConfig, Thresholds
from dlatrack.tracking.confidence.calibration import INPUTS

TRACKER = "dla_nanotrack_v3"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DLATRACK_SHARED_DATA", raising=False)
    return tmp_path / "cache" / "lost_or_not"


def test_spliced_videos_change_after_their_middle():
    video, other = photographic_sequence(0, 20), photographic_sequence(1, 20)
    for kind in SPLICES:
        changed = spliced(video, kind, other)
        assert changed.name == f"photographic-0000-{kind}"
        assert np.array_equal(changed.frames[9], video.frames[9])
        assert np.array_equal(changed.visible[:10], video.visible[:10])
        assert not changed.visible[10:].any()
        assert np.array_equal(changed.frames[-1], changed.frames[19])
    assert not spliced(video, "black", other).frames[10].any()
    assert np.array_equal(spliced(video, "other", other).frames[15], other.frames[15])
    assert spliced(video, "noise", other).frames[10].std() > 60


def test_videos_for_the_fit_and_for_the_test_are_disjoint():
    fit, test = fitting_videos("smoke"), held_out_videos("smoke")
    names = [{video.name for kind in videos.values() for video in kind} for videos in (fit, test)]
    assert not names[0] & names[1]
    assert len(names[1]) == sum(map(len, test.values())), "names are unique"
    for videos, split in ((fit, "train"), (test, "test")):
        assert {video.frames.split for video in videos["photographic"] + videos["long photographic"]} == {
            split
        }
    assert {video.name for video in returning(test)} >= {test["long photographic"][0].name}
    assert not {video.name for video in without_absence(test)} & {video.name for video in returning(test)}


def test_real_clips_are_cut_and_those_with_masks_left_out(tmp_path):
    write_folder(synthetic_sequence(3, 30), tmp_path)
    found = held_out_videos("smoke", footage=tmp_path)["real"]
    assert [len(video) for video in found] == [20]
    digest = clips_sha256({"real": found})
    assert digest == clips_sha256(held_out_videos("smoke", footage=tmp_path))
    moved = replace(found[0], boxes_xywh=found[0].boxes_xywh + 1)
    other = replace(found[0], frames=synthetic_sequence(4, 20).frames)
    assert len({digest, clips_sha256({"real": [moved]}), clips_sha256({"real": [other]})}) == 3
    assert clips_sha256({}) == ""
    with pytest.raises(InputError, match="preset must be one of"):
        held_out_videos("large")


def test_runs_are_kept_and_probabilities_can_be_replaced(cache, monkeypatch):
    video = photographic_sequence(2, 8)
    model = Calibration((0.1,) * len(INPUTS), 0.2)
    plain = watched_runs([TRACKER], [video])[TRACKER][video.name]
    assert (plain.probability[1:] == 0.5).all()
    known = watched_runs([TRACKER], [video], {TRACKER: model})[TRACKER][video.name]
    replayed = plain.under(model)
    assert np.array_equal(known.boxes_xywh, plain.boxes_xywh)
    assert replayed.probability == pytest.approx(known.probability, abs=1e-12)
    assert np.array_equal(replayed.state, known.state)
    assert len(list(cache.glob("*.npz"))) == 2
    monkeypatch.setattr("dlatrack.studies.lost_or_not_runs._tracker", None)  # nothing is run again
    again = watched_runs([TRACKER], [video])[TRACKER][video.name]
    assert np.array_equal(again.signals, plain.signals)


def test_a_run_with_recovery_is_computed_only_where_the_target_is_lost(cache, monkeypatch):
    video = photographic_sequence(2, 14)
    sure, hopeless = Calibration((0.0,) * 9, 2.0), Calibration((0.0,) * 9, -9.0)
    plain = watched_runs([TRACKER], [video])[TRACKER][video.name]
    lost = watched_runs([TRACKER], [video], {TRACKER: hopeless}, recovery=RecoveryConfig())
    assert TRACK_STATES.index("lost") in lost[TRACKER][video.name].state
    assert len(list(cache.glob("*.npz"))) == 2
    monkeypatch.setattr("dlatrack.studies.lost_or_not_runs._tracker", None)  # nothing is run
    tracked = watched_runs([TRACKER], [video], {TRACKER: sure}, recovery=RecoveryConfig())[TRACKER]
    assert np.array_equal(tracked[video.name].boxes_xywh, plain.boxes_xywh)
    assert np.array_equal(tracked[video.name].probability, plain.under(sure).probability)
    assert len(list(cache.glob("*.npz"))) == 2


def test_a_run_knows_its_hits():
    truth = np.array([[0.0, 0, 10, 10]] * 3 + [[np.nan] * 4])
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10], [50, 0, 10, 10], [0, 0, 10, 10]])
    run = WatchedRun(boxes, np.ones((4, 5)), np.ones(4), np.zeros(4, int), truth)
    assert run.hits.tolist() == [True, False, False]
    assert run.under(Calibration((0.0,) * 9, -5.0), Thresholds(lost_after=2)).state.tolist() == [
        TRACK_STATES.index(name) for name in ("tracking", "uncertain", "lost", "lost")
    ]


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_tracker_has_a_calibration_of_its_own_weights(name):
    found = calibration_of(name)
    assert found.card["cross_validated"]["logistic"]["calibration error"] < 0.05
    losses = {model: values["log loss"] for model, values in found.card["cross_validated"].items()}
    assert losses["logistic"] < min(losses.values()) + 0.003, "isotonic regression gains nothing to speak of"
    assert losses["logistic"] < losses["isotonic on score"]


@pytest.mark.slow
def test_the_study_in_the_small_preset(cache):
    study = lost_or_not.study_lost("smoke")
    assert list(study.plain) == [TRACKER]
    table = lost_or_not.confidence_table(study).set_index("videos")
    assert table.loc["all", "frames"] == table["frames"].drop("all").sum()
    assert table.loc["all", "calibration error"] < 0.1
    assert table["imagery"].to_dict() == {
        **dict.fromkeys(("photographic", "spliced", "long photographic"), "photographic"),
        **dict.fromkeys(("synthetic", "long synthetic"), "synthetic"),
        "all": "mixed",
    }
    origin = lost_or_not.origin(study)
    assert origin["weights_sha256"] == {TRACKER: file_digest(find_weights(TRACKER))}
    calibration = find_weights(TRACKER).with_suffix(".confidence.json")
    assert origin["calibrations_sha256"] == {TRACKER: file_digest(calibration)}
    assert "clips_sha256" not in origin
    assert table.loc["all", "ROC area, probability"] > table.loc["all", "ROC area, score"]
    found = lost_or_not.recovery_table(study).set_index("confidence")
    assert found.loc["probability, recovery", "F"] > found.loc["probability", "F"] + 0.05
    whole = found["AUC without absence"]
    assert whole["probability, recovery"] > whole["probability"] - 0.005
    states = lost_or_not.frames_table(study).set_index("frames")
    assert states.loc["box on target", "lost"] < 0.02
    assert states.loc["target absent", "tracking"] < 0.05
    by_probability, by_score = lost_or_not.reliabilities(study)
    assert by_probability["DLA-NanoTrack V3"].error < by_score["DLA-NanoTrack V3"].error
    video = lost_or_not.telling_video(study, TRACKER)
    runs = lost_or_not.both_ways(study, TRACKER, video)
    assert list(runs) == [f"DLA-NanoTrack V3, {video.name}, without recovery", "with recovery"]
    assert {len(values) for run in lost_or_not.pictured_runs(runs).values() for values in run.values()} == {
        239
    }
    with pytest.raises(InputError, match="no weights of that name"):
        lost_or_not.study_lost("smoke", trackers=["none"])


@pytest.mark.slow
def test_weights_of_ones_own_are_calibrated(cache, tmp_path):
    own = tmp_path / "mine.safetensors"
    save_weights(own, *load_weights(TRACKER), {})
    with pytest.raises(InputError, match="has no calibration beside its weights"):
        calibration_of(str(own))
    written = calibrate(str(own), preset="smoke")
    assert written == tmp_path / "mine.confidence.json"
    assert calibration_of(str(own)).weights_sha256 != calibration_of(TRACKER).weights_sha256
    assert set(calibration_of(str(own)).card["cross_validated"]) == {
        "logistic",
        "isotonic on logistic",
        "isotonic on score",
    }
    assert find_weights(str(own)) == own
    assert RecoveryConfig().regions == 4
