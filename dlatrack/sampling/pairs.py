"""Training pairs as a pure function of (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlatrack.recipes import NetConfig, SamplingConfig
from dlatrack.sampling.augment import augment
from dlatrack.sampling.store import CropStore


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
    """Draws pairs from stored crops.

    A pair depends on (seed, epoch, index) alone, through a counter-based generator: any number of workers or ranks
    sees the same pairs, and a resumed run continues with the next one.

    Args:
        store: where the crops are.
        sampling: distances, negative share and augmentation.
        net: sizes of template and search region.
        seed: of the whole run, 0 or larger.

    Raises:
        ValueError: if negative pairs are asked of a single track.
    """

    store: CropStore
    sampling: SamplingConfig
    net: NetConfig
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sampling.negative_pairs > 0 and self.store.track_count < 2:
            raise ValueError("negative pairs need at least two tracks, the store has one")

    def pair(self, epoch: int, index: int) -> Pair:
        """Pair `index` of epoch `epoch`, both from 0."""
        rng = np.random.Generator(np.random.Philox(key=[self.seed, (epoch << 40) + index]))
        positive = bool(rng.random() >= self.sampling.negative_pairs)
        template, search = self.draw_frames(positive, rng)
        gray = bool(rng.random() < self.sampling.gray)
        views = [
            augment(self.store.image(crop), self.store.target_wh[crop], config, size, gray, rng)
            for crop, config, size in (
                (template, self.sampling.template, self.net.template_size),
                (search, self.sampling.search, self.net.search_size),
            )
        ]
        key = int(rng.integers(2**63))
        return Pair(views[0].image, views[1].image, views[1].target_xyxy, positive, key)

    def batch(self, epoch: int, first: int, count: int) -> PairBatch:
        """Pairs `first` to `first + count - 1` of epoch `epoch`."""
        templates, searches, targets, positive, keys = zip(
            *(self.pair(epoch, index) for index in range(first, first + count)), strict=True
        )
        return PairBatch(
            torch.from_numpy(np.stack(templates)),
            torch.from_numpy(np.stack(searches)),
            torch.from_numpy(np.stack(targets)),
            torch.tensor(positive),
            torch.tensor(keys, dtype=torch.int64),
        )

    def batches(self, epoch: int, pairs: int, batch: int) -> Iterator[PairBatch]:
        """The batches of an epoch in order; the last one may be smaller."""
        for first in range(0, pairs, batch):
            yield self.batch(epoch, first, min(batch, pairs - first))

    def draw_frames(self, positive: bool, rng: np.random.Generator) -> tuple[int, int]:
        """Crop numbers of template and search image."""
        track = int(rng.integers(self.store.track_count))
        first, end = self.store.tracks[track : track + 2]
        template = int(rng.integers(first, end))
        if not positive:
            other = int(rng.integers(self.store.track_count - 1))
            first, end = self.store.tracks[other + (other >= track) :][:2]
            return template, int(rng.integers(first, end))
        reach = self.sampling.frame_range
        return template, int(rng.integers(max(first, template - reach), min(end, template + reach + 1)))
