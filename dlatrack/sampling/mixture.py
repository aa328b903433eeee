"""Several data sets in one stream of pairs, each with its share and its distance between frames."""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from dlatrack.errors import InputError
from dlatrack.sampling.crops import PixelRectangle
from dlatrack.sampling.sources import CropSource


class Share(NamedTuple):
    """How a data set takes part in training."""

    #: pairs per epoch when all sets take part; without some of them the others keep their proportions
    pairs: float
    #: largest distance of the two frames of a pair, in positions of the track; None: the recipe's
    frame_range: int | None = None


#: The seven training sets of SiamDLA: 600,000 pairs per epoch. The paper does not give its mix. Distances of VID,
#: YouTube-BB, COCO and DET are those of pysot, of GOT-10k and LaSOT those of SiamCAR.
PAPER_SHARES: Mapping[str, Share] = {
    "imagenet_vid": Share(80_000, 100),
    "youtubebb": Share(120_000, 3),
    "coco": Share(80_000, 1),
    "imagenet_det": Share(80_000, 1),
    "got10k": Share(80_000, 50),
    "lasot": Share(80_000, 100),
    "trackingnet": Share(80_000, 100),
}

_WORD = 2**64
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio


@dataclass(frozen=True, eq=False)
class Mixture:
    """Crops of several sets, numbered consecutively in the order of the sets.

    Which set a pair comes from is not drawn at random: the sets alternate as evenly as whole numbers allow, so that a
    batch holds its share of each within one or two pairs, and an epoch within a handful.

    Raises:
        InputError: if there is no set, a share is missing or a number makes no sense.
    """

    sources: Mapping[str, CropSource]  #: crops of each set by its name
    #: share of each set by the same names; sets may be missing in `sources`
    shares: Mapping[str, Share] = field(default_factory=lambda: PAPER_SHARES)

    def __post_init__(self) -> None:
        if not self.sources:
            raise InputError("there is no set to mix")
        if missing := sorted(self.sources.keys() - self.shares.keys()):
            raise InputError(
                f"there is no share for {', '.join(missing)}; shares of {', '.join(self.shares)}"
            )
        for name in self.sources:
            share = self.shares[name]
            if not 0 < share.pairs < float("inf") or (share.frame_range or 0) < 0:
                raise InputError(
                    f"{name} needs a positive number of pairs and a frame range of 0 or more, got {share}"
                )
        if not sum(self.shares[name].pairs for name in self.sources) < float("inf"):
            raise InputError(f"the pairs of {', '.join(self.sources)} need a finite sum, got {self.shares}")

    @classmethod
    def of(cls, crops: CropSource | Mixture) -> Mixture:
        """Crops as a mixture; one set is a mixture of one, with the recipe's distance between frames."""
        return crops if isinstance(crops, Mixture) else cls({"crops": crops}, {"crops": Share(1)})

    @cached_property
    def sets(self) -> tuple[CropSource, ...]:
        """The sources in order."""
        return tuple(self.sources.values())

    @cached_property
    def frame_ranges(self) -> tuple[int | None, ...]:
        """Largest distance of the frames of a pair for each source; None: the recipe's."""
        return tuple(self.shares[name].frame_range for name in self.sources)

    @cached_property
    def starts(self) -> list[int]:
        """Number of the first crop of each source, and of all crops."""
        return [0, *accumulate(len(source) for source in self.sets)]

    @property
    def track_count(self) -> int:
        """Tracks of all sources."""
        return sum(source.track_count for source in self.sets)

    def __len__(self) -> int:
        return self.starts[-1]

    def proportions(self) -> dict[str, float]:
        """Share of each set in the pairs; they sum to 1."""
        total = sum(self.shares[name].pairs for name in self.sources)
        return {name: self.shares[name].pairs / total for name in self.sources}

    def set_of_pair(self, seed: int, epoch: int, index: int) -> int:
        """Number of the set that pair `index` of an epoch comes from."""
        place = (index * _GOLDEN + _mixed(_mixed(seed) + epoch)) % _WORD
        return bisect(self._limits, place)

    def image(self, crop: int, needed: PixelRectangle | None = None) -> np.ndarray:
        """Decode a crop, as `CropSource.image`."""
        source, index = self._find(crop)
        return source.image(index, needed)

    def target_size(self, crop: int) -> np.ndarray:
        """(2,) float32, target width and height in a crop, px."""
        source, index = self._find(crop)
        size: np.ndarray = source.target_wh[index]
        return size

    @property
    def origin(self) -> dict[str, Any]:
        """`CropSource.origin` by name of the set."""
        return {name: dict(source.origin) for name, source in self.sources.items()}

    def digest(self) -> str:
        """SHA-256 of the digests, shares and distances of all sets."""
        total = hashlib.sha256()
        for (name, share), source in zip(self.proportions().items(), self.sets, strict=True):
            total.update(f"{name} {share!r} {self.shares[name].frame_range} {source.digest()}\n".encode())
        return total.hexdigest()

    def content(self) -> dict[str, str]:
        """Hashes of the parts of all sets, as `CropSource.content`, by the names of set and part; and the shares."""
        parts = {
            f"{name}: {part}": found
            for name, source in self.sources.items()
            for part, found in source.content().items()
        }
        return parts | {"shares of the sets": repr([(name, *self.shares[name]) for name in self.sources])}

    @cached_property
    def _limits(self) -> list[int]:
        """Upper limits of all sets but the last on the scale 0 .. 2^64."""
        shares = list(accumulate(self.proportions().values()))
        return [round(share * _WORD) for share in shares[:-1]]

    def _find(self, crop: int) -> tuple[CropSource, int]:
        number = bisect(self.starts, crop) - 1
        return self.sets[number], crop - self.starts[number]


def _mixed(value: int) -> int:
    """A 64-bit hash of a number (the last step of SplitMix64)."""
    value = (value + _GOLDEN) % _WORD
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % _WORD
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % _WORD
    return value ^ (value >> 31)
