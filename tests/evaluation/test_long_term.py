"""Long-term precision, recall and F, area under the ROC and calibration error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.evaluation.long_term import (
    LongTermTrack,
    area_under_roc,
    evaluate_long_term,
    on_target,
    reliability_bins,
)

BOX = np.array([0.0, 0, 10, 10])
HALF = np.array([0.0, 0, 10, 5])  # IoU 0.5 with BOX
FAR = np.array([50.0, 50, 10, 10])
ABSENT = np.full(4, np.nan)


def track(boxes, confidence, truth):
    return LongTermTrack(np.array(boxes), np.array(confidence, float), np.array(truth))


# After the first frame: a hit, half a hit, a false alarm while the target is absent, and a miss.
ONE = track([BOX, BOX, HALF, FAR, FAR], [0, 0.9, 0.6, 0.3, 0.3], [BOX, BOX, BOX, ABSENT, BOX])


def test_hand_computed_values_of_one_sequence():
    found = evaluate_long_term({"one": ONE})
    assert found.thresholds.tolist() == [np.inf, 0.9, 0.6, 0.3]
    assert found.precision.tolist() == [1, 1, 0.75, 0.375]
    assert found.recall.tolist() == pytest.approx([0, 1 / 3, 0.5, 0.5])
    assert found.f.tolist() == pytest.approx([0, 0.5, 0.6, 3 / 7])
    assert found.best == pytest.approx((0.75, 0.5, 0.6, 0.6))


def test_means_are_over_sequences_and_f_comes_from_the_means():
    other = track([BOX, BOX, BOX], [1, 0.5, 0.5], [BOX, BOX, BOX])
    found = evaluate_long_term({"one": ONE, "other": other})
    assert found.thresholds.tolist() == [np.inf, 0.9, 0.6, 0.5, 0.3]
    # The other sequence predicts nothing above 0.5: precision 1, recall 0.
    assert found.precision.tolist() == pytest.approx([1, 1, 0.875, 0.875, 0.6875])
    assert found.recall.tolist() == pytest.approx([0, 1 / 6, 0.25, 0.75, 0.75])
    assert found.f[3] == pytest.approx(2 * 0.875 * 0.75 / 1.625)


def test_the_first_frame_counts_nowhere():
    moved = track([FAR, *ONE.boxes_xywh[1:]], [5, *ONE.confidence[1:]], [ABSENT, *ONE.truth_xywh[1:]])
    assert np.array_equal(evaluate_long_term({"": moved}).f, evaluate_long_term({"": ONE}).f)


def test_a_truth_without_area_is_an_absent_target():
    empty = track(ONE.boxes_xywh, ONE.confidence, [BOX, BOX, BOX, [3, 3, 0, 5], BOX])
    assert np.array_equal(evaluate_long_term({"": empty}).precision, evaluate_long_term({"": ONE}).precision)


def slow_referee(tracks, threshold):
    """The definition, frame by frame."""
    precisions, recalls = [], []
    for each in tracks:
        predicted = visible = 0
        on_predicted = on_visible = 0.0
        for box, confidence, truth in zip(
            each.boxes_xywh[1:], each.confidence[1:], each.truth_xywh[1:], strict=True
        ):
            present, answers = not np.isnan(truth).any(), confidence >= threshold
            overlap = 0.0
            if present:
                w = min(box[0] + box[2], truth[0] + truth[2]) - max(box[0], truth[0])
                h = min(box[1] + box[3], truth[1] + truth[3]) - max(box[1], truth[1])
                common = max(w, 0) * max(h, 0)
                overlap = common / (box[2] * box[3] + truth[2] * truth[3] - common)
            visible += present
            predicted += answers
            on_predicted += overlap if answers else 0
            on_visible += overlap if answers and present else 0
        precisions.append(on_predicted / predicted if predicted else 1.0)
        recalls.append(on_visible / visible)
    return np.mean(precisions), np.mean(recalls)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), sequences=st.integers(1, 4))
def test_a_slow_referee_agrees(seed, sequences):
    rng = np.random.default_rng(seed)
    tracks = {}
    for number in range(sequences):
        count = int(rng.integers(3, 30))
        truth = np.c_[rng.integers(0, 20, (count, 2)), rng.integers(1, 20, (count, 2))].astype(float)
        boxes = truth + rng.integers(0, 5, (count, 4))
        truth[rng.random(count) < 0.3] = np.nan
        truth[1] = [1, 2, 3, 4]
        tracks[str(number)] = LongTermTrack(boxes, rng.integers(0, 6, count) / 5, truth)
    found = evaluate_long_term(tracks)
    for place, threshold in enumerate(found.thresholds):
        expected = slow_referee(tracks.values(), threshold)
        assert (found.precision[place], found.recall[place]) == pytest.approx(expected)
    assert found.best[2] == found.f.max()
    assert (np.diff(found.recall) >= -1e-12).all()


@pytest.mark.parametrize(
    ("boxes", "confidence", "truth", "message"),
    [
        ([BOX], [1], [BOX], "2 or more frames"),
        ([BOX, BOX], [1, 1, 1], [BOX, BOX], r"boxes of shape \(2, 4\) and confidences of shape \(3,\)"),
        ([BOX, BOX], [1, 1], [BOX], r"2 answers but true boxes of shape \(1, 4\)"),
        ([BOX, ABSENT], [1, 1], [BOX, BOX], "the box of frame 1 must be finite"),
        ([BOX, BOX], [1, np.nan], [BOX, BOX], "the confidence of frame 1 must be finite"),
        ([BOX, BOX], [1, 1], [BOX, ABSENT], "absent from all frames after the first"),
    ],
)
def test_parts_that_do_not_fit_are_named(boxes, confidence, truth, message):
    with pytest.raises(InputError, match=message):
        track(boxes, confidence, truth)


def test_no_sequence_is_an_error():
    with pytest.raises(InputError, match="at least one sequence"):
        evaluate_long_term({})


def test_on_target_needs_more_than_half():
    confidence, hit = on_target({"one": ONE})
    assert confidence.tolist() == [0.9, 0.6, 0.3, 0.3]
    assert hit.tolist() == [True, False, False, False]


def test_area_under_roc():
    assert area_under_roc(np.array([1.0, 2, 3, 4]), np.array([False, True, False, True])) == 0.75
    assert area_under_roc(np.array([1.0, 1, 1]), np.array([False, True, True])) == 0.5
    assert np.isnan(area_under_roc(np.array([1.0]), np.array([True])))
    rng = np.random.default_rng(0)
    score, positive = rng.integers(0, 9, 60).astype(float), rng.random(60) < 0.4
    pairs = score[positive][:, None] - score[~positive]
    assert area_under_roc(score, positive) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    with pytest.raises(InputError, match="one number and one flag"):
        area_under_roc(score, positive.astype(float))
    with pytest.raises(InputError, match="frame 1 has no finite number"):
        area_under_roc(np.array([0, np.inf]), np.array([True, False]))


def test_reliability_of_two_bins():
    found = reliability_bins(np.array([0.9, 0.1, 0.3, 0.7]), np.array([True, False, True, True]), bins=2)
    assert found.stated.tolist() == pytest.approx([0.2, 0.8])
    assert found.true.tolist() == [0.5, 1.0]
    assert found.count.tolist() == [2, 2]
    assert found.error == pytest.approx(0.25)
    assert len(reliability_bins(np.array([0.5]), np.array([True])).count) == 1
    for bad in (np.array([0.5, 1.5]), np.array([])):
        with pytest.raises(InputError, match=r"in 0\.\.1"):
            reliability_bins(bad, np.ones(len(bad), bool))
    with pytest.raises(InputError, match="bins must be 1 or more, got 0"):
        reliability_bins(np.array([0.5]), np.array([True]), bins=0)


def test_thinned_curves_keep_their_ends_and_the_best():
    rng = np.random.default_rng(4)
    truth = np.tile(BOX, (500, 1))
    found = evaluate_long_term({"": LongTermTrack(truth + rng.random((500, 4)), rng.random(500), truth)})
    thin = found.thinned(20)
    assert 20 <= len(thin.thresholds) <= 21
    assert thin.best == found.best
    assert (thin.recall[0], thin.recall[-1]) == (found.recall[0], found.recall[-1])
