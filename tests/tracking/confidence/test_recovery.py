"""The search for a lost target, with a made-up tracking step."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.tracking.confidence.calibration import Calibration
from dlatrack.tracking.confidence.hysteresis import Thresholds
from dlatrack.tracking.confidence.recovery import MOST_PLACES, Recovery, RecoveryConfig, Sighting, scan_places
from dlatrack.tracking.confidence.signals import Signals
from dlatrack.tracking.confidence.watch import Watch
from dlatrack.tracking.steps.state import TargetState

#: The probability of a frame is that of its score alone.
SCORE_ONLY = Calibration((1.0, *[0.0] * 8), 0.0)
VIEW = (400, 300)


def at(x: float, y: float) -> TargetState:
    return TargetState(np.array([x, y], float), np.array([20.0, 20]))


class World:
    """A target that is found where it is, if it is inside the search region."""

    def __init__(self, place, score: float = 0.9):
        self.place, self.score = place, score
        self.looked: list[tuple[float, float]] = []

    def __call__(self, last: TargetState, *, windowed: bool = True) -> Sighting:
        self.looked.append(tuple(last.centre_xy.tolist()))
        found = self.place is not None and np.abs(last.centre_xy - self.place).max() <= 40
        score = self.score if found else 0.05
        state = at(*(self.place if found else last.centre_xy + 3))
        return Sighting(state, score, Signals(score, 0.0, 0.0, 0.0, 0.0))


def recovery(**options) -> tuple[Recovery, Watch]:
    watch = Watch(SCORE_ONLY, Thresholds(0.6, 0.2, found_after=2, lost_after=3))
    return Recovery(RecoveryConfig(**options), watch, at(100, 100), 2.0), watch


def test_a_target_that_leaves_and_returns_elsewhere_is_found():
    tracked, watch = recovery()
    world, last, states = World((100, 100)), at(100, 100), []
    for frame in range(120):
        world.place = (105, 100) if frame < 5 else None if frame < 15 else (330, 250)
        last = tracked.step(world, last, VIEW).state
        states.append(watch.confidence.state)
        if states[-1] == "lost":
            assert watch.confidence.probability <= 0.2
    assert "".join(state[0] for state in states[:15]) == "tttttuu" + "l" * 8
    assert states[-1] == "tracking"
    assert last.centre_xy.tolist() == [330, 250]


def test_the_first_frames_of_a_re_detection_can_take_it_back():
    tracked, watch = recovery()
    world, last = World(None), at(100, 100)
    for _ in range(3):
        last = tracked.step(world, last, VIEW).state
    assert watch.confidence.state == "lost"
    world.place = (110, 100)
    last = tracked.step(world, at(300, 50), VIEW).state  # the track is elsewhere by now
    assert (watch.confidence.state, last.centre_xy[0]) == ("uncertain", 110)
    world.place = None
    last = tracked.step(world, last, VIEW).state
    assert world.looked[-2:] == [(110, 100), (100, 100)], "the re-detection, and then the last known place"
    assert (watch.confidence.state, last.centre_xy[0]) == ("lost", 103)


def test_what_is_answered_when_a_re_detection_is_given_up_is_of_one_place():
    tracked, watch = recovery()
    world, last = World(None), at(100, 100)
    for _ in range(3):
        last = tracked.step(world, last, VIEW).state
    world.place = (110, 100)
    last = tracked.step(world, at(300, 50), VIEW).state  # the track is elsewhere by now

    def by_place(last: TargetState, *, windowed: bool = True) -> Sighting:
        score = 0.3 if last.centre_xy[0] > 105 else 0.4
        return Sighting(last, score, Signals(score, 5.0, 0.2, 0.0, 0.0))

    found = tracked.step(by_place, last, VIEW)
    assert watch.confidence.state == "lost"
    assert (found.state.centre_xy.tolist(), found.score) == ([100, 100], 0.4)
    assert found.signals == Signals(0.4, 5.0, 0.2, 0.0, 0.0)
    told = watch.confidence
    assert Signals(*told[:4], told.likeness) == found.signals
    assert told.probability == pytest.approx(0.4), "that of these signals"


def test_a_re_detection_is_at_least_as_probable_as_a_tracked_frame():
    watch = Watch(SCORE_ONLY, Thresholds(0.95, 0.2, found_after=2, lost_after=3))
    tracked = Recovery(RecoveryConfig(probability=0.5), watch, at(100, 100), 2.0)
    world, states = World(None), []
    for frame in range(12):
        world.place = None if frame < 3 else (110, 100)
        tracked.step(world, at(300, 50), VIEW)
        states.append(watch.confidence.state)
    assert states[3:] == ["lost"] * 9, "found and given up in turn without it"


def test_a_track_that_only_seems_lost_goes_on():
    tracked, watch = recovery()
    world, last, states = World((100, 100)), at(100, 100), []
    for frame in range(20):
        world.place, world.score = (100 + 5 * frame, 100), 0.1 if 5 <= frame < 15 else 0.9
        last = tracked.step(world, last, VIEW).state
        states.append(watch.confidence.state)
        assert last.centre_xy.tolist() == [100 + 5 * frame, 100]
    assert "lost" in states
    assert states[-1] == "tracking"


def test_a_re_detection_must_be_better_than_the_track():
    tracked, watch = recovery()
    world, last = World(None), at(100, 100)
    for _ in range(4):
        last = tracked.step(world, last, VIEW).state

    def two_targets(last: TargetState, *, windowed: bool = True) -> Sighting:
        score = 0.8 if last.centre_xy[0] > 105 else 0.79
        return Sighting(at(*last.centre_xy), score, Signals(score, 0.0, 0.0, 0.0, 0.0))

    found = tracked.step(two_targets, at(390, 290), VIEW)
    assert found.state.centre_xy.tolist() == [390, 290]
    assert watch.confidence.state == "lost", "one good frame is not enough"
    tracked.step(two_targets, found.state, VIEW)
    assert watch.confidence.state == "tracking"


@pytest.mark.parametrize("options", [{"probability": 0.95}, {"score": 0.95}])
def test_a_re_detection_needs_a_stricter_score_and_probability(options):
    tracked, watch = recovery(**options)
    world, last = World(None), at(100, 100)
    for frame in range(30):
        world.place = None if frame < 3 else (330, 250)
        last = tracked.step(world, last, VIEW).state
    assert watch.confidence.state == "lost"


def test_a_scan_covers_the_image_and_begins_anew():
    tracked, _ = recovery(regions=3)
    world, last = World(None), at(100, 100)
    for _ in range(3):
        last = tracked.step(world, last, VIEW).state
    world.looked.clear()
    places = scan_places(np.array([100.0, 100]), 0.5 * 2 * last.side, VIEW)
    for _ in range(2 * (len(places) - 1)):
        tracked.step(world, last, VIEW)
    looked = np.array(world.looked)
    assert (looked[::3] == last.centre_xy).all(), "the track goes on"
    assert (looked[1::3] == 100).all(), "every frame looks at the last known place as well"
    assert np.array_equal(looked[2::3], np.vstack([places[1:], places[1:]]))


@pytest.mark.parametrize("last", [(100.0, 100.0), (0.0, 0.0), (399.0, 5.5), (200.0, 150.0)])
@pytest.mark.parametrize("step", [17.0, 50.0, 1000.0])
def test_scan_places(last, step):
    places = scan_places(np.array(last), step, VIEW)
    assert places[0].tolist() == list(last)
    assert len(np.unique(places, axis=0)) == len(places)
    assert ((places >= 0) & (places <= VIEW)).all()
    distance = np.abs(places - last).max(1)
    assert (np.diff(distance) >= -1e-6).all(), "from the last place outwards"
    pixels = np.stack(np.meshgrid(np.arange(0, 400, 7), np.arange(0, 300, 7)), -1).reshape(-1, 1, 2)
    assert np.abs(pixels - places).max(2).min(1).max() <= step / 2 + 1e-9, "no pixel is far from all of them"


def test_a_scan_of_a_small_target_in_a_large_frame_stays_near_the_last_place():
    last, view = np.array([1000.0, 700]), (3840, 2160)
    places = scan_places(last, 8.0, view)
    assert len(places) == MOST_PLACES
    rings = np.abs(places - last).max(1) / 8
    assert rings[:961].max() == 15, "31 x 31 places are 15 whole rings"
    assert (rings[961:] == 16).all()
    assert len(scan_places(last, 1e-3, view)) == MOST_PLACES
    assert scan_places(np.array([4.0, 2]), 8.0, (800, 4))[:, 0].max() == 800, "a strip is searched to its end"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"probability": 2}, r"probability must be a number in 0\.\.1, got 2"),
        ({"score": float("nan")}, r"score must be a number in 0\.\.1, got nan"),
        ({"spacing": 0}, r"spacing must be a number in 0\.1\.\.1, got 0"),
        ({"spacing": 1e-4}, r"spacing must be a number in 0\.1\.\.1, got 0\.0001"),
        ({"regions": 2}, "regions must be a whole number, 3 or more, got 2"),
        ({"regions": 3.5}, "regions must be a whole number, 3 or more, got 3.5"),
        ({"score": "high"}, r"score must be a number in 0\.\.1, got 'high'"),
        ({"spacing": None}, r"spacing must be a number in 0\.1\.\.1, got None"),
    ],
)
def test_settings_out_of_range_are_named(options, message):
    with pytest.raises(InputError, match=message):
        RecoveryConfig(**options)
