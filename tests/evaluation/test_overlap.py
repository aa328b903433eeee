from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.overlap import centre_errors, normalised_centre_errors, overlaps

TRUTH = np.array([[10.0, 20, 40, 20]])


def test_values_by_hand() -> None:
    predicted = np.array([[20.0, 20, 40, 20]])
    assert overlaps(TRUTH, predicted) == pytest.approx([30 / 50])
    assert centre_errors(TRUTH, predicted) == pytest.approx([10])
    assert normalised_centre_errors(TRUTH, predicted) == pytest.approx([0.25])
    assert normalised_centre_errors(TRUTH, np.array([[22.0, 28, 40, 20]])) == pytest.approx([0.5])


def test_size_counts_in_the_centre() -> None:
    assert centre_errors(TRUTH, np.array([[10.0, 20, 46, 28]])) == pytest.approx([5])


@pytest.mark.parametrize("truth", [[np.nan] * 4, [0, 0, 0, 0], [5, 5, 0, 9], [5, 5, 9, -1]])
def test_a_truth_without_size_is_no_success(truth: list[float]) -> None:
    assert overlaps(np.array([truth], dtype=float), TRUTH) == [-1]


def test_a_truth_without_positive_centre_counts_as_precise() -> None:
    truth = np.array([[np.nan] * 4, [0, 0, 0, 0], [-40, 20, 30, 20], [-10, 20, 30, 20]])
    errors = centre_errors(truth, np.repeat(TRUTH, 4, 0))
    assert errors[:3].tolist() == [-1, -1, -1]
    assert errors[3] == pytest.approx(25)


def test_bad_predictions_overlap_nothing() -> None:
    predicted = np.array([[10, 20, 0, 20], [30, 30, -4, 9], [30, 30, -4, -9], [np.nan] * 4])
    values = overlaps(np.repeat(TRUTH, 4, 0), predicted)
    assert values[:3].tolist() == [0, 0, 0]
    assert np.isnan(values[3])


def test_rounding_lifts_no_box_above_itself() -> None:
    """(x + w) - x may exceed w, and an IoU just above 1 would pass the success plot's last threshold."""
    same = np.random.default_rng(0).uniform(1, 300, (1000, 4)).round(2)
    width, height = (same[:, side] + same[:, side + 2] - same[:, side] for side in (0, 1))
    assert (width * height > same[:, 2] * same[:, 3]).any()
    assert overlaps(same, same).max() == 1
    assert evaluate({"a": same}, {"a": same}).auc <= 20 / 21


box = st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.1, 80), st.floats(0.1, 80))


@settings(max_examples=50, deadline=None)
@given(a=box, b=box)
def test_overlap_is_symmetric_and_bounded(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    first, second = np.array([a]), np.array([b])
    value = overlaps(first, second)
    assert 0 <= value[0] <= 1
    assert value == pytest.approx(overlaps(second, first))
    assert overlaps(first, first) == pytest.approx([1])
