"""Training pairs as a pure function of (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlatrack.errors import InputError
from dlatrack.recipes import NetConfig, SamplingConfig
from dlatrack.sampling.augment import CropWindow, augment_part
from dlatrack.sampling.crops import CROP_SIZE
from dlatrack.sampling.loader import load_batches
from dlatrack.sampling.mixture import Mixture, Share
from dlatrack.sampling.sources import CropSource


class Pair(NamedTuple):
    """A template and a search region.

    Attributes:
        template: (3, 127, 127) float32 RGB.
        search: (3, 255, 255) float32 RGB.
        target_xyxy: (4,) float64, the box in the search region, px; a distractor's in a negative pair.
        positive: whether both images show the same object.
        key: 64-bit key for the random draws of label assignment.
    """

    template: np.ndarray
    search: np.ndarray
    target_xyxy: np.ndarray
    positive: bool
    key: int


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

    Args:
        crops: one set, or a mixture with shares and distances of its own.
        sampling: distances (of one set), negative share and augmentation.
        net: sizes of template and search region.
        seed: of the whole run, 0 to 2^64 - 1.

    Raises:
        InputError: if negative pairs are asked of a single track, or the seed is out of range.

    Source: pairing as in pysot: a video of the set, one of its targets, one of its frames, and a second frame within
    the distance. Negative pairs: the search region shows another target of a set in which all sets are equally
    likely.
    """

    crops: CropSource | Mixture
    sampling: SamplingConfig
    net: NetConfig
    seed: int = 0

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.sampling.negative_pairs > 0 and self.mixture.track_count < 2:
            raise InputError(
                f"the training data has one track, and negative pairs (a share of "
                f"{self.sampling.negative_pairs:g}, as the recipe says) need two or more; add a sequence"
            )

    @cached_property
    def mixture(self) -> Mixture:
        """The crops as a mixture; one set is a mixture of one."""
        if isinstance(self.crops, Mixture):
            return self.crops
        return Mixture({"crops": self.crops}, {"crops": Share(1, self.sampling.frame_range)})

    def pair(self, epoch: int, index: int) -> Pair:
        """Pair `index` of epoch `epoch`, both from 0."""
        key = np.array(
            [self.seed, (epoch << 40) + index], np.uint64
        )  # a list with a large seed would become floats
        rng = np.random.Generator(np.random.Philox(key=key))
        positive = bool(rng.random() >= self.sampling.negative_pairs)
        part = self.mixture.part_of_pair(self.seed, epoch, index)
        template, search = self.draw_frames(positive, rng, part)
        gray = bool(rng.random() < self.sampling.gray)
        views = [
            augment_part(
                partial(self._read, crop), CROP_SIZE, self.mixture.size(crop), config, size, gray, rng
            )
            for crop, config, size in (
                (template, self.sampling.template, self.net.template_size),
                (search, self.sampling.search, self.net.search_size),
            )
        ]
        draws = int(rng.integers(2**63))
        return Pair(views[0].image, views[1].image, views[1].target_xyxy, positive, draws)

    def batch(self, epoch: int, first: int, count: int, *, out: PairBatch | None = None) -> PairBatch:
        """Pairs `first` to `first + count - 1` of epoch `epoch`, written into `out` if it is given."""
        batch = self.empty_batch(count) if out is None else out
        arrays = [column.numpy() for column in batch]
        for place in range(count):
            for column, value in zip(arrays, self.pair(epoch, first + place), strict=True):
                column[place] = value
        return batch

    def empty_batch(self, count: int, *, shared: bool = False) -> PairBatch:
        """Room for so many pairs, with `shared` in memory that other processes see."""
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
        """The batches of an epoch in order, from number `first` on, as `loader.load_batches`.

        With workers a batch is lent until the next one is asked for.
        """
        return load_batches(self, epoch, pairs, batch, first=first, workers=workers, rank=rank, world=world)

    def draw_frames(self, positive: bool, rng: np.random.Generator, part: int = 0) -> tuple[int, int]:
        """Crop numbers of template and search image, the template from set `part` of the mixture."""
        mixture = self.mixture
        source, start = mixture.parts[part], mixture.starts[part]
        track = _draw_track(source, rng)
        first, end = source.tracks[track : track + 2]
        template = int(rng.integers(first, end))
        if not positive:
            return start + template, self._draw_other(part, track, rng)
        reach = mixture.frame_ranges[part]
        low, high = max(first, template - reach), min(end, template + reach + 1)
        return start + template, start + int(rng.integers(low, high))

    def _draw_other(self, part: int, track: int, rng: np.random.Generator) -> int:
        """Crop number of a target that is not `track` of set `part`, from any set."""
        parts = self.mixture.parts
        able = [p for p, source in enumerate(parts) if p != part or source.track_count > 1]
        chosen = able[int(rng.integers(len(able)))]
        other = _draw_track(parts[chosen], rng, track if chosen == part else None)
        first, end = parts[chosen].tracks[other : other + 2]
        return self.mixture.starts[chosen] + int(rng.integers(first, end))

    def _read(self, crop: int, window: CropWindow) -> np.ndarray:
        return self.mixture.part(crop, window.part(CROP_SIZE))


def check_seed(seed: int) -> None:
    """Refuse a seed that no generator takes.

    Raises:
        InputError: naming it and what is allowed.
    """
    if not 0 <= seed < 2**64:
        raise InputError(f"seed must be in 0..{2**64 - 1}, got {seed}")


def _draw_track(source: CropSource, rng: np.random.Generator, without: int | None = None) -> int:
    """A video, all equally likely, and one of its tracks."""
    videos = source.videos
    count, own = len(videos) - 1, -1
    if without is not None:
        own = int(np.searchsorted(videos, without, "right")) - 1
        if videos[own + 1] - videos[own] == 1:  # the video is out of the question with its only track
            video = int(rng.integers(count - 1))
            video += video >= own
            return int(rng.integers(videos[video], videos[video + 1]))
    video = int(rng.integers(count))
    first, end = videos[video : video + 2]
    if video != own:
        return int(rng.integers(first, end))
    other = int(rng.integers(first, end - 1))
    return other + (other >= (without or 0))
