"""Dynamic label assignment of batches: order, seeds, precision, negative pairs."""

from __future__ import annotations

import torch
from targets import any_targets, training_targets

from dlatrack.assign import build_assigner
from dlatrack.grid import ScoreGrid

GRID = ScoreGrid()
SQUARE = (95, 95, 159, 159)
WIDE = (98.3, 104.1, 171.6, 152.9)


def test_the_order_in_the_batch_does_not_matter():
    target = torch.cat([training_targets(5000, seed=14), any_targets(5000, seed=15)])
    generator = torch.Generator().manual_seed(16)
    keys = torch.randint(2**63 - 1, (len(target),), generator=generator)
    target, keys = (
        each[torch.randperm(10_000, generator=torch.Generator().manual_seed(17))] for each in (target, keys)
    )
    assigner = build_assigner("dla_points", GRID)
    for chunk, chunk_keys in zip(target.split(2500), keys.split(2500), strict=True):
        order = torch.randperm(len(chunk), generator=generator)
        straight = assigner.assign(chunk, generator=chunk_keys)
        permuted = assigner.assign(chunk[order], generator=chunk_keys[order])
        for name in ("labels", "iou", "candidates", "mean", "std", "threshold", "empty", "tied", "eligible"):
            assert torch.equal(getattr(straight, name)[order], getattr(permuted, name)), name
    alone = assigner.assign(chunk[77:78], generator=chunk_keys[77:78])
    assert torch.equal(alone.labels[0], straight.labels[77])


def test_same_seed_same_labels_other_seed_other_negatives():
    target, assigner = training_targets(50, seed=18), build_assigner("dla_anchors", GRID)
    first, second, third = (
        assigner.assign(target, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)
    )
    assert torch.equal(first.labels, second.labels)
    assert torch.equal(first.positive, third.positive)
    assert not torch.equal(first.negative, third.negative)


def test_single_and_double_precision_targets_agree():
    target, assigner = training_targets(500, seed=19).float(), build_assigner("dla_points", GRID)
    keys = torch.arange(500)
    assert torch.equal(
        assigner.assign(target, generator=keys).labels,
        assigner.assign(target.double(), generator=keys).labels,
    )


def test_a_negative_pair_has_sixteen_negatives_around_the_distractor():
    pair = torch.tensor([True, False])
    target = torch.tensor([SQUARE, SQUARE], dtype=torch.float64)
    answer = build_assigner("dla_anchors", GRID).assign(target, pair, torch.Generator())
    assert answer.positive.sum(1).tolist() == [5, 0]
    assert answer.negative.sum(1).tolist() == [20, 16]
    assert answer.empty.tolist() == [False, False]
    cell = answer.negative[1].nonzero()[:, 0] // 5
    # centre cell 12 + ceil(0 + 0.5) = 13, window 10..16 in both directions
    assert cell.div(25, rounding_mode="floor").min() >= 10
    assert cell.div(25, rounding_mode="floor").max() <= 16
    assert (cell % 25).min() >= 10
    assert (cell % 25).max() <= 16


def test_without_negatives_the_positives_stay_and_negative_pairs_keep_theirs():
    pair = torch.tensor([True, True, False])
    target = torch.tensor([SQUARE, WIDE, SQUARE], dtype=torch.float64)
    keys = torch.arange(3)
    usual, none = (build_assigner("dla_points", GRID, negatives_per_positive=count) for count in (4, 0))
    for flags in (None, pair):
        full, bare = (rule.assign(target, flags, keys) for rule in (usual, none))
        assert torch.equal(full.positive, bare.positive)
        assert bare.negative[:2].sum() == 0
    assert torch.equal(full.negative[2], bare.negative[2])
    assert bare.negative[2].sum() == 16
