"""Training pairs as a pure function of (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlatrack.errors import InputError
from dlatrack.recipes import AugmentConfig, NetConfig, SamplingConfig
from dlatrack.sampling.augment import View, augment, draw_window
from dlatrack.sampling.crops import CROP_SIZE
from dlatrack.sampling.loader import EpochBatches, load_batches
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.sources import CropSource


class Pair(NamedTuple):
    """A template and a search region."""

    template: np.ndarray  #: (3, 127, 127) float32 RGB
    search: np.ndarray  #: (3, 255, 255) float32 RGB
    #: (4,) float64, the box in the search region, px; a distractor's in a negative pair
    target_xyxy: np.ndarray
    positive: bool  #: whether both images show the same object
    key: int  #: 64-bit key for the random draws of label assignment


class PairBatch(NamedTuple):
    """B pairs: the fields of `Pair` stacked into tensors on the CPU."""

    template: Tensor
    search: Tensor
    target_xyxy: Tensor
    positive: Tensor
    key: Tensor


@dataclass(frozen=True, eq=False)
class PairSource:
    """Draws pairs from crops of one set or of a mixture.

    A pair depends on (seed, epoch, index) alone, through a counter-based generator: any number of workers or ranks
    sees the same pairs, and a resumed run continues with the next one.

    Raises:
        InputError: if a single track is to give negative pairs, or the seed is out of range.

    Source: pairing as in pysot: a video of the set, one of its targets, one of its frames, and a second frame within
    the distance. Negative pairs: the search region shows another target, from any set with equal chances.
    """

    crops: CropSource | Mixture  #: one set, or a mixture with shares and distances of its own
    #: negative share, augmentation, and the distance of frames for sets without one of their own
    sampling: SamplingConfig
    net: NetConfig  #: sizes of template and search region
    seed: int = 0  #: seed of the whole run, 0 to 2^64 - 1

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.sampling.negative_pairs > 0 and self.mixture.track_count < 2:
            raise InputError(
                f"the training data has one track, and negative pairs (a share of "
                f"{self.sampling.negative_pairs:g}, as the recipe says) need two or more; add a sequence or a box"
            )

    @cached_property
    def mixture(self) -> Mixture:
        """The crops as a mixture; one set is a mixture of one."""
        return Mixture.of(self.crops)

    def pair(self, epoch: int, index: int) -> Pair:
        """Pair `index` of epoch `epoch`, both from 0."""
        key = np.array(
            [self.seed, (epoch << 40) + index], np.uint64
        )  # a list with a large seed becomes floats
        rng = np.random.Generator(np.random.Philox(key=key))
        positive = bool(rng.random() >= self.sampling.negative_pairs)
        first, second = self.draw_frames(positive, rng, self.mixture.set_of_pair(self.seed, epoch, index))
        gray = bool(rng.random() < self.sampling.gray)
        template = self._view(first, self.sampling.template, self.net.template_size, gray, rng)
        search = self._view(second, self.sampling.search, self.net.search_size, gray, rng)
        return Pair(template.image, search.image, search.target_xyxy, positive, int(rng.integers(2**63)))

    def batch(self, epoch: int, first: int, count: int, *, out: PairBatch | None = None) -> PairBatch:
        """Pairs `first` to `first + count - 1` of epoch `epoch`, written into `out` if it is given."""
        batch = self.empty_batch(count) if out is None else out
        arrays = [column.numpy() for column in batch]
        for place in range(count):
            for column, value in zip(arrays, self.pair(epoch, first + place), strict=True):
                column[place] = value
        return batch

    def empty_batch(self, count: int, *, shared: bool = False) -> PairBatch:
        """Uninitialised memory for `count` pairs; `shared`: memory that other processes see."""
        template, search = self.net.template_size, self.net.search_size
        batch = PairBatch(
            torch.empty(count, 3, template, template),
            torch.empty(count, 3, search, search),
            torch.empty(count, 4, dtype=torch.float64),
            torch.empty(count, dtype=torch.bool),
            torch.empty(count, dtype=torch.int64),
        )
        return PairBatch(*(column.share_memory_() for column in batch)) if shared else batch

    def batches(
        self,
        epoch: int,
        pairs: int,
        batch: int,
        *,
        first: int = 0,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> Iterator[PairBatch]:
        """Yield the batches of an epoch in order.

        With workers the memory of a batch is used again when the next batch is asked for. Training is done with it by
        then; clone batches that are kept.

        Args:
            epoch: number of the epoch, from 0.
            pairs: pairs of the whole epoch; the last batch may be smaller.
            batch: pairs per batch.
            first: number of the first batch to yield, where an interrupted run resumes.
            workers: processes that prepare batches, each of them two ahead; 0: this process, when asked.
            rank: number of this process among the training processes that share every batch.
            world: number of these processes.

        Raises:
            InputError: if a crop cannot be decoded, shared memory is too small or a worker dies.
            ValueError: if `batch` or `pairs` is not positive, `first` or `workers` negative, or `rank` not below
                `world`.
        """
        return load_batches(
            EpochBatches(self, epoch, pairs, batch, rank, world), first=first, workers=workers
        )

    def draw_frames(self, positive: bool, rng: np.random.Generator, number: int = 0) -> tuple[int, int]:
        """Crop numbers of template and search image, the template from set `number` of the mixture."""
        mixture = self.mixture
        source, start = mixture.sets[number], mixture.starts[number]
        track = _draw_track(source, rng)
        first, end = source.tracks[track : track + 2]
        template = int(rng.integers(first, end))
        if not positive:
            return start + template, self._draw_other(number, track, rng)
        own = mixture.frame_ranges[number]
        reach = self.sampling.frame_range if own is None else own
        low, high = max(first, template - reach), min(end, template + reach + 1)
        return start + template, start + int(rng.integers(low, high))

    def _draw_other(self, number: int, track: int, rng: np.random.Generator) -> int:
        """Crop number of a target that is not `track` of set `number`, from any set."""
        sets = self.mixture.sets
        able = [n for n, source in enumerate(sets) if n != number or source.track_count > 1]
        chosen = able[int(rng.integers(len(able)))]
        other = _draw_track(sets[chosen], rng, track if chosen == number else None)
        first, end = sets[chosen].tracks[other : other + 2]
        return self.mixture.starts[chosen] + int(rng.integers(first, end))

    def _view(
        self, crop: int, config: AugmentConfig, size: int, gray: bool, rng: np.random.Generator
    ) -> View:
        """A view of a crop, of which only what the view shows is decoded."""
        target_wh = self.mixture.target_size(crop)
        window = draw_window(target_wh, config, size, CROP_SIZE, rng)
        image = self.mixture.image(crop, window.pixels(CROP_SIZE))
        return augment(image, target_wh, config, size, gray, rng, window=window)


@dataclass(frozen=True, eq=False)
class CommonPairs(PairSource):
    """Pairs of several runs that ask for the same batches in turn: each batch is prepared once."""

    _latest: dict[tuple[int, int, int], PairBatch] = field(default_factory=dict, init=False, repr=False)

    def batch(self, epoch: int, first: int, count: int, *, out: PairBatch | None = None) -> PairBatch:
        """See `PairSource.batch`. The latest batch is given again; its images must not be changed."""
        if out is not None:
            return super().batch(epoch, first, count, out=out)
        asked = epoch, first, count
        if asked not in self._latest:
            self._latest.clear()
            self._latest[asked] = super().batch(epoch, first, count)
        return self._latest[asked]


def check_seed(seed: int) -> None:
    """Check that a seed is one of the random generator.

    Raises:
        InputError: for a seed outside 0..2^64 - 1.
    """
    if not 0 <= seed < 2**64:
        raise InputError(f"seed must be in 0..{2**64 - 1}, got {seed}")


def _draw_track(source: CropSource, rng: np.random.Generator, without: int | None = None) -> int:
    """Draw a video, all equally likely, and one of its tracks, which is not `without`."""
    videos = source.videos
    count, own = len(videos) - 1, -1
    if without is not None:
        own = int(np.searchsorted(videos, without, "right")) - 1
        if videos[own + 1] - videos[own] == 1:  # without its only track nothing is left of the video
            video = int(rng.integers(count - 1))
            video += video >= own
            return int(rng.integers(videos[video], videos[video + 1]))
    video = int(rng.integers(count))
    first, end = videos[video : video + 2]
    if video != own:
        return int(rng.integers(first, end))
    other = int(rng.integers(first, end - 1))
    return other + (other >= (without or 0))
