"""Differences over seeds, clips with several targets, and runs of the first box."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.hierarchical import (
    HierarchicalDifference,
    VarianceParts,
    compare_hierarchical,
    mean_of,
    variance_parts,
)

_NO_PARTS = VarianceParts(0, 0, 0, 0)


def test_parts_of_a_layout_that_was_worked_out_by_hand() -> None:
    """Two seeds, two targets, two runs: value = 1 for the second seed, 10 for the second target, nothing else.

    Mean squares: seeds 8 * 0.25 = 2, targets 8 * 25 = 200, all others 0. Components: seed 2 / 4 = 0.5, target
    200 / 4 = 50. In the variance of the mean 0.5 / 2 and 50 / 2: shares of 0.5 / 50.5 and 50 / 50.5.
    """
    cells = np.zeros((2, 2, 2))
    cells[1] += 1
    cells[:, 1] += 10
    parts = variance_parts(cells)
    assert parts.seeds == pytest.approx(0.5 / 50.5)
    assert parts.targets == pytest.approx(50 / 50.5)
    assert parts.interaction == parts.first_boxes == 0


def test_parts_find_what_was_put_in() -> None:
    rng = np.random.default_rng(0)
    only_runs = rng.normal(0, 1, (1, 60, 4)) + np.zeros((5, 1, 1))
    parts = [variance_parts(only_runs), variance_parts(rng.normal(0, 1, (8, 60, 1)) + np.zeros((1, 1, 3)))]
    assert parts[0].first_boxes > 0.5, "targets differ by their runs alone"
    assert parts[1].interaction > 0.5


def test_the_value_is_the_mean_and_a_constant_has_no_spread() -> None:
    found = compare_hierarchical(np.full((3, 4, 2), 0.02), ["a", "a", "b", "c"], resamples=200)
    assert found.value == pytest.approx(0.02)
    assert found.interval() == pytest.approx((0.02, 0.02))
    assert found.p == pytest.approx(2 / 201)
    assert not found.equivalent(0.02)
    assert found.equivalent(0.03)


def test_the_deviation_is_that_of_the_model() -> None:
    """Seeds 0.01, clips 0.05: sqrt(0.01^2 / 8 + 0.05^2 / 20) = 0.0117."""
    rng = np.random.default_rng(1)
    deviations = []
    for seed in range(20):
        cells = rng.normal(0, 0.01, (8, 1, 1)) + np.repeat(rng.normal(0, 0.05, (1, 20, 1)), 2, 1)
        cells = cells + rng.normal(0, 0.001, (8, 40, 3))
        clips = [str(target // 2) for target in range(40)]
        deviations.append(compare_hierarchical(cells, clips, resamples=500, seed=seed).deviation)
    assert np.mean(deviations) == pytest.approx(0.0117, rel=0.2)


def test_intervals_of_studies_without_a_difference_hold_zero() -> None:
    """Of 120 simulated studies at a level of 5 % at most 13 may call a difference (binomial, 99 %)."""
    rng, called = np.random.default_rng(2), 0
    for seed in range(120):
        cells = rng.normal(0, 0.01, (5, 1, 1)) + np.repeat(rng.normal(0, 0.03, (1, 12, 1)), 2, 1)
        cells = cells + rng.normal(0, 0.03, (5, 24, 1)) + rng.normal(0, 0.02, (1, 24, 4))
        low, high = compare_hierarchical(
            cells, [str(t // 2) for t in range(24)], resamples=400, seed=seed
        ).interval()
        called += low > 0 or high < 0
    assert called <= 13


def test_targets_of_one_clip_do_not_count_as_several() -> None:
    cells = np.repeat(np.random.default_rng(3).normal(0, 0.05, (1, 6, 1)), 8, 1) + np.zeros((3, 1, 2))
    by_clip = compare_hierarchical(cells, [str(t // 8) for t in range(48)], resamples=500).deviation
    by_target = compare_hierarchical(cells, [str(t) for t in range(48)], resamples=500).deviation
    assert by_clip > 2 * by_target


def test_the_mean_of_comparisons_over_the_same_clips() -> None:
    first = HierarchicalDifference(0.1, np.array([0.0, 0.2]), _NO_PARTS)
    second = HierarchicalDifference(-0.1, np.array([0.0, -0.2]), _NO_PARTS)
    found = mean_of([first, second])
    assert found.value == 0
    np.testing.assert_allclose(found.means, 0)


@pytest.mark.parametrize(
    ("shape", "clips"), [((1, 3, 2), 3), ((2, 3, 1), 3), ((2, 3, 2), 2), ((2, 3), 3)], ids=str
)
def test_other_shapes_are_refused(shape: tuple[int, ...], clips: int) -> None:
    with pytest.raises(InputError, match="shape"):
        compare_hierarchical(np.zeros(shape), [str(clip) for clip in range(clips)])


def test_one_clip_or_a_score_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="two or more clips"):
        compare_hierarchical(np.zeros((2, 3, 2)), ["a"] * 3)
    with pytest.raises(InputError, match="finite"):
        compare_hierarchical(np.full((2, 3, 2), np.nan), ["a", "b", "c"])
