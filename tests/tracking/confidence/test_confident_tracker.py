"""The online tracker with a confidence: the same boxes, recovery, threads."""

from __future__ import annotations

import shutil
import threading

import numpy as np
import pytest
import torch

from dlatrack.datasets.long_videos import long_photographic_sequence
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.errors import InputError
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import find_weights, load_weights, save_weights, shipped
from dlatrack.recipes import recipe
from dlatrack.tracking.confidence import Calibration, RecoveryConfig, Thresholds
from dlatrack.tracking.confidence.calibration import INPUTS
from dlatrack.tracking.online import OnlineTracker

MODEL = Calibration((0.1,) * len(INPUTS), -0.5)


def answers(tracker, video, frames):
    tracker.init(video.frames[0], video.boxes_xywh[0])
    found = []
    for index in range(1, frames):
        box, score = tracker.update(video.frames[index])
        found.append([*box, score])
    return np.array(found)


@pytest.mark.parametrize(
    "name",
    [
        "siamfc",
        "siamrpnpp_small",
        "siamcar_small",
        "nanotrack_v3",
        "siamfcpp",
    ],
)
def test_confidence_changes_no_box_of_any_family(name):
    chosen = recipe(name)
    net = build_model(chosen, torch.Generator().manual_seed(1))
    video = photographic_sequence(5, 4)
    plain, watched = OnlineTracker(net, chosen), OnlineTracker(net, chosen, calibration=MODEL)
    assert watched.confidence is None
    assert np.array_equal(answers(plain, video, 4), answers(watched, video, 4))
    assert plain.confidence is None
    told = watched.confidence
    assert np.isfinite([*told[:5], told.likeness]).all()
    assert 0 <= told.probability <= 1
    assert told.score == answers(plain, video, 4)[-1, -1]


def test_the_first_frame_is_certain_and_another_setting_starts_anew():
    tracker = OnlineTracker.from_weights("dla_nanotrack_v3")
    video = photographic_sequence(5, 3)
    tracker.init(video.frames[0], video.boxes_xywh[0])
    assert (tracker.confidence.probability, tracker.confidence.state) == (1.0, "tracking")
    assert tracker.with_setting(tracker.recipe.online["OTB100"]).confidence is None
    assert tracker.confidence is not None


@pytest.mark.parametrize("kind", ["black", "noise"])
def test_a_target_that_is_gone_is_lost(kind):
    tracker = OnlineTracker.from_weights("dla_nanotrack_v3")
    video = photographic_sequence(11_000_000, 20, split="test")
    answers(tracker, video, 10)
    assert tracker.confidence.state == "tracking"
    rng = np.random.default_rng(0)
    for _ in range(25):
        shape = video.frames[0].shape
        tracker.update(
            np.zeros(shape, np.uint8) if kind == "black" else rng.integers(0, 256, shape, np.uint8)
        )
    assert tracker.confidence.state == "lost"
    assert tracker.confidence.probability < 0.1


@pytest.mark.slow
def test_recovery_finds_a_target_that_returns_elsewhere():
    video = long_photographic_sequence(11_000_000, 240, split="test")
    plain = answers(OnlineTracker.from_weights("dla_nanotrack_v3"), video, 240)
    found = answers(OnlineTracker.from_weights("dla_nanotrack_v3", recover=True), video, 240)
    middle, truth = found[-1, :2] + found[-1, 2:4] / 2, video.boxes_xywh[-1]
    assert (np.abs(middle - truth[:2] - truth[2:] / 2) < truth[2:] / 2).all()
    assert np.array_equal(plain[:60], found[:60]), "as long as the target is not lost nothing differs"
    assert not np.array_equal(plain[-1], found[-1])


def test_recovery_needs_a_calibration(tmp_path):
    net, chosen = load_weights("dla_nanotrack_v3")
    with pytest.raises(
        InputError,
        match="recover needs a calibration beside the weights, and there is none for these of dla_nanotrack",
    ):
        OnlineTracker(net, chosen, recover=True)
    own = tmp_path / "own.safetensors"
    save_weights(own, net, chosen, {})
    assert OnlineTracker.from_weights(own).confidence is None
    shutil.copy(
        find_weights("dla_nanotrack_v3").with_suffix(".confidence.json"), tmp_path / "own.confidence.json"
    )
    with pytest.raises(InputError, match="was fitted for weights with SHA-256"):
        OnlineTracker.from_weights(own)


def test_thresholds_decide_when_a_track_is_lost():
    net, chosen = load_weights("dla_nanotrack_v3")
    hopeless = Calibration((0.0,) * len(INPUTS), -9.0)
    tracker = OnlineTracker(net, chosen, calibration=hopeless, thresholds=Thresholds(lost_after=2))
    video = photographic_sequence(5, 4)
    answers(tracker, video, 2)
    assert tracker.confidence.state == "uncertain"
    tracker.update(video.frames[2])
    assert tracker.confidence.state == "lost"


def test_thresholds_and_recovery_of_shipped_weights_are_chosen(monkeypatch):
    thresholds, recovery = Thresholds(lost=0.3, lost_after=4), RecoveryConfig(probability=0.8, regions=6)
    video = photographic_sequence(11_000_000, 20, split="test")
    tracker = OnlineTracker.from_weights(
        "dla_nanotrack_v3", thresholds=thresholds, recover=True, recovery=recovery
    )
    answers(tracker, video, 10)
    looked = []
    look = tracker._look
    monkeypatch.setattr(tracker, "_look", lambda *args, **how: looked.append(1) or look(*args, **how))
    states, regions = [], []
    for _ in range(25):
        looked.clear()
        tracker.update(np.zeros_like(video.frames[0]))
        states.append(tracker.confidence.state)
        regions.append(len(looked))
    assert states[-1] == "lost"
    assert states.index("lost") < 10, "four frames, not ten"
    assert max(regions) > 4, "more search regions than usual"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"thresholds": 0.3},
            r"thresholds must be a dlatrack\.tracking\.confidence\.Thresholds or None, got 0\.3",
        ),
        ({"recover": True, "recovery": {"regions": 6}}, "RecoveryConfig or None, got {'regions': 6}"),
        ({"recovery": RecoveryConfig()}, "recovery says how .* needs recover=True as well"),
    ],
)
def test_options_that_would_do_nothing_are_named(options, message):
    with pytest.raises(InputError, match=message):
        OnlineTracker.from_weights("dla_nanotrack_v3", **options)


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_weights_that_are_no_name_and_no_file_are_named(runtime):
    pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match=r"weights are a file, or one of the names .*, got None"):
        OnlineTracker.from_weights(None, runtime=runtime)


def test_thresholds_need_a_calibration():
    with pytest.raises(InputError, match="thresholds needs a calibration beside the weights"):
        OnlineTracker(*load_weights("dla_nanotrack_v3"), thresholds=Thresholds())


@pytest.mark.parametrize("recover", [False, True])
def test_one_object_for_each_thread(recover):
    """Copies share their network and nothing else."""
    assert "dla_nanotrack_v3" in shipped()
    first = OnlineTracker.from_weights("dla_nanotrack_v3", recover=recover)
    trackers = [first, first.with_setting(first.recipe.online["OTB100"])]
    videos = [photographic_sequence(seed, 14) for seed in (5, 6)]
    expected = [answers(tracker, video, 14) for tracker, video in zip(trackers, videos, strict=True)]
    found: dict[int, np.ndarray] = {}

    def work(number):
        found[number] = answers(trackers[number], videos[number], 14)

    for _ in range(2):
        threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert np.array_equal(found[0], expected[0])
        assert np.array_equal(found[1], expected[1])
