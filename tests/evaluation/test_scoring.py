"""Frames without the target in a user's own folder: a stated rule, and a way to leave them out."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.protocols import PROTOCOLS
from dlatrack.evaluation.scoring import absent_frames, score_tracker
from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth

#: Ten frames, of which four show no target.
BOXES = np.array([[50.0, 40, 30, 20]] * 10)
ABSENT = np.isin(np.arange(10), (3, 4, 5, 8))


def truth(how: str, name: str = "folder") -> BenchmarkTruth:
    boxes, present = BOXES.copy(), None
    if how == "NaN":
        boxes[ABSENT] = np.nan
    elif how == "no size":
        boxes[ABSENT] = 0
    elif how == "flags":
        present = ~ABSENT
    return BenchmarkTruth(name, {"a": SequenceTruth("a", boxes, present)})


@pytest.mark.parametrize("how", ["NaN", "no size", "flags"])
@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_a_perfect_tracker_by_hand(how, protocol):
    """Six frames of ten can succeed: 0.6 of 20/21 and precision 0.6; without the others 20/21 and 1."""
    assert absent_frames(truth(how))["a"].tolist() == ABSENT.tolist()
    failing = score_tracker("perfect", {"a": BOXES}, truth(how), protocol).result
    assert failing.auc == pytest.approx(0.6 * 20 / 21)
    assert failing.precision_score == pytest.approx(0.6)
    assert failing.success_rate == pytest.approx(0.6)
    dropped = score_tracker("perfect", {"a": BOXES}, truth(how), protocol, absent="drop").result
    assert dropped.auc == pytest.approx(20 / 21)
    assert dropped.precision_score == 1


def test_what_the_tracker_answers_while_the_target_is_away_does_not_matter():
    wandering = BOXES.copy()
    wandering[ABSENT] += 500
    for absent in ("fail", "drop"):
        scores = [
            score_tracker("t", {"a": rows}, truth("NaN"), absent=absent).result for rows in (BOXES, wandering)
        ]
        np.testing.assert_array_equal(scores[0].success, scores[1].success)
        np.testing.assert_array_equal(scores[0].precision, scores[1].precision)
        np.testing.assert_array_equal(scores[0].normalised_precision, scores[1].normalised_precision)


def test_without_absent_frames_nothing_changes():
    whole = BenchmarkTruth("folder", {"a": SequenceTruth("a", BOXES)})
    rows = {"a": BOXES + np.array([3, 1, 0, 0])}
    for protocol in PROTOCOLS:
        usual, dropped = (
            score_tracker("t", rows, whole, protocol, absent=how).result for how in (None, "drop")
        )
        named = score_tracker("t", rows, BenchmarkTruth("OTB100", dict(whole.sequences)), protocol).result
        assert usual.auc == dropped.auc == named.auc
        assert usual.precision_score == dropped.precision_score == named.precision_score


def test_protocols_of_a_benchmark_keep_their_own_rule():
    """pysot: a NaN box fails and is precise, as its toolkit has it."""
    result = score_tracker("perfect", {"a": BOXES}, truth("NaN", "UAV123")).result
    assert result.auc == pytest.approx(0.6 * 20 / 21)
    assert result.precision_score == 1
    with pytest.raises(InputError, match="'drop' only in the benchmark folder; those of UAV123 count as the"):
        score_tracker("perfect", {"a": BOXES}, truth("NaN", "UAV123"), absent="drop")
    with pytest.raises(InputError, match="counted by fail or drop, got 'keep'"):
        score_tracker("perfect", {"a": BOXES}, truth("NaN"), absent="keep")
