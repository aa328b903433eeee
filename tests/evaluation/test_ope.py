from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import (
    NORMALISED_THRESHOLDS,
    OVERLAP_THRESHOLDS,
    PIXEL_THRESHOLDS,
    evaluate,
)
from dlatrack.evaluation.protocols import PROTOCOLS

BOXES = np.array([[10.0, 20, 40, 20]] * 4)


def shifted(dx: float) -> np.ndarray:
    return BOXES + np.array([dx, 0, 0, 0])


def test_a_perfect_result_scores_20_of_21() -> None:
    result = evaluate({"a": BOXES}, {"a": BOXES})
    assert result.auc == pytest.approx(20 / 21)
    assert result.precision_score == 1
    assert result.normalised_precision_score == 1


def test_curves_by_hand() -> None:
    """IoU 0.6 in half of the frames and 1 in the others; centre errors 10 px, a quarter of the width, and 0."""
    predicted = np.concatenate([shifted(10)[:2], BOXES[:2]])
    result = evaluate({"a": predicted}, {"a": BOXES})
    success = result.mean_success
    assert success[:12].tolist() == [1] * 12
    assert success[13:].tolist() == [0.5] * 7 + [0]
    assert result.mean_precision.tolist() == [0.5] * 10 + [1] * 41
    assert result.mean_normalised_precision.tolist() == [0.5] * 25 + [1] * 26


def test_thresholds() -> None:
    assert np.allclose(OVERLAP_THRESHOLDS, np.linspace(0, 1, 21))
    assert PIXEL_THRESHOLDS.tolist() == list(range(51))
    assert np.allclose(NORMALISED_THRESHOLDS, np.linspace(0, 0.5, 51))


def test_absent_frames_count_in_the_denominator_alone() -> None:
    present = np.array([True, True, True, False])
    result = evaluate({"a": BOXES}, {"a": BOXES}, {"a": present})
    assert result.mean_success[0] == 0.75
    assert result.mean_precision[-1] == 0.75


def test_frames_without_truth_fail_in_success_and_hit_in_precision() -> None:
    truth = BOXES.copy()
    truth[3] = np.nan
    result = evaluate({"a": BOXES}, {"a": truth})
    assert result.mean_success[0] == 0.75
    assert result.mean_precision[0] == 1


def test_sequences_count_the_same_whatever_their_length() -> None:
    truth = {"long": np.repeat(BOXES, 10, 0), "short": BOXES}
    results = {"long": truth["long"], "short": shifted(1000), "another": BOXES}
    result = evaluate(results, truth)
    assert result.names == ("long", "short")
    assert result.sequence_auc == pytest.approx([20 / 21, 0])
    assert result.sequence_precision.tolist() == [1, 0]
    assert result.sequence_normalised_precision.tolist() == [1, 0]
    assert result.auc == pytest.approx(10 / 21)
    assert result.mean_success[0] == 0.5
    assert result.subset(["long"]).auc == pytest.approx(20 / 21)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate({}, {}), "no sequences to evaluate"),
        (lambda: evaluate({}, {"Car1": BOXES}), "sequence Car1 has no result"),
        (
            lambda: evaluate({"Car1": BOXES[:2]}, {"Car1": BOXES}),
            "sequence Car1: result has 2 rows, the truth has 4",
        ),
        (
            lambda: evaluate({"Car1": BOXES}, {"Car1": BOXES[:0]}),
            r"Car1: true boxes must have shape \(T, 4\)",
        ),
        (
            lambda: evaluate({"Car1": BOXES}, {"Car1": BOXES}, {"Car1": np.ones(3, bool)}),
            "Car1: present flags must be 4 bool",
        ),
        (lambda: evaluate({"a": BOXES}, {"a": BOXES}).subset(["b"]), "no results for sequence b"),
        (lambda: evaluate({"a": BOXES}, {"a": BOXES}).subset([]), "a subset needs a sequence"),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_evaluation_needs_no_network() -> None:
    source = Path(sys.modules["dlatrack.evaluation.ope"].__file__ or "").parent
    for file in source.glob("*.py"):
        assert "dlatrack.models" not in file.read_text()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@pytest.mark.parametrize("row", [[1e12, 1e12, 3, 4], [-1e99, 20, 1e98, 20], [10, 1e50, 40, 1e60], [1e9] * 4])
def test_a_tracker_that_has_lost_all_measure_fails_in_that_frame_alone(
    row: list[float], protocol: str
) -> None:
    far = BOXES.astype(float)
    far[2] = row
    result = evaluate({"a": far}, {"a": BOXES}, protocol=protocol)
    frames = len(BOXES)
    assert result.auc == pytest.approx((frames - 1) / frames * 20 / 21)
    assert result.precision_score == pytest.approx((frames - 1) / frames)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [1e300, -1e300, 1e100, np.inf, -np.inf])
def test_absurd_numbers_are_refused_and_named(value: float) -> None:
    absurd = BOXES.copy()
    absurd[2, 2] = value
    what = re.escape(f"10,20,{value:g},20 is absurd; numbers must be below 1e+")
    with pytest.raises(InputError, match=f"sequence a row 3: the result {what}100"):
        evaluate({"a": absurd}, {"a": BOXES})
    with pytest.raises(InputError, match=f"sequence a row 3: the true box {what}09"):
        evaluate({"a": BOXES}, {"a": absurd})


@pytest.mark.filterwarnings("error")
def test_the_largest_numbers_overlap_as_their_areas_say() -> None:
    """The true box lies in one of 4e17 square pixels: far from its centre, and an IoU of 2e-15 is above 0."""
    large = np.tile([-9e8, -9e8, 999_999_999.0, 999_999_999.0], (4, 1))
    result = evaluate({"a": large}, {"a": BOXES})
    assert result.mean_success.tolist() == [1] + [0] * 20
    assert result.precision_score == 0
    assert result.normalised_precision_score == 0
    assert evaluate({"a": large}, {"a": large}).auc == pytest.approx(20 / 21)


@pytest.mark.filterwarnings("error")
def test_true_boxes_of_next_to_no_size_are_no_reason_to_warn() -> None:
    tiny = np.tile([5, 1e8, 1e-310, 1e-310], (4, 1))
    result = evaluate({"a": BOXES}, {"a": tiny})
    assert result.mean_success.tolist() == [0] * 21
    assert result.mean_precision.tolist() == [0] * 51
    assert result.mean_normalised_precision.tolist() == [0] * 51
