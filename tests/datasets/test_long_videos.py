"""Long videos: absences, truth, and that the videos they are made from stay as they are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from dlatrack.datasets.long_videos import long_photographic_sequence, long_synthetic_sequence
from dlatrack.datasets.synthetic.absences import draw_absences, with_absences
from dlatrack.datasets.synthetic.motion import generator
from dlatrack.datasets.synthetic.scene import draw_synthetic_scene


def stretches(absent: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], absent.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


@pytest.mark.parametrize("make", [long_photographic_sequence, long_synthetic_sequence])
def test_the_target_is_away_for_long_and_returns(make):
    for seed in range(3):
        video = make(seed, 500)
        assert video.visible[0]
        long = [(start, end) for start, end in stretches(~video.visible) if end - start >= 40]
        assert long, "an absence of 40 frames or more"
        assert all(end < 500 for _, end in long), "it returns"
        assert np.isnan(video.boxes_xywh[~video.visible]).all()


def test_a_target_that_leaves_returns_elsewhere():
    far = []
    for seed in range(8):
        boxes = long_synthetic_sequence(seed, 500).boxes_xywh
        for start, end in stretches(np.isnan(boxes[:, 0])):
            if end - start >= 40 and end < 500:
                middles = boxes[[start - 1, end], :2] + boxes[[start - 1, end], 2:] / 2
                far.append(float(np.hypot(*np.diff(middles, axis=0)[0])))
    assert np.median(far) > 100


def test_frames_depend_on_the_seed_and_their_number_alone():
    first, again = long_photographic_sequence(3, 220), long_photographic_sequence(3, 220)
    assert np.array_equal(first.frames[150], again.frames[150])
    assert np.array_equal(first.frames[-1], again.frames[219])
    assert not np.array_equal(first.frames[0], long_photographic_sequence(4, 220).frames[0])
    assert np.array_equal(first.boxes_xywh, again.boxes_xywh, equal_nan=True)
    assert first.frames[0].shape == (240, 320, 3)
    with pytest.raises(IndexError):
        first.frames[220]


def test_the_first_frame_and_the_scene_given_stay_as_they_are():
    scene = draw_synthetic_scene(5, 400, (320, 240), ())
    before = scene.target.track.centre.copy()
    changed = with_absences(generator(5, 7), scene)
    assert np.array_equal(scene.target.track.centre, before)
    assert np.array_equal(changed.target.track.centre[:30], before[:30])
    assert not changed.fractions[1].all()


def test_absences_do_not_meet_and_leave_room_at_both_ends():
    for seed in range(40):
        absences = draw_absences(generator(seed, 7), 900)
        assert len(absences) >= 2
        assert absences[0].start >= 60
        assert absences[-1].end + 30 <= 900
        for one, two in pairwise(absences):
            assert two.start - one.end >= 60
        assert all(absence.covered for absence in draw_absences(generator(seed, 7), 900, may_leave=False))
    assert draw_absences(generator(0, 7), 120) == []


@pytest.mark.parametrize(
    ("options", "message"), [({"split": "val"}, "split must be"), ({"length": 0}, "length")]
)
def test_values_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        long_photographic_sequence(0, **options)
    with pytest.raises(ValueError, match="seed"):
        long_synthetic_sequence(-1)
