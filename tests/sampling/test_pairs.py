"""Pairs are a pure function of (seed, epoch, index)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.recipes import NetConfig, SamplingConfig
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore


@pytest.fixture(scope="module")
def store():
    return CropStore.build(synthetic_sequences(3, seed=40, length=6, challenges=()))


def source(store, seed: int = 0, **changes) -> PairSource:
    return PairSource(store, replace(SamplingConfig(), **changes), NetConfig(), seed)


def same(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_shapes_and_formats(store):
    pair = source(store).pair(0, 0)
    assert pair.template.shape == (3, 127, 127)
    assert pair.search.shape == (3, 255, 255)
    assert pair.target_xyxy.shape == (4,)
    assert pair.positive
    batch = source(store).batch(0, 0, 5)
    assert batch.search.shape == (5, 3, 255, 255)
    assert batch.search.dtype == torch.float32
    assert batch.target_xyxy.dtype == torch.float64
    assert batch.positive.tolist() == [True] * 5
    assert batch.key.dtype == torch.int64


def test_a_pair_does_not_depend_on_what_was_drawn_before(store):
    first, second = source(store), source(store)
    second.batch(0, 0, 3)
    assert same(first.pair(2, 7), second.pair(2, 7))
    batch = first.batch(2, 5, 4)
    assert torch.equal(batch.search[2], torch.from_numpy(second.pair(2, 7).search))
    assert batch.key[2] == second.pair(2, 7).key


@pytest.mark.parametrize(("seed", "epoch", "index"), [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_seed_epoch_and_index_all_matter(store, seed, epoch, index):
    assert not same(source(store).pair(0, 0), source(store, seed).pair(epoch, index))


def test_an_epoch_ends_with_what_is_left(store):
    assert [len(b.key) for b in source(store).batches(0, 7, 3)] == [3, 3, 1]


def test_frames_lie_within_range_on_one_track(store):
    pairs = source(store, frame_range=1)
    frames = [pairs.draw_frames(True, np.random.default_rng(n)) for n in range(400)]
    assert all(a // 6 == b // 6 for a, b in frames)
    assert {b - a for a, b in frames} == {-1, 0, 1}
    assert {a for a, _ in frames} == set(range(18))


def test_negative_pairs_show_another_track(store):
    pairs = source(store, negative_pairs=0.5)
    frames = [pairs.draw_frames(False, np.random.default_rng(n)) for n in range(400)]
    assert all(a // 6 != b // 6 for a, b in frames)
    assert {b // 6 for _, b in frames} == {0, 1, 2}
    share = np.mean([pairs.pair(0, n).positive for n in range(200)])
    assert 0.4 < share < 0.6


def test_negative_pairs_need_two_tracks():
    alone = CropStore.build(synthetic_sequences(1, seed=40, length=3, challenges=()))
    with pytest.raises(
        InputError,
        match=r"one track, and negative pairs \(a share of 0\.2, .*\) need two or more; add a sequence or a box",
    ):
        source(alone, negative_pairs=0.2)


@pytest.mark.parametrize(("seed", "other"), [(2**64 - 1, 2**64 - 2), (2**63, 2**63 + 1), (2**53, 2**53 + 1)])
def test_large_seeds_that_differ_by_one_give_other_pairs(store, seed, other):
    pairs = [
        PairSource(store, SamplingConfig(), NetConfig(), number).pair(0, 3).key for number in (seed, other)
    ]
    assert pairs[0] != pairs[1]


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_of_more_than_64_bits_is_refused(store, seed):
    with pytest.raises(InputError, match=rf"seed must be in 0\.\.18446744073709551615, got {seed}"):
        PairSource(store, SamplingConfig(), NetConfig(), seed)
