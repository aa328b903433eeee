"""Mixing sets: shares, distances, videos and negative pairs; a mixture of one set changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.recipes import NetConfig, SamplingConfig
from dlatrack.sampling.mixture import PAPER_SHARES, Mixture, Share
from dlatrack.sampling.pairs import PairSource


@dataclass(frozen=True, eq=False)
class Fake:
    """Crops without pictures: `videos` lists the number of frames of each track of each video."""

    layout: tuple[tuple[int, ...], ...]

    @property
    def tracks(self):
        return np.cumsum([0, *(frames for video in self.layout for frames in video)])

    @property
    def videos(self):
        return np.cumsum([0, *map(len, self.layout)])

    @property
    def track_count(self):
        return len(self.tracks) - 1

    @property
    def target_wh(self):
        return np.ones((len(self), 2), np.float32)

    def __len__(self):
        return int(self.tracks[-1])

    def image(self, index, needed=None):
        pytest.fail("drawing frames must not decode an image")

    def digest(self):
        return repr(self.layout)

    def content(self):
        return {"layout": repr(self.layout)}

    @property
    def origin(self):
        return {}


ONE, TWO = Fake(((5,), (5,))), Fake(((50,), (50,), (50,)))


def mixture(**shares: tuple[Fake, float, int]) -> Mixture:
    return Mixture(
        {name: crops for name, (crops, _, _) in shares.items()},
        {name: Share(pairs, reach) for name, (_, pairs, reach) in shares.items()},
    )


def draws(crops, positive=True, part=0, count=2000, **sampling):
    source = PairSource(crops, replace(SamplingConfig(), **sampling), NetConfig())
    rng = np.random.default_rng(0)
    return np.array([source.draw_frames(positive, rng, part) for _ in range(count)])


def test_the_paper_scale_is_600_000_pairs():
    assert sum(share.pairs for share in PAPER_SHARES.values()) == 600_000
    assert PAPER_SHARES["got10k"] == (80_000, 50)
    assert PAPER_SHARES["youtubebb"] == (120_000, 3)


def test_sets_that_are_not_there_leave_the_proportions_of_the_others():
    mixed = Mixture({"youtubebb": ONE, "coco": TWO})
    assert mixed.proportions() == pytest.approx({"youtubebb": 0.6, "coco": 0.4})
    assert sum(600_000 * share for share in mixed.proportions().values()) == 600_000


@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (0, 1), (7, 19)])
def test_shares_are_kept_by_every_epoch_and_every_batch(seed, epoch):
    mixed = Mixture(dict.fromkeys(PAPER_SHARES, ONE))
    parts = np.array([mixed.set_of_pair(seed, epoch, index) for index in range(60_000)])
    counts = np.bincount(parts)
    assert np.abs(counts - [8000, 12_000, *[8000] * 5]).max() <= 5
    batches = np.array([np.bincount(batch, minlength=7) for batch in parts[:59_904].reshape(-1, 256)])
    expected = 256 * np.array(list(mixed.proportions().values()))
    assert np.abs(batches - expected).max() < 3


def test_seed_and_epoch_move_the_sets():
    mixed = Mixture(dict.fromkeys(PAPER_SHARES, ONE))
    orders = {
        tuple(mixed.set_of_pair(seed, epoch, index) for index in range(1000))
        for seed in range(5)
        for epoch in range(5)
    }
    assert len(orders) > 20, "two may agree by chance"


def test_ranks_that_take_every_eighth_pair_see_the_same_shares():
    mixed = Mixture(dict.fromkeys(PAPER_SHARES, ONE))
    for rank in range(8):
        parts = [mixed.set_of_pair(0, 0, index) for index in range(rank, 40_000, 8)]
        assert np.abs(np.bincount(parts) / 5000 - list(mixed.proportions().values())).max() < 0.004


def test_a_mixture_of_one_set_gives_the_pairs_of_the_set(packed):
    sampling = replace(SamplingConfig(), negative_pairs=0.4, frame_range=2)
    alone = PairSource(packed, sampling, NetConfig(), 5)
    mixed = PairSource(Mixture({"x": packed}, {"x": Share(9, 2)}), sampling, NetConfig(), 5)
    for index in range(6):
        assert all(
            np.array_equal(a, b) for a, b in zip(alone.pair(2, index), mixed.pair(2, index), strict=True)
        )


def test_distances_are_those_of_each_set():
    mixed = mixture(a=(TWO, 1, 3), b=(TWO, 1, 40))
    for part, reach in ((0, 3), (1, 40)):
        frames = draws(mixed, part=part)
        assert (frames // 150 == part).all(), "crops are numbered through"
        assert (frames[:, 0] // 50 == frames[:, 1] // 50).all()
        distance = frames[:, 1] - frames[:, 0]
        assert set(distance.tolist()) == set(range(-reach, reach + 1))


def test_videos_are_equally_likely_however_many_targets_they_show():
    """As in pysot: otherwise a few crowded images would fill the epoch."""
    frames = draws(Fake(((1,), (1,) * 8, (1,))), count=6000)[:, 0]
    shares = np.bincount(frames, minlength=10) / 6000
    assert shares[[0, 9]] == pytest.approx([1 / 3, 1 / 3], abs=0.03)
    assert shares[1:9] == pytest.approx(1 / 24, abs=0.012)


def test_negative_pairs_come_from_all_sets_alike():
    """Whatever the sizes; never the target of the template."""
    mixed = mixture(a=(ONE, 1, 1), b=(TWO, 99, 1))
    for part in (0, 1):
        frames = draws(mixed, positive=False, part=part)
        share = (frames[:, 1] >= 10).mean()
        assert share == pytest.approx(0.5, abs=0.05)
        track = np.searchsorted([0, 5, 10, 60, 110, 160], frames, "right")
        assert (track[:, 0] != track[:, 1]).all()
        assert set(track[:, 1].tolist()) == {1, 2, 3, 4, 5}


def test_negative_pairs_may_show_another_target_of_the_same_video():
    frames = draws(Fake(((1, 1, 1), (1,))), positive=False, count=4000)
    assert (frames[:, 0] != frames[:, 1]).all()
    for template in range(3):
        others = frames[frames[:, 0] == template, 1]
        same_video = np.bincount(others, minlength=4)[:3] / len(others)
        assert same_video[template] == 0
        assert same_video.sum() == pytest.approx(0.5, abs=0.08)
    assert set(frames[frames[:, 0] == 3, 1].tolist()) == {0, 1, 2}


def test_a_set_of_one_target_finds_its_negatives_elsewhere():
    lonely = Fake(((4,),))
    assert (draws(mixture(a=(lonely, 1, 1), b=(ONE, 1, 1)), positive=False)[:, 1] >= 4).all()
    with pytest.raises(InputError, match=r"one track, and negative pairs \(a share of 0\.2"):
        draws(mixture(a=(lonely, 1, 1)), negative_pairs=0.2)


def test_the_digest_follows_all_that_decides_the_pairs():
    digests = {
        mixture(a=(ONE, 1, 1), b=(TWO, 1, 1)).digest(),
        mixture(a=(ONE, 2, 1), b=(TWO, 1, 1)).digest(),
        mixture(a=(ONE, 1, 2), b=(TWO, 1, 1)).digest(),
        mixture(a=(TWO, 1, 1), b=(ONE, 1, 1)).digest(),
        mixture(b=(TWO, 1, 1), a=(ONE, 1, 1)).digest(),
    }
    assert len(digests) == 5
    assert mixture(a=(ONE, 1, 1), b=(TWO, 1, 1)).digest() == mixture(a=(ONE, 3, 1), b=(TWO, 3, 1)).digest()


def test_mixtures_that_make_no_sense_are_refused():
    with pytest.raises(InputError, match="there is no set to mix"):
        Mixture({}, {})
    with pytest.raises(InputError, match="there is no share for mine; shares of imagenet_vid, youtubebb"):
        Mixture({"mine": ONE})
    for pairs, reach in ((0, 1), (-1, 1), (float("nan"), 1), (1, -1)):
        with pytest.raises(
            InputError, match="a needs a positive number of pairs and a frame range of 0 or more"
        ):
            mixture(a=(ONE, pairs, reach))
    with pytest.raises(InputError, match="the pairs of a, b need a finite sum"):
        mixture(a=(ONE, 1e308, 1), b=(TWO, 1e308, 1))
